"""What `regen3d edit` answers to its page."""

import threading
from importlib.resources import files

import numpy as np

from regen3d import codec
from regen3d.corrections import FOLDER, write_corrections
from regen3d.editor.cutting import Cutter, Marks
from regen3d.editor.document import MOST_POINTS, pack, read_question, read_saved
from regen3d.editor.scene import EditorScene, index_of
from regen3d.editor.session import Session
from regen3d.serving.server import Handler, Request, Response, json_response
from regen3d.viewer.pages import media_type

POLICY = "default-src 'none'; img-src 'self' data: blob:; connect-src 'self'; style-src 'self'; script-src 'self'"
"""Content-Security-Policy of the page: nothing inline, nothing from elsewhere."""

_STATIC = frozenset(
    {"editor.css", "editor.js", "document.js", "drawing.js", "history.js", "regions.js", "side.js", "tools.js"}
)


class EditorPages:
    """The page, the picture, the masks, and what comes back."""

    def __init__(self, scene: EditorScene, cutter: Cutter, session: Session) -> None:
        """Serve one scene."""
        self._scene, self._cutter, self._session = scene, cutter, session
        self._index = index_of(scene.instances, scene.hw)
        self._picture = codec.png_bytes(scene.image)
        self._cutting = threading.Lock()
        self.viewer: Handler | None = None
        """Pages of the rebuilt scene, below `view/`."""

    @property
    def most_bytes(self) -> int:
        """Of a request: the masks as bytes in base64, and room for names."""
        height, width = self._scene.hw
        return 4 * height * width // 3 + 1000 * (len(self._scene.instances) + MOST_POINTS) + 200_000

    def get(self, request: Request) -> Response | None:
        """The page and what it reads."""
        if request.path == "":
            return _static("editor.html")
        if request.path.startswith("static/") and request.path.removeprefix("static/") in _STATIC:
            return _static(request.path.removeprefix("static/"))
        if request.path.startswith("view/") and self.viewer is not None:
            return self.viewer(Request(path=request.path.removeprefix("view/"), body=b""))
        answers = {
            "picture.png": lambda: Response(body=self._picture, type="image/png"),
            "index": lambda: Response(body=self._index.tobytes(), type="application/octet-stream"),
            "document": lambda: json_response(self._document()),
            "status": lambda: json_response(self._session.document()),
        }
        return answers[request.path]() if request.path in answers else None

    def post(self, request: Request) -> Response | None:
        """Cut something out, or keep what was mended."""
        answers = {"cut": self._cut, "save": self._save}
        return answers[request.path](request) if request.path in answers else None

    def _document(self) -> dict[str, object]:
        scene = self._scene
        objects = [
            {
                "id": number,
                "name": item.name,
                "label": item.label,
                "support": scene.given.get(item.name),
                "found": scene.supports.get(item.name),
            }
            for number, item in enumerate(scene.instances, start=1)
        ]
        return {
            "title": scene.title,
            "width": scene.hw[1],
            "height": scene.hw[0],
            "objects": objects,
            "cutter": self._cutter.name,
            "waiting": scene.waiting,
        }

    def _cut(self, request: Request) -> Response:
        question, mask, others = read_question(request.json(), self._scene.hw)
        marks = Marks(
            image=self._scene.image,
            label=question.label,
            on=tuple(question.on),
            beside=tuple(question.beside),
            box=question.box,
            mask=mask,
            others=others,
        )
        # Models are loaded once and answer one question at a time.
        with self._cutting:
            found = self._cutter.cut(marks)
        return json_response({"mask": pack(found), "pixels": int(np.count_nonzero(found))})

    def _save(self, request: Request) -> Response:
        objects, index, rebuild = read_saved(request.json(), self._scene.hw)
        write_corrections(self._scene.out, objects, index)
        if rebuild:
            self._session.ask_for_rebuild()
        return json_response({"saved": len(objects), "folder": FOLDER})


def _static(name: str) -> Response:
    content = files("regen3d.editor").joinpath("static", name).read_bytes()
    text = "text/javascript" if name.endswith(".js") else media_type(name)
    return Response(body=content, type=f"{text}; charset=utf-8", headers={"Content-Security-Policy": POLICY})
