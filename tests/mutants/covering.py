"""Plants a mutant and runs the tests that cover its file, until the first of them fails."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.mutants.planting import HERE, Mutant, planted

_LIMIT = 1800.0  # seconds; a mutant that makes a test wait for ever is caught by that


def catcher(mutant: Mutant) -> str | None:
    """The first test that fails with the bug planted; None: it survived."""
    with tempfile.TemporaryDirectory(prefix="snapall-mutant-", ignore_cleanup_errors=True) as name:
        folder = planted(mutant, Path(name) / "copy")
        _furnish(folder)
        options = ["-x", "-q", "-p", "no:cacheprovider", f"--basetemp={Path(name) / 'tests'}"]
        words = [sys.executable, "-m", "pytest", *options, *mutant.tests]
        environ = {**os.environ, "PYTHONPATH": str(folder)}
        try:
            ended = subprocess.run(
                words, cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=_LIMIT
            )
        except subprocess.TimeoutExpired:
            return f"no end within {_LIMIT:g} s"
    if ended.returncode == 0:
        return None
    failed = re.search(r"^(?:FAILED|ERROR) (\S+)", ended.stdout, re.MULTILINE)
    return failed[1] if failed is not None else (ended.stdout + ended.stderr)[-300:]


def _furnish(folder: Path) -> None:
    """What tests read beside snapall. Copied, not linked: by a link pytest would find the checkout's own snapall."""
    for path in HERE.iterdir():
        if path.name == "snapall" or path.name.startswith("."):
            continue
        if path.is_dir():
            shutil.copytree(path, folder / path.name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(path, folder / path.name)
