"""The rotation, as tables of names."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from snapall.backup.model import FilerSnapshot, Grade, Job, chain_names
from snapall.backup.rotation import Blocked, Listings, Move, Pending, after, make_room, rotate
from snapall.backup.steps import Capture, Delete, Rename

JOB = Job("vol1", "filer1", ("v",), (688,), chain_names("vmware", 4))
R, P, S3, S4 = JOB.chain
NEW, OLDER, OLDEST = "vmware_new_3", "vmware_new_2", "vmware_new_1"


def listing(*names: str, **tags: str) -> Listings:
    """One volume; the date of each snapshot is its first name, so that it can be followed through renames."""
    return {"v": tuple(FilerSnapshot(n, f"born {n}", (tags[n],) if n in tags else ()) for n in names)}


def whole(*names: str) -> list[Pending]:
    return [Pending(name, Grade.WHOLE) for name in names]


def names(listings: Listings, volume: str = "v") -> list[str]:
    return [row.name for row in listings[volume]]


def test_a_full_chain_loses_its_oldest_and_moves_up_by_one() -> None:
    plan = rotate(JOB, listing(NEW, R, P, S3, S4), whole(NEW))
    assert plan.steps == (
        Delete("v", S4),
        Rename("v", S3, S4),
        Rename("v", P, S3),
        Rename("v", R, P),
        Rename("v", NEW, R),
    )
    assert plan.published == (NEW,)
    assert all(move.reason for move in plan.moves)


def test_the_first_backup_only_takes_the_newest_name() -> None:
    assert rotate(JOB, listing(NEW), whole(NEW)).steps == (Rename("v", NEW, R),)


def test_a_gap_costs_nothing_and_what_lies_behind_it_stays() -> None:
    assert rotate(JOB, listing(NEW, R, S3, S4), whole(NEW)).steps == (Rename("v", R, P), Rename("v", NEW, R))
    assert rotate(JOB, listing(NEW, P, S3, S4), whole(NEW)).steps == (Rename("v", NEW, R),)


def test_foreign_names_are_never_touched() -> None:
    before = listing("hourly.0", NEW, R, "vmware_snap9", P, S3, S4, "vmware_new_stranger", "nightly.1")
    touched = {name for step in rotate(JOB, before, whole(NEW)).steps for name in _names_of(step)}
    assert touched <= {NEW, *JOB.chain}


def _names_of(step: Rename | Delete) -> tuple[str, ...]:
    match step:
        case Rename(_, old, new):
            return old, new
        case Delete(_, name):
            return (name,)


def test_a_tag_on_a_name_that_would_move_leaves_everything_as_it_is() -> None:
    for busy in (R, P, S3, S4, NEW):
        plan = rotate(JOB, listing(NEW, R, P, S3, S4, **{busy: "busy"}), whole(NEW))
        assert plan.steps == ()
        assert plan.waiting == (NEW,)
        assert plan.blocked == Blocked("v", busy, ("busy",))
        assert busy in str(plan.blocked)


def test_a_tag_behind_a_gap_delays_nothing() -> None:
    assert rotate(JOB, listing(NEW, R, S3, S4, **{S4: "busy"}), whole(NEW)).published == (NEW,)


def test_pending_backups_are_published_oldest_first() -> None:
    before = listing(NEW, OLDER, R, P, S3, S4)
    plan = rotate(JOB, before, whole(OLDER, NEW))
    assert plan.published == (OLDER, NEW)
    dates = {row.name: row.date for row in after(before, plan.steps)["v"]}
    assert dates == {R: f"born {NEW}", P: f"born {OLDER}", S3: f"born {R}", S4: f"born {P}"}


def test_no_more_pending_backups_are_kept_than_retain_allows() -> None:
    job = replace(JOB, chain=(R, P))
    blocked = rotate(job, listing(NEW, OLDER, OLDEST, R, P, **{P: "busy"}), whole(OLDEST, OLDER, NEW))
    assert blocked.steps == (Delete("v", OLDEST),)
    assert blocked.waiting == (OLDER, NEW)


def test_a_tagged_surplus_backup_stays_until_its_tag_is_gone() -> None:
    job = replace(JOB, chain=(R, P))
    plan = rotate(job, listing(NEW, OLDER, OLDEST, R, P, **{OLDEST: "busy"}), whole(OLDEST, OLDER, NEW))
    assert plan.steps == ()
    assert plan.waiting == (OLDEST, OLDER, NEW)


def test_a_backup_below_publish_waits_and_pushes_no_better_one_out() -> None:
    poor = [Pending(NEW, Grade.CRASH_CONSISTENT)]
    plan = rotate(JOB, listing(NEW, R, P, S3, S4), poor)
    assert (plan.steps, plan.waiting, plan.blocked) == ((), (NEW,), None)


def test_only_the_newest_backup_below_publish_is_kept() -> None:
    poor = [Pending(OLDER, Grade.CRASH_CONSISTENT), Pending(NEW, Grade.CRASH_CONSISTENT)]
    plan = rotate(JOB, listing(NEW, OLDER, R), poor)
    assert plan.steps == (Delete("v", OLDER),)
    assert plan.waiting == (NEW,)


def test_a_backup_of_exactly_the_required_grade_is_published() -> None:
    job = replace(JOB, publish=Grade.PARTIAL)
    plan = rotate(job, listing(NEW, R), [Pending(NEW, Grade.PARTIAL)])
    assert (plan.published, plan.waiting) == ((NEW,), ())


def test_with_more_backups_than_retain_the_oldest_is_deleted_and_not_called_published() -> None:
    job = replace(JOB, chain=JOB.chain[:2])
    plan = rotate(job, listing(NEW, OLDER, OLDEST), whole(OLDEST, OLDER, NEW))
    assert plan.moves[0] == Move(Delete("v", OLDEST), "the oldest of more than 2 pending backups")
    assert (plan.published, plan.waiting) == ((OLDER, NEW), ())
    assert sorted(names(after(listing(NEW, OLDER, OLDEST), plan.steps))) == sorted(job.chain)


def test_the_reason_of_a_deletion_is_the_backups_own() -> None:
    plan = rotate(JOB, listing(NEW, OLDER, R), [Pending(OLDER, Grade.CRASH_CONSISTENT), *whole(NEW)])
    assert plan.moves[0].reason == "pending, below `publish`, and a newer backup is confirmed"


def test_a_backup_below_publish_goes_when_a_better_one_is_confirmed() -> None:
    plan = rotate(JOB, listing(NEW, OLDER, R), [Pending(OLDER, Grade.CRASH_CONSISTENT), *whole(NEW)])
    assert plan.steps == (Delete("v", OLDER), Rename("v", R, P), Rename("v", NEW, R))


def test_a_pending_backup_that_is_gone_from_the_filer_is_left_out() -> None:
    plan = rotate(JOB, listing(R), whole(OLDER))
    assert (plan.steps, plan.published, plan.waiting) == ((), (), ())


def test_two_volumes_are_published_together_or_not_at_all() -> None:
    job = replace(JOB, volumes=("v", "w"))
    free = {"v": listing(NEW, R)["v"], "w": listing(NEW, R, P)["v"]}
    assert {step.volume for step in rotate(job, free, whole(NEW)).steps} == {"v", "w"}
    busy = {"v": free["v"], "w": listing(NEW, R, P, **{P: "snapmirror"})["v"]}
    assert rotate(job, busy, whole(NEW)).steps == ()


def test_a_backup_already_published_on_one_volume_is_finished_on_the_other() -> None:
    job = replace(JOB, volumes=("v", "w"))
    half = {"v": listing(R, P)["v"], "w": listing(NEW, R)["v"]}
    assert rotate(job, half, whole(NEW)).steps == (Rename("w", R, P), Rename("w", NEW, R))


def test_the_batch_order_frees_the_newest_name_before_the_capture() -> None:
    assert make_room(JOB, listing(R, P, S3, S4)).steps == (
        Delete("v", S4),
        Rename("v", S3, S4),
        Rename("v", P, S3),
        Rename("v", R, P),
    )
    assert make_room(JOB, listing()).steps == ()


def test_the_batch_order_publishes_what_is_pending_first() -> None:
    plan = make_room(JOB, listing(OLDER, R), whole(OLDER))
    assert plan.steps == (Rename("v", R, P), Rename("v", OLDER, R), Rename("v", P, S3), Rename("v", R, P))


def test_paper_order_moves_nothing_when_a_name_is_busy() -> None:
    plan = make_room(JOB, listing(R, P, **{P: "busy"}))
    assert plan.steps == ()
    assert plan.blocked is not None
    plan = make_room(JOB, listing(OLDER, R, **{OLDER: "busy"}), whole(OLDER))
    assert plan.steps == ()
    assert plan.blocked is not None


def test_steps_that_are_no_renames_leave_a_listing_as_it_is() -> None:
    assert after(listing(R), [Capture("v", NEW)]) == listing(R)


SNAPSHOTS = st.lists(st.sampled_from([*JOB.chain, NEW, OLDER, OLDEST, "hourly.0", "vmware_snap9"]), unique=True)
TAGGED = st.sets(st.sampled_from([*JOB.chain, NEW, OLDER, OLDEST]))
PENDING = st.lists(st.sampled_from(list(Grade)), min_size=3, max_size=3)


@given(SNAPSHOTS, TAGGED, PENDING, st.sampled_from(list(Grade)), st.integers(1, 4))
def test_no_rotation_ever_renames_onto_a_name_or_touches_a_tagged_one(
    present: list[str], busy: set[str], grades: list[Grade], publish: Grade, retain: int
) -> None:
    job = replace(JOB, chain=JOB.chain[:retain], publish=publish)
    now = listing(*present, **dict.fromkeys(busy, "busy"))
    pending = [Pending(name, grade) for name, grade in zip((OLDEST, OLDER, NEW), grades, strict=True)]
    for plan in (rotate(job, now, pending), make_room(job, now, pending)):
        state = now
        for step in plan.steps:
            assert all(not row.tags for row in state["v"] if row.name in _names_of(step))
            match step:
                case Rename(_, old, new):
                    assert old in names(state)
                    assert new not in names(state)
                case Delete(_, name):
                    assert name in names(state)
            state = after(state, [step])


@given(SNAPSHOTS, st.integers(1, 4))
def test_publishing_a_whole_backup_keeps_all_but_the_oldest(present: list[str], retain: int) -> None:
    job = replace(JOB, chain=JOB.chain[:retain])
    now = listing(NEW, *[name for name in present if name not in (NEW, OLDER, OLDEST)])
    plan = rotate(job, now, whole(NEW))
    then = after(now, plan.steps)["v"]
    assert next(row.date for row in then if row.name == R) == f"born {NEW}"
    lost = {row.date for row in now["v"]} - {row.date for row in then}
    assert lost <= {f"born {job.chain[-1]}"}
