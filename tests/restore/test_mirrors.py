"""The commands of replication, and what a destination's filer answers to them."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from snapall.backup.steps import Done, Refusal, Unknown
from snapall.errors import Refused, SiteError
from snapall.restore.mirror.client import Mirrors
from snapall.restore.mirror.relations import (
    CopiesView,
    KeepCopy,
    Kind,
    Relation,
    RelationEnd,
    RelationView,
    Update,
    steps_of,
)
from snapall.site.filer import FilerReply, NoAnswer, NotSent
from tests.restore.test_mirrortexts import LONG, TABLE

MIRROR = Relation(Kind.MIRROR, "filer2", "filer2:vmvol1_mirror", "filer1:vmvol1")
VAULT = Relation(Kind.VAULT, "filer2", "/vol/sv_vmvol1/q1", keep_name="sv_nightly")
STARTED = "Transfer started.\nMonitor progress with 'snapmirror status' or the snapmirror log.\n"
COPIES = """\
Volume sv_vmvol1
working...

  date          name
------------  --------
Mar 22 03:10  sv_nightly.0
Mar 21 03:10  sv_nightly.1
Mar 21 03:09  filer2(0084186432)_sv_vmvol1-base.0 (busy,snapvault)
"""


@dataclass
class Destination:
    """A filer with one answer, which records the commands."""

    answer: FilerReply | SiteError
    asked: list[str] = field(default_factory=list)

    def preconnect(self) -> None:
        """There is nothing to open."""

    def run(self, command: str) -> FilerReply:
        self.asked.append(command)
        if isinstance(self.answer, SiteError):
            raise self.answer
        return self.answer

    def command_line(self, command: str) -> str:
        return f"rsh filer2 {command}"


def mirrors(stdout: str = "", stderr: str = "") -> Mirrors:
    return Mirrors(Destination(FilerReply(stdout, stderr)), "filer2")


def test_each_step_is_the_filers_own_command_for_the_destination() -> None:
    commands = [mirrors().command(step) for step in steps_of((MIRROR, VAULT))]
    assert commands == [
        "snapmirror update -S filer1:vmvol1 filer2:vmvol1_mirror",
        "snapvault update /vol/sv_vmvol1/q1",
        "snapvault snap create sv_vmvol1 sv_nightly",
    ]


def test_the_qtrees_of_one_volume_share_one_retained_copy_made_after_all_of_them() -> None:
    second = Relation(Kind.VAULT, "filer2", "/vol/sv_vmvol1/q2", keep_name="sv_nightly")
    assert steps_of((VAULT, second)) == (Update(VAULT), Update(second), KeepCopy("filer2", "sv_vmvol1", "sv_nightly"))


@pytest.mark.parametrize("place", ["filer2:vmvol1 mirror", "filer2:a;b", "-f", "", "filer2:/vol/x", "a:b:c"])
def test_a_place_that_a_shell_could_misread_never_becomes_part_of_a_command(place: str) -> None:
    with pytest.raises(Refused) as refused:
        mirrors().perform(Update(Relation(Kind.VAULT, "filer2", place)))
    assert refused.value.code == "SA-1922"


def test_transfer_started_is_an_answer_and_no_proof() -> None:
    assert mirrors(STARTED).perform(Update(MIRROR)) == Done(STARTED.strip())


def test_a_complaint_is_unknown_because_only_the_status_shows_what_happened() -> None:
    outcome = mirrors("", "Transfer aborted: cannot connect to source filer.\n").perform(Update(MIRROR))
    assert isinstance(outcome, Unknown)
    assert outcome.failed


def test_only_what_was_never_sent_is_refused() -> None:
    refused = Mirrors(Destination(NotSent("no way", "check it")), "filer2").perform(Update(MIRROR))
    lost = Mirrors(Destination(NoAnswer("lost")), "filer2").perform(Update(MIRROR))
    assert isinstance(refused, Refusal)
    assert isinstance(lost, Unknown)


def test_the_status_is_asked_of_the_destination_and_read() -> None:
    there = Destination(FilerReply(LONG, ""))
    view = Mirrors(there, "filer2").look(Update(MIRROR))
    assert there.asked == ["snapmirror status -l vmvol1_mirror"]
    assert isinstance(view, RelationView)
    assert (view.base, view.lag) == ("filer2(0084186432)_vmvol1_mirror.7", 28.0)


def test_a_filer_that_only_prints_the_table_is_understood_as_well() -> None:
    assert mirrors(TABLE).status(MIRROR).progress == "12 MB done"


def test_the_copies_of_a_name_are_listed_newest_first() -> None:
    view = mirrors(COPIES).look(KeepCopy("filer2", "sv_vmvol1", "sv_nightly"))
    assert view == CopiesView(("sv_nightly.0 Mar 22 03:10", "sv_nightly.1 Mar 21 03:10"))


@pytest.mark.parametrize(
    ("answer", "code", "remedy"),
    [
        ("snapmirror: not licensed\n", "SA-1901", "license add"),
        ("Snapmirror is off.\n", "SA-1902", "options snapmirror.enable on"),
        ("Snapmirror is on.\n", "SA-1903", "snapmirror status"),
        ("snapmirror: Permission denied\n", "SA-1900", "useradmin role modify"),
    ],
)
def test_a_status_that_is_none_names_the_reason_and_the_remedy(answer: str, code: str, remedy: str) -> None:
    with pytest.raises(SiteError) as error:
        mirrors(answer).status(MIRROR)
    assert error.value.code == code
    assert remedy in error.value.hint


@dataclass
class Source:
    """A filer that answers each command as it is told, and records nothing."""

    answers: dict[str, str]

    def preconnect(self) -> None:
        """There is nothing to open."""

    def run(self, command: str) -> FilerReply:
        return FilerReply(self.answers[command], "")

    def command_line(self, command: str) -> str:
        return f"rsh filer1 {command}"


ON = {"snapmirror status -l": "Snapmirror is on.\n", "snapvault status -l": "Snapvault primary is ON.\n"}
LISTED = "snapmirror destinations -s"


def ends(**answers: str) -> tuple[RelationEnd, ...]:
    told = {command.replace(" ", "_").replace("-", ""): command for command in (*ON, LISTED)}
    given = {told[name]: text for name, text in answers.items()}
    return Mirrors(Source({**ON, LISTED: "", **given}), "filer1").ends()


def test_a_filer_that_says_only_that_its_services_are_on_is_no_end_of_any_relation() -> None:
    assert ends() == ()
    off = {"snapmirror_status_l": "Snapmirror is off.\n", "snapvault_status_l": "snapvault is not licensed.\n"}
    assert ends(**off, snapmirror_destinations_s="snapmirror is not licensed.\n") == ()


def test_which_end_of_a_relation_the_filer_is_shows_in_its_state() -> None:
    base = "filer2(0084186432)_vmvol1_mirror.7"
    assert ends(snapmirror_status_l=LONG)[0] == RelationEnd(
        Kind.MIRROR, "vmvol1_mirror", "filer1:vmvol1", receives=True, whole=True, base=base
    )
    assert ends(snapmirror_status_l=LONG.replace("Snapmirrored", "Source"))[0] == RelationEnd(
        Kind.MIRROR, "vmvol1", "filer2:vmvol1_mirror", whole=True, base=base
    )


def test_a_relation_within_one_filer_has_both_ends_there_and_only_a_transfer_makes_it_busy() -> None:
    found = ends(snapmirror_status_l=TABLE.replace("dst:", "src:"))
    assert [(one.volume, one.receives) for one in found[:2]] == [("vol_test_mirror", True), ("vol_test", False)]
    assert [(one.volume, one.busy, one.broken) for one in found[2:]] == [
        ("vmvol1_mirror", True, False),
        ("sv_vmvol1", False, False),
        ("vmvol2_mirror", False, True),
    ]


def test_a_destination_that_only_the_list_of_destinations_has_counts_with_its_snapshot() -> None:
    listed = "Path  Snapshot  Destination\nvmvol1  filer9(1)_far.4  filer9:far->filer10:farther\n"
    assert ends(snapmirror_destinations_s=listed) == (
        RelationEnd(Kind.MIRROR, "vmvol1", "filer9:far", whole=True, base="filer9(1)_far.4"),
    )


@pytest.mark.parametrize("text", ["", "snapmirror: permission denied\n", "who knows\n"])
def test_an_answer_that_shows_neither_relations_nor_the_service_is_no_answer(text: str) -> None:
    with pytest.raises(SiteError) as caught:
        ends(snapmirror_status_l=text)
    assert caught.value.code == "SA-1805"
