"""A replication from its first look to its end, killed and struck at every call."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from snapall.backup.facts import Failed
from snapall.backup.record import Waiting
from snapall.errors import OldFormat
from snapall.restore.mirror.client import Mirrors
from snapall.restore.mirror.decide import MirrorPolicy
from snapall.restore.mirror.journal import ReplicationJournal, alone, last_seen, open_ones, paths_of, prune
from snapall.restore.mirror.relations import Kind, Relation, Update
from snapall.restore.mirror.replicate import Replication, ReplicationContext
from snapall.restore.mirror.replication import ReplicationBegan, ReplicationState
from tests.restore.destination import DestinationFiler, Killed, Pair, SteppingClock

MIRROR = Relation(Kind.MIRROR, "filer2", "filer2:vmvol1_mirror", "filer1:vmvol1")
VAULT = Relation(Kind.VAULT, "filer2", "/vol/sv_vmvol1/q1", keep_name="sv_nightly")
ALL = [
    "snapmirror update -S filer1:vmvol1 filer2:vmvol1_mirror",
    "snapvault update /vol/sv_vmvol1/q1",
    "snapvault snap create sv_vmvol1 sv_nightly",
]
EVERY_CALL = range(9)


@dataclass
class Site:
    """A destination, the state folder, and what was published."""

    state: Path
    clock: SteppingClock = field(default_factory=SteppingClock)
    clones: dict[str, tuple[str, ...]] = field(default_factory=dict)
    published: list[Failed | Waiting] = field(default_factory=list)
    stopping: bool = False

    def __post_init__(self) -> None:
        pairs = {
            "mirror": Pair("filer1:vmvol1", "filer2:vmvol1_mirror"),
            "vault": Pair("filer1:/vol/vmvol1/q1", "filer2:/vol/sv_vmvol1/q1", "Snapvaulted"),
        }
        self.filer = DestinationFiler(self.clock, pairs)

    @property
    def codes(self) -> list[str]:
        return [one.code for one in self.published if isinstance(one, Failed)]

    def work(self, journal: ReplicationJournal, policy: MirrorPolicy, *, wait: bool = True) -> ReplicationState:
        context = ReplicationContext(
            {"filer2": Mirrors(self.filer, "filer2")},
            self.clock,
            self.published.append,
            lambda: self.stopping,
            nullcontext,
            lambda: self.clones,
        )
        try:
            return Replication(journal, context, policy).run(wait=wait)
        finally:
            journal.leave()

    def night(self, wait: float = 3600) -> ReplicationState:
        stamp = f"{self.clock.now:%Y%m%dT%H%M%SZ}"
        began = ReplicationBegan("vol1", stamp, "vmware_recent", ("vmvol1",), (MIRROR, VAULT), wait)
        return self.work(ReplicationJournal.create(self.state, began, self.clock), MirrorPolicy())

    def recover(self) -> list[ReplicationState]:
        policy = MirrorPolicy(send=False)
        journals = [ReplicationJournal.open(path, self.clock) for path in open_ones(self.state, "vol1")]
        return [self.work(one, policy) for one in journals]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "state")


def test_a_night_updates_every_relation_waits_for_idle_and_keeps_the_copy(site: Site) -> None:
    state = site.night()
    assert site.filer.changes == ALL
    assert state.ended
    assert state.failures == ()
    assert [one.done for one in state.tasks.values()] == [True, True, True]
    assert open_ones(site.state, "vol1") == []


def test_an_update_that_the_source_refuses_is_named_and_the_copy_is_not_made(site: Site) -> None:
    site.filer.refusal = "cannot connect to source filer"
    site.night()
    assert site.codes == ["SA-1910", "SA-1910", "SA-1915"]
    assert site.filer.changes == ALL[:2]


def test_a_filer_that_says_started_and_does_nothing_is_caught(site: Site) -> None:
    site.filer.silent = True
    site.night()
    assert site.codes == ["SA-1912", "SA-1912", "SA-1915"]


def test_a_filer_that_answers_slower_than_it_is_asked_is_sent_every_update(site: Site) -> None:
    site.filer.answers_after = 51
    state = site.night()
    assert state.ended
    assert site.filer.changes == ALL
    assert state.failures == ()


def test_a_transfer_that_outlives_the_wait_goes_on_and_is_seen_the_next_night(site: Site) -> None:
    site.filer.takes = 7200
    site.night(wait=600)
    assert site.codes == ["SA-1913", "SA-1913", "SA-1915"]
    site.published.clear()
    site.filer.takes = 60
    state = site.night(wait=36000)
    assert site.codes == []
    assert state.failures == ()


def test_a_clone_in_the_source_keeps_everything_at_home(site: Site) -> None:
    site.clones = {"vmvol1": ("vmware_previous",)}
    site.night()
    assert site.filer.changes == []
    assert site.codes == ["SA-1908", "SA-1908", "SA-1915"]


@pytest.mark.parametrize("call", EVERY_CALL)
@pytest.mark.parametrize("fault", ["dies before", "dies after"])
def test_after_a_death_at_any_call_recover_sends_nothing_and_leaves_nothing_open(
    site: Site, call: int, fault: str
) -> None:
    site.filer.faults = {call: fault}
    with pytest.raises(Killed):
        site.night()
    sent = list(site.filer.changes)
    assert len(open_ones(site.state, "vol1")) == 1
    (state,) = site.recover()
    assert site.filer.changes == sent
    assert state.ended
    assert open_ones(site.state, "vol1") == []
    for task in state.tasks.values():
        assert task.settled is not None
        if isinstance(task.step, Update) and task.done:
            assert any(task.step.relation.destination in one for one in sent)
    site.clock.wait(86400, lambda: False)
    site.night()
    assert all(site.filer.changes.count(one) <= 2 for one in ALL)
    assert site.filer.changes[-1] == ALL[-1]


@pytest.mark.parametrize("call", EVERY_CALL)
@pytest.mark.parametrize("fault", ["not sent", "no answer"])
def test_a_fault_at_any_call_sends_no_command_twice_and_ends(site: Site, call: int, fault: str) -> None:
    site.filer.faults = {call: fault}
    state = site.night()
    assert state.ended
    assert len(set(site.filer.changes)) == len(site.filer.changes)
    settled = [one.settled for one in state.tasks.values()]
    assert all(one is not None for one in settled)
    done = [one.step for one in state.tasks.values() if one.done]
    assert len(done) + len(site.codes) == len(state.tasks)


def test_a_lost_answer_to_an_update_is_settled_by_the_status(site: Site) -> None:
    site.filer.faults = {2: "no answer"}
    state = site.night()
    assert site.filer.changes == ALL
    assert state.failures == ()


def test_a_signal_leaves_the_transfers_to_recover(site: Site) -> None:
    site.stopping = True
    state = site.night()
    assert not state.ended
    assert site.filer.changes == []
    site.stopping = False
    (settled,) = site.recover()
    assert settled.ended
    assert site.codes == ["SA-1918", "SA-1918", "SA-1918"]


def test_the_lag_grows_from_the_last_look_and_a_failure_is_remembered(site: Site) -> None:
    site.night()
    mirror, vault = last_seen(site.state, "vol1", (MIRROR, VAULT))
    assert mirror.failure is None
    assert mirror.lag is not None
    assert mirror.at is not None
    behind = mirror.behind(mirror.at.replace(hour=5))
    assert behind is not None
    assert behind > 3600
    site.clones = {"vmvol1": ("vmware_previous",)}
    site.clock.wait(86400, lambda: False)
    site.night()
    mirror, vault = last_seen(site.state, "vol1", (MIRROR, VAULT))
    assert mirror.failure is not None
    assert mirror.failure.code == "SA-1908"
    assert mirror.lag == pytest.approx(86400, abs=600)
    assert vault.lag is not None


def test_nothing_is_known_of_a_relation_without_a_journal(tmp_path: Path) -> None:
    (found,) = last_seen(tmp_path, "vol1", (MIRROR,))
    assert (found.at, found.lag, found.failure) == (None, None, None)


def test_old_journals_go_and_an_open_one_stays(site: Site) -> None:
    site.stopping = True
    site.night()
    site.stopping = False
    for _ in range(3):
        site.clock.wait(86400, lambda: False)
        site.night()
    prune(site.state, "vol1", 2)
    assert len(paths_of(site.state, "vol1")) == 3
    assert len(open_ones(site.state, "vol1")) == 1


def test_two_processes_never_work_on_one_jobs_replications(site: Site) -> None:
    with alone(site.state, "vol1") as first, alone(site.state, "vol1") as second:
        assert (first, second) == (True, False)
    with alone(site.state, "vol1") as again:
        assert again


def test_a_journal_of_another_format_is_refused_by_name(tmp_path: Path) -> None:
    began = ReplicationBegan("vol1", "20070322T040000Z", "vmware_recent", ("vmvol1",), (MIRROR,), format=9)
    ReplicationJournal.create(tmp_path, began, SteppingClock()).leave()
    with pytest.raises(OldFormat, match="another version") as error:
        open_ones(tmp_path, "vol1")
    assert error.value.code == "SA-1763"
