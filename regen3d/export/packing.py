"""Smaller glTF files: vertices as small integers, and meshopt's compression of them.

Done by glTF Transform, the program that the format's own authors keep; it stays optional.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

from regen3d.errors import ConfigError, StageError

COMMAND = "gltf-transform"
"""Name of the program on the search path."""

INSTALL = "npm install --global @gltf-transform/cli"
"""How to get it."""

TIMEOUT_S = 300
"""A scene of a hundred megabytes takes a tenth of this."""


def packed(glb: bytes, how: str) -> bytes:
    """A binary glTF file with its vertices packed.

    Args:
        glb: the file.
        how: `none`; `quantize` (KHR_mesh_quantization); `meshopt` (that and EXT_meshopt_compression).

    Raises:
        ConfigError: the program is not installed.
        StageError: it failed, or did not finish.
    """
    if how == "none":
        return glb
    check_packing(how)
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder, "in.glb"), Path(folder, "out.glb")
        before.write_bytes(glb)
        try:
            done = subprocess.run(
                [shutil.which(COMMAND) or COMMAND, how, str(before), str(after)],
                capture_output=True,
                text=True,
                timeout=TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise StageError(f"{COMMAND} {how} did not finish within {TIMEOUT_S} s") from error
        if done.returncode != 0 or not after.is_file():
            raise StageError(f"{COMMAND} {how} failed: {(done.stderr or done.stdout).strip()[-300:]}")
        return after.read_bytes()


def check_packing(how: str) -> None:
    """Make sure that files can be packed here, before any work is done.

    Raises:
        ConfigError: the program is not installed.
    """
    if how != "none" and shutil.which(COMMAND) is None:
        raise ConfigError(f"--compress {how} needs glTF Transform: {INSTALL}")
