"""Scenes that the editor opens: finished ones, and those whose run waits."""

from pathlib import Path

import numpy as np

from models.base import Segmentation
from regen3d import codec
from regen3d.editor.scene import EditorScene
from regen3d.editor.waiting import WaitingScene
from regen3d.errors import ConfigError
from regen3d.manifest import Manifest
from regen3d.store import Ref, Store
from regen3d.types import Instance

codec.register(Segmentation)


def from_manifest(manifest: Manifest, store_uri: str, out: Path) -> EditorScene:
    """The masks of a finished scene.

    Args:
        manifest: the scene.
        store_uri: where its values are.
        out: its folder.

    Raises:
        ConfigError: the scene has no segmentation.
    """
    store = Store(store_uri)
    calls = {entry.call.stage: entry for entry in manifest.stages}
    if "segment" not in calls:
        raise ConfigError("the manifest has no finished 'segment': run the scene first")
    given = calls["isolate"].call.params.get("supports", {}) if "isolate" in calls else {}
    return EditorScene(
        title=manifest.scene,
        out=out,
        image=codec.get_value(store, manifest.image.pixels, np.ndarray),
        instances=_instances(store, calls["segment"].value),
        supports={entry.name: entry.support for entry in manifest.objects if entry.support},
        given=given,
        waiting=False,
    )


def from_waiting(scene: WaitingScene, out: Path) -> EditorScene:
    """The masks of a scene whose run waits for them."""
    store = Store(scene.store)
    return EditorScene(
        title=scene.request.name,
        out=out,
        image=codec.get_value(store, scene.image, np.ndarray),
        instances=_instances(store, scene.segmentation),
        supports={},
        given={},
        waiting=True,
    )


def _instances(store: Store, ref: Ref) -> tuple[Instance, ...]:
    return codec.get_value(store, ref, Segmentation).instances
