"""One stage again, alone, from the inputs that a manifest names."""

from prefect import Task, flow

from regen3d.manifest import StageCall, StageEntry
from tasks.align import align
from tasks.assemble import assemble
from tasks.complete import complete
from tasks.export import export
from tasks.generate import generate
from tasks.geometry import geometry
from tasks.isolate import isolate
from tasks.plate import plate
from tasks.report import report
from tasks.room import room
from tasks.segment import segment
from tasks.stage import SceneContext
from tasks.walls import walls

TASKS: dict[str, Task[..., StageEntry]] = {
    task.name: task
    for task in (segment, plate, geometry, room, isolate, complete, generate, align, walls, assemble, export, report)
}
"""Stage -> its Prefect task."""


@flow(name="run-stage-again")
def run_stage_again(context: SceneContext, calls: list[StageCall]) -> list[StageEntry]:
    """Compute calls anew, whatever the store has, and keep their results.

    Args:
        context: the scene; its adapters play no part, each call names its own.
        calls: complete calls, as in a manifest.
    """
    futures = [TASKS[call.stage].submit(context, call, force=True) for call in calls]
    return [future.result() for future in futures]
