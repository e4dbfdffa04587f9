"""SnapMirror and SnapVault as filers print them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapall.restore.mirror.texts import Ill, ill_of, lag_of, parse_long, parse_table, view_of

# The fields and their layout are those of a 7.3 simulator; the second block is that transcript itself.
LONG = """\
Snapmirror is on.

Source:                 filer1:vmvol1
Destination:            filer2:vmvol1_mirror
Status:                 Idle
Progress:               -
State:                  Snapmirrored
Lag:                    00:00:28
Mirror Timestamp:       Thu Mar 22 03:00:11 GMT 2007
Base Snapshot:          filer2(0084186432)_vmvol1_mirror.7
Current Transfer Type:  -
Current Transfer Error: -
Contents:               Replica
Last Transfer Type:     Update
Last Transfer Size:     1492 KB
Last Transfer Duration: 00:00:03
Last Transfer From:     filer1:vmvol1

Source:                 src:vol_test
Destination:            dst:vol_test_mirror
Status:                 Idle
Progress:               -
State:                  Uninitialized
Lag:                    -
Mirror Timestamp:       -
Base Snapshot:          -
Current Transfer Type:  Initialize
Current Transfer Error: cannot connect to source filer
Contents:               -
Last Transfer Type:     -
Last Transfer Size:     -
Last Transfer Duration: -
Last Transfer From:     -
"""
TABLE = """\
Snapmirror is on.
Source                   Destination               State          Lag        Status
src:vol_test             dst:vol_test_mirror       Snapmirrored   00:00:28   Idle
filer1:vmvol1            filer2:vmvol1_mirror      Snapmirrored   127:10:28  Transferring
 (12 MB done)
filer1:/vol/vmvol1/q1    filer2:/vol/sv_vmvol1/q1  Snapvaulted    -          Idle with
 restart checkpoint (5 KB done)
filer1:vmvol2            filer2:vmvol2_mirror      Broken-off     00:01:00   Idle
"""


def test_a_block_says_what_the_relation_is_and_how_far_it_is_behind() -> None:
    first, second = parse_long(LONG)
    assert (first.source, first.destination) == ("filer1:vmvol1", "filer2:vmvol1_mirror")
    assert (first.state, first.status, first.lag, first.error) == ("Snapmirrored", "Idle", 28.0, "")
    assert (first.base, first.last_from) == ("filer2(0084186432)_vmvol1_mirror.7", "filer1:vmvol1")
    assert first.idle
    assert (second.state, second.base, second.lag) == ("Uninitialized", "", None)
    assert second.error == "cannot connect to source filer"


def test_idle_with_restart_checkpoint_is_not_idle() -> None:
    (one, _) = parse_long(LONG.replace("Idle\n", "Idle with restart checkpoint\n", 1))
    assert not one.idle
    assert one.interrupted


def test_a_value_that_goes_on_in_the_next_line_is_put_together() -> None:
    status = "Status:                 Idle"
    (one, _) = parse_long(LONG.replace(status, f"{status} with\n restart checkpoint", 1))
    assert one.status == "Idle with restart checkpoint"
    (one, _) = parse_long(LONG.replace("Idle\n", "Transferring  (12 MB done)\n", 1))
    assert (one.status, one.progress) == ("Transferring", "12 MB done")


def test_a_broken_off_block_is_left_out_rather_than_half_believed() -> None:
    whole = LONG.index("State:")
    assert parse_long(LONG[:whole]) == ()


def test_the_table_is_read_with_its_wrapped_rows() -> None:
    rows = [(one.destination, one.state, one.lag, one.status, one.progress) for one in parse_table(TABLE)]
    assert rows == [
        ("dst:vol_test_mirror", "Snapmirrored", 28.0, "Idle", ""),
        ("filer2:vmvol1_mirror", "Snapmirrored", 127 * 3600 + 628.0, "Transferring", "12 MB done"),
        ("filer2:/vol/sv_vmvol1/q1", "Snapvaulted", None, "Idle with restart checkpoint", "5 KB done"),
        ("filer2:vmvol2_mirror", "Broken-off", 60.0, "Idle", ""),
    ]


def test_the_path_decides_which_relation_is_meant_because_filers_have_several_names() -> None:
    found = view_of(parse_long(LONG), "backup-filer:vmvol1_mirror", "prod:vmvol1")
    assert found is not None
    assert found.destination == "filer2:vmvol1_mirror"
    assert view_of(parse_long(LONG), "filer2:vmvol1") is None


@pytest.mark.parametrize(
    ("text", "ill"),
    [
        ("Transfer aborted: cannot connect to source filer.", Ill.SOURCE),
        ("Snapmirror is off.", Ill.OFF),
        ("snapmirror: not licensed", Ill.LICENCE),
        ("Transfer aborted: transfer request refused", Ill.ABORTED),
        ("Transfer started.\nMonitor progress with 'snapmirror status' or the snapmirror log.", None),
        ("Snapmirror is on.", None),
    ],
)
def test_a_complaint_is_recognised(text: str, ill: Ill | None) -> None:
    assert ill_of(text) is ill


@given(st.integers(0, 99999), st.integers(0, 59), st.integers(0, 59))
def test_every_lag_is_read(hours: int, minutes: int, seconds: int) -> None:
    assert lag_of(f"{hours:02}:{minutes:02}:{seconds:02}") == hours * 3600 + minutes * 60 + seconds


@given(st.text(max_size=400), st.integers(0, len(LONG)))
def test_no_text_breaks_the_reading_and_none_makes_idle_of_another_status(junk: str, at: int) -> None:
    parse_table(junk)
    for one in parse_long(f"{LONG[:at]}\n{junk}\n{LONG[at:]}"):
        assert one.idle == (one.status.lower() == "idle")
