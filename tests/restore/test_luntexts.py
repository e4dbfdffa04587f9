"""The filer's lists of LUNs, maps and initiator groups are read whole, or refused by the line."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapall.errors import SiteError
from snapall.restore.luns.texts import parse_igroups, parse_luns, parse_maps
from snapall.restore.model import Igroup, Lun, LunMap
from tests.restore.canned import sample

CLONE = "/vol/vol1/q1/snapall_mnt_20121129T220000Z_lun"
LUNS = (
    Lun("/vol/vol1/lun", 10742215680, mapped=True, serial="W9tGQZFiUqlF", comment="Oracle: volume 0"),
    Lun(CLONE, 10742215680, serial="W9tGQ/Fi-Uql", backed_by="/vol/vol1/.snapshot/snap1/lun"),
    Lun("/vol/other/lun2", 2147483648, online=False, serial="C4i8V?[!]^~@", read_only=True),
)
MAPS = frozenset({("/vol/vol1/lun", "esx", 0), ("/vol/vol1/lun", "helper", 7)})


def wrapped(text: str, columns: int = 80) -> str:
    """The text as a terminal breaks it at its last column."""
    return "".join(f"{line[at : at + columns]}\n" for line in text.split("\n") for at in range(0, len(line), columns))


def test_lun_show_v_is_read_with_serials_backing_comments_and_maps() -> None:
    assert parse_luns(sample("lun_show_v")) == (LUNS, MAPS)


@pytest.mark.parametrize(
    "around",
    [
        lambda text: "filer1> lun show -v\n".replace("lun show -v", "") + text + "filer1> \n",
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("                ", "\t\t").replace("        ", "\t"),
        lambda text: "Mon Apr  7 14:08:21 CEST [f1:lun.map:info]: LUN /vol/v/l was mapped\n" + text,
        lambda text: text + "[f1: lun.map:info]: LUN /vol/v/l was mapped to initiator group ig=0\n",
        lambda text: re.sub(r"(/vol/vol1/q1/\S+) +", r"\1\n                  ", text),
        wrapped,
    ],
    ids=["prompts", "crlf", "tabs", "log line", "log line without a date", "long path on its own line", "terminal"],
)
def test_prompts_log_lines_and_broken_lines_change_nothing(around) -> None:  # type: ignore[no-untyped-def]
    assert parse_luns(around(sample("lun_show_v"))) == (LUNS, MAPS)


def test_an_attribute_of_a_later_release_is_passed_over_but_no_error_line_is() -> None:
    row, *rest = sample("lun_show_v").splitlines(keepends=True)
    assert parse_luns(row + "                Alignment: aligned\n" + "".join(rest)) == (LUNS, MAPS)
    with pytest.raises(SiteError, match="lun show: internal error") as caught:
        parse_luns(row + "lun show: internal error\n" + "".join(rest))
    assert caught.value.code == "SA-4300"


@pytest.mark.parametrize("state", ["r/w", "online", "r/w, online, offline", "r/w, r/o, online", "r/w, broken", ""])
def test_a_lun_that_is_neither_clearly_online_nor_clearly_offline_is_refused(state: str) -> None:
    with pytest.raises(SiteError, match="not understood"):
        parse_luns(f"/vol/v/l  2g (2147483648)  ({state})\n    Serial#: W9tGQZFiUqlF\n")


def test_a_lun_whose_serial_is_missing_was_cut_off() -> None:
    text = sample("lun_show_v")
    with pytest.raises(SiteError, match="/vol/other/lun2 has no line `Serial#:`"):
        parse_luns(text[: text.index("                Serial#: C4i8")])


def test_a_list_that_ends_in_a_bare_path_is_refused_by_that_path() -> None:
    with pytest.raises(SiteError, match="/vol/vol1/lun9"):
        parse_luns(f"{sample('lun_show_v')}        /vol/vol1/lun9\n")
    with pytest.raises(SiteError, match="/vol/vol1/lun9"):
        parse_maps("/vol/vol1/lun9\n")


def test_lun_show_m_is_read_whatever_the_case_of_its_heading() -> None:
    rows = (LunMap("/vol/karim_vol/my_lun", "esx_hosts", 0),)
    assert parse_maps(sample("lun_show_m")) == rows
    assert parse_maps(sample("lun_show_m").replace("LUN path", "lun path").replace("Mapped", "mapped")) == rows


def test_a_map_of_a_long_path_may_stand_on_the_next_line() -> None:
    text = "LUN path       Mapped to   LUN ID  Protocol\n-----------\n/vol/v/a_long_path\n       esx   12   iSCSI\n"
    assert parse_maps(text) == (LunMap("/vol/v/a_long_path", "esx", 12, "iSCSI"),)


@pytest.mark.parametrize("parse", [parse_luns, parse_maps, parse_igroups])
def test_a_line_without_end_is_refused_whether_or_not_a_terminal_broke_it(parse) -> None:  # type: ignore[no-untyped-def]
    for text in ("/vol/a " * 150_000, wrapped("/vol/a=1 " * 100_000)):
        with pytest.raises(SiteError, match="not understood"):
            parse(text)


def test_no_map_at_all_is_an_empty_answer() -> None:
    assert parse_maps("") == ()


@pytest.mark.parametrize("line", ["lun show: partner does not answer", "/vol/v/l esx zero FCP", "/vol/v/l esx 0 NVMe"])
def test_a_row_of_maps_that_is_not_understood_is_quoted(line: str) -> None:
    with pytest.raises(SiteError, match=line):
        parse_maps(f"{sample('lun_show_m')}{line}\n")


def test_igroup_show_tells_who_is_logged_in() -> None:
    assert parse_igroups(sample("igroup_show")) == (
        Igroup("esxi5", "iSCSI", "vmware", (("iqn.1998-01.com.vmware:esxi06-70d75e37", False),)),
    )
    text = (
        "    esx (FCP) (ostype: vmware):\n"
        "        10:00:00:00:c9:6b:76:49 (logged in on: 0d, vtic)\n"
        "    empty (iSCSI) (ostype: linux):\n"
    )
    assert parse_igroups(text) == (
        Igroup("esx", "FCP", "vmware", (("10:00:00:00:c9:6b:76:49", True),)),
        Igroup("empty", "iSCSI", "linux"),
    )


@pytest.mark.parametrize("line", ["igroup show: not now", "    x (NVMe) (ostype: vmware):", "        iqn.a (perhaps)"])
def test_an_initiator_group_that_is_not_understood_is_quoted(line: str) -> None:
    with pytest.raises(SiteError, match=re.escape(line.strip())):
        parse_igroups(f"{sample('igroup_show')}{line}\n")


NAME = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,40}", fullmatch=True)
PATH = st.builds(lambda *names: "/".join(("/vol", *names)), NAME, NAME)
SERIAL = st.text("ABCxyz019/-#$%&*+<=>?[!]^~@", min_size=12, max_size=12)
A_LUN = st.builds(
    Lun,
    PATH,
    st.integers(1, 2**44),
    online=st.booleans(),
    serial=SERIAL,
    backed_by=st.just("")
    | st.builds(lambda volume, name, lun: f"/vol/{volume}/.snapshot/{name}/{lun}", NAME, NAME, NAME),
    read_only=st.booleans(),
    comment=st.just("") | st.text("ab :=#/,.()1", max_size=40).map(str.strip),
)


def printed(lun: Lun) -> str:
    """The LUN as `lun show -v` prints it."""
    words = [
        "r/o" if lun.read_only else "r/w",
        "online" if lun.online else "offline",
        *(["mapped"] if lun.mapped else []),
    ]
    more = [f'Comment: "{lun.comment}"'] * bool(lun.comment) + [f"Backed by: {lun.backed_by}"] * bool(lun.backed_by)
    lines = [f"Serial#: {lun.serial}", *more, "Share: none", "Creation Time: Thu Nov 29 22:02:11 MST 2012"]
    head = f"        {lun.path:<28} {lun.size / 2**30:.1f}g ({lun.size})   ({', '.join(words)})\n"
    return head + "".join(f"                {line}\n" for line in lines)


@given(st.lists(A_LUN, unique_by=lambda lun: lun.path, max_size=5), st.booleans())
def test_what_a_filer_prints_of_luns_is_read_back_as_it_is(luns: list[Lun], broken: bool) -> None:
    text = "".join(map(printed, luns))
    assert parse_luns(wrapped(text) if broken else text)[0] == tuple(luns)


def test_a_line_that_just_fills_its_columns_takes_in_no_other() -> None:
    full = Lun("/vol/v/a", 2**31, serial="A", backed_by="/vol/v/.snapshot/s/".ljust(53, "a"))
    broken = Lun("/vol/v/b", 2**31, serial="B", backed_by="/vol/v/.snapshot/s/".ljust(70, "b"))
    text = wrapped(printed(full) + printed(broken))
    assert any(len(line) == 80 and line.endswith("aaa") for line in text.split("\n"))
    assert parse_luns(text)[0] == (full, broken)


@given(st.lists(st.builds(LunMap, PATH, NAME, st.integers(0, 4095), st.sampled_from(["FCP", "iSCSI"])), max_size=6))
def test_what_a_filer_prints_of_maps_is_read_back_as_it_is(maps: list[LunMap]) -> None:
    rows = [f"{one.path:<35} {one.igroup:<18} {one.id:>6}  {one.protocol:>8}\n" for one in maps]
    assert parse_maps("".join(rows)) == tuple(maps)


@given(st.text("abc /()-:,.%=0gr\n\t", max_size=60))
def test_garbage_between_two_luns_is_an_error_or_no_change(noise: str) -> None:
    first, second = LUNS[0], LUNS[2]
    text = f"{printed(first)}{noise}\n{printed(second)}"
    with suppress(SiteError):
        found = parse_luns(text)[0]
        assert [(one.path, one.serial, one.online) for one in found] == [
            (one.path, one.serial, one.online) for one in (first, second)
        ]
