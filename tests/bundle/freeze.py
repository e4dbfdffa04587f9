"""Makes the stand-alone program of the installed snapall, for the system that this runs on.

`python -m tests.bundle.freeze NAME OUT` makes the folder OUT/NAME and an archive of it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SPEC = Path(__file__).with_name("snapall.spec")


def freeze(name: str, out: Path) -> Path:
    """Return the folder."""
    work, folder = out / f"{name}.work", out / name
    for old in (work, folder):
        shutil.rmtree(old, ignore_errors=True)
    work.mkdir(parents=True)
    argv = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "ERROR"]
    argv += ["--distpath", str(work / "dist"), "--workpath", str(work / "build"), str(SPEC)]
    subprocess.run(argv, cwd=work, stdin=subprocess.DEVNULL, check=True)  # in a folder that has no other snapall
    shutil.move(work / "dist" / "snapall", folder)
    shutil.rmtree(work)
    for page in ("README.md", "LICENSE"):
        shutil.copy(ROOT / page, folder)
    shutil.make_archive(str(folder), "zip" if sys.platform == "win32" else "gztar", out, name)
    return folder


if __name__ == "__main__":
    sys.stdout.write(f"{freeze(sys.argv[1], Path(sys.argv[2]).resolve())}\n")
