"""Scenes that cost little: the synthetic room at half its size, all but the meshes given, and models that sleep."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from regen3d.config import SceneRequest
from tests.synthetic.files import camera_document
from tests.synthetic.room import SyntheticRoom


def small_scene(room: SyntheticRoom, folder: Path, number: int = 0, **changes: Any) -> SceneRequest:
    """Write the files of one scene below a folder and ask for it.

    Args:
        room: the room.
        folder: takes `given-NUMBER` and, unless `changes` say otherwise, the scene.
        number: another one gives another picture, a shade darker.
        changes: other fields of the request.
    """
    given = folder / f"given-{number}"
    (given / "masks").mkdir(parents=True)
    for name, picture in (("image", room.image), ("plate", room.plate)):
        Image.fromarray(np.maximum(picture, number) - np.uint8(number)).reduce(2).save(given / f"{name}.png")
    for instance in room.instances:
        Image.fromarray(instance.mask[::2, ::2].astype(np.uint8) * 255).save(given / "masks" / f"{instance.name}.png")
    document = camera_document(room)
    document["K"] = (np.diag([0.5, 0.5, 1.0]) @ room.camera.intrinsics).tolist()
    document |= {"width": room.camera.width // 2, "height": room.camera.height // 2}
    (given / "camera.json").write_text(json.dumps(document), encoding="utf-8")
    fields = {
        "image": str(given / "image.png"),
        "masks": str(given / "masks"),
        "plate": str(given / "plate.png"),
        "camera": str(given / "camera.json"),
        "out": str(folder / f"scene-{number}"),
        "overrides": {"complete": "sleeping", "generate": "sleeping"},
    }
    return SceneRequest(**(fields | changes))


def main() -> None:
    """Run the requests in JSON files, in a process of its own: `python -m tests.synthetic.small_scene FILE...`."""
    import sys

    from regen3d.cli.quiet import calm_prefect

    calm_prefect()
    from flows.scene import reconstruct_scene
    from tasks.execution.runner import on_place
    from tasks.progress import Progress, listening
    from tests.synthetic.sleepers import sleepers

    def say(event: Progress) -> None:
        print(event.stage, event.object or "-", event.event, flush=True)  # noqa: T201 - read by the tests

    with sleepers(), listening(say):
        for path in sys.argv[1:]:
            request = SceneRequest.model_validate_json(Path(path).read_bytes())
            on_place(reconstruct_scene, request.place)(request)


if __name__ == "__main__":
    main()
