"""`snapall recover` and what it meets: a mount that ends meanwhile, another process, a run, a changed configuration."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from snapall.app.use_look import luns_of
from snapall.backup import lock
from snapall.backup.clock import SystemClock
from snapall.backup.lockfile import Lock
from snapall.backup.store import JournalStore
from snapall.commands import options
from snapall.errors import Stopped
from snapall.lab.faults import Fault, FaultKind
from snapall.restore.journal import SharedVolumes, UseStore
from snapall.restore.uses import UseContext, settle, unmount
from snapall.site import process
from tests.end_to_end.test_interrupted import start
from tests.lab.atlab import AtLab
from tests.lab.sites import with_luns
from tests.waiting import PATIENCE

Make = Callable[..., AtLab]
LUN, LUN2 = "/vol/vmvol1/sql01", "/vol/vmvol1/web01"
MOUNT = ("mount", "vol1", "vmware_recent", "--lun", LUN, "--igroup", "helper")


@pytest.fixture
def night(at_lab: Make) -> AtLab:
    """A lab with a backup, all of whose VMs are off."""
    site = with_luns()
    made = at_lab(site=replace(site, vms=tuple(replace(vm, on=False) for vm in site.vms)))
    assert made("run").code == 0
    return made


def clones(night: AtLab) -> list[str]:
    with night.world.transaction() as it:
        return [one[0] for one in it.rows("SELECT path FROM luns WHERE path LIKE '%snapall_%' ORDER BY path")]


def mounts(night: AtLab) -> list[bool]:
    """Whether each mount that is shown is half-way."""
    return [one["half"] for one in json.loads(night("status", "--json").out)["mounts"]]


def killed(night: AtLab, verb: str, *arguments: str, nth: int = 1) -> None:
    """Run a command that is killed when it sends its nth filer command of these words, which acts."""
    prelude = (
        "import os\nfrom snapall.lab.faults import Fault, FaultKind\nfrom snapall.lab.world import World\n"
        f"fault = Fault({verb!r}, FaultKind.SIGNAL, nth={nth}, victim=os.getpid())\n"
        f"World({str(night.lab.directory)!r}).add_faults(fault)"
    )
    command = start(night, *arguments, prelude=prelude)
    assert subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False).returncode == -9


@contextmanager
def at_work(night: AtLab, job: str, role: str) -> Iterator[None]:
    """Another process holds the lock of a job."""
    store = JournalStore(options.load(night.config).state, SystemClock(), process)
    with store.lock(job, role, lambda: False, lambda *_: None):
        yield


class RunComes(SystemClock):
    """While somebody waits under the lock, a run comes to want it; the next wait shows whether it can have it."""

    def __init__(self, state: Path) -> None:
        """`state`: the folder of the locks."""
        super().__init__()
        self.state, self.wish = state, Lock(state / "vol1.wanted")
        self.came = self.free = False

    def wait(self, seconds: float, until: Callable[[], bool]) -> None:
        """Return at once."""
        if self.came:
            self.free = lock.use_of(self.state, "vol1") is lock.Use.FREE
        elif seconds > 60:  # the filer's timeout, not the pause between two looks
            self.came = self.wish.try_acquire()
            assert until()


def context_of(night: AtLab, clock: RunComes | None = None) -> UseContext:
    settings, (job,) = options.chosen(night.config, ["vol1"])
    use_clock = clock or SystemClock()
    store = UseStore(JournalStore(settings.state, use_clock, process))
    shared = SharedVolumes(settings.filers[job.filer].host, job.volumes, (job.name,))

    def stopped() -> bool:
        return clock is not None and clock.free

    return UseContext(shared, luns_of(settings, job), store, use_clock, stopped, lambda *_: None)


def test_a_mount_that_ended_while_recover_waited_for_it_stays(night: AtLab) -> None:
    assert night(*MOUNT).code == 0
    context = context_of(night)
    (use,) = context.store.uses()
    assert settle(context, replace(use, open=True), wait=True) is None
    assert len(clones(night)) == 1
    assert mounts(night) == [False]


def test_a_mount_that_was_unmounted_meanwhile_is_left_alone(night: AtLab) -> None:
    assert night(*MOUNT).code == 0
    context = context_of(night)
    (use,) = context.store.uses()
    assert night("unmount", "--all").code == 0
    size = use.path.stat().st_size
    assert unmount(context, use) == 0
    assert use.path.stat().st_size == size


def test_a_run_leaves_a_half_done_restore_to_recover(night: AtLab) -> None:
    night.world.set(restore_seconds=0.0)
    killed(night, "snap restore", *("restore", "vol1", "vmware_recent"), *("--lun", LUN, "--lun", LUN2), "--yes", nth=2)
    ended = night("run")  # whose rotation would rename what the filer may still restore from
    assert ended.code == 1
    assert "SA-1781" in ended.err
    assert [use.open for use in context_of(night).store.uses()] == [True]
    assert mounts(night) == [True]
    ended = night("recover")
    assert ended.code == 1
    assert "SA-1753" in ended.err  # which LUN is restored, and which is not
    assert mounts(night) == [False]  # it is said until somebody accepts it


def test_the_volumes_of_a_mount_are_locked_whatever_their_job_is_called_now(night: AtLab) -> None:
    assert night(*MOUNT).code == 0
    text = night.config.read_text()
    before, job = text.split("[jobs.vol1]")
    filer = before[before.index("[filers.") :].split("\n\n")[0]
    name = filer.partition("]")[0].removeprefix("[filers.")
    again = filer.replace(f"[filers.{name}]", "[filers.again]")
    other, renamed = job.replace('"vmvol1"', '"othervol"'), job.replace(f'"{name}"', '"again"')
    night.config.write_text(f"{before}{again}\n\n[jobs.aaa]{other}\n[jobs.zzz]{renamed}")
    with at_work(night, "zzz", "run"):
        ended = night("unmount", "--all")
        assert ended.code == 4, ended.err
        assert len(clones(night)) == 1
        assert night("mount", "zzz", "vmware_recent", "--lun", LUN, "--igroup", "helper").code == 4
    assert night("unmount", "--all").code == 0
    assert clones(night) == []


def test_a_half_mount_stops_every_job_of_its_volume(night: AtLab) -> None:
    killed(night, "lun map", *MOUNT)
    night.edit("[jobs.vol1]", "[jobs.renamed]")
    ended = night("mount", "renamed", "vmware_recent", "--lun", LUN, "--igroup", "helper", "--force")
    assert ended.code == 1
    assert "is not settled" in ended.err


def test_recover_without_waiting_leaves_what_may_still_act(night: AtLab) -> None:
    killed(night, "lun map", *MOUNT)  # the filer's timeout is longer than any test
    ended = night("recover", "--no-wait")
    assert ended.code == 1
    assert "SA-1761" in ended.err
    assert mounts(night) == [True]
    assert len(clones(night)) == 1


def test_recover_without_waiting_does_not_queue_for_a_lock(night: AtLab) -> None:
    killed(night, "lun map", *MOUNT)
    with at_work(night, "vol1", "verification"):
        ended = night("recover", "--no-wait")
    assert ended.code == 4
    assert "SA-1760" in ended.err
    with at_work(night, "vol1", "run"):
        assert night("recover").code == 4
    assert mounts(night) == [True]


def test_recover_lets_a_run_go_first_while_it_only_waits(night: AtLab) -> None:
    killed(night, "lun map", *MOUNT)  # the filer's timeout is longer than any test
    (use,) = context_of(night).store.uses()
    clock = RunComes(options.load(night.config).state)
    with closing(clock.wish):
        context = context_of(night, clock)
        with pytest.raises(Stopped):
            settle(context, use, wait=True)
        assert clock.free
    assert context.store.now(use).open


def test_a_mount_whose_second_split_fails_keeps_the_first_clone_alone(night: AtLab) -> None:
    full = "lun clone split start: No space left on device"
    night.fault(Fault("lun clone split start", FaultKind.FAIL, nth=2, text=full))
    ended = night("mount", "vol1", "vmware_recent", "--lun", LUN, "--lun", LUN2, "--igroup", "helper", "--split")
    assert ended.code == 1
    assert [one.rpartition("_")[2] for one in clones(night)] == ["sql01"]
    assert mounts(night) == [False]  # it is said until somebody accepts that it stays


def test_a_restore_is_over_once_a_run_has_seen_that_its_copy_ended(night: AtLab) -> None:
    night.world.set(restore_seconds=0.0)
    assert night("restore", "vol1", "vmware_recent", "--lun", LUN, "--way", "file", "--yes", "--force").code == 0
    assert len(list(context_of(night).store.uses())) == 1
    assert night("run").code == 0
    assert list(context_of(night).store.uses()) == []


def test_the_nightly_run_prunes_the_journals_of_uses_that_are_over(night: AtLab) -> None:
    night.config.write_text("keep_journals = 1\n" + night.config.read_text())
    for _ in range(2):
        assert night(*MOUNT).code == 0
        assert night("unmount", "--all").code == 0
    assert night(*MOUNT).code == 0
    night("run")
    (use,) = context_of(night).store.uses()
    assert list(use.path.parent.glob("*.jsonl")) == [use.path]
