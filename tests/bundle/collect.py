"""Collects an offline bundle: wheels with their hashes, an installer, the documents, the SQL."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.bundle import ROOT
from tests.bundle.requirements import Locked, locked, restricted
from tests.bundle.targets import Target

LOCK = ROOT / "requirements-dev.txt"
_PAGES = ("README.md", "CHANGELOG.md", "LICENSE")


def collect(target: Target, wheel: Path, out: Path, pythons: Sequence[str]) -> Path:
    """Make the bundle for these Pythons, as a folder and an archive of the same name in `out`; return the folder."""
    version = wheel.name.split("-")[1]
    folder = out / f"snapall-{version}-{target.name}"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "wheels").mkdir(parents=True)
    packages = restricted(locked(LOCK.read_text(encoding="utf-8")), _needed_to_run())
    for python in pythons:
        download(target, python, packages, folder / "wheels")
    shutil.copy(wheel, folder / "wheels")
    ours = Locked("snapall", version, "", (hashlib.sha256(wheel.read_bytes()).hexdigest(),))
    (folder / "requirements.txt").write_text(requirements_text([*packages, ours]), encoding="utf-8", newline="\n")
    if strangers := unlisted(folder):
        raise ValueError(f"wheels without a hash in the lock file: {strangers}")
    shutil.copy(Path(__file__).with_name(target.installer), folder)
    for page in _PAGES:
        shutil.copy(ROOT / page, folder)
    for part in ("docs", "sql"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("causes.toml"))
    shutil.make_archive(str(folder), target.archive, out, folder.name)
    return folder


def requirements_text(packages: Iterable[Locked]) -> str:
    """The bundle's requirements.txt."""
    head = "# snapall and what it needs to run, each file held to its hash; made from requirements-dev.txt.\n"
    return head + "".join(f"{one.lines()}\n" for one in packages)


def unlisted(folder: Path) -> list[str]:
    """The bundle's wheels that its requirements.txt does not know by their hash."""
    known = {one for each in locked((folder / "requirements.txt").read_text(encoding="utf-8")) for one in each.hashes}
    wheels = sorted((folder / "wheels").iterdir())
    return [wheel.name for wheel in wheels if hashlib.sha256(wheel.read_bytes()).hexdigest() not in known]


def _needed_to_run() -> list[str]:
    """The names of all packages that pyproject.toml needs without its extras, on any system."""
    words = "uv pip compile --quiet --universal --python-version 3.11"
    words += " --no-header --no-annotate --no-emit-index-url --no-emit-find-links --constraint"
    argv = [*words.split(), str(LOCK), str(ROOT / "pyproject.toml")]
    lines = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()
    return [line.partition("==")[0].strip() for line in lines if "==" in line]


def download(target: Target, python: str, packages: Sequence[Locked], folder: Path) -> None:
    """Fetch the wheels for one Python. pip reads markers as of this system, so those of the target are read here."""
    wanted = [one for one in packages if one.applies(target.environment(python))]
    listed = folder.with_name(f"{folder.name}-{python}.txt")
    listed.write_text("".join(f"{one.lines(marker=False)}\n" for one in wanted), encoding="utf-8")
    argv = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    argv += ["--only-binary=:all:", "--require-hashes", "--requirement", str(listed), "--dest", str(folder)]
    argv += ["--implementation", "cp", "--python-version", python]
    argv += [word for platform in target.platforms for word in ("--platform", platform)]
    subprocess.run(argv, check=True)
    listed.unlink()
