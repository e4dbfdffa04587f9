"""Replication sends once, to an idle relation, and believes only a newer base."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapall.backup.facts import Failed
from snapall.restore.mirror.decide import LookAt, MirrorAction, MirrorPolicy, SendMirrorStep, decide_mirror
from snapall.restore.mirror.relations import CopiesView, KeepCopy, Kind, MirrorStep, Relation, RelationView, Update
from snapall.restore.mirror.replication import (
    Look,
    MirrorAnswered,
    MirrorAsked,
    MirrorLooked,
    MirrorSettled,
    ReplicationBegan,
    ReplicationFact,
    ReplicationState,
    apply,
)

MIRROR = Relation(Kind.MIRROR, "filer2", "filer2:vmvol1_mirror", "filer1:vmvol1")
VAULT = Relation(Kind.VAULT, "filer2", "/vol/sv_vmvol1/q1", keep_name="sv_nightly")
UPDATE = Update(MIRROR)
KEEP = KeepCopy("filer2", "sv_vmvol1", "sv_nightly")
IDLE = RelationView("filer1:vmvol1", MIRROR.destination, "Snapmirrored", "Idle", "base.7", 90000.0)
NEWER = replace(IDLE, base="base.8", lag=40.0)
AT = datetime(2007, 3, 22, 3, tzinfo=UTC)
POLICY = MirrorPolicy()


class Told:
    """A replication, told what happens; time goes on only when it says so."""

    def __init__(self, *relations: Relation, wait: float = 3600, policy: MirrorPolicy = POLICY) -> None:
        self.now, self.policy, self.state = AT, policy, ReplicationState()
        self.clones: dict[str, tuple[str, ...]] = {}
        self.tell(
            ReplicationBegan("vol1", "20070322T030000Z", "vmware_recent", ("vmvol1",), relations or (MIRROR,), wait)
        )

    def tell(self, *facts: ReplicationFact) -> None:
        for fact in facts:
            self.state = apply(self.state, self.now, fact)

    def next(self) -> tuple[MirrorAction, ...]:
        return decide_mirror(self.state, self.now, self.policy, self.clones)

    def looked(self, look: Look, step: MirrorStep = UPDATE, after: float = 10) -> tuple[MirrorAction, ...]:
        self.now += timedelta(seconds=after)
        self.tell(MirrorLooked(step, look))
        return self.next()

    def sent(self, before: Look = IDLE, step: MirrorStep = UPDATE) -> None:
        assert self.looked(before, step) == (SendMirrorStep(step),)
        self.tell(MirrorAsked(step), MirrorAnswered(step, sent=True))

    def code(self, found: tuple[MirrorAction, ...]) -> str:
        (one,) = found
        assert isinstance(one, MirrorSettled)
        assert one.failure is not None
        assert one.failure.hint
        return one.failure.code


def test_it_looks_before_it_sends() -> None:
    assert Told().next() == (LookAt(UPDATE),)


def test_an_idle_relation_is_updated_and_done_when_its_base_is_newer() -> None:
    told = Told()
    told.sent()
    assert told.looked(replace(IDLE, status="Transferring")) == ()
    assert told.looked(NEWER) == (MirrorSettled(UPDATE),)


def test_started_is_not_done_an_idle_relation_with_the_old_base_is_waited_for() -> None:
    told = Told()
    told.sent()
    assert told.looked(IDLE) == ()
    assert told.code(told.looked(IDLE, after=300)) == "SA-1912"


def test_a_transfer_at_work_is_waited_for_before_the_update_and_named_when_the_wait_is_over() -> None:
    told = Told(wait=100)
    assert told.looked(replace(IDLE, status="Transferring")) == ()
    assert told.code(told.looked(replace(IDLE, status="Transferring"), after=100)) == "SA-1916"


def test_a_transfer_that_outlives_the_wait_is_named_and_left_alone() -> None:
    told = Told(wait=100)
    told.sent()
    assert told.code(told.looked(replace(IDLE, status="Transferring"), after=100)) == "SA-1913"


@pytest.mark.parametrize("status", ["Idle with restart checkpoint", "Pending with restart checkpoint", "Aborting"])
def test_no_other_status_than_idle_is_done(status: str) -> None:
    told = Told()
    told.sent()
    done = MirrorSettled(UPDATE)
    assert done not in told.looked(replace(NEWER, status=status))


def test_an_interrupted_transfer_that_is_resumed_does_not_count_as_this_backup() -> None:
    told = Told()
    told.sent(replace(IDLE, status="Idle with restart checkpoint"))
    assert told.code(told.looked(replace(NEWER, lag=86000.0))) == "SA-1919"


def test_a_source_that_refuses_is_named_with_the_option_to_set_there() -> None:
    told = Told()
    assert told.looked(IDLE) == (SendMirrorStep(UPDATE),)
    told.tell(
        MirrorAsked(UPDATE),
        MirrorAnswered(UPDATE, sent=True, complaint="Transfer aborted: cannot connect to source filer."),
    )
    (found,) = told.looked(IDLE)
    assert isinstance(found, MirrorSettled)
    assert found.failure is not None
    assert found.failure.code == "SA-1910"
    assert "options snapmirror.access host=filer2" in found.failure.hint


def test_a_transfer_error_in_the_status_is_a_failure_whatever_was_answered() -> None:
    told = Told()
    told.sent()
    assert told.code(told.looked(replace(NEWER, error="volume full"))) == "SA-1911"


@pytest.mark.parametrize(
    ("state", "code"),
    [("Uninitialized", "SA-1904"), ("Broken-off", "SA-1905"), ("Quiesced", "SA-1906"), ("Unknown", "SA-1909")],
)
def test_a_relation_in_another_state_is_named_and_nothing_is_sent(state: str, code: str) -> None:
    told = Told()
    assert told.code(told.looked(replace(IDLE, state=state))) == code


def test_a_relation_of_another_volume_is_not_updated() -> None:
    told = Told()
    assert told.code(told.looked(replace(IDLE, source="filer1:finance"))) == "SA-1907"


def test_nothing_is_sent_while_a_mounts_clone_lies_in_the_source() -> None:
    told = Told()
    told.clones = {"vmvol1": ("vmware_previous",)}
    assert told.code(told.looked(IDLE)) == "SA-1908"


def test_what_was_never_sent_fails_at_once() -> None:
    told = Told()
    told.looked(IDLE)
    told.tell(MirrorAsked(UPDATE), MirrorAnswered(UPDATE, sent=False, complaint="no way"))
    assert told.code(told.next()) == "SA-1917"


def test_a_status_that_cannot_be_read_is_the_failure_before_and_waited_out_after() -> None:
    unread = Failed("filer2 has no licence for snapmirror", "add it", "SA-1901")
    text = f"snapmirror of filer2:vmvol1_mirror was not sent: {unread.text}"
    assert Told().looked(unread) == (MirrorSettled(UPDATE, replace(unread, text=text)),)
    told = Told()
    told.sent()
    assert told.looked(unread) == ()
    assert told.looked(NEWER) == (MirrorSettled(UPDATE),)


def test_the_retained_copy_waits_for_its_update_and_is_proved_by_the_list() -> None:
    told, update = Told(VAULT), Update(VAULT)
    idle = replace(IDLE, destination=VAULT.destination, source="filer1:/vol/vmvol1/q1", state="Snapvaulted")
    told.sent(idle, update)
    assert told.looked(replace(idle, base="base.8", lag=30.0), update) == (MirrorSettled(update),)
    told.tell(MirrorSettled(update))
    assert told.next() == (LookAt(KEEP),)
    told.sent(CopiesView(("sv_nightly.0 Mar 21 03:10",)), KEEP)
    assert told.looked(CopiesView(("sv_nightly.0 Mar 21 03:10",)), KEEP) == ()
    assert told.looked(CopiesView(("sv_nightly.0 Mar 22 03:10", "sv_nightly.1 Mar 21 03:10")), KEEP) == (
        MirrorSettled(KEEP),
    )


def test_no_retained_copy_is_made_of_a_failed_update() -> None:
    told = Told(VAULT)
    told.tell(MirrorSettled(Update(VAULT), Failed("it failed", "fix it", "SA-1911")))
    assert told.code(told.next()) == "SA-1915"


def test_recover_only_looks_at_what_was_started_and_sends_nothing() -> None:
    told = Told(policy=replace(POLICY, send=False))
    assert told.code(told.next()) == "SA-1918"
    told.tell(MirrorLooked(UPDATE, IDLE), MirrorAsked(UPDATE))
    assert told.next() == (LookAt(UPDATE),)
    assert told.looked(replace(NEWER, lag=6000.0), after=7200) == (MirrorSettled(UPDATE),)


_VIEWS = st.builds(
    RelationView,
    st.just("filer1:vmvol1"),
    st.just(MIRROR.destination),
    st.sampled_from(["Snapmirrored", "Broken-off", "Quiesced", "Uninitialized"]),
    st.sampled_from(["Idle", "Idle with restart checkpoint", "Transferring", "Pending", "Aborting"]),
    st.sampled_from(["", "base.7", "base.8"]),
    st.sampled_from([None, 10.0, 90000.0]),
    st.sampled_from(["", "cannot connect to source filer"]),
)


@given(st.lists(st.tuples(_VIEWS, st.sampled_from([10.0, 60.0, 400.0])), max_size=30), st.booleans())
def test_whatever_is_seen_an_update_is_sent_once_at_most_and_done_only_by_a_newer_base(
    seen: list[tuple[RelationView, float]], answered: bool
) -> None:
    told, sent = Told(), 0
    for view, seconds in seen:
        for one in told.looked(view, after=seconds):
            match one:
                case SendMirrorStep():
                    sent += 1
                    assert view.status.startswith("Idle")
                    assert view.state == "Snapmirrored"
                    told.tell(MirrorAsked(UPDATE), *([MirrorAnswered(UPDATE, sent=True)] if answered else []))
                case MirrorSettled(_, failure):
                    task = told.state.tasks[UPDATE]
                    before = task.before
                    if failure is None:
                        assert isinstance(before, RelationView)
                        assert sent == 1
                        assert view.idle
                        assert not view.error
                        assert view.base != before.base or (not view.base and view.lag == 10.0)
                    told.tell(one)
                case LookAt():
                    raise AssertionError("it has just looked")
    assert sent <= 1
