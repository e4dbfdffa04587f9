"""Plants a mutant and runs the tests that cover its file, until the first of them fails."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.mutants.planting import HERE, PRODUCT, Mutant

_LIMIT = 1800.0  # seconds; a mutant that makes a test wait for ever is caught by that


@contextmanager
def checkout() -> Iterator[Path]:
    """A copy of snapall and of all that its tests read, in which one mutant after the other is planted.

    Copied, not linked: by a link pytest would find the checkout's own snapall.
    """
    with tempfile.TemporaryDirectory(prefix="snapall-mutants-", ignore_cleanup_errors=True) as name:
        shutil.copytree(PRODUCT, Path(name, "snapall"))
        for path in HERE.iterdir():
            if path.name == "snapall" or path.name.startswith("."):
                continue
            if path.is_dir():
                shutil.copytree(path, Path(name, path.name))
            else:
                shutil.copy2(path, name)
        yield Path(name)


def catcher(mutant: Mutant, folder: Path) -> str | None:
    """The first test that fails with the bug planted in this checkout; None: it survived."""
    path = folder / "snapall" / mutant.file
    path.write_text(mutant.source(), encoding="utf-8")
    try:
        return _failing(mutant.tests, folder)
    finally:
        shutil.copy2(PRODUCT / mutant.file, path)


def _failing(tests: tuple[str, ...], folder: Path) -> str | None:
    with tempfile.TemporaryDirectory(prefix="snapall-mutant-", ignore_cleanup_errors=True) as name:
        options = ["-x", "-q", "-p", "no:cacheprovider", f"--basetemp={Path(name, 'tests')}"]
        words = [sys.executable, "-m", "pytest", *options, *tests]
        environ = {name: value for name, value in os.environ.items() if name not in {"FORCE_COLOR", "PY_COLORS"}}
        environ["PYTHONPATH"] = str(folder)
        try:
            ended = subprocess.run(
                words, cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=_LIMIT
            )
        except subprocess.TimeoutExpired:
            return f"no end within {_LIMIT:g} s"
    if ended.returncode == 0:
        return None
    failed = re.search(r"^(?:FAILED|ERROR) (tests/.+?)(?: - .*)?$", ended.stdout, re.MULTILINE)
    if ended.returncode == 1 and failed is not None:
        return failed[1]
    raise RuntimeError(
        f"no test failed, and pytest ended with {ended.returncode}: {(ended.stdout + ended.stderr)[-500:]}"
    )
