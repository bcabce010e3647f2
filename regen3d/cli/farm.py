"""`regen3d farm`: what whoever runs a farm needs once, and what its monitoring reads."""

from typing import Annotated

import typer

farm = typer.Typer(name="farm", help="Set up a render farm's server, and watch it.", no_args_is_help=True)


@farm.command()
def setup(
    pool_type: Annotated[str, typer.Option(help="What starts runs: process, docker or kubernetes.")] = "process",
    gpus: Annotated[int, typer.Option(min=1, help="GPUs of the whole farm: model calls at once.")] = 1,
    api_calls: Annotated[int, typer.Option(min=1, help="Calls of paid services at once, on the whole farm.")] = 4,
    heartbeat: Annotated[
        int, typer.Option(min=30, help="Seconds between heartbeats: the workers' PREFECT_FLOWS_HEARTBEAT_FREQUENCY.")
    ] = 30,
    alert_block: Annotated[
        str | None, typer.Option(metavar="TYPE/NAME", help="Notification block that is told of failed scenes.")
    ] = None,
) -> None:
    """Bring the server's work pools, queues, limits and automations to these settings; asked twice, the same.

    Example: regen3d farm setup --gpus 12 --alert-block slack-webhook/regen3d
    """
    from regen3d.cli.quiet import calm_prefect

    calm_prefect()
    from flows.client import server
    from flows.setup import FarmSettings, set_up_farm

    settings = FarmSettings(
        pool_type=pool_type, gpus=gpus, api_calls=api_calls, heartbeat_s=heartbeat, alert_block=alert_block
    )
    with server() as client:
        for sentence in set_up_farm(client, settings):
            typer.echo(sentence)


@farm.command()
def metrics(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 9464,
    every: Annotated[float, typer.Option(min=1, help="Seconds between two looks at the server.")] = 15.0,
) -> None:
    """Serve the farm's numbers to Prometheus at /metrics: queues, times, failures, GPU memory, cost.

    Example: regen3d farm metrics --port 9464
    """
    from regen3d.cli.quiet import calm_prefect

    calm_prefect()
    from flows.metrics import serve

    serve(host, port, every, typer.echo)
