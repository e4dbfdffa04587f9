"""Answers are read whatever stands around them: banners, prompts, the echo, log lines, a narrow terminal, any case."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapall.backup.model import FilerSnapshot
from snapall.backup.steps import Capture, Delete, Done, Rename, Unknown
from snapall.errors import Refused, SiteError
from snapall.site.answers import REMEDIES, Meaning
from snapall.site.filer import FilerReply, FilerSystem
from snapall.site.version import release_of, require_7mode, version_of
from snapall.site.volumeanswers import Space, VolumeState
from snapall.site.volumes import Volumes

FIXTURES = Path(__file__).parents[2] / "fixtures" / "filer"
VERSIONS = (FIXTURES / "version.txt").read_text().splitlines()
LISTING = (FIXTURES / "snap_list_n.txt").read_text() + "Mar 02 20:00  vmware_recent (busy,LUNs)\n"
ROWS = (FilerSnapshot("hourly.0", "Mar 03 20:00"), FilerSnapshot("vmware_recent", "Mar 02 20:00", ("busy", "LUNs")))
STATUS = (FIXTURES / "vol_status.txt").read_text()
DF = (FIXTURES / "df_h.txt").read_text()
BANNER = ("WARNING: unauthorized access is prohibited.", "All use is logged; report faults if a volume does not mount.")
Case = Callable[[str], str]
CASES: list[Case] = [str, str.lower, str.upper]
LOG = (FIXTURES / "log_line.txt").read_text()


@dataclass
class Filer:
    """A filer that says these texts, one for each command; of one that is not there, the last word."""

    answers: dict[str, str]
    stderr: str = ""

    def run(self, command: str) -> FilerReply:
        return FilerReply(self.answers.get(command, ""), self.stderr)

    def preconnect(self) -> None:
        """There is nothing to open."""

    def command_line(self, command: str) -> str:
        return command


@st.composite
def surrounded(draw: st.DrawFn, answer: str, command: str, *, banner: bool = True) -> str:
    """The answer with what may stand around it; nothing of it changes what the answer says."""
    lines = answer.rstrip("\n").split("\n")
    if draw(st.booleans()):
        lines = [word for line in lines for word in (line, "")]
    prompt = draw(st.sampled_from(["", "filer1> ", "filer1*> ", "filer1(takeover)> ", "FILER1(TAKEOVER)> "]))
    head = [*BANNER] if banner and draw(st.booleans()) else []
    head += [f"{prompt}{command}"] if prompt else []
    log = [LOG.rstrip("\n")] if draw(st.booleans()) else []
    end = draw(st.sampled_from(["\n", "\r\n", "  \r\n"]))
    return end.join([*head, *log, *lines, prompt])


@given(st.data(), st.sampled_from(VERSIONS), st.sampled_from(CASES))
def test_a_version_line_is_found_whatever_stands_around_it(data: st.DataObject, line: str, case: Case) -> None:
    mark = data.draw(st.sampled_from(["", " <1>", " <5O>", "\n<1>", "\n<5O>\n"]))
    cut = data.draw(st.integers(0, line.count(" ")))
    words = line.split(" ")
    wrapped = " ".join(words[:cut]) + ("\n" if 3 < cut < len(words) else " ") + " ".join(words[cut:])
    written = case(wrapped.strip())
    answer = data.draw(surrounded(f"{written}{mark}\n", "version"))
    version = FilerSystem(Filer({"version": answer}), "filer1").version()
    require_7mode(version, "filer1")
    assert " ".join(version.lower().split()) == " ".join(line.lower().split())
    assert release_of(version) == release_of(line)


@pytest.mark.parametrize("line", ["NetApp Release 8.2.1 Cluster-Mode: Fri", "Data ONTAP Release 8.1: Fri 7-Mode"])
@given(st.data())
def test_no_surroundings_make_another_mode_a_7mode(line: str, data: st.DataObject) -> None:
    answer = data.draw(surrounded(f"{line}\n", "version"))
    with pytest.raises(Refused, match="7-Mode"):
        require_7mode(FilerSystem(Filer({"version": f"this is no 7-Mode\n{answer}"}), "filer1").version(), "filer1")


@given(st.data())
def test_a_listing_is_read_whatever_stands_around_it(data: st.DataObject) -> None:
    head, _, rows = LISTING.partition("------------  --------\n")
    case = data.draw(st.sampled_from(CASES))
    written = f"{case(head).replace('VOL1', 'vol1')}------------  --------\n{rows}"
    answer = data.draw(surrounded(written, "snap list -n vol1"))
    assert FilerSystem(Filer({"snap list -n vol1": answer}), "filer1").listing("vol1") == ROWS


def test_a_row_that_a_terminal_broke_at_its_last_column_is_put_together() -> None:
    name = "n" * 90
    row = f"Mar 01 20:00  {name}"
    answer = f"{LISTING}{row[:80]}\n{row[80:]}\n"
    (*_, last) = FilerSystem(Filer({"snap list -n vol1": answer}), "filer1").listing("vol1")
    assert last == FilerSnapshot(name, "Mar 01 20:00")


@pytest.mark.parametrize(
    "front", ["snap list: the list is not complete", "Mar 04 20:00  vmware_new", "No snapshots exist."]
)
def test_no_complaint_and_no_row_in_front_of_a_listing_is_taken_for_a_banner(front: str) -> None:
    filer = FilerSystem(Filer({"snap list -n vol1": f"{front}\n{LISTING}"}), "filer1")
    if front.startswith("No"):
        assert filer.listing("vol1") == ROWS
    else:
        with pytest.raises(SiteError, match="not understood"):
            filer.listing("vol1")


@given(st.data())
def test_state_and_space_are_read_whatever_stands_around_them(data: st.DataObject) -> None:
    case = data.draw(st.sampled_from(CASES))
    status, df = (case(text).replace("NFSVOL", "nfsvol") for text in (STATUS, DF))
    narrow = data.draw(st.booleans())
    df = df.replace("nfsvol/   ", "nfsvol/\n   ").replace(".snapshot   ", ".snapshot\n   ") if narrow else df
    answers = {
        "vol status nfsvol": data.draw(surrounded(status, "vol status nfsvol")),
        "df nfsvol": data.draw(surrounded(df, "df nfsvol")),
    }
    volumes = Volumes(Filer(answers), "filer1")
    assert volumes.state("nfsvol") == VolumeState("nfsvol", "online", read_only=False)
    assert volumes.space("nfsvol") == Space(2048 << 30, 2047 << 30, 42 << 20, 54 << 20)


def test_a_missing_last_column_costs_nothing() -> None:
    status = "\n".join(line[:50] for line in STATUS.splitlines())
    df = "\n".join(line[:60] for line in DF.splitlines())
    volumes = Volumes(Filer({"vol status nfsvol": status, "df nfsvol": df}), "filer1")
    assert volumes.state("nfsvol") == VolumeState("nfsvol", "online", read_only=False)
    assert volumes.space("nfsvol") == Space(2048 << 30, 2047 << 30, 42 << 20, 54 << 20)


def test_a_banner_is_learned_once_and_left_out_of_every_answer() -> None:
    banner = "".join(f"{line}\n" for line in BANNER)
    answers = {
        "version": f"{banner}{VERSIONS[0]}\n",
        "snap create v new": f"{banner}creating snapshot...\n",
        "snap rename v new newer": banner,
        "snap delete v newer": f"{banner}No such snapshot.\n",
    }
    filer = FilerSystem(Filer(answers), "filer1")
    before, version = filer.notes, filer.version()
    assert (before, version) == ((), VERSIONS[0])
    assert isinstance(filer.perform(Capture("v", "new")), Done)
    assert isinstance(filer.perform(Rename("v", "new", "newer")), Done)
    assert filer.perform(Delete("v", "newer")) == Done(f"{banner}No such snapshot.", already=True)
    ((text, remedy, code),) = filer.notes
    assert BANNER[0] in text
    assert "/etc/motd" in remedy
    assert code == "SA-4161"


def test_a_rename_that_is_answered_with_anything_but_the_known_banner_is_unknown() -> None:
    filer = FilerSystem(Filer({"version": f"{BANNER[0]}\n{VERSIONS[0]}", "snap rename v a b": BANNER[1]}), "filer1")
    filer.version()
    assert isinstance(filer.perform(Rename("v", "a", "b")), Unknown)


def test_a_partner_that_answers_in_a_takeover_is_refused_by_name() -> None:
    answers = {"version": f"head2(takeover)> {VERSIONS[0]}\n", "snap list -n vol1": f"head2(takeover)> \n{LISTING}"}
    filer = FilerSystem(Filer(answers), "filer1", "head1.example.edu")
    for look in (filer.version, lambda: filer.listing("vol1")):
        with pytest.raises(SiteError, match="head2 answers in place of filer1") as caught:
            look()
        assert caught.value.code == "SA-4163"
        assert "cf status" in caught.value.hint


@pytest.mark.parametrize(("name", "host"), [("HEAD2", "10.0.0.2"), ("filer1", "head2.example.edu")])
def test_a_filer_that_has_taken_over_its_partner_goes_on_with_a_warning(name: str, host: str) -> None:
    filer = FilerSystem(Filer({"version": f"head2(takeover)> version\n{VERSIONS[0]}\n"}), name, host)
    assert filer.version() == VERSIONS[0]
    ((text, remedy, code),) = filer.notes
    assert "in takeover" in text
    assert "cf giveback" in remedy
    assert code == "SA-4162"


DENIALS = [
    "user snapall denied access - missing required capability: 'cli-x'",
    "Permission denied.",
    "snapall does not have the cli-x capability",
    "You are not authorized to use this command",
]


@pytest.mark.parametrize("text", DENIALS)
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_role_without_a_right_is_named_with_the_capabilities_that_it_needs(text: str, stream: str) -> None:
    commands = (
        "version",
        "snap list -n v",
        "vol status v",
        "df v",
        "snap sched v",
        "snap autodelete v show",
        "snap create v new",
    )
    said = Filer(dict.fromkeys(commands, text)) if stream == "stdout" else Filer({}, text)
    filer, volumes = FilerSystem(said, "filer1"), Volumes(said, "filer1")
    looks: dict[str, Callable[[], object]] = {
        "version": filer.version,
        "snap list": lambda: filer.listing("v"),
        "vol status": lambda: volumes.state("v"),
        "df": lambda: volumes.space("v"),
        "snap sched": lambda: volumes.scheduled("v"),
        "snap autodelete": lambda: volumes.autodeletes("v", VERSIONS[0]),
    }
    for command, look in looks.items():
        with pytest.raises(SiteError, match=f"does not allow this login to run `{command}`") as caught:
            look()
        assert caught.value.code == "SA-4160"
        assert "cli-snap*" in caught.value.hint
    outcome = filer.perform(Capture("v", "new"))
    assert isinstance(outcome, Unknown)
    assert REMEDIES[Meaning.DENIED] in outcome.why


def test_a_banner_about_access_is_no_missing_right() -> None:
    said = Filer({"snap list -n v": f"{BANNER[0]}\nYou are not authorized here unless you work here.\n"})
    with pytest.raises(SiteError) as caught:
        FilerSystem(said, "filer1").listing("v")
    assert caught.value.code != "SA-4160"


@given(st.text() | st.lists(st.sampled_from(["a> ", "\n", " ", "x", "Volume v", VERSIONS[0]])).map("".join))
def test_any_text_is_a_version_or_none(text: str) -> None:
    found = version_of(text)
    assert found is None or release_of(found.line) is not None


@pytest.mark.parametrize("sample", ["vol_status_clone", "vol_status_hybrid_cache"])
def test_a_word_outside_the_columns_makes_no_volume_read_only(sample: str) -> None:
    said = Filer({"vol status vmvol1": (FIXTURES / f"{sample}.txt").read_text()})
    assert Volumes(said, "filer1").state("vmvol1") == VolumeState("vmvol1", "online", read_only=False)
    Volumes(said, "filer1").require_writable("vmvol1")


@pytest.mark.parametrize("seed", range(5))
def test_a_volume_is_read_only_by_its_columns_whatever_follows(seed: int) -> None:
    below = ["Clone, backed by volume 'read-only', snapshot 'x'", "Hybrid Cache:", "Containing aggregate: 'aggr0'"]
    random.Random(seed).shuffle(below)
    rows = [
        "         Volume State           Status            Options",
        "      read-only online          raid_dp, flex     create_ucode=on",
        *(f"                {line}" for line in below),
        "                Eligibility: read-only",
        "         mirror online          raid_dp, flex     snapmirrored=on,",
        "                                read-only         convert_ucode=on",
        "          other offline         raid_dp, flex     x=read-only",
    ]
    said = Filer({"vol status": "\n".join(rows)})
    assert [(one.name, one.state, one.read_only) for one in Volumes(said, "filer1").all()] == [
        ("read-only", "online", False),
        ("mirror", "online", True),
        ("other", "offline", False),
    ]


@pytest.mark.parametrize("last", ["/vol/vmvol1/..", "/vol/vmvol1/.snapshot", "", "snap reserve"])
def test_a_row_called_snap_reserve_is_the_reserve(last: str) -> None:
    text = (FIXTURES / "df_snap_reserve.txt").read_text().replace("/vol/vmvol1/..", last)
    space = Volumes(Filer({"df vmvol1": text}), "filer1").space("vmvol1")
    assert (space.reserve, space.snapshots) == (25 << 30, 30 << 30)


def test_the_reserve_of_another_volume_is_not_taken() -> None:
    own = "/vol/vmvol1/ 100 50 50 50% /vol/vmvol1/\n"
    text = f"{own}/vol/other/ 100 50 50 50% /vol/other/\nsnap reserve 10 5 5 50% /vol/other/..\n"
    assert Volumes(Filer({"df vmvol1": text}), "filer1").space("vmvol1").reserve == 0


@pytest.mark.parametrize("text", ["Volume v: no such volume", "Volume v: the node is switched off", "Volume noday:"])
def test_no_word_in_a_sentence_means_that_there_is_no_schedule(text: str) -> None:
    with pytest.raises(SiteError, match="not understood"):
        Volumes(Filer({"snap sched v": text}), "filer1").scheduled("v")
