"""Whole runs on the lab in which a system reports success and does nothing: ledger and lists decide."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from snapall.lab.faults import Fault, FaultKind
from tests.lab.atlab import CHAIN, AtLab
from tests.lab.sites import batch

Make = Callable[..., AtLab]
ORDERS = pytest.mark.parametrize("order", ["safe", "paper"])


def creates(night: AtLab) -> list[str]:
    return [change for change in night.changes if change.startswith("snap create")]


def asked_for(night: AtLab) -> list[str]:
    return [entry.argv[-2] for entry in night.ledger.vcbsnapshot if "-c" in entry.argv]


def kept(night: AtLab, order: str) -> dict[str, str]:
    """The chain after a night without a capture: paper order has deleted the oldest by then."""
    return {name: date for name, date in night.dates.items() if order == "safe" or name != CHAIN[-1]}


@pytest.mark.parametrize(("order", "transport"), [("safe", "ssh"), ("paper", "rsh")])
def test_a_capture_that_the_filer_only_claims_is_not_a_backup(at_lab: Make, order: str, transport: str) -> None:
    night = at_lab(order=order, transport=transport)
    night.fault(Fault("snap create", FaultKind.LIE))
    ended = night("run")
    assert ended.code == 1, ended.err
    assert "is not listed on vmvol1" in ended.err
    assert "whole" not in ended.out
    assert night.ledger.captures == ()
    assert len(creates(night)) == 1
    assert sorted(night.names()) == sorted(kept(night, order))
    assert night.chain() == kept(night, order)
    if order == "safe":
        assert not [change for change in night.changes if change.startswith(("snap rename", "snap delete"))]
    night.assert_nothing_is_quiesced()


@ORDERS
def test_after_a_claimed_capture_status_and_list_know_of_no_new_backup(at_lab: Make, order: str) -> None:
    night = at_lab(order=order)
    night.fault(Fault("snap create", FaultKind.LIE))
    assert night("run").code == 1
    assert "quiesced 3/3" not in night("list").out
    assert night("recover").code == 0
    assert night.chain() == kept(night, order)
    assert night("run").code == 0
    assert "quiesced 3/3" in night("list").out
    assert night.chain()[CHAIN[1]] == night.dates[CHAIN[0]]


@ORDERS
def test_a_capture_with_an_unknown_answer_is_sent_once(at_lab: Make, order: str) -> None:
    night = at_lab(order=order)
    night.fault(Fault("snap create", FaultKind.FAIL, text="snap create: it is raining"))
    ended = night.hastily()
    assert ended.code == 1
    assert "it is raining" in ended.err
    assert len(creates(night)) == 1
    assert night.chain() == kept(night, order)
    night.assert_nothing_is_quiesced()


def test_a_capture_that_a_silent_filer_does_not_list_is_sent_once_more(at_lab: Make) -> None:
    """Over rsh a lost answer looks like the silence that some releases keep on success."""
    night = at_lab(site=batch().having(silent=True))
    night.fault(Fault("snap create", FaultKind.LIE, times=0))
    assert night.hastily().code == 1
    first, second = creates(night)
    assert first == second
    night.assert_no_backup_is_lost()
    night.assert_nothing_is_quiesced()


@pytest.mark.parametrize("kind", [FaultKind.FAIL, FaultKind.ACT_NO_ANSWER, FaultKind.NO_SSID])
def test_vcbsnapshot_is_called_once_for_a_vm_whatever_it_answers(at_lab: Make, kind: FaultKind) -> None:
    night = at_lab()
    night.fault(Fault("vcbsnapshot create", kind, vm=110))
    assert night("run").code == (3 if kind is FaultKind.FAIL else 0)
    assert night("recover").code == 0
    assert sorted(asked_for(night)) == ["moref:vm-108", "moref:vm-110", "moref:vm-1226"]
    night.assert_nothing_is_quiesced()
    night.assert_shifted_by_one()


def test_a_vm_whose_snapshot_was_only_claimed_is_named_and_not_counted(at_lab: Make) -> None:
    night = at_lab()
    night.fault(Fault("vcbsnapshot create", FaultKind.LIE, vm=110))
    ended = night("run")
    assert ended.code == 3
    assert "vm-110" in ended.err
    assert "it was never made, or something else removed it" in ended.err
    assert "partial 2/3" in night("list").out
    assert sorted(asked_for(night)) == ["moref:vm-108", "moref:vm-110", "moref:vm-1226"]
    night.assert_shifted_by_one()


def test_a_removal_that_was_only_claimed_is_an_alarm_and_recover_sends_it_again(at_lab: Make) -> None:
    night = at_lab()
    night.fault(Fault("vcbsnapshot delete", FaultKind.LIE, vm=110))
    ended = night("run")
    assert ended.code == 5
    assert "vm-110" in ended.err
    assert set(night.world.quiesced()) - set(night.foreign) == {110}
    assert night("recover").code == 0
    night.assert_nothing_is_quiesced()
    assert sum("-d moref:vm-110" in change for change in night.changes) == 2


def test_when_vcbsnapshot_keeps_claiming_removals_recover_names_another_remedy(at_lab: Make) -> None:
    night = at_lab()
    night.fault(Fault("vcbsnapshot delete", FaultKind.LIE, vm=110, times=0))
    night("run")
    ended = night("recover")
    assert ended.code == 5
    assert "remove it in the Snapshot Manager" in ended.err


@pytest.mark.parametrize("nth", [2, 4])
def test_the_next_run_repeats_a_rename_that_was_only_claimed(at_lab: Make, nth: int) -> None:
    night = at_lab()
    night.fault(Fault("snap rename", FaultKind.LIE, nth=nth))
    assert night.hastily().code == 3
    dates = {row.date for row in night.world.listing("vmvol1")}
    assert set(night.dates.values()) - {night.dates[CHAIN[-1]]} <= dates
    assert night.hastily().code == 0
    assert sorted(night.names()) == sorted(CHAIN)
    assert {night.chain()[name] for name in CHAIN[:2]}.isdisjoint(night.dates.values())
    assert night.chain()[CHAIN[2]] == night.dates[CHAIN[0]]


def test_a_deletion_that_was_only_claimed_moves_nothing_and_loses_nothing(at_lab: Make) -> None:
    night = at_lab()
    night.fault(Fault("snap delete", FaultKind.LIE))
    assert night.hastily().code == 3
    assert set(night.dates.values()) <= {row.date for row in night.world.listing("vmvol1")}
    assert night.hastily().code == 0
    assert sorted(night.names()) == sorted(CHAIN)


@pytest.mark.parametrize("nth", [2, 3])
def test_a_list_that_breaks_off_in_a_line_does_not_make_a_backup_unknown(at_lab: Make, nth: int) -> None:
    """Over rsh nothing shows that it broke off: a snapshot missing from it is not gone."""
    night = at_lab()
    night.fault(Fault("snap list", FaultKind.HALF, nth=nth, times=0))
    assert night.hastily().code in {1, 3}
    night.assert_nothing_is_quiesced()
    night.assert_no_backup_is_lost()
    night.world.clear_faults()
    night("recover")
    ended = night("run")
    assert ended.code == 0
    assert "is in no journal" not in ended.err
    assert not [name for name in night.names() if name.startswith("vmware_new")]


def test_a_failed_run_in_paper_order_does_not_claim_that_no_backup_is_lost(at_lab: Make) -> None:
    night = at_lab(order="paper")
    night.fault("volume-full")
    ended = night("run")
    assert ended.code == 1
    assert CHAIN[-1] not in night.names()
    assert "the retained backups are unchanged" not in ended.err
    assert "the oldest backup may be lost" in ended.err
