"""Where Prefect's own task runs are: in threads of the flow, or each in a process of Ray for those who want that.

With `ray-tasks` every task run, not only its heavy call, is a task of Ray. It costs much more a task than warm workers
do (docs/farm.md), models are loaded anew in each process of Ray, and progress is to be seen in the Prefect UI alone.
"""

from typing import Any, TypeVar

from prefect import Flow

from regen3d.config import Execution
from tasks.execution.cluster import check_ray, connect
from tasks.execution.settings import farm_settings

AnyFlow = TypeVar("AnyFlow", bound=Flow[..., Any])


def on_place(flow: AnyFlow, place: Execution) -> AnyFlow:
    """The flow with the task runner that the place asks for.

    Raises:
        ConfigError: Ray or prefect-ray is missing, or the cluster cannot be used.
    """
    if place.name != "ray-tasks":
        return flow
    check_ray("prefect_ray")
    connect(place.address, farm_settings())
    from prefect_ray import RayTaskRunner

    # It finds the connection that was made above.
    runner: Any = RayTaskRunner()
    return flow.with_options(task_runner=runner)  # pyright: ignore[reportReturnType] - the same kind of flow
