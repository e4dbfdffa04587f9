"""What a filer's answer means, line by line, and what `snap list` says of space."""

from __future__ import annotations

import pytest

from snapall.backup.model import FilerSnapshot
from snapall.errors import SiteError
from snapall.site.answers import REMEDIES, Meaning, Share, Verb, classify, parse_listing, parse_shares

LISTING = """\
Volume vmvol1
working...

  %/used       %/total  date          name
----------  ----------  ------------  --------
  7% ( 5%)    3% ( 1%)  Mar 22 03:00  vmware_recent
 12% ( 6%)    4% ( 2%)  Mar 21 03:00  vmware_previous (busy, snapmirror)

Volume other
working...

No snapshots exist.
"""


@pytest.mark.parametrize("verb", ["create", "delete"])
@pytest.mark.parametrize("odd", ["it is raining", "ting snapshot...", "working..."])
def test_a_success_line_beside_an_unknown_line_is_not_a_success(verb: Verb, odd: str) -> None:
    good = {"create": "creating snapshot...", "delete": "deleting snapshot..."}[verb]
    assert classify(verb, good, "") is Meaning.OK
    for stdout, stderr in ((f"{good}\n{odd}", ""), (f"{odd}\n{good}", ""), (good, odd), (odd, good)):
        assert classify(verb, stdout, stderr) is Meaning.UNKNOWN_ERROR


@pytest.mark.parametrize(
    ("verb", "text"), [("create", "deleting snapshot..."), ("delete", "creating snapshot..."), ("rename", "done")]
)
def test_the_success_of_another_command_does_not_count(verb: Verb, text: str) -> None:
    assert classify(verb, text, "") is Meaning.UNKNOWN_ERROR


def test_the_space_of_a_snapshot_is_read_column_by_column() -> None:
    assert parse_shares(LISTING, "vmvol1") == {
        "vmware_recent": Share(used=7, used_alone=5, total=3, total_alone=1),
        "vmware_previous": Share(used=12, used_alone=6, total=4, total_alone=2),
    }


def test_a_list_with_the_space_names_the_same_snapshots() -> None:
    assert parse_listing(LISTING, "vmvol1") == (
        FilerSnapshot("vmware_recent", "Mar 22 03:00"),
        FilerSnapshot("vmware_previous", "Mar 21 03:00", ("busy", "snapmirror")),
    )
    assert parse_shares(LISTING, "other") == {}


def test_a_list_without_the_space_column_gives_no_space() -> None:
    assert (
        parse_shares("Volume v\nworking...\n\ndate          name\n------------  --------\nMar 22 03:00  a\n", "v") == {}
    )


def test_a_row_before_any_volume_is_not_understood() -> None:
    with pytest.raises(SiteError, match="is not understood"):
        parse_listing("Mar 22 03:00  a\nVolume v\nNo snapshots exist.\n", "v")


def test_an_empty_volume_with_rows_is_not_a_complete_list() -> None:
    with pytest.raises(SiteError, match=r"the snapshot list of v is not complete"):
        parse_listing("Volume v\nNo snapshots exist.\nMar 22 03:00  a\n", "v")


def test_every_answer_but_success_has_a_remedy_of_its_own() -> None:
    assert set(REMEDIES) == set(Meaning)
    remedies = [remedy for meaning, remedy in REMEDIES.items() if meaning is not Meaning.OK]
    assert "" not in remedies
    assert len(set(remedies)) == len(remedies)
