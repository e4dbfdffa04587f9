"""Whose backup a listed snapshot is: a name together with its date, on every volume of its job."""

from __future__ import annotations

from dataclasses import replace

import pytest

from snapall.backup.model import FilerSnapshot, Grade
from snapall.backup.origins import recall
from snapall.backup.outcome import Origin
from snapall.backup.rotation import Pending
from tests.backup.simulated import JOB

NEW = "vmware_new_20070322T030000Z"
BACKUP = Origin("v", NEW, "Mar 22 03:00", "20070322T030000Z", Grade.WHOLE, 3, 3)


@pytest.mark.parametrize(("date", "ours"), [("Mar 22 03:00", True), ("Mar 23 03:00", False)])
def test_a_snapshot_of_another_date_under_its_name_is_no_backup_of_ours(date: str, ours: bool) -> None:
    past = recall(JOB, [BACKUP], {"v": (FilerSnapshot(NEW, date),)})
    assert past.origins == ((BACKUP,) if ours else ())
    assert past.pending == ((Pending(NEW, Grade.WHOLE),) if ours else ())
    assert past.of("v", NEW, date) == (BACKUP if ours else None)
    assert ("in no journal" in " ".join(one.text for one in past.warnings)) is not ours


@pytest.mark.parametrize("volumes", [("v",), ("v", "w")])
def test_a_backup_that_one_volume_lacks_is_reported_and_not_pending(volumes: tuple[str, ...]) -> None:
    job = replace(JOB, volumes=("v", "w"))
    known = [replace(BACKUP, volume=volume) for volume in volumes]
    listings = {volume: (FilerSnapshot(NEW, BACKUP.date),) if volume in volumes else () for volume in job.volumes}
    past = recall(job, known, listings)
    whole = volumes == job.volumes
    assert past.pending == ((Pending(NEW, Grade.WHOLE),) if whole else ())
    assert ("is not complete on w" in " ".join(one.text for one in past.warnings)) is not whole
