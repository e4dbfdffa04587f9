"""Who has no recent proof, and who is next, by the checks on record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapall.backup.model import Vm
from snapall.restore.proof.proofs import Proof, ProofLog, Readability, kept, longest_age

NOW = datetime(2007, 3, 22, 3, tzinfo=UTC)
DAY = 86400.0
READABLE, DAMAGED, UNREAD = Readability
VMS = tuple(Vm(n, f"sql{n:02}") for n in range(1, 8))


def proof(vm: Vm, days: float, found: Readability = READABLE, *problems: str, run: str = "20070321T030000Z") -> Proof:
    checked = NOW - timedelta(days=days)
    luns = (f"/vol/vmvol1/{vm.name}",)
    return Proof(
        vm.moref, vm.label, luns, "vmware_recent", "Mar 21 03:00", run, checked, 42.4, found, "signatures", problems
    )


def log(*proofs: Proof, now: datetime = NOW) -> ProofLog:
    return ProofLog(tuple(sorted(proofs, key=lambda one: one.checked)), now)


def names(vms: tuple[Vm, ...]) -> list[int]:
    return [vm.id for vm in vms]


def test_a_vm_without_a_check_has_no_recent_proof() -> None:
    assert names(log(proof(VMS[0], 1)).without_recent(VMS[:2], 7 * DAY)) == [2]


def test_a_proof_grows_too_old() -> None:
    assert names(log(proof(VMS[0], 6)).without_recent(VMS[:1], 7 * DAY)) == []
    assert names(log(proof(VMS[0], 8)).without_recent(VMS[:1], 7 * DAY)) == [1]


def test_damage_takes_an_earlier_proof_back() -> None:
    found = log(proof(VMS[0], 3), proof(VMS[0], 1, DAMAGED, "MBR at byte 0: missing"))
    assert names(found.without_recent(VMS[:1], 7 * DAY)) == [1]


def test_a_check_that_read_nothing_leaves_an_earlier_proof_as_it_is() -> None:
    found = log(proof(VMS[0], 3), proof(VMS[0], 1, UNREAD, "the device did not appear"))
    assert names(found.without_recent(VMS[:1], 7 * DAY)) == []
    last = found.last("vm-1")
    assert last is not None
    assert last.found is READABLE


def test_those_checked_the_longest_ago_are_next_and_those_never_checked_first() -> None:
    found = log(proof(VMS[0], 3), proof(VMS[1], 5), proof(VMS[2], 4))
    assert names(found.due(VMS[:4], 3)) == [4, 2, 3]


def test_a_vm_whose_checks_always_fail_keeps_no_other_waiting() -> None:
    found = log(proof(VMS[0], 1, UNREAD), proof(VMS[1], 2))
    assert names(found.due(VMS[:2], 1)) == [2]


def test_a_check_dated_in_the_future_counts_for_nothing() -> None:
    found = log(proof(VMS[0], -30))
    assert names(found.without_recent(VMS[:1], 7 * DAY)) == [1]
    assert names(found.due(VMS[:2], 1)) == [1]
    assert found.is_due(7 * DAY)


def test_a_daily_timer_that_comes_a_little_early_does_not_skip_a_week() -> None:
    assert log(proof(VMS[0], 6.99)).is_due(7 * DAY)
    assert not log(proof(VMS[0], 6)).is_due(7 * DAY)


@given(st.integers(1, 40), st.integers(1, 7), st.sets(st.integers(0, 39)))
def test_each_vm_is_proved_within_the_known_time_though_some_always_fail(vms: int, sample: int, bad: set[int]) -> None:
    machines = tuple(Vm(n, f"vm{n}") for n in range(vms))
    good = [vm for vm in machines if vm.id not in bad]
    proofs: list[Proof] = []
    rounds = -(-vms // sample)
    for week in range(3 * rounds):
        now = NOW + timedelta(days=7 * week)
        found = ProofLog(tuple(proofs), now)
        if week >= rounds:
            assert found.without_recent(good, longest_age(vms, 7 * DAY, sample)) == ()
        for vm in found.due(machines, sample):
            proofs.append(proof(vm, -7 * week, UNREAD if vm.id in bad else READABLE))


def test_the_checks_of_one_backup_are_the_last_of_each_vm() -> None:
    found = log(proof(VMS[0], 3, DAMAGED), proof(VMS[0], 2), proof(VMS[1], 1, run="other"))
    assert [one.found for one in found.of_backup("20070321T030000Z")] == [READABLE]


def test_old_checks_go_but_the_last_proof_of_a_vm_stays() -> None:
    proofs = (proof(VMS[0], 30), proof(VMS[0], 20), proof(VMS[0], 10, UNREAD), proof(VMS[0], 9, UNREAD))
    assert kept(proofs, NOW - timedelta(days=5)) == (proofs[1], proofs[3])
    assert kept(proofs, NOW - timedelta(days=15)) == proofs[1:]


@pytest.mark.parametrize(
    ("one", "text"),
    [
        (proof(VMS[0], 0), "readable on 22 Mar 2007, in 42 s"),
        (proof(VMS[0], 0, DAMAGED, "/vol/v/l: MBR"), "damaged on 22 Mar 2007, in 42 s: /vol/v/l: MBR"),
    ],
)
def test_the_certificate_states_when_and_how_fast_it_was_read(one: Proof, text: str) -> None:
    assert one.text == text
