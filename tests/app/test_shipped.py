"""`snapall docs`: what ships is written out whole, and over nothing, from a checkout and from an installed package."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from snapall import cli, restart
from snapall.app.shipped import write_out
from tests.lab.atlab import Ended
from tests.waiting import PATIENCE

ROOT = Path(__file__).parents[2]
UNITS = {
    "grafana/snapall.json",
    "logrotate/snapall",
}
IN_THE_REPOSITORY = {"../SECURITY.md", "../fixtures/batch/README.md", "../fixtures/edits/README.md"}


def run_docs(capsys: pytest.CaptureFixture[str], folder: Path) -> Ended:
    with pytest.raises(SystemExit) as ending:
        cli.main(["docs", str(folder)])
    return Ended(int(str(ending.value.code)), *capsys.readouterr())


def installed(folder: Path) -> Path:
    """A copy of the package alone, as a wheel without its data installs it; the folder to import it from."""
    unwanted = shutil.ignore_patterns("__pycache__", "shipped")
    shutil.copytree(restart.home() / "snapall", folder / "snapall", ignore=unwanted)
    return folder


def run_installed(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "snapall", *words]
    environ = os.environ | {"PYTHONPATH": str(home)}
    return subprocess.run(argv, cwd=home, env=environ, capture_output=True, text=True, timeout=PATIENCE, check=False)


def test_the_documents_are_those_of_the_repository(tmp_path: Path) -> None:
    written = [path.relative_to(tmp_path / "out") for path in write_out(tmp_path / "out")]
    assert {f"docs/{one}" for one in UNITS} < set(map(Path.as_posix, written))
    assert {"docs/first-backup.md", "docs/restore.md", "sql/grants.sql"} < set(map(Path.as_posix, written))
    for one in written:
        assert (tmp_path / "out" / one).read_bytes() == (ROOT / one).read_bytes()
    ours = {path.relative_to(ROOT) for part in ("docs", "sql") for path in (ROOT / part).rglob("*") if path.is_file()}
    assert ours - set(written) == {Path("docs/causes.toml")}


def test_every_link_of_a_written_page_leads_to_a_written_file(tmp_path: Path) -> None:
    written = write_out(tmp_path)
    pages = [page for page in written if page.suffix == ".md"]
    links = [(page, link) for page in pages for link in re.findall(r"\]\(([^)#\s]+)", page.read_text("utf-8"))]
    here = [(page, link) for page, link in links if "://" not in link and link not in IN_THE_REPOSITORY]
    assert len(here) > 20
    assert [(page.name, link) for page, link in here if not (page.parent / link).exists()] == []


def test_the_command_prints_every_file_that_it_wrote(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ended = run_docs(capsys, tmp_path / "new" / "folder")
    files = {str(path) for path in (tmp_path / "new" / "folder").rglob("*") if path.is_file()}
    assert ended.code == 0
    assert {line.removeprefix("wrote ") for line in ended.out.splitlines()} == files
    assert len(files) > len(UNITS)


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes").write_text("mine")
    ended = run_docs(capsys, tmp_path)
    assert ended.code == 2
    assert f"SA-1980 {tmp_path} exists already" in ended.err
    assert "remedy: name a new or empty folder" in ended.err
    assert [path.name for path in tmp_path.iterdir()] == ["notes"]


def test_a_file_in_place_of_the_folder_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes").write_text("mine")
    assert run_docs(capsys, tmp_path / "notes").code == 2
    assert (tmp_path / "notes").read_text() == "mine"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes").write_text("mine")
    ended = run_docs(capsys, tmp_path / "notes" / "below")
    assert ended.code == 1
    assert "SA-1981" in ended.err
    assert str(tmp_path / "notes") in ended.err
    assert "remedy: name a folder that you can write" in ended.err


def test_an_installed_package_writes_out_what_it_carries(tmp_path: Path) -> None:
    home = installed(tmp_path / "site-packages")
    carried = home / "snapall" / "shipped"
    for name in ("docs/logrotate/snapall", "sql/grants.sql"):
        (carried / name).parent.mkdir(parents=True)
        shutil.copy(ROOT / name, carried / name)
    ended = run_installed(home, "docs", str(tmp_path / "out"))
    assert ended.returncode == 0, ended.stderr
    found = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert found == {"docs/logrotate/snapall", "sql/grants.sql"}


def test_a_package_without_its_data_says_so(tmp_path: Path) -> None:
    ended = run_installed(installed(tmp_path / "site-packages"), "docs", str(tmp_path / "out"))
    assert ended.returncode == 1
    assert f"SA-1982 no documents are installed with snapall in {tmp_path}" in ended.stderr
    assert not (tmp_path / "out").exists()
