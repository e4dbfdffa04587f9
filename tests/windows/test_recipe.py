"""What decides about the tests on Windows: which sources are asked, what a report counts, and when nothing ran."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.windows.batchpart import read_table
from tests.windows.beside import SAMPLE
from tests.windows.cmd import next_release
from tests.windows.selection import CHOSEN, KILLS, NIGHTS, WHOLE
from tests.windows.shards import Shard, read_report
from tests.windows.summary import Took, summary

REPORT = """<testsuites><testsuite>
<testcase classname="tests.a" name="good"/>
<testcase classname="tests.a" name="bad"><failure message="m">text</failure></testcase>
<testcase classname="tests.a" name="broken"><error message="m">text</error></testcase>
<testcase classname="tests.a" name="left"><skipped type="pytest.skip" message="made of bash">where</skipped></testcase>
</testsuite></testsuites>
"""


def shard(passed: int = 1, failed: tuple[str, ...] = (), trouble: str = "") -> Shard:
    return Shard("backup", passed, failed, ("made of bash", "made of bash"), 3.0, 2.0, trouble, "")


def test_a_report_counts_what_passed_and_names_what_failed_and_why_a_test_was_left_out(tmp_path: Path) -> None:
    path = tmp_path / "report.xml"
    path.write_text(REPORT, encoding="utf-8")
    assert read_report(path) == (1, ("tests.a::bad", "tests.a::broken"), ("made of bash",))


def test_a_shard_is_good_only_if_something_passed_and_nothing_failed() -> None:
    assert shard().good
    assert not shard(passed=0).good
    assert not shard(failed=("tests.a::bad",)).good
    assert not shard(trouble="exit code 3").good


def test_the_summary_groups_the_reasons_and_names_the_failures() -> None:
    text = summary([shard(), shard(failed=("tests.a::bad",))], {"parts": Took(6.0, 9.0)}, {"Python": 75_000_000})
    lines = text.splitlines()
    assert "      4  made of bash" in lines
    assert "FAILED tests.a::bad" in lines
    assert "took: parts 6 s (9 s of CPU)" in lines
    assert "holds: Python 75 MB" in lines
    assert lines[-1] == "windows: 3 tests run, 2 passed, 1 failed, 4 left out"


TABLE = """scenario                       commands  verdict    differences allowed by docs/differences.md
a_happy                              22  allowed    1 (vcb login)
b_filer_down                          5  DIFFERENT
    log: snapall does (), the batch ()
x_log_locked                         22  same
"""


def test_a_table_counts_its_scenarios_and_names_those_that_differ_if_it_is_whole() -> None:
    assert read_table(f"{TABLE}3 scenarios, 1 with a difference that nothing allows\n") == (3, ("b_filer_down",))
    assert read_table(TABLE) == (0, ())


def test_what_is_selected_is_there_and_the_sample_of_scenarios_is_not_small() -> None:
    below = Path(__file__).parents[1]
    for path in " ".join((*CHOSEN, *WHOLE, KILLS, NIGHTS)).split():
        name, _, test = path.partition("::")
        assert (below / name).exists(), name
        assert not test or f"def {test}(" in (below / name).read_text(encoding="utf-8"), test
    assert len(SAMPLE) >= 12


DEB822 = """Types: deb
URIs: mirror/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: mirror/debian-security
Suites: bookworm-security
Components: main
"""
ONE_LINE = "deb [signed-by=/key.gpg] mirror/debian bookworm main contrib\ndeb mirror/cloud cloud-bookworm main\n"


@pytest.mark.parametrize(
    ("text", "key"),
    [(DEB822, "/usr/share/keyrings/debian-archive-keyring.gpg"), (ONE_LINE, "/key.gpg")],
    ids=["a .sources file", "a sources.list"],
)
def test_the_next_release_comes_from_the_mirror_in_use_and_is_signed_by_its_key(text: str, key: str) -> None:
    lines = next_release(text).split("\n")
    assert [line for line in lines if line.startswith("Suites:")] == ["Suites: trixie"]
    assert [line for line in lines if line.startswith("URIs:")] == ["URIs: mirror/debian"]
    assert [line for line in lines if line.startswith("Signed-By:")] == [f"Signed-By: {key}"]


def test_without_wine_it_fails_and_names_the_packages(tmp_path: Path) -> None:
    environ = {**os.environ, "PATH": str(tmp_path)}
    words = [sys.executable, "-m", "tests.windows"]
    ended = subprocess.run(words, env=environ, capture_output=True, text=True, check=False)
    assert ended.returncode == 1, ended.stderr
    assert "nothing ran" in ended.stdout
    assert "apt-get install wine wine64 gcc-mingw-w64-x86-64" in ended.stdout


BURN = "import time\nwhile time.process_time() < 0.5: pass"  # seconds of CPU


def test_the_cpu_seconds_of_a_process_that_its_parent_left_are_counted(tmp_path: Path) -> None:
    (tmp_path / "wineserver").write_text("#!/bin/sh\n")
    (tmp_path / "wineserver").chmod(0o755)
    measured = str(Path(__file__).with_name("measured.py"))
    leaves = ["/bin/sh", "-c", '("$0" -c "$1" &) ; exit 3', sys.executable, BURN]
    environ = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    ended = subprocess.run([sys.executable, measured, str(tmp_path / "cpu"), *leaves], env=environ, check=False)
    assert ended.returncode == 3
    assert float((tmp_path / "cpu").read_text()) >= 0.5
