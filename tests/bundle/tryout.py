"""Installs a bundle on a machine without a network and runs the demo there; tries the stand-alone program, too."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.bundle import ROOT, offline, wine
from tests.bundle.checks import require_backup, require_documents
from tests.windows.wine import seen_from_windows


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


def under_wine(bundle: Path) -> None:
    """Install by install.cmd, as its reader would. RuntimeError: what fails, with its output."""
    with wine.windows() as there:
        folder = there.home / "Program Files" / "snapall"
        installer, python = (seen_from_windows(one) for one in (bundle / "install.cmd", there.python / "python.exe"))
        there.run("cmd.exe", "/d", "/c", installer, seen_from_windows(folder), PYTHON=python)
        program = str(folder / "Scripts" / "snapall.exe")
        require_backup(there.run(program, "demo", "--fast"))
        there.run(program, "docs", seen_from_windows(there.home / "docs"))
        require_documents(there.home / "docs")


def install_in(there: wine.Windows, bundle: Path) -> None:
    """Put the bundle's packages where this Python finds them."""
    options = ["--quiet", "--disable-pip-version-check", "--no-compile", "--no-index", "--require-hashes"]
    where = ["--find-links", seen_from_windows(bundle / "wheels"), "--target", seen_from_windows(there.packages)]
    there.run_python(
        "-m", "pip", "install", *options, *where, "--requirement", seen_from_windows(bundle / "requirements.txt")
    )


def standalone(program: Path) -> None:
    """Try the stand-alone program: see standalone.py."""
    with tempfile.TemporaryDirectory(prefix="snapall-standalone-") as name:
        environ = {"PATH": "/usr/bin:/bin", "HOME": name, "PYTHONPATH": str(ROOT)}
        argv = [sys.executable, "-m", "tests.bundle.standalone", str(program / "snapall"), f"{name}/tried"]
        offline.run(argv, Path(name), environ)


def standalone_under_wine(there: wine.Windows, program: Path) -> None:
    """Try that of Windows."""
    files = [seen_from_windows(one) for one in (program / "snapall.exe", there.home / "tried")]
    there.run_python("-m", "tests.bundle.standalone", *files, PYTHONPATH=seen_from_windows(ROOT))
