"""The viewer as part of a page: its script and style, and the page of its own that `regen3d view` serves."""

import base64
import functools
import hashlib
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined

from regen3d.manifest import Manifest
from regen3d.viewer.facts import script_json, viewer_facts


@functools.cache
def asset(name: str) -> str:
    """A file of the built viewer: `viewer.js` or `viewer.css`."""
    text = files("regen3d.viewer").joinpath("static", name).read_text(encoding="utf-8")
    # A page that holds the script must not end inside it.
    return text.replace("</script", "<\\/script")


@functools.cache
def script_policy() -> str:
    """The one script that a page with the viewer lets run, as a source of its Content-Security-Policy."""
    return "'sha256-" + base64.b64encode(hashlib.sha256(asset("viewer.js").encode()).digest()).decode() + "'"


def view_page(manifest: Manifest, *, photo: str, glb: str) -> str:
    """A page that is the viewer and nothing else.

    Args:
        manifest: the scene.
        photo: URL of the picture.
        glb: URL of the scene file.
    """
    environment = Environment(
        loader=PackageLoader("regen3d", "viewer"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("view.html.j2").render(
        scene=manifest.scene,
        facts=script_json(viewer_facts(manifest, photo=photo, glb=glb)),
        style=asset("viewer.css"),
        script=asset("viewer.js"),
        policy=script_policy(),
    )
