"""A journal that cannot be read: what it names, who says so, and that its remedy helps when followed literally."""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from snapall.backup.adopt import adopt, orphans
from snapall.backup.facts import Answered, Failed, Intent, Surveyed
from snapall.backup.journal import Journal, is_open, journals
from snapall.backup.model import Vm
from snapall.backup.steps import Quiesce
from snapall.errors import Exit, JournalError, OldFormat
from snapall.operate.history import known_of
from snapall.operate.status import Level
from tests.backup.simulated import JOB, Stage
from tests.lab.atlab import AtLab
from tests.operate.slow_runs import job_status_of

WEB, SQL, APP = Vm(108, "web01", "esx1"), Vm(110, "sql01", "esx1"), Vm(1226, "app01", "esx2")
STAMP = "20070322T030000Z"
NAME = f"Quiesce-{STAMP}"


def died(stage: Stage) -> Journal:
    """A run that died when it had quiesced two of its three VMs."""
    vms = WEB, SQL
    outcomes = [stage.site.perform(Quiesce(vm, NAME), lambda _: None) for vm in vms]
    sent = [Intent(n, Quiesce(vm, NAME)) for n, vm in enumerate(vms, 1)]
    answers = [Answered(n, outcome, 3.0) for n, outcome in enumerate(outcomes, 1)]
    return stage.begun(Surveyed((), (WEB, SQL, APP), (), (), ()), *sent, *answers)


def in_its_last_line(lines: list[bytes]) -> None:
    lines[-1] = b"hello\n"


def in_its_middle(lines: list[bytes]) -> None:
    lines[3] = lines[3][:40] + b"\n"  # the intent of the second VM


def in_its_header(lines: list[bytes]) -> None:
    lines[0] = b'{"at": "yesterday"}\n'


def in_all_lines(lines: list[bytes]) -> None:
    lines[:] = [b"neither this\n", b"nor that\n"]


DAMAGES = [in_its_last_line, in_its_middle, in_its_header, in_all_lines]
Damage = Callable[[list[bytes]], None]


def damaged(stage: Stage, damage: Damage) -> Path:
    path = died(stage).path
    lines = path.read_bytes().splitlines(keepends=True)
    damage(lines)
    path.write_bytes(b"".join(lines))
    return path


def rename_as_the_remedy_says(text: str) -> None:
    """Do what the remedy says first, to the letter."""
    found = re.search(r"rename (\S+) to (\S+), so that", text)
    assert found is not None, text
    old, new = (Path(one if sys.platform == "win32" else shlex.split(one)[0]) for one in found.groups())
    old.rename(new)


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (
            in_its_last_line,
            "still quiesced: web01 (vm-108) by Quiesce-20070322T030000Z (snapshot-1228), sql01 (vm-110)",
        ),
        (in_its_middle, "still quiesced: web01 (vm-108) by Quiesce-20070322T030000Z (snapshot-1228); it is unknown"),
        (in_its_header, "still quiesced: web01 (vm-108) by Quiesce-20070322T030000Z (snapshot-1228), sql01 (vm-110)"),
        (in_all_lines, "still quiesced: no VM"),
    ],
)
def test_a_damaged_journal_names_the_vms_that_its_readable_lines_do(stage: Stage, damage: Damage, named: str) -> None:
    path = damaged(stage, damage)
    with pytest.raises(JournalError) as caught:
        stage.store.open(path)
    assert named in caught.value.message
    assert str(path) in caught.value.message


def test_it_says_of_which_vms_nothing_is_known(stage: Stage) -> None:
    path = damaged(stage, in_its_middle)
    with pytest.raises(JournalError, match=r"it is unknown whether the run tried sql01 \(vm-110\), app01 \(vm-1226\)"):
        stage.store.open(path)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("who", ["run", "recover"])
def test_following_the_remedy_literally_leaves_nothing_quiesced(stage: Stage, who: str, damage: Damage) -> None:
    path = damaged(stage, damage)
    code = stage.night().exit if who == "run" else stage.recover()
    assert code == Exit.OUTSTANDING
    (failed,) = [one for one in stage.events if isinstance(one, Failed) and str(path) in one.text]
    assert {row.vm for row in stage.site.rows} == {108, 110}
    rename_as_the_remedy_says(failed.hint)
    stage.clock.push(stage.job.max_quiesced + 60)
    found = orphans(stage.job, stage.context, stage.store)
    assert {one.vm.id for one in found} == {108, 110}
    assert adopt(stage.job, stage.pace, stage.context, stage.store, found) is Exit.OK
    assert stage.site.rows == []
    assert stage.recover() is Exit.OK
    assert stage.night().exit is Exit.OK
    assert job_status_of(stage).level is Level.OK


