"""The 7-Mode dialect: commands out of steps, meanings out of answers, snapshots out of listings."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapall.backup.model import FilerSnapshot
from snapall.backup.plan import ListVolume
from snapall.backup.steps import Capture, Delete, Done, Refusal, Rename, Unknown
from snapall.errors import Refused, SiteError
from snapall.site.answers import REMEDIES, Meaning, Verb, classify, parse_listing
from snapall.site.filer import FilerReply, FilerSystem, NoAnswer, NotLetIn, NotSent, sendable
from snapall.site.version import require_7mode

FIXTURES = Path(__file__).parents[2] / "fixtures" / "filer"


def sample(name: str) -> str:
    return (FIXTURES / f"{name}.txt").read_text()


@dataclass
class FakeTransport:
    """A filer connection with one canned answer, which records the commands."""

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
        return f"rsh filer1 {command}"


def filer(stdout: str = "", stderr: str = "") -> FilerSystem:
    return FilerSystem(FakeTransport(FilerReply(stdout, stderr)), "filer1")


CAPTURE = Capture("vmvol1", "vmware_recent")
RENAME = Rename("vmvol1", "vmware_recent", "vmware_previous")
DELETE = Delete("vmvol1", "vmware_snap4")

# -- commands


@pytest.mark.parametrize(
    ("step", "command"),
    [
        (CAPTURE, "snap create vmvol1 vmware_recent"),
        (RENAME, "snap rename vmvol1 vmware_recent vmware_previous"),
        (DELETE, "snap delete vmvol1 vmware_snap4"),
    ],
)
def test_each_step_is_the_batchs_own_command(step: Capture | Rename | Delete, command: str) -> None:
    transport = FakeTransport(FilerReply("", ""))
    system = FilerSystem(transport, "filer1")
    assert system.command(step) == command
    assert system.command_line(step) == f"rsh filer1 {command}"
    system.perform(step)
    assert transport.asked == [command]


@pytest.mark.parametrize("name", ["", "a b", "a;b", "-r", "a\n", "ä", "a(1)", "a'", "*"])
def test_a_name_that_the_filer_rejects_never_becomes_part_of_a_command(name: str) -> None:
    transport = FakeTransport(FilerReply("", ""))
    system = FilerSystem(transport, "filer1")
    for step in (Capture("vmvol1", name), Rename("vmvol1", name, "x"), Rename("vmvol1", "x", name), Delete(name, "x")):
        with pytest.raises(Refused):
            system.perform(step)
    with pytest.raises(Refused):
        system.listing(name)
    assert transport.asked == []


@pytest.mark.parametrize("command", ["snap create v a\0b", "version\nhalt", "version\rhalt", "snap create v ä"])
def test_only_one_line_of_ascii_is_ever_sent(command: str) -> None:
    with pytest.raises(NotSent):
        sendable(command)


# -- outcomes


@pytest.mark.parametrize(
    "reply", [("creating snapshot...\n", ""), ("", "creating snapshot...\n"), ("", ""), ("\n", "")]
)
def test_a_create_is_done_by_its_line_on_either_stream_or_by_silence(reply: tuple[str, str]) -> None:
    outcome = filer(*reply).perform(CAPTURE)
    assert outcome == Done("".join(reply).strip())


def test_a_console_log_line_is_not_an_answer() -> None:
    output = sample("log_line") + sample("snap_create")
    assert isinstance(filer(output).perform(CAPTURE), Done)


def test_a_create_onto_an_existing_name_fails_with_the_filers_text() -> None:
    outcome = filer(sample("snap_create") + sample("snap_create_exists")).perform(CAPTURE)
    assert isinstance(outcome, Unknown)
    assert outcome.failed
    assert "Snapshot already exists." in outcome.why
    assert outcome.output == "creating snapshot...\nSnapshot already exists."


def test_a_delete_of_what_is_gone_is_done_already() -> None:
    assert filer("deleting snapshot...\n", sample("snap_delete_absent")).perform(DELETE) == Done(
        "deleting snapshot...\nNo such snapshot.", already=True
    )


def test_a_rename_of_what_is_gone_failed() -> None:
    outcome = filer("", sample("snap_delete_absent")).perform(RENAME)
    assert isinstance(outcome, Unknown)
    assert outcome.failed


def test_a_delete_of_a_busy_snapshot_failed_with_a_remedy() -> None:
    outcome = filer("", sample("snap_delete_busy")).perform(DELETE)
    assert isinstance(outcome, Unknown)
    assert outcome.failed
    assert "is busy because of LUN clone" in outcome.why
    assert REMEDIES[Meaning.BUSY] in outcome.why


def test_an_unknown_answer_leaves_the_outcome_unknown() -> None:
    outcome = filer("Snapshot renamed.\n").perform(RENAME)
    assert isinstance(outcome, Unknown)
    assert not outcome.failed
    assert "Snapshot renamed." in outcome.why


ERRORS = [one for one in Meaning if one not in {Meaning.OK, Meaning.UNKNOWN_ERROR}]
TELLING = {
    Meaning.EXISTS: "Snapshot already exists.",
    Meaning.ABSENT: "No such snapshot.",
    Meaning.BUSY: "Snapshot x is busy because of LUN clone",
    Meaning.READ_ONLY: "Snapshot operation not allowed on a read-only volume.",
    Meaning.RETRY_LATER: "Snapshot operation not allowed due to clones",
    Meaning.NO_VOLUME: "No volume named 'vmvol1' exists",
    Meaning.NO_SPACE: "No space left on device",
    Meaning.LIMIT: "The maximum number of snapshots is reached",
    Meaning.DENIED: "user snapall denied access - missing required capability: 'cli-snap'",
    Meaning.BAD_COMMAND: "snap not found.  Type '?' for a list of commands",
}


@pytest.mark.parametrize("meaning", ERRORS)
def test_an_error_after_the_success_line_gives_the_reason_and_settles_nothing(meaning: Meaning) -> None:
    output = f"creating snapshot...\n{TELLING[meaning]}\n"
    outcome = filer(output).perform(CAPTURE)
    assert isinstance(outcome, Unknown)
    assert (outcome.failed, outcome.output) == (True, output.strip())
    assert TELLING[meaning] in outcome.why
    assert REMEDIES[meaning] in outcome.why


@given(st.sampled_from([CAPTURE, RENAME, DELETE]), st.text() | st.sampled_from(sorted(TELLING.values())), st.text())
def test_no_filer_output_counts_as_a_refusal(step: Capture | Rename | Delete, stdout: str, stderr: str) -> None:
    assert isinstance(filer(stdout, stderr).perform(step), Done | Unknown)


def test_a_command_that_was_not_sent_did_not_happen() -> None:
    system = FilerSystem(FakeTransport(NotSent("connection refused", hint="check the port")), "filer1")
    assert system.perform(CAPTURE) == Refusal("connection refused (check the port)")


def test_a_login_that_was_rejected_when_the_filer_had_the_command_is_settled_by_looking() -> None:
    system = FilerSystem(FakeTransport(NotLetIn("it did not let us in", hint="check rsh.access")), "filer1")
    outcome = system.perform(CAPTURE)
    assert outcome == Unknown("it did not let us in (check rsh.access)", "it did not let us in", failed=True)


def test_a_lost_answer_is_unknown_not_failed() -> None:
    system = FilerSystem(FakeTransport(NoAnswer("it hung up")), "filer1")
    assert system.perform(CAPTURE) == Unknown("it hung up")


# -- classification


@pytest.mark.parametrize(
    ("verb", "text", "meaning"),
    [
        ("create", sample("snap_create"), Meaning.OK),
        ("create", "Creating Snapshot...", Meaning.OK),
        ("create", sample("snap_create_exists"), Meaning.EXISTS),
        ("create", sample("snap_create_clones"), Meaning.RETRY_LATER),
        ("create", "creating snapshot... failed", Meaning.UNKNOWN_ERROR),
        ("create", "deleting snapshot...", Meaning.UNKNOWN_ERROR),
        ("create", "No space left on device", Meaning.NO_SPACE),
        ("create", "snap create: not enough space in volume", Meaning.NO_SPACE),
        ("create", "Too many snapshots.", Meaning.LIMIT),
        ("create", "No more snapshots available", Meaning.LIMIT),
        ("create", "The maximum number of snapshots is reached", Meaning.LIMIT),
        ("create", "snap create: The maximum number of snapshots (255) already exists.", Meaning.LIMIT),
        ("delete", "Snapshot maximum is busy because of LUN clone", Meaning.BUSY),
        ("rename", "snap rename: something else about maximum", Meaning.UNKNOWN_ERROR),
        ("create", "snap create: No volume named 'nosuch' exists", Meaning.NO_VOLUME),
        ("create", "The specified volume does not exist.", Meaning.NO_VOLUME),
        ("create", sample("unknown_command"), Meaning.BAD_COMMAND),
        ("create", "usage:\nsnap create [-A | -V] <vol-name> <snapshot-name>", Meaning.UNKNOWN_ERROR),
        ("create", "Permission denied", Meaning.DENIED),
        ("delete", sample("snap_delete"), Meaning.OK),
        ("delete", sample("snap_delete_absent"), Meaning.ABSENT),
        ("delete", "NO SUCH SNAPSHOT", Meaning.ABSENT),
        ("delete", "Snapshot vmware_snap4 does not exist.", Meaning.ABSENT),
        ("delete", "Snapshot vmware_snap4 doesn't exist on a filervol", Meaning.ABSENT),
        ("delete", "Snapshot my-volume-1 does not exist.", Meaning.ABSENT),
        ("delete", "snapshot failed: volume vmvol1 does not exist", Meaning.NO_VOLUME),
        ("delete", sample("snap_delete_busy"), Meaning.BUSY),
        ("delete", "Snapshot busy could not be deleted", Meaning.UNKNOWN_ERROR),
        ("delete", sample("snap_delete_read_only"), Meaning.READ_ONLY),
        ("rename", "", Meaning.OK),
        ("rename", "creating snapshot...", Meaning.UNKNOWN_ERROR),
        ("rename", "A snapshot with that name already exists", Meaning.EXISTS),
        ("list", "snap list: volume nosuch does not exist", Meaning.NO_VOLUME),
        ("list", sample("unknown_command"), Meaning.BAD_COMMAND),
    ],
)
def test_each_known_text_has_its_meaning_on_either_stream(verb: Verb, text: str, meaning: Meaning) -> None:
    assert classify(verb, text, "") is meaning
    assert classify(verb, "", text) is meaning


@pytest.mark.parametrize("verb", ["create", "delete"])
def test_an_error_after_the_good_line_is_an_error(verb: Verb) -> None:
    assert classify(verb, f"{verb[:-1]}ing snapshot...\n", "Snapshot x is busy because of dump") is Meaning.BUSY


def test_a_listing_is_ok_whatever_its_names_are_called() -> None:
    text = sample("snap_list_n") + "Mar 03 20:01  maximum\nMar 03 20:02  already.exists\n"
    assert classify("list", text, "working...\n\n") is Meaning.OK


def test_any_other_text_on_stderr_spoils_a_listing() -> None:
    assert classify("list", sample("snap_list_n"), "snap list: something is wrong\n") is Meaning.UNKNOWN_ERROR


@given(st.sampled_from(["create", "rename", "delete", "list"]), st.text(), st.text())
def test_every_answer_has_a_meaning_and_a_remedy(verb: Verb, stdout: str, stderr: str) -> None:
    meaning = classify(verb, stdout, stderr)
    assert meaning is Meaning.OK or REMEDIES[meaning]


@given(st.sampled_from(["create", "rename", "delete"]), st.from_regex(r"[A-Za-z]{3,}( [a-z]+)*", fullmatch=True))
def test_no_text_but_the_known_one_is_a_success(verb: Verb, text: str) -> None:
    assert classify(verb, f"{text}!", "") is not Meaning.OK


# -- listings


def test_the_plain_form_is_read() -> None:
    assert parse_listing(sample("snap_list_n"), "vol1") == (FilerSnapshot("hourly.0", "Mar 03 20:00"),)


def test_the_form_with_percentages_is_read_newest_first() -> None:
    assert parse_listing(sample("snap_list"), "vol0") == (
        FilerSnapshot("hourly.0", "Mar 03 20:00"),
        FilerSnapshot("hourly.2", "Mar 01 16:00"),
    )


def test_tags_are_kept() -> None:
    assert [row.tags for row in parse_listing(sample("snap_list_tags"), "vol1")] == [
        (),
        ("busy", "LUNs"),
        ("busy", "LUNs"),
    ]


def test_a_name_with_parentheses_is_not_a_tag() -> None:
    row = sample("snap_list_rows").splitlines()[3]
    assert parse_listing(f"{sample('snap_list_n')}{row}\n", "vol1")[1:] == (
        FilerSnapshot("f840-ca3(0033583371)_dstsm.31", "Apr 16 10:33", ("busy", "snapmirror")),
    )


def test_a_volume_without_snapshots_says_so() -> None:
    assert parse_listing(sample("snap_list_empty"), "nfsvol") == ()


@pytest.mark.parametrize("working", ["", "working...\n", "working....\n"])
@pytest.mark.parametrize("blanks", ["", "   ", "\r"])
def test_the_variants_of_the_releases_are_tolerated(working: str, blanks: str) -> None:
    text = sample("snap_list_n").replace("working...\n", working).replace("\n", f"{blanks}\n")
    assert len(parse_listing(sample("log_line") + text, "vol1")) == 1


def test_of_several_volumes_only_the_requested_one_counts() -> None:
    text = sample("snap_list") + "\n" + sample("snap_list_n")
    assert [row.name for row in parse_listing(text, "vol1")] == ["hourly.0"]
    assert [row.name for row in parse_listing(text, "vol0")] == ["hourly.0", "hourly.2"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Volume vol1\nworking...\n",  # cut off
        "Volume vol1\n\ndate          name\n------------  --------\n",  # cut off after the heading
        "No snapshots exist.\n",  # of which volume?
        sample("snap_list_empty"),  # of another volume
        sample("snap_list_n") + "No snapshots exist.\n",  # both
        sample("snap_list_n") * 2,  # twice the same volume
        "Mar 03 20:00  hourly.0\n",  # a row of no volume
    ],
)
def test_an_incomplete_listing_never_means_no_snapshots(text: str) -> None:
    with pytest.raises(SiteError) as caught:
        parse_listing(text, "vol1")
    assert caught.value.hint


@pytest.mark.parametrize(
    "line", ["              test1 (busy)", "Mar 03 20:00  two words", "Mar 03 20:00  x ()", "Mar 03", "snap list: ?"]
)
def test_a_line_that_is_not_understood_is_quoted_never_skipped(line: str) -> None:
    with pytest.raises(SiteError, match="not understood") as caught:
        parse_listing(sample("snap_list_n") + line + "\n", "vol1")
    assert line.strip() in caught.value.message


DATES = st.builds(
    "{} {:2} {:02}:{:02}".format,
    st.sampled_from(["Jan", "Mar", "Dec"]),
    st.integers(1, 31),
    st.integers(0, 23),
    st.integers(0, 59),
).map(lambda date: " ".join(date.split()))
NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.():-]{0,40}", fullmatch=True)
TAGS = st.lists(st.sampled_from(["busy", "LUNs", "snapmirror", "vclone"]), unique=True).map(tuple)
SNAPSHOTS = st.lists(st.builds(FilerSnapshot, NAMES, DATES, TAGS))


def listing_of(volume: str, rows: list[FilerSnapshot], percentages: bool, gap: str) -> str:
    head = f"Volume {volume}\nworking...\n\n"
    if not rows:
        return head + "No snapshots exist.\n"
    share = "100% (100%)    0% ( 0%)  " if percentages else ""
    title = "%/used       %/total  " if percentages else ""
    tags = [f"({','.join(row.tags)})" if row.tags else "" for row in rows]
    lines = [f"{share}{row.date}  {row.name}{gap}{tag}" for row, tag in zip(rows, tags, strict=True)]
    return head + f"  {title}date          name\n------------  --------\n" + "\n".join(lines) + "\n"


@given(SNAPSHOTS, st.booleans(), st.sampled_from([" ", "    "]))
def test_a_filers_listing_is_read_back(rows: list[FilerSnapshot], percentages: bool, gap: str) -> None:
    assert parse_listing(listing_of("vmvol1", rows, percentages, gap), "vmvol1") == tuple(rows)


@given(st.text())
def test_arbitrary_text_is_an_expected_error(text: str) -> None:
    for listing in (text, sample("snap_list_n") + text):
        with suppress(SiteError):
            assert parse_listing(listing, "vol1")


# -- the filer's listing and version


def test_the_listing_is_requested_without_the_slow_columns() -> None:
    transport = FakeTransport(FilerReply(sample("snap_list_n"), ""))
    assert len(FilerSystem(transport, "filer1").listing("vol1")) == 1
    assert transport.asked == ["snap list -n vol1"]
    assert filer().command_line(ListVolume("vol1")) == "rsh filer1 snap list -n vol1"


def test_a_missing_volume_is_named_with_its_remedy() -> None:
    with pytest.raises(SiteError, match="filer1 has no volume vol9") as caught:
        filer("", "snap list: volume vol9 does not exist\n").listing("vol9")
    assert "`volumes`" in caught.value.hint


def test_a_listing_that_comes_with_an_error_is_not_used() -> None:
    with pytest.raises(SiteError, match="something is wrong"):
        filer(sample("snap_list_n"), "something is wrong\n").listing("vol1")


def test_an_answer_that_breaks_off_was_an_answer() -> None:
    """A create that got any answer at all is never sent again."""
    system = FilerSystem(FakeTransport(NoAnswer("it hung up", output="creating snap")), "filer1")
    assert system.perform(Capture("vol1", "x")) == Unknown("it hung up", "creating snap")


def test_an_unreachable_filer_is_an_error_with_a_hint() -> None:
    system = FilerSystem(FakeTransport(NoAnswer("it hung up", hint="look")), "filer1")
    with pytest.raises(SiteError) as caught:
        system.listing("vol1")
    assert caught.value.hint == "look"


def test_the_version_is_the_raw_line() -> None:
    line = sample("version").splitlines()[2]
    assert filer(sample("log_line") + line + "\n").version() == line


@pytest.mark.parametrize(
    "reply", [("", ""), ("", "version not found.  Type '?' for a list of commands\n"), ("a\nb\n", "")]
)
def test_a_filer_that_does_not_report_its_version_is_an_error(reply: tuple[str, str]) -> None:
    with pytest.raises(SiteError, match="version"):
        filer(*reply).version()


@pytest.mark.parametrize(
    "line", [*sample("version").splitlines(), "NetApp Release 6.5.1R1: Mon", "NetApp Release 7.0.2: Wed"]
)
def test_7mode_of_any_release_is_accepted(line: str) -> None:
    version = filer(f"{line}\n").version()
    require_7mode(version, "filer1")
    assert version == line.strip()


@pytest.mark.parametrize(
    "line",
    [
        "NetApp Release 8.1.1: Fri",
        "NetApp Release 8.2.1 Cluster-Mode: Fri",
        "NetApp Release 9.1: Fri",
        "Linux filer 6.1",
        "",
        "\x1b[2J",
    ],
)
def test_anything_else_is_refused_with_a_hint(line: str) -> None:
    with pytest.raises(Refused) as caught:
        require_7mode(line, "filer1")
    assert caught.value.hint
    assert caught.value.message.isprintable()
