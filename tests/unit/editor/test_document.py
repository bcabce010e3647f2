"""What the page hands back is checked before anything is kept."""

import base64
import http.client
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from regen3d.config import SceneRequest
from regen3d.corrections import corrections_folder, with_corrections
from regen3d.editor.cutting import Marks
from regen3d.editor.document import pack, read_question, read_saved
from regen3d.editor.pages import EditorPages
from regen3d.editor.scene import EditorScene, index_of
from regen3d.editor.session import Session
from regen3d.errors import ConfigError
from regen3d.inputs.image import Picture
from regen3d.inputs.masks import read_masks
from regen3d.serving.server import LOOPBACK, Server
from regen3d.types import Instance, Mask

HW = (64, 80)


def mask(rows: slice, columns: slice) -> Mask:
    made = np.zeros(HW, dtype=bool)
    made[rows, columns] = True
    return made


INSTANCES = (
    Instance(name="chair-1", label="chair", score=0.9, mask=mask(slice(2, 8), slice(3, 9))),
    Instance(name="vase-1", label="vase", score=0.8, mask=mask(slice(10, 14), slice(20, 25))),
)


def saved(**changes: object) -> dict[str, object]:
    index = index_of(INSTANCES, HW)
    objects = [
        {"id": 1, "name": "chair-1", "label": "chair", "support": "floor"},
        {"id": 2, "name": "vase-1", "label": "vase", "support": None},
    ]
    return {"objects": objects, "index": base64.b64encode(index.tobytes()).decode(), "rebuild": False, **changes}


def with_object(**changes: object) -> dict[str, object]:
    document = saved()
    document["objects"][1].update(changes)  # type: ignore[index]
    return document


def test_what_is_saved_is_read_back_as_masks(tmp_path: Path) -> None:
    scene = EditorScene(
        title="room", out=tmp_path, image=np.zeros((*HW, 3), np.uint8), instances=INSTANCES, supports={}, given={},
        waiting=False,
    )  # fmt: skip
    pages = EditorPages(scene, NoCutter(), Session())
    answer = pages.post(request_of("save", with_object(support="chair-1")))
    assert answer is not None
    assert json.loads(answer.body)["saved"] == 2
    given = read_masks(corrections_folder(tmp_path), Picture(pixels=scene.image, given_wh=(HW[1], HW[0])))
    assert [item.name for item in given.instances] == ["chair-1", "vase-1"]
    assert all((item.mask == old.mask).all() for item, old in zip(given.instances, INSTANCES, strict=True))
    assert given.supports == {"chair-1": "floor", "vase-1": "chair-1"}


class NoCutter:
    name = "none"

    def cut(self, marks: Marks) -> Mask:
        return marks.mask


def request_of(path: str, document: object):
    from regen3d.serving.server import Request

    return Request(path=path, body=json.dumps(document).encode())


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (saved(index=base64.b64encode(b"\0" * 5119).decode()), "5119 bytes, those of a picture of 80 x 64 pixels"),
        (saved(index="*"), "damaged"),
        (saved(objects=[]), "objects"),
        (with_object(name="Vase 1"), "cannot be a name"),
        (with_object(name="../vase"), "cannot be a name"),
        (with_object(name="chair-1"), "two objects"),
        (with_object(id=3), "an object that the list lacks"),
        (with_object(support="sofa-1"), "cannot stand on"),
        (with_object(support="vase-1"), "stand on itself"),
        (with_object(more=1), "more"),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_sentence(document: object, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read_saved(document, HW)


def test_an_object_without_pixels_is_refused() -> None:
    document = saved()
    document["objects"].append({"id": 3, "name": "sofa-1", "label": "sofa"})  # type: ignore[attr-defined]
    with pytest.raises(ConfigError, match="'sofa-1' has no pixel"):
        read_saved(document, HW)


def test_objects_cannot_stand_on_each_other() -> None:
    document = with_object(support="chair-1")
    document["objects"][0]["support"] = "vase-1"  # type: ignore[index]
    with pytest.raises(ConfigError, match="on itself"):
        read_saved(document, HW)


def test_questions_are_checked() -> None:
    question = {"label": "chair", "on": [[3, 4]], "mask": pack(INSTANCES[0].mask), "others": pack(INSTANCES[1].mask)}
    form, known, others = read_question(question, HW)
    assert form.on == [(3, 4)]
    assert (known == INSTANCES[0].mask).all()
    assert (others == INSTANCES[1].mask).all()
    for changes, said in (
        ({"on": [[81, 4]]}, "outside the picture"),
        ({"on": []}, "nothing is pointed at"),
        ({"box": [5, 5, 5, 9]}, "no inside"),
        ({"box": [5, 5, float("inf"), 9]}, "box"),
        ({"mask": "AAAA"}, "bytes"),
    ):
        with pytest.raises(ConfigError, match=said):
            read_question({**question, **changes}, HW)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    image = np.zeros((*HW, 3), np.uint8)
    scene = EditorScene(
        title="room", out=tmp_path, image=image, instances=INSTANCES, supports={}, given={}, waiting=False
    )
    pages = EditorPages(scene, NoCutter(), Session())
    running = Server(pages.get, pages.post, most_bytes=pages.most_bytes)
    thread = threading.Thread(target=running.serve, daemon=True)
    thread.start()
    yield running
    running.close()
    thread.join(timeout=10)


def ask(server: Server, path: str, document: object | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(LOOPBACK, server.server_port, timeout=10)
    try:
        body = None if document is None else json.dumps(document)
        headers = {} if body is None else {"Content-Type": "application/json"}
        connection.request("POST" if body else "GET", f"/{server.token}/{path}", body=body, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_the_page_and_all_that_it_reads_are_served(server: Server) -> None:
    for path in ("", "static/editor.js", "static/editor.css", "picture.png", "document", "index", "status"):
        assert ask(server, path)[0] == 200, path
    for path in ("static/../pages.py", "static/editor.html", "view/", "elsewhere"):
        assert ask(server, path)[0] == 404, path


def test_a_mask_of_the_wrong_size_writes_nothing(server: Server, tmp_path: Path) -> None:
    status, said = ask(server, "save", saved(index=base64.b64encode(b"\0" * 10).decode()))
    assert status == 422
    assert "reload the page" in json.loads(said)["error"]
    assert not corrections_folder(tmp_path).exists()


def test_a_folder_that_takes_nothing_is_told_to_the_page(server: Server, tmp_path: Path) -> None:
    (tmp_path / "corrections").write_text("in the way")
    status, said = ask(server, "save", saved())
    assert status == 422
    assert "did not take the masks" in json.loads(said)["error"]


def test_corrections_win_over_labels_and_boxes_and_give_way_to_masks(tmp_path: Path) -> None:
    request = SceneRequest(image="room.png", out=str(tmp_path), labels=("chair",))
    assert with_corrections(request) == request
    folder = corrections_folder(tmp_path)
    folder.mkdir(parents=True)
    Image.fromarray(index_of(INSTANCES, HW)).save(folder / "instances.png")
    (folder / "instances.json").write_text("{}")
    corrected = with_corrections(request)
    assert (corrected.masks, corrected.labels) == (str(folder), ())
    newer = request.model_copy(update={"labels": (), "masks": "mine"})
    assert with_corrections(newer) == newer
