"""Installs a bundle on a machine without a network, in a new environment, and runs the demo there."""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from tests.bundle import offline

QUIESCED = re.compile(r"19 of 19 VMs were quiesced when \S+ was taken\n +0 VMs are still quiesced")
"""What the lab's own ledger shows after a whole backup."""


def installed(bundle: Path) -> None:
    """Install by install.sh, as its reader would. RuntimeError: what fails, with its output."""
    with tempfile.TemporaryDirectory(prefix="snapall-bundle-") as name:
        folder = Path(name)
        environ = {"PATH": "/usr/bin:/bin", "HOME": name, "PYTHON": sys.executable}
        offline.run(["/bin/sh", str(bundle / "install.sh"), str(folder / "snapall")], folder, environ)
        program = str(folder / "snapall" / "bin" / "snapall")
        require_backup(offline.run([program, "demo", "--fast"], folder, environ))
        offline.run([program, "docs", str(folder / "docs")], folder, environ)
        require_documents(folder / "docs")


def require_backup(printed: str) -> None:
    """RuntimeError: the demo printed no whole backup."""
    if QUIESCED.search(printed) is None:
        raise RuntimeError(f"no whole backup:\n{printed}")


def require_documents(folder: Path) -> None:
    """RuntimeError: a document that an administrator begins with is missing."""
    for name in ("docs/install.md", "docs/systemd/snapall.timer", "sql/grants.sql"):
        if not (folder / name).is_file():
            raise RuntimeError(f"not written out: {name}")
