"""The stages that run once an object: all objects side by side, and some once more before walls that they corrected."""

from dataclasses import dataclass

from prefect.futures import PrefectFuture

from regen3d.config import OBJECT_STAGES
from regen3d.manifest import StageEntry
from tasks.align import align
from tasks.complete import complete
from tasks.generate import generate
from tasks.ingest import SceneInputs
from tasks.isolate import IsolatedObject
from tasks.progress import Progress, tell
from tasks.stage import SceneContext
from tasks.walls import wall_fit

Shared = dict[str, StageEntry]
"""Stage -> finished call."""

Outcomes = dict[str, tuple[Shared, str | None]]
"""Object -> its finished calls, and why the next one failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectRun:
    """Task runs of one object, perhaps still running."""

    name: str
    """The object."""
    futures: dict[str, PrefectFuture[StageEntry]]
    """Stage -> future, in the order of `OBJECT_STAGES`."""

    def wait(self) -> tuple[Shared, str | None]:
        """Entries of the stages that finished, and why the first other one did not."""
        entries: Shared = {}
        for stage, future in self.futures.items():
            future.wait()
            if not future.state.is_completed():
                for left in self.futures.keys() - entries.keys():
                    tell(Progress(stage=left, object=self.name, event="failed"))
                return entries, f"{stage}: {future.state.result(raise_on_failure=False)}"
            entries[stage] = future.result()
        return entries, None


def start_object(context: SceneContext, inputs: SceneInputs, item: IsolatedObject, shared: Shared) -> ObjectRun:
    """Start the stages of one object; they wait for each other and for no other object."""
    made = item.name in inputs.meshes
    for stage in OBJECT_STAGES[1:] if made else OBJECT_STAGES:
        tell(Progress(stage=stage, object=item.name, event="planned"))
    futures: dict[str, PrefectFuture[StageEntry]] = {}
    call = context.call("generate", item.name).with_inputs(view=item.view)
    if made:
        futures["generate"] = generate.submit(context, call.by_hand(inputs.meshes[item.name]))
    else:
        completion = context.call("complete", item.name).with_inputs(view=item.view)
        futures["complete"] = complete.submit(context, completion)
        futures["generate"] = generate.submit(context, call, {"completion": futures["complete"]})
    params = {"support": item.support, **inputs.align}
    call = context.call("align", item.name, **params).with_inputs(view=item.view)
    upstream = {"asset": futures["generate"], "geometry": shared["geometry"], "room": shared["room"]}
    if str(inputs.align.get("settings", {}).get("preset", "default")) != "default":
        upstream["segmentation"] = shared["segment"]
    futures["align"] = align.submit(context, call, upstream)
    return ObjectRun(name=item.name, futures=futures)


def place_again(context: SceneContext, shared: Shared, outcomes: Outcomes) -> Outcomes:
    """What stands behind a wall that furniture corrected, and what hangs on walls that moved, in its new place."""
    futures = {}
    for name in wall_fit(context, shared["walls"]).displaced:
        entry = outcomes[name][0]["align"]
        call = entry.call.model_copy(update={"params": {**entry.call.params, "within_walls": True}})
        futures[name] = align.submit(context, call, {"room": shared["room"]})
    found = {}
    for name, future in futures.items():
        entries, reason = ObjectRun(name=name, futures={"align": future}).wait()
        found[name] = {**outcomes[name][0], **entries}, reason
    return found
