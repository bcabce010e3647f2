"""The same scene twice, and once more after a change: how much the store saves.

Run: python -m benchmarks.resume IMAGE [--out DIR]
"""

import argparse
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.command import run_regen3d
from benchmarks.tables import table
from regen3d.manifest import Manifest


def main(arguments: Sequence[str] | None = None) -> int:
    """Time the runs and print the table; returns 1 where one failed or the scene changed by running again."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.resume", description=str(__doc__).split("\n")[0])
    parser.add_argument("image", type=Path, help="picture of an indoor scene")
    parser.add_argument("--out", help="where the scene goes; it must be new")
    options = parser.parse_args(arguments)
    out = Path(options.out or tempfile.mkdtemp(prefix="regen3d-resume-")) / "scene"
    if out.exists():
        parser.error(f"'{out}' is there already: name a new folder")
    rows, digests = [], []
    for title, forget in (("first run", ()), ("second run", ()), ("run record lost", ("store/runs",))):
        for path in forget:
            shutil.rmtree(out / path)
        run = run_regen3d(options.image, out)
        if run.code not in (0, 3):
            print(f"{title}: exit code {run.code}; see {out}.log")
            return 1
        manifest = Manifest.model_validate_json((out / "manifest.json").read_bytes())
        reused = sum(entry.reused for entry in manifest.stages)
        digests.append(manifest.digest)
        rows.append(
            (title, f"{run.seconds:.1f}", f"{run.peak_mb:.0f}", f"{reused}/{len(manifest.stages)}", digests[-1][:12])
        )
    print(table("Running again", ("run", "seconds", "peak MB", "calls reused", "digest"), rows))
    return int(len(set(digests)) > 1)


if __name__ == "__main__":
    raise SystemExit(main())
