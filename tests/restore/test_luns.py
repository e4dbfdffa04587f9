"""The dialect of LUNs: exact commands, provisional answers, and a look that is whole or refused."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapall.backup.model import FilerSnapshot
from snapall.backup.steps import Done, Refusal, Unknown
from snapall.errors import Refused, SiteError
from snapall.restore.luns.answers import LUN_REMEDIES, LunMeaning, judge
from snapall.restore.luns.client import Luns
from snapall.restore.luns.commands import command_of
from snapall.restore.model import LunMap
from snapall.restore.steps import (
    CloneLun,
    DestroyLun,
    HoldApart,
    LunStep,
    MapLun,
    MoveLun,
    Offline,
    Online,
    RestoreLun,
    RestoreVolume,
    SetSerial,
    StartSplit,
    UnmapLun,
    shows,
)
from snapall.site.filer import FilerReply, NoAnswer, NotLetIn, NotSent
from tests.restore.canned import CannedFiler, sample

LUN = "/vol/vol1/lun"
CLONE = "/vol/vol1/q1/snapall_mnt_20121129T220000Z_lun"
COMMANDS: dict[LunStep, str] = {
    HoldApart("vol1"): "vol options vol1 snapshot_clone_dependency on",
    CloneLun(CLONE, LUN, "snap1"): f"lun clone create {CLONE} -o noreserve -b {LUN} snap1",
    SetSerial(CLONE, "C4i8V?[!]^~@", "W9tGQZFiUqlF"): f"lun serial {CLONE} 'C4i8V?[!]^~@'",
    MapLun(CLONE, "helper"): f"lun map {CLONE} helper",
    MapLun(CLONE, "helper", 0): f"lun map {CLONE} helper 0",
    UnmapLun(CLONE, "helper", 3): f"lun unmap {CLONE} helper",
    Offline(CLONE): f"lun offline {CLONE}",
    Online(CLONE): f"lun online {CLONE}",
    MoveLun(LUN, "/vol/vol1/snapall_old_x_lun"): f"lun move {LUN} /vol/vol1/snapall_old_x_lun",
    DestroyLun(CLONE): f"lun destroy {CLONE}",
    StartSplit(CLONE): f"lun clone split start {CLONE}",
    RestoreLun(LUN, "snap1"): f"snap restore -f -t file -s snap1 {LUN}",
    RestoreVolume("vol1", "snap1"): "snap restore -f -t vol -s snap1 vol1",
}
LIST = "Volume vol1\nworking...\n\ndate          name\n------------  --------\n"
MAPS = (
    "LUN path                            Mapped to          LUN ID  Protocol\n"
    "-----------------------------------------------------------------------\n"
    f"{LUN}                       esx                     0     iSCSI\n"
    f"{LUN}                       helper                  7     iSCSI\n"
)


def filer(**changed: str | FilerReply | SiteError) -> CannedFiler:
    """A filer that answers the five questions of a look, some of them changed."""
    answers: dict[str, str | FilerReply | SiteError] = {
        "lun show -v": sample("lun_show_v"),
        "lun show -m": MAPS,
        "snap list -n vol1": f"{LIST}Mar 22 03:00  snap1 (busy,LUNs)\nMar 21 03:00  snap0\n",
        "vol options vol1": sample("vol_options"),
    }
    names = {"luns": "lun show -v", "maps": "lun show -m", "snapshots": "snap list -n vol1"}
    names |= {"options": "vol options vol1", "splits": "lun clone split status", "igroups": "igroup show"}
    return CannedFiler(answers | {names[key]: answer for key, answer in changed.items()})


@pytest.mark.parametrize(("step", "command"), COMMANDS.items(), ids=lambda value: type(value).__name__)
def test_each_step_is_sent_in_the_filers_own_words(step: LunStep, command: str) -> None:
    asked = CannedFiler()
    assert Luns(asked, "filer1").perform(step) == Done("")
    assert asked.asked == [command]


def test_nothing_is_ever_forced_but_a_restore_answers_its_own_questions() -> None:
    assert [step for step in COMMANDS if " -f" in command_of(step)] == [
        RestoreLun(LUN, "snap1"),
        RestoreVolume("vol1", "snap1"),
    ]


@pytest.mark.parametrize(
    "step",
    [
        CloneLun("/vol/v/.snapshot/s/l", LUN, "snap1"),
        CloneLun("/vol/v/a b", LUN, "snap1"),
        CloneLun(CLONE, LUN, "snap1 -f"),
        MapLun(CLONE, "-f"),
        MapLun(CLONE, "helper", -1),
        MapLun(CLONE, "helper", 4096),
        SetSerial(CLONE, "short", ""),
        SetSerial(CLONE, "W9tGQZF'Uqlx", ""),
        SetSerial(CLONE, "W9tGQZFiUql\n", ""),
        RestoreVolume("/vol/vol1", "snap1"),
        DestroyLun("/vol/vol1"),
    ],
)
def test_an_unfit_name_is_refused_before_anything_is_sent(step: LunStep) -> None:
    asked = CannedFiler()
    with pytest.raises(Refused, match="cannot be part of a filer's command") as caught:
        Luns(asked, "filer1").perform(step)
    assert caught.value.code == "SA-4306"
    assert asked.asked == []


@given(st.text("ABCxyz019/-#$%&*+<=>?[!]^~@", min_size=12, max_size=12))
def test_a_serial_reaches_the_filer_whole_from_its_command_and_from_a_shell_here(serial: str) -> None:
    step = SetSerial(CLONE, serial, "")
    assert shlex.split(command_of(step))[-1] == serial
    *_, last = shlex.split(Luns(CannedFiler(), "filer1").command_line(step))
    assert shlex.split(last)[-1] == serial


@pytest.mark.parametrize(
    ("error", "outcome", "failed"),
    [
        (NotSent("no route to filer1"), Refusal, False),
        (NotLetIn("Permission denied"), Unknown, True),
        (NoAnswer("filer1 did not answer", output="half"), Unknown, False),
    ],
)
def test_only_what_was_never_sent_is_a_refusal(error: SiteError, outcome: type, failed: bool) -> None:
    found = Luns(CannedFiler({COMMANDS[Offline(CLONE)]: error}), "filer1").perform(Offline(CLONE))
    assert type(found) is outcome
    assert getattr(found, "failed", False) is failed


def test_after_a_lost_answer_the_operator_is_sent_to_the_lists_of_luns() -> None:
    lost = NoAnswer("filer1 did not answer", "run `snap list` to see what happened")
    found = Luns(CannedFiler({COMMANDS[Offline(CLONE)]: lost}), "filer1").perform(Offline(CLONE))
    assert isinstance(found, Unknown)
    assert "lun show -v" in found.why


ANSWERS = [
    (MapLun(CLONE, "helper"), "helper: Permission denied", LunMeaning.NO_RIGHT),
    (
        RestoreLun(LUN, "snap1"),
        "user snapall does not have the capability: cli-snap-restore",
        LunMeaning.NO_RIGHT,
    ),
    (RestoreLun(LUN, "snap1"), "snap restore: snaprestore is not licensed.", LunMeaning.NO_LICENCE),
    (RestoreVolume("vol1", "snap1"), "Unlicensed feature: snaprestore", LunMeaning.NO_LICENCE),
    (RestoreVolume("vol1", "snap1"), "A SnapRestore license is required for this", LunMeaning.NO_LICENCE),
    (MapLun(CLONE, "partner-x"), "lun map: No such initiator group: partner-x", LunMeaning.NO_IGROUP),
    (MapLun(CLONE, "helper"), "lun map: igroup helper does not exist", LunMeaning.NO_IGROUP),
    (MapLun(CLONE, "helper"), "lun map: cannot check the partner for LUN id conflicts", LunMeaning.PARTNER),
    (MapLun(CLONE, "helper"), "lun map: the cluster interconnect is down", LunMeaning.PARTNER),
    (MapLun(CLONE, "helper", 7), "lun map: LUN ID 7 is already in use", LunMeaning.ID_TAKEN),
    (MapLun(CLONE, "helper"), "lun map: LUN already mapped to this group", LunMeaning.ALREADY),
    (CloneLun(CLONE, LUN, "snap1"), f"lun clone create: {CLONE}: LUN already exists", LunMeaning.EXISTS),
    (CloneLun(CLONE, LUN, "snap1"), "lun clone create: No such snapshot", LunMeaning.NO_SNAPSHOT),
    (CloneLun(CLONE, LUN, "snap1"), f"lun clone create: {LUN} is in a clone split", LunMeaning.SPLITTING),
    (CloneLun(CLONE, LUN, "snap1"), "lun clone create: No space left on device", LunMeaning.NO_SPACE),
    (CloneLun(CLONE, LUN, "snap1"), "lun clone create: No such LUN exists", LunMeaning.NO_LUN),
    (CloneLun(CLONE, LUN, "snap1"), "lun clone create: vol1: read-only file system", LunMeaning.READ_ONLY),
    (StartSplit(CLONE), "lun clone split start: not enough space in the volume", LunMeaning.NO_SPACE),
    (
        RestoreLun(LUN, "snap1"),
        "Snapshot operation not allowed due to clones backed by snapshots. Try again after sometime.",
        LunMeaning.SPLITTING,
    ),
    (SetSerial(CLONE, "W9tGQZFiUqlF", ""), "lun serial: LUN must be offline", LunMeaning.ONLINE),
    (SetSerial(CLONE, "C4i8V?[!]^~@", ""), "lun serial: Invalid serial number", LunMeaning.BAD_SERIAL),
    (MoveLun(LUN, "/vol/vol1/x"), "lun move: /vol/vol1/x: file exists", LunMeaning.EXISTS),
    (DestroyLun(CLONE), f"lun destroy: {CLONE}: LUN is mapped", LunMeaning.MAPPED),
    (DestroyLun(CLONE), "lun not found.  Type '?' for a list of commands", LunMeaning.NO_COMMAND),
    (Offline(CLONE), "usage:\nlun offline <lun_path>", LunMeaning.NO_COMMAND),
    (HoldApart("vol1"), "vol options: No volume named 'vol1'", LunMeaning.NO_VOLUME),
    (RestoreVolume("vol1", "snap1"), "Are you sure you want to do this?", LunMeaning.ASKED),
    (Offline(CLONE), "something else entirely", LunMeaning.OTHER),
]


@pytest.mark.parametrize(("step", "answer", "meaning"), ANSWERS)
def test_an_error_has_its_own_remedy_and_the_look_decides_what_happened(
    step: LunStep, answer: str, meaning: LunMeaning
) -> None:
    for reply in (FilerReply(f"{answer}\n", ""), FilerReply("", answer)):
        found = Luns(CannedFiler({command_of(step): reply}), "filer1").perform(step)
        assert isinstance(found, Unknown)
        whole = bool(reply.stdout)  # the other one may be cut off
        assert found.failed is (whole or meaning is not LunMeaning.OTHER)
        assert found.why.endswith(f"({LUN_REMEDIES[meaning]})")
        assert found.output == answer


def test_each_meaning_has_a_remedy() -> None:
    assert set(LUN_REMEDIES) == set(LunMeaning)
    assert len(set(LUN_REMEDIES.values())) == len(LunMeaning)


@pytest.mark.parametrize(
    ("step", "answer"),
    [
        (UnmapLun(CLONE, "helper", 3), "lun unmap: LUN not mapped to this group"),
        (UnmapLun(CLONE, "helper", 3), "lun unmap: No such LUN exists"),
        (Offline(CLONE), "lun offline: LUN is already offline"),
        (Offline(CLONE), f"{CLONE} is not online"),
        (Online(CLONE), "lun online: LUN is already online"),
        (Online(CLONE), "lun online: LUN is not offline"),
        (DestroyLun(CLONE), "No such LUN exists"),
    ],
)
def test_what_is_gone_or_so_already_is_done(step: LunStep, answer: str) -> None:
    found = Luns(CannedFiler({command_of(step): f"{answer}\n"}), "filer1").perform(step)
    assert found == Done(answer, already=True)


def test_an_absent_lun_is_no_success_of_anything_but_taking_it_away() -> None:
    for step in (Offline(CLONE), Online(CLONE), MapLun(CLONE, "helper"), RestoreLun(LUN, "snap1")):
        found = Luns(CannedFiler({command_of(step): "No such LUN exists\n"}), "filer1").perform(step)
        assert isinstance(found, Unknown)


@pytest.mark.parametrize("name", ["partner", "split", "read-only", "licence", "offline", "snapshot", "no-such-lun"])
def test_a_name_in_an_answer_is_never_taken_for_its_meaning(name: str) -> None:
    step = MapLun(f"/vol/vol1/{name}", name)
    answer = f"lun map: /vol/vol1/{name}: group {name}: strange things happened"
    assert judge(step, answer, "") is LunMeaning.OTHER
    assert judge(step, "", f"lun map: LUN '/vol/vol1/{name}' already mapped to {name}") is LunMeaning.ALREADY


@pytest.mark.parametrize(
    "line",
    [
        "[filer1: lun.map:info]: LUN /vol/v/l was mapped to initiator group ig=0",
        "Mon Apr  7 14:08:21 CEST [filer1:lun.map:info]: LUN /vol/v/l was mapped to initiator group ig=0",
        "filer1> ",
    ],
)
def test_what_the_filer_logs_meanwhile_is_no_answer(line: str) -> None:
    step = MapLun(CLONE, "helper")
    assert isinstance(Luns(CannedFiler({command_of(step): f"{line}\n"}), "filer1").perform(step), Done)


def test_a_volume_is_reverted_when_the_filer_says_so_last() -> None:
    step = RestoreVolume("pocvol", "snap1")
    assert judge(step, "volume pocvol: revert successful.\n", "") is LunMeaning.DONE
    assert judge(step, sample("snap_restore"), "") is LunMeaning.DONE
    assert judge(step, sample("snap_restore").replace("revert successful", "revert failed"), "") is not LunMeaning.DONE


def test_a_look_shows_the_luns_maps_snapshots_and_the_option_of_one_volume() -> None:
    asked = filer()
    seen = Luns(asked, "filer1").view("vol1")
    assert set(seen.luns) == {LUN, CLONE}
    assert seen.luns[CLONE].snapshot == "snap1"
    assert seen.maps_of(LUN) == (LunMap(LUN, "esx", 0, "iSCSI"), LunMap(LUN, "helper", 7, "iSCSI"))
    assert seen.snapshots == (
        FilerSnapshot("snap1", "Mar 22 03:00", ("busy", "LUNs")),
        FilerSnapshot("snap0", "Mar 21 03:00"),
    )
    assert seen.dependency is False
    assert seen.online
    assert asked.asked == [
        "lun show -v",
        "lun show -m",
        "snap list -n vol1",
        "vol options vol1",
        "lun clone split status",
    ]


def test_splits_are_asked_for_only_where_there_is_a_clone_or_a_restore() -> None:
    luns = sample("lun_show_v")
    alone = luns[: luns.index(f"        {CLONE}")]
    asked = filer(luns=alone, snapshots=f"{LIST}Mar 21 03:00  snap0\n")
    assert Luns(asked, "filer1").view("vol1").splitting == frozenset()
    assert "lun clone split status" not in asked.asked


def test_a_split_of_another_volume_is_not_this_volumes() -> None:
    seen = Luns(filer(splits=f"{CLONE} (12% complete)\n/vol/other/c (1% complete)\n"), "filer1").view("vol1")
    assert seen.splitting == {CLONE}


def test_a_lun_that_a_restore_still_copies_is_known_by_the_snapshots_tag() -> None:
    luns = sample("lun_show_v").replace("Comment: ", f"Backed by: /vol/vol1/.snapshot/snap1/lun\n{' ' * 16}Comment: ")
    seen = Luns(filer(luns=luns, snapshots=f"{LIST}Mar 22 03:00  snap1 (busy,snap restore)\n"), "filer1").view("vol1")
    assert seen.splitting == {LUN}
    assert shows(RestoreLun(LUN, "snap1"), seen)


def test_a_filer_of_before_7_3_does_not_know_the_dependency() -> None:
    assert Luns(filer(options="nosnap=off, nosnapdir=off\n"), "filer1").view("vol1").dependency is None


@pytest.mark.parametrize("state", ["offline", "restricted", "not online"])
def test_a_volume_that_is_not_online_is_seen_so(state: str) -> None:
    seen = Luns(filer(snapshots=FilerReply("", f"snap list: Volume vol1 is {state}.\n")), "filer1").view("vol1")
    assert not seen.online
    assert not shows(RestoreVolume("vol1", "snap1"), seen)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"luns": ""}, "SA-4301"),
        ({"luns": "lun show: No such LUN exists\n"}, "SA-4305"),
        ({"luns": FilerReply("", "lun not found.  Type '?' for a list of commands\n")}, "SA-4305"),
        ({"luns": FilerReply("", "user x does not have the capability: cli-lun\n")}, "SA-4304"),
        ({"luns": FilerReply("half\n", "")}, "SA-4300"),
        ({"maps": ""}, "SA-4302"),
        ({"maps": MAPS.rpartition("\n/vol")[0] + "\n"}, "SA-4302"),
        ({"maps": MAPS.rstrip("\n")}, "SA-4303"),
        ({"maps": f"{MAPS}/vol/vol1/new      esx    4   FCP\n"}, "SA-4302"),
        ({"snapshots": f"{LIST}Mar 22 03:00  sn"}, "SA-4010"),
        ({"snapshots": FilerReply("", "Permission denied\n")}, "SA-4160"),
        ({"options": "nosnap=off,\n"}, "SA-4300"),
        ({"options": FilerReply("", "vol options: No volume named 'vol1'\n")}, "SA-4305"),
        ({"splits": "what?\n"}, "SA-4300"),
        ({"splits": FilerReply("", "usage: lun clone split start\n")}, "SA-4305"),
        ({"luns": "head2(takeover)> \n" + sample("lun_show_v")}, "SA-4163"),
    ],
)
def test_a_look_that_is_not_whole_is_an_error_with_its_own_code(
    changed: dict[str, str | FilerReply], code: str
) -> None:
    with pytest.raises(SiteError) as caught:
        Luns(filer(**changed), "filer1").view("vol1")
    assert (caught.value.code, bool(caught.value.hint)) == (code, True)


BANNER = "Authorized use only: no partner, no split\n"
VERSION = f"{BANNER}NetApp Release 7.3.5.1P5: Wed Jun 15 15:37:59 PDT 2011\n"


def test_a_login_banner_before_each_answer_is_learned_once_and_left_out() -> None:
    asked = filer()
    asked.answers |= {key: f"{BANNER}{text}" for key, text in asked.answers.items()}
    asked.answers["version"] = VERSION
    luns = Luns(asked, "filer1")
    asked.answers[COMMANDS[Offline(CLONE)]] = BANNER
    asked.answers["lun clone split status"] = BANNER
    assert isinstance(luns.perform(Offline(CLONE)), Done)
    assert set(luns.view("vol1").luns) == {LUN, CLONE}
    assert asked.asked.count("version") == 1


def test_a_complaint_beside_a_list_makes_the_list_worthless() -> None:
    complaint = FilerReply(MAPS, "lun show: the partner does not answer\n")
    with pytest.raises(SiteError) as caught:
        Luns(filer(maps=complaint), "filer1").view("vol1")
    assert caught.value.hint == LUN_REMEDIES[LunMeaning.PARTNER]


def test_initiator_groups_and_users_of_a_snapshot_are_read() -> None:
    answers: dict[str, str | FilerReply | SiteError] = {
        "igroup show": sample("igroup_show"),
        "lun snap usage vol1 snap1": sample("lun_snap_usage"),
    }
    luns = Luns(CannedFiler(answers), "filer1")
    assert [one.name for one in luns.igroups()] == ["esxi5"]
    assert [one.holder for one in luns.usage("vol1", "snap1")] == ["", "snap2"]
