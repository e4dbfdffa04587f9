"""What a filer tells of its volumes when it is only looked at."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapall.errors import Refused, SiteError
from snapall.site.filer import FilerReply
from snapall.site.volumeanswers import (
    Space,
    VolumeState,
    parse_autodelete,
    parse_schedule,
    parse_space,
    parse_status,
)
from snapall.site.volumes import Volumes

STATUS = """\
         Volume State           Status            Options
         vmvol1 online          raid_dp, flex     create_ucode=on, guarantee=volume
                                                  convert_ucode=on
                Containing aggregate: 'aggr0'
         mirror online          raid_dp, flex     snapmirrored=on, read-only
  a-volume-with-a-long-name offline raid_dp, flex create_ucode=on
"""
DF = """\
Filesystem              kbytes       used      avail capacity  Mounted on
/vol/vmvol1/          83886080   33554432   50331648      40%  /vol/vmvol1/
/vol/vmvol1/.snapshot 20971520    1048576   19922944       5%  /vol/vmvol1/.snapshot
"""


@dataclass
class CannedFiler:
    """A filer connection with a canned answer for each command."""

    answers: dict[str, FilerReply]
    asked: list[str] = field(default_factory=list)

    def preconnect(self) -> None:
        """There is nothing to open."""

    def run(self, command: str) -> FilerReply:
        self.asked.append(command)
        return self.answers.get(
            command, FilerReply("", f"{command.split(maxsplit=1)[0]} not found.  Type '?' for a list of commands")
        )

    def command_line(self, command: str) -> str:
        return command


def test_each_volume_has_its_state_and_whether_it_is_read_only() -> None:
    assert parse_status(STATUS) == (
        VolumeState("vmvol1", "online", read_only=False),
        VolumeState("mirror", "online", read_only=True),
        VolumeState("a-volume-with-a-long-name", "offline", read_only=False),
    )


def test_space_is_told_in_bytes() -> None:
    assert parse_space(DF, "vmvol1") == Space(83886080 << 10, 50331648 << 10, 20971520 << 10, 1048576 << 10)


def test_space_may_be_told_with_units_and_without_a_reserve() -> None:
    text = "Filesystem total used avail capacity Mounted on\n/vol/v/ 80GB 32GB 48GB 40% /vol/v/\n"
    assert parse_space(text, "v") == Space(80 << 30, 48 << 30, 0, 0)


@pytest.mark.parametrize(
    ("text", "kept"),
    [("Volume v: 0 2 6@8,12,16,20", 8), ("Volume v: 0 0 0", 0), ("Volume v: 1 2 3", 6), ("Volume v: off", 0)],
)
def test_a_schedule_is_the_number_of_snapshots_that_it_keeps(text: str, kept: int) -> None:
    assert parse_schedule(text) == kept


@pytest.mark.parametrize(("text", "on"), [("state : on", True), ("x\n  state   = off\ny", False)])
def test_autodelete_is_on_or_off(text: str, on: bool) -> None:
    assert parse_autodelete(text) is on


@given(st.text())
def test_what_is_not_understood_is_an_error_never_a_guess(text: str) -> None:
    for parse in (parse_status, lambda output: parse_space(output, "v"), parse_schedule, parse_autodelete):
        with pytest.raises(SiteError):
            parse(f"?{text}")


def test_a_release_without_autodelete_is_not_asked_for_it() -> None:
    says = CannedFiler({})
    assert Volumes(says, "filer1").autodeletes("v", "NetApp Release 7.0.2: Wed") is None
    assert says.asked == []


@pytest.mark.parametrize("version", ["NetApp Release 7.1: Wed", "NetApp Release 7.10.1", "who knows"])
def test_the_first_release_with_autodelete_is_asked_and_one_that_is_not_known_too(version: str) -> None:
    says = CannedFiler({"snap autodelete v show": FilerReply("snap autodelete settings for v:\nstate : on\n", "")})
    assert Volumes(says, "filer1").autodeletes("v", version) is True


def test_a_volume_that_is_not_there_is_named() -> None:
    says = CannedFiler({"vol status v": FilerReply("", "vol status: No volume named 'v' exists.")})
    with pytest.raises(SiteError, match="filer1 has no volume v"):
        Volumes(says, "filer1").state("v")


def test_a_command_that_the_filer_does_not_know_is_named() -> None:
    with pytest.raises(SiteError, match="does not know `df`"):
        Volumes(CannedFiler({}), "filer1").space("v")


def test_an_answer_on_stderr_alone_is_a_refusal() -> None:
    says = CannedFiler({"snap sched v": FilerReply("", "not authorized")})
    with pytest.raises(SiteError, match="not authorized") as caught:
        Volumes(says, "filer1").scheduled("v")
    assert "role" in caught.value.hint


def test_no_unfit_name_reaches_a_command_line() -> None:
    says = CannedFiler({})
    with pytest.raises(Refused):
        Volumes(says, "filer1").state("v; vol offline v")
    assert says.asked == []


@pytest.mark.parametrize("mark", ["snapmirrored=on", "read-only"])
def test_a_mirrors_destination_is_read_only_by_either_word(mark: str) -> None:
    line = (
        "         Volume State           Status            Options\n              v online          raid_dp, flex     "
    )
    says = CannedFiler({"vol status v": FilerReply(f"{line}{mark}, create_ucode=on\n", "")})
    assert Volumes(says, "filer1").state("v").read_only
    says = CannedFiler({"vol status v": FilerReply(f"{line}create_ucode=on\n", "")})
    assert not Volumes(says, "filer1").state("v").read_only


def test_all_volumes_are_told() -> None:
    assert len(Volumes(CannedFiler({"vol status": FilerReply(STATUS, "")}), "filer1").all()) == 3