def test_the_vms_that_its_readable_lines_name_are_not_quiesced_again(stage: Stage) -> None:
    damaged(stage, in_its_last_line)
    asked = len(stage.site.asked)
    report = stage.night()
    assert {step.vm.id for step in stage.site.asked[asked:] if isinstance(step, Quiesce)} == {APP.id}
    assert {one.vm.id for one in report.verdicts if "may have left" in one.why} == {WEB.id, SQL.id}


@pytest.mark.parametrize("damage", DAMAGES)
def test_status_is_critical_and_gives_the_same_remedy(stage: Stage, damage: Damage) -> None:
    stage.night()
    stage.clock.push(60)
    path = damaged(stage, damage)
    found = job_status_of(stage)
    (finding,) = [one for one in found.findings if one.text.startswith("unreadable: ")]
    assert found.level is finding.level is Level.CRITICAL
    rename_as_the_remedy_says(finding.text)
    assert not path.exists()
    assert job_status_of(stage, 0).level is Level.OK


def test_a_damaged_journal_of_a_run_that_is_settled_is_a_warning(stage: Stage) -> None:
    stage.night()
    stage.night()
    path = journals(stage.store.folder)[-1]
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], b"hello\n", *lines[2:]]))  # its length is another one now
    assert not is_open(path)
    found = job_status_of(stage)
    assert found.level is Level.WARNING
    assert stage.night().exit is Exit.OK


def of_an_older_version(path: Path) -> None:
    lines = path.read_text().splitlines()
    header = json.loads(lines[0])
    del header["format"]
    path.write_text("\n".join([json.dumps(header | {"version": "0.1.3"}), *lines[1:]]) + "\n")


@pytest.mark.parametrize("who", ["run", "recover"])
def test_an_open_journal_of_an_older_version_is_refused_by_name(stage: Stage, who: str) -> None:
    path = died(stage).path
    of_an_older_version(path)
    with pytest.raises(OldFormat, match=r"by another version of snapall \(0\.1\.3\)"):
        stage.store.open(path)
    (unreadable,) = known_of(stage.store, "vol1").unreadable
    assert "run `snapall recover` with that version" in unreadable.remedy
    assert job_status_of(stage).level is Level.CRITICAL
    assert (stage.night().exit if who == "run" else stage.recover()) == Exit.OUTSTANDING
    assert "`snapall recover` with that version" in "".join(one.hint for one in stage.events if isinstance(one, Failed))
    rename_as_the_remedy_says(unreadable.remedy)
    assert not path.exists()


@pytest.mark.parametrize("number", [{"is": []}, "2", None, [2]])
def test_a_format_that_is_no_number_is_damage(stage: Stage, number: object) -> None:
    path = died(stage).path
    header, _, rest = path.read_text().partition("\n")
    path.write_text(f"{json.dumps(json.loads(header) | {'format': number})}\n{rest}")
    with pytest.raises(JournalError) as error:
        stage.store.open(path)
    assert not isinstance(error.value, OldFormat)
    assert job_status_of(stage).level is Level.CRITICAL


def test_a_settled_journal_of_an_older_version_is_not_reported(stage: Stage) -> None:
    stage.night()
    of_an_older_version(journals(stage.store.folder)[-1])
    assert known_of(stage.store, JOB.name).unreadable == ()
    assert stage.night().exit is Exit.OK
    assert job_status_of(stage).level is Level.OK


def test_every_command_that_reads_it_gives_the_same_remedy(at_lab: Callable[..., AtLab]) -> None:
    night = at_lab()
    assert night("run").code == 0
    (path,) = (night.lab.directory / "snapall.state").glob("**/*.jsonl")
    lines = path.read_text().splitlines()
    cut = next(n for n, line in enumerate(lines) if '"Release"' in line)
    path.write_text("\n".join([*lines[:cut], "hello"]) + "\n")
    codes = {}
    for command in ("status", "show", "audit", "recover", "run"):
        ended = night(command)
        codes[command] = ended.code
        words = " ".join((ended.out + ended.err).split())
        assert "still quiesced: web01 (vm-108)" in words, (command, words)
        assert f"rename {path} to {path}.aside, so that no command reads it" in words, (command, words)
    assert codes == {"status": 0, "show": 1, "audit": 1, "recover": 5, "run": 5}
    path.rename(f"{path}.aside")
    assert (night("recover").code, night("run").code, night("status", "--nagios").code) == (0, 0, 0)
