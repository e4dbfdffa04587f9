"""Who holds a snapshot, what is being split, and a volume's options, as a filer prints them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapall.errors import SiteError
from snapall.restore.luns.clones import SnapUsage, parse_options, parse_splits, parse_usage
from tests.restore.canned import sample
from tests.restore.test_luntexts import wrapped

BACKING = "/vol/vol1/.snapshot/snap1/lun"


def test_lun_snap_usage_names_who_holds_the_snapshot_newest_first() -> None:
    assert parse_usage(sample("lun_snap_usage")) == (
        SnapUsage("", "/vol/vol1/lun_s1", BACKING),
        SnapUsage("snap2", "/vol/vol1/.snapshot/snap2/lun_s1", BACKING),
    )


def test_one_snapshot_may_hold_it_with_several_luns() -> None:
    text = f"Active:\n  LUN: /vol/v/a\n  Backed By: {BACKING}\n\n  LUN: /vol/v/b\n  Backed By: {BACKING}\n"
    assert [one.lun for one in parse_usage(text)] == ["/vol/v/a", "/vol/v/b"]


def test_nothing_holds_a_snapshot_of_which_the_filer_says_nothing() -> None:
    assert parse_usage("") == ()


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("lun snap usage: no such volume\n", "no such volume"),
        ("Active:\n  Backed By: /vol/v/.snapshot/s/l\n", "Backed By"),
        ("Active:\n  LUN: /vol/v/l\n", "/vol/v/l"),
        ("  LUN: /vol/v/l\n", "LUN: /vol/v/l"),
        ("Active:\n  LUN: /vol/v/l\n  LUN: /vol/v/m\n", "LUN: /vol/v/m"),
    ],
)
def test_usage_that_is_not_whole_is_refused_by_its_line(text: str, quoted: str) -> None:
    with pytest.raises(SiteError, match=quoted):
        parse_usage(text)


@pytest.mark.parametrize(
    "text",
    [
        "/vol/v/c (12% complete)\n",
        "lun clone split status: /vol/v/c: 12% Complete\n",
        "/vol/v/c   1234 of 5678 blocks done (21%)\n",
        "filer1> \nMon Apr  7 14:08:21 CEST [f1:lun.clone:info]: x\n/vol/v/c is 0 % split\n",
    ],
)
def test_a_clone_with_progress_is_being_split(text: str) -> None:
    assert parse_splits(text) == {"/vol/v/c"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "No split is currently in progress for the given resource.\n",
        "lun clone split status: /vol/v/c: No split is currently in progress for the given resource\n",
        "No clone split operation is in progress.\n",
    ],
)
def test_no_split_under_way_is_said_in_several_ways(text: str) -> None:
    assert parse_splits(text) == frozenset()


@pytest.mark.parametrize("line", ["lun clone split status: no", "/vol/v/c", "12% complete"])
def test_progress_that_is_not_understood_is_quoted(line: str) -> None:
    with pytest.raises(SiteError, match=line):
        parse_splits(f"{line}\n")


def test_volume_options_are_read_over_several_lines() -> None:
    options = parse_options(sample("vol_options"))
    assert options["snapshot_clone_dependency"] == "off"
    assert options["guarantee"] == "none"
    assert parse_options("root, diskroot, nosnap=off\n") == {"root": "", "diskroot": "", "nosnap": "off"}


@pytest.mark.parametrize("text", ["", "vol options: No volume named 'v'\n", "root\n", "nosnap=off, minra=off,\n"])
def test_options_that_are_none_or_cut_off_are_refused(text: str) -> None:
    with pytest.raises(SiteError, match="not understood"):
        parse_options(text)


@given(
    st.dictionaries(
        st.from_regex(r"[a-z][a-z_]{2,30}", fullmatch=True), st.sampled_from(["on", "off", "73400"]), min_size=1
    )
)
def test_options_are_read_back_from_one_line_that_a_terminal_broke(options: dict[str, str]) -> None:
    assert parse_options(wrapped(", ".join(f"{key}={value}" for key, value in options.items()))) == options
