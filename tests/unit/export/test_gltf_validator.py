"""glTF files under the Khronos validator, where Node.js and its package are installed."""

import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from regen3d.export.formats import write_format
from regen3d.export.packing import COMMAND
from regen3d.export.settings import ExportSettings
from regen3d.types import Mesh
from tests.contracts.test_exporter_contract import example_scene

SCRIPT = """
const validator = require('gltf-validator'), fs = require('fs'), path = require('path');
const file = process.argv[1];
const options = { externalResourceFunction: uri =>
  Promise.resolve(new Uint8Array(fs.readFileSync(path.join(path.dirname(file), decodeURIComponent(uri))))) };
validator.validateBytes(new Uint8Array(fs.readFileSync(file)), options)
  .then(report => console.log(JSON.stringify(report)));
"""


def issues(path: Path) -> dict:
    """The validator's report of a file; skips where there is no validator."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node.js")
    done = subprocess.run(
        [node, "-e", SCRIPT, str(path)], capture_output=True, text=True, env=os.environ, check=False, timeout=120
    )
    if "Cannot find module 'gltf-validator'" in done.stderr:
        pytest.skip("needs gltf-validator: npm install gltf-validator, and NODE_PATH naming its node_modules")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["issues"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("gltf")
    for format in ("glb", "gltf"):
        for path, content in write_format(format, example_scene(), ExportSettings(lods=1)).items():
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_bytes(content)
    return place


@pytest.mark.parametrize("path", ["scene.glb", "background.glb", "objects/chair-1.glb", "gltf/scene.gltf"])
def test_the_khronos_validator_has_nothing_to_say(folder: Path, path: str):
    found = issues(folder / path)
    assert (found["numErrors"], found["numWarnings"]) == (0, 0), found["messages"]


@pytest.mark.parametrize("how", ["quantize", "meshopt"])
def test_packed_files_are_valid_and_smaller(how: str, red_box: Mesh, tmp_path: Path):
    if shutil.which(COMMAND) is None:
        pytest.skip("needs glTF Transform: npm install --global @gltf-transform/cli")
    scene = example_scene()
    scene = replace(scene, objects=tuple(replace(item, mesh=red_box) for item in scene.objects))
    plain = write_format("glb", scene, ExportSettings())["scene.glb"]
    packed = write_format("glb", scene, ExportSettings(compress=how))["scene.glb"]
    assert b"KHR_mesh_quantization" in packed
    assert (b"EXT_meshopt_compression" in packed) == (how == "meshopt")
    assert b"KHR_mesh_quantization" not in plain
    (tmp_path / "scene.glb").write_bytes(packed)
    assert issues(tmp_path / "scene.glb")["numErrors"] == 0
