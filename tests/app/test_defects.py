"""A bug in snapall in one job: it is reported, hooks and metrics are served, and the next job is backed up."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from snapall.app.output import Output
from snapall.app.run import run
from snapall.backup.clock import Clock, SystemClock
from snapall.backup.context import Guard, unguarded
from snapall.backup.facts import FORMAT, Began, Intent, Surveyed
from snapall.backup.model import Job, Pace, Vm
from snapall.backup.steps import Quiesce
from snapall.backup.store import JournalStore
from snapall.config.load import load
from snapall.config.settings import Config, Hooks
from snapall.errors import Exit, Notify
from snapall.lab.sites import SiteSpec
from snapall.operate.launcher import GuardianLauncher
from tests.lab.atlab import AtLab, Ended, two_volumes

Make = Callable[..., AtLab]
SPY = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read() + chr(10))"


def planted(_journal: Path) -> NoReturn:
    raise TypeError("planted")


class Broken(GuardianLauncher):
    """What starts the guardians, with a defect that strikes in vol1 alone."""

    def guard_of(self, job: Job, stopped: Callable[[], bool], warn: Notify = lambda *_: None) -> Guard:
        return planted if job.name == "vol1" else unguarded


class Following(GuardianLauncher):
    """What starts the guardians; it knows whose turn it is."""

    turn = ""

    def guard_of(self, job: Job, stopped: Callable[[], bool], warn: Notify = lambda *_: None) -> Guard:
        self.turn = job.name
        return unguarded


class Striking(SystemClock):
    """A clock that is broken at times."""

    def __init__(self, broken: Callable[[], bool]) -> None:
        super().__init__()
        self._broken = broken

    def monotonic(self) -> float:
        if self._broken():
            raise ArithmeticError("planted")
        return super().monotonic()


class TwoJobs:
    """A lab with the jobs vol1 and vol2, each on a volume and a datastore of its own; their hooks write down a line."""

    def __init__(self, night: AtLab) -> None:
        self.night = night
        self.folder = night.lab.directory
        night.edit('log   = "snapall.log"', 'log   = "snapall.log"\nmetrics = "snapall.prom"')
        text = night.config.read_text()
        job = text[text.index("[jobs.vol1]") :]
        second = job.replace("[jobs.vol1]", "[jobs.vol2]").replace('"vmvol1"', '"vmvol2"').replace("[688]", "[689]")
        hooks = "".join(
            f"[jobs.{name}.hooks]\n"
            + "".join(
                f"{when} = {json.dumps([sys.executable, '-c', SPY, str(self.folder / f'{name}.{when}')])}\n"
                for when in ("after", "on_failure")
            )
            for name in ("vol1", "vol2")
        )
        night.config.write_text(f"{text}\n{second}\n{hooks}")

    @property
    def settings(self) -> Config:
        return load(self.night.config)

    def run(
        self, launcher: GuardianLauncher | None = None, clock: Clock | None = None, settings: Config | None = None
    ) -> Ended:
        """`snapall run`, with a defect in what it is given."""
        self.night.capture.readouterr()
        settings = settings or self.settings
        code = run(settings, list(settings.jobs.values()), Output(), launcher=launcher, clock=clock)
        return Ended(int(code), *self.night.capture.readouterr())

    def inputs(self, name: str, when: str) -> list[dict[str, object]]:
        path = self.folder / f"{name}.{when}"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def captured(self, volume: str) -> int:
        return sum(f"snap create {volume} " in command for command in self.night.changes)

    def assert_second_backup_was_made(self) -> None:
        """By the lab's ledger and the filer's list."""
        assert self.captured("vmvol2") == 1
        now, before = self.night.chain("vmvol2"), self.before
        assert now["vmware_recent"] not in before.values()
        assert now["vmware_previous"] == before["vmware_recent"]
        (one,) = self.inputs("vol2", "after")
        assert one["exit"] == 0
        assert self.inputs("vol2", "on_failure") == []

    @property
    def before(self) -> dict[str, str]:
        return self.night.dates  # both volumes began alike


class Earlier(GuardianLauncher):
    """Raises for the first job before its run begins."""

    def guard_of(self, job: Job, stopped: Callable[[], bool], warn: Notify = lambda *_: None) -> Guard:
        return planted(Path()) if job.name == "vol1" else unguarded


@pytest.fixture
def two(at_lab: Make) -> TwoJobs:
    site: SiteSpec = two_volumes()
    return TwoJobs(at_lab(site=site))


def test_a_defect_in_one_job_is_reported_and_the_next_job_is_backed_up(two: TwoJobs) -> None:
    ended = two.run(Broken(two.settings))
    assert ended.code == Exit.FAILED
    assert "a bug in snapall:" in ended.err
    assert "TypeError: planted" in ended.err
    assert "in planted" in ended.err  # the traceback
    assert "report the bug with this text" in ended.err
    assert two.captured("vmvol1") == 0
    two.night.assert_no_backup_is_lost()
    two.assert_second_backup_was_made()
    two.night.assert_nothing_is_quiesced()


def test_the_hooks_and_the_metrics_are_served_after_a_defect(two: TwoJobs) -> None:
    two.run(Broken(two.settings))
    (after,), (failed,) = two.inputs("vol1", "after"), two.inputs("vol1", "on_failure")
    for inputs in (after, failed):
        assert (inputs["job"], inputs["exit"]) == ("vol1", 1)
        assert inputs["why"] == "a bug in snapall: TypeError: planted"
    metrics = (two.folder / "snapall.prom").read_text()
    assert 'job_name="vol1"' in metrics
    assert 'job_name="vol2"' in metrics
    assert "a bug in snapall" in (two.folder / "snapall.log").read_text()


def dead_run(settings: Config) -> None:
    """Leave the journal of a run of the first job that died while it quiesced a VM."""
    filer = settings.filers["filer1"].host
    header = Began(
        settings.jobs["vol1"],
        "20070322T030000Z",
        settings.vcenter.host,
        filer,
        Pace(settle=1e6),
        "0.2.0",
        format=FORMAT,
    )
    dead = JournalStore(settings.state, SystemClock()).begin(header)
    vm = Vm(108, "web01")
    dead.append([Surveyed((), (vm,), (), (), ()), Intent(1, Quiesce(vm, "Quiesce-20070322T030000Z"))])
    dead.leave()


def test_a_defect_while_an_earlier_run_has_outstanding_work_exits_5(two: TwoJobs) -> None:
    dead_run(two.settings)
    ended = two.run(Broken(two.settings))
    assert ended.code == Exit.OUTSTANDING
    assert "web01 (vm-108)" in ended.err
    (failed,) = two.inputs("vol1", "on_failure")
    assert failed["exit"] == 5
    two.assert_second_backup_was_made()


def test_a_defect_before_the_run_began_exits_5_while_an_earlier_run_has_outstanding_work(two: TwoJobs) -> None:
    dead_run(two.settings)
    assert two.run(Earlier(two.settings)).code == Exit.OUTSTANDING
    (failed,) = two.inputs("vol1", "on_failure")
    assert failed["exit"] == 5
    two.assert_second_backup_was_made()


def test_a_defect_after_the_backup_was_confirmed_exits_3(two: TwoJobs) -> None:
    launcher = Following(two.settings)

    def published() -> bool:
        known = {None, *two.night.dates.values()}  # None: between two renames nothing is called so
        return launcher.turn == "vol1" and two.night.chain().get("vmware_recent") not in known

    ended = two.run(launcher, Striking(published))
    assert ended.code == Exit.PARTIAL
    assert "ArithmeticError: planted" in ended.err
    two.night.assert_shifted_by_one()
    two.night.assert_nothing_is_quiesced()
    (failed,) = two.inputs("vol1", "on_failure")
    assert (failed["exit"], failed["grade"]) == (3, "whole")  # its name was not read back
    two.assert_second_backup_was_made()


def test_a_defect_before_the_run_began_runs_no_after_hook(two: TwoJobs) -> None:
    assert two.run(Earlier(two.settings)).code == Exit.FAILED
    assert two.inputs("vol1", "after") == []
    (failed,) = two.inputs("vol1", "on_failure")
    assert failed["exit"] == 1
    two.assert_second_backup_was_made()


def test_a_defect_around_a_hook_ends_neither_the_call_nor_the_metrics(two: TwoJobs) -> None:
    broken = Hooks.model_construct(after=(3,))
    tables = two.settings.job_tables
    changed = {**tables, "vol1": tables["vol1"].model_copy(update={"hooks": broken})}
    ended = two.run(settings=two.settings.model_copy(update={"job_tables": changed}))
    assert ended.code == Exit.PARTIAL
    assert "a bug in snapall:" in ended.err
    two.night.assert_shifted_by_one()
    two.assert_second_backup_was_made()
    assert 'job_name="vol1"' in (two.folder / "snapall.prom").read_text()
