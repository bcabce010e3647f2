"""The object store's key, where a Prefect block has it."""

import os


def use_store_key() -> None:
    """Take the key from the block that `REGEN3D_S3_BLOCK` names, before a store is opened; without one, do nothing.

    Raises:
        ConfigError: there is no such block, or it has another form.
    """
    if not os.environ.get("REGEN3D_S3_BLOCK"):
        return
    from regen3d.cli.quiet import calm_prefect

    calm_prefect()
    from tasks.credentials import use_block

    use_block()
