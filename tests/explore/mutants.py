"""Plants known bugs in a copy of snapall, one by one: the exploration must find every one of them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.explore.bugs import BUGS, Bug
from tests.explore.restore.bugs import RESTORE_BUGS
from tests.mutants.planting import HERE, PRODUCT


def planted(bug: Bug, folder: Path) -> Path:
    """A copy of snapall with the bug in it. ValueError: a text is no longer there once."""
    shutil.copytree(PRODUCT, folder / "snapall", ignore=shutil.ignore_patterns("__pycache__"))
    for name, text, instead in bug.edits:
        file = folder / "snapall" / (name if "/" in name else f"backup/{name}")
        source = file.read_text(encoding="utf-8")
        if source.count(text) != 1:
            raise ValueError(f"{name} no longer holds this text once; the bug must be written anew:\n{text}")
        file.write_text(source.replace(text, instead), encoding="utf-8")
    return folder


def found(bug: Bug, folder: Path, states: int = 40_000) -> str:
    """The promise by which it is found; "" when it is not."""
    path = os.pathsep.join([str(planted(bug, folder)), str(HERE)])
    command = [sys.executable, "-m", "tests.explore", "--scene", bug.scene, "--faults", str(bug.faults)]
    run = subprocess.run(
        [*command, "--states", str(states)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode == 1 and "1 broken" in run.stdout:
        verdict = [line.strip() for line in run.stdout.splitlines() if re.match(r"     \S", line)]
        return verdict[-1] if verdict else "found"
    if run.returncode:
        raise RuntimeError(run.stdout[-2000:] + run.stderr[-2000:])
    return ""


def table(words: Sequence[str]) -> int:
    """Print the promise by which each bug is found; all bugs, or those whose names contain one of these words."""
    missed = 0
    for bug in (*BUGS, *RESTORE_BUGS):
        if words and not any(word in bug.name for word in words):
            continue
        began = time.monotonic()
        with TemporaryDirectory() as folder:
            promise = found(bug, Path(folder))
        missed += not promise
        print(f"{bug.name}\n    {promise or 'NOT FOUND'} ({bug.scene}, {time.monotonic() - began:.0f} s)", flush=True)
    return 1 if missed else 0
