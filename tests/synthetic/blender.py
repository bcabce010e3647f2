"""Files as Blender reads them."""

import json
import os
import subprocess
import sys
from pathlib import Path

from regen3d.export.formats import BLENDER_PYTHON

READER = Path(__file__).with_name("blender_reader.py")


def seen_by_blender(path: Path) -> dict:
    """Meshes, camera and pictures of a .blend or .fbx file, read by a Blender of its own."""
    python, out = os.environ.get(BLENDER_PYTHON) or sys.executable, path.with_name("seen.json")
    done = subprocess.run([python, "-I", str(READER), str(path), str(out)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr or done.stdout
    return json.loads(out.read_text(encoding="utf-8"))
