"""What the run-book of a backup says, from facts alone."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from html import unescape

import hypothesis
import pytest
from hypothesis import strategies as st

from snapall.backup.codec import from_json, to_json
from snapall.backup.model import FilerSnapshot, Vm
from snapall.backup.outcome import NOT_QUIESCED, QUIESCED, Verdict
from snapall.escaping import quoted_word
from snapall.restore.book.blocks import WIDTH, Block, as_html, as_text, folded
from snapall.restore.book.facts import BookFacts, FilerLogin, Given, Present, VmFiles, VolumeFacts
from snapall.restore.book.runbook import runbook
from snapall.restore.book.ways import spare_serials
from snapall.restore.luns.commands import command_of
from snapall.restore.model import Igroup, Lun, LunMap
from tests.platforms import posix

STAMP = "20070322T030000Z"
SQL, MAIL = Vm(611, "sql01", "esx05.example.edu"), Vm(131, "mail01", "esx06.example.edu")
DISK = Lun("/vol/vmvol1/sql01", 2**31, mapped=True, serial="W-8A$b!9/c#d")
VMFS = Lun("/vol/vmvol1/vmfs1", 2**35, mapped=True, serial="W-8Ab9cdefgh")
ROWS = (FilerSnapshot("hourly.0", "Mar 22 08:00"), FilerSnapshot("vmware_recent", "Mar 22 03:00"))
FACTS = BookFacts(
    "vol1",
    STAMP,
    FilerLogin("filer1.example.edu", "ssh", 2222, "snapall"),
    "partial 1/2",
    f"Quiesce-{STAMP}-k3x9",
    (Verdict(SQL, QUIESCED), Verdict(MAIL, NOT_QUIESCED, "vcbsnapshot did not answer in time")),
    "2007-03-22T03:12:00+00:00",
    (VolumeFacts("vmvol1", (DISK, VMFS), (LunMap(DISK.path, "esx", 4), LunMap(VMFS.path, "esx", 0)), ROWS, True),),
    (Igroup("esx", "FCP", "vmware", (("21:00", True),)), Igroup("helper", "FCP", "vmware", (("21:01", True),))),
    (VmFiles(611, "[vmvol1_vmfs] sql01/sql01.vmx"),),
)
PRESENT = (Present("vmvol1", "vmware_recent", "Mar 22 03:00"),)


def blocks(facts: BookFacts = FACTS, proof: str = "") -> tuple[Block, ...]:
    return runbook(facts, PRESENT, command_of, proof)


def text(facts: BookFacts = FACTS, proof: str = "") -> str:
    return as_text(blocks(facts, proof))


def flat(facts: BookFacts = FACTS) -> str:
    """The text without its line breaks."""
    return re.sub(r"( \\)?\s+", " ", text(facts))


def sent(page: str) -> list[str]:
    """The commands that the filer would get if its shell lines were typed."""
    lines = [shlex.split(one) for one in re.sub(r" \\\n\s+", " ", page).split("\n") if one.startswith("    ssh ")]
    return [" ".join(words[4:]) for words in lines if words[3:4] == ["snapall@filer1.example.edu"]]


def test_the_ways_of_a_vms_lun_are_exact_commands() -> None:
    commands = sent(text())
    mount = "/vol/vmvol1/snapall_mnt_20070322T030000Z_sql01"
    assert f"lun clone create {mount} -o noreserve -b /vol/vmvol1/sql01 vmware_recent" in commands
    assert f"lun map {mount} helper" in commands
    place = commands.index("snap restore -f -t file -s vmware_recent /vol/vmvol1/sql01")
    assert commands[place - 1 : place + 2 : 2] == [
        "lun unmap /vol/vmvol1/sql01 esx",
        "lun map /vol/vmvol1/sql01 esx 4",
    ]
    assert "snap restore -f -t vol -s vmware_recent vmvol1" in commands


def test_the_lun_of_a_vm_of_another_job_is_none_of_the_vm_whose_name_it_begins_with() -> None:
    (volume,) = FACTS.volumes
    other, longer = Lun("/vol/vmvol1/sql01-test", 2**31, mapped=True, serial="x"), Vm(873, "sql01-test")
    facts = replace(FACTS, volumes=(replace(volume, luns=(*volume.luns, other)),), others=(longer,))
    of_vms, rest = flat(facts).split("LUNs of no VM of this backup")
    assert other.path not in of_vms
    assert f"{other.path} of VM sql01-test (vm-873), which this job does not back up" in rest
    assert from_json(to_json(facts), BookFacts) == facts


def test_a_serial_reaches_the_filer_in_quotation_marks_whatever_it_holds() -> None:
    assert f"lun serial /vol/vmvol1/sql01 '{DISK.serial}'" in sent(text())


def test_a_clone_gets_a_serial_of_its_own_before_it_is_mapped() -> None:
    commands = sent(text())
    mapped = next(n for n, one in enumerate(commands) if one.endswith("_sql01 helper") and "lun map" in one)
    assert commands[mapped - 2].startswith("lun serial /vol/vmvol1/snapall_mnt")
    assert DISK.serial not in commands[mapped - 2]


def test_a_mirror_is_broken_by_nobody_but_the_reader_of_another_filer() -> None:
    assert not [one for one in sent(text()) if "snapmirror" in one]
    assert "snapall@DST snapmirror break MIRROR" in flat()


def test_the_consistent_disk_depends_on_whether_the_vm_was_quiesced() -> None:
    mail, sql = flat().split("VM mail01")[1].split("VM sql01")
    assert "for an RDM the LUN itself" in sql
    assert f"Quiesce-{STAMP}-k3x9" in sql
    assert "This VM was not quiesced: its disks are crash-consistent" in mail
    assert "No LUN of this VM is known" in mail


def test_a_lun_of_no_vm_is_named_and_never_changed() -> None:
    assert f"{VMFS.path} 32.0 GB" in flat().split("LUNs of no VM of this backup")[1]
    (made,) = [one for one in sent(text()) if VMFS.path in one and ".snapshot" not in one]
    assert made.startswith("lun clone create /vol/vmvol1/snapall_mnt")


def test_what_a_volume_restore_would_lose_is_named() -> None:
    assert "hourly.0 (Mar 22 08:00)" in flat().split("D. A whole volume")[1]


def test_dump_and_ndmp_get_the_paths_of_the_backup_and_of_a_lun() -> None:
    assert "dump 0f TAPE /vol/vmvol1/.snapshot/vmware_recent" in sent(text())
    assert "dump 0f TAPE /vol/vmvol1/.snapshot/vmware_recent/sql01" in sent(text())


def test_a_mount_goes_to_a_group_that_is_logged_in_and_does_not_see_the_lun() -> None:
    away = replace(FACTS, igroups=(FACTS.igroups[0], replace(FACTS.igroups[1], initiators=(("21:01", False),))))
    assert "lun map /vol/vmvol1/snapall_mnt_20070322T030000Z_sql01 HELPER" in sent(text(away))
    assert "Make the igroup HELPER" in flat(away)


def test_entries_of_the_job_decide_and_what_is_missing_is_said() -> None:
    given = replace(FACTS, given=(Given("mail01", (VMFS.path,)), Given("gone01", ("/vol/vmvol1/x",))), troubles=("x",))
    assert f"snap restore -f -t file -s vmware_recent {VMFS.path}" in sent(text(given))
    assert "gone01, which is no VM of this backup" in flat(given)
    assert "NOT READ: x." in flat(given)


def test_a_name_that_no_command_can_have_costs_only_the_ways_that_need_it() -> None:
    odd = replace(DISK, serial="short")
    page = text(replace(FACTS, volumes=(replace(FACTS.volumes[0], luns=(odd, VMFS)),)))
    assert "a clone cannot stand in for it" in " ".join(page.split())
    assert "snap restore -f -t file -s vmware_recent /vol/vmvol1/sql01" in sent(page)
    maps = (LunMap(DISK.path, "esx;reboot", 4),)
    page = text(replace(FACTS, volumes=(replace(FACTS.volumes[0], maps=maps),)))
    assert "Not written, since 'esx;reboot' cannot be part" in " ".join(page.split())
    assert not [one for one in sent(page) if "reboot" in one]
    assert "lun map /vol/vmvol1/snapall_mnt_20070322T030000Z_sql01 esx" in sent(page)


def test_without_luns_there_is_still_a_run_book() -> None:
    assert "snap restore" not in " ".join(sent(text(replace(FACTS, volumes=()))))


def test_the_text_is_ascii_and_fits_the_page() -> None:
    page = text(replace(FACTS, verdicts=(Verdict(Vm(611, "sql01-ä"), NOT_QUIESCED, "nö"),)))
    assert page.isascii()
    assert [one for one in page.split("\n") if len(one) > WIDTH] == []


def test_the_html_page_escapes_names() -> None:
    page = as_html(blocks(replace(FACTS, verdicts=(Verdict(Vm(1, "<b>"), QUIESCED),))), "a<b")
    assert "<title>a&lt;b</title>" in page
    assert "<b>" not in page


def test_the_printed_page_has_every_command_unbroken_and_begins_a_page_for_each_vm() -> None:
    page = as_html(blocks(), "Run-book")
    items = [re.sub(r" \\\n\s+", " ", unescape(one)) for one in re.findall(r"<li>(.*?)</li>", page, re.DOTALL)]
    joined = re.sub(r" \\\n\s+", " ", text())
    typed = re.findall(r"^    (ssh .*)", joined, re.MULTILINE)
    assert [one for one in items if one.startswith("ssh ")] == typed
    chapters = re.findall(r'<h2 id="h\d+" class=page>VM (\w+)', page)
    assert chapters == ["mail01", "sql01"]
    for number in re.findall(r'href="#(h\d+)"', page):
        assert f'id="{number}"' in page


def test_the_last_proof_is_named() -> None:
    assert "nobody has yet proved" in text()
    assert "readable on Mar 23, in 40 s" in text(proof="readable on Mar 23, in 40 s")


def test_facts_survive_their_file() -> None:
    assert from_json(to_json(FACTS), BookFacts) == FACTS
    with pytest.raises(ValueError, match="BookFacts"):
        from_json("[]", BookFacts)


def test_spare_serials_are_nobodys() -> None:
    luns = [Lun(f"/vol/v/{n}", 1, serial=f"W-8Ab9cdef{n:02d}") for n in range(40)]
    found = [one for pair in spare_serials(luns).values() for one in pair]
    assert len({*found, *(one.serial for one in luns)}) == 3 * len(luns)


@posix("the shell is that of Unix")
@hypothesis.given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1))
def test_a_quoted_word_is_the_word_again_behind_a_shell(word: str) -> None:
    assert shlex.split(quoted_word(word)) == [word]


@hypothesis.given(st.lists(st.text("abc$'", min_size=1, max_size=30), min_size=1, max_size=20))
def test_a_folded_line_is_the_same_command(words: list[str]) -> None:
    quoted = [shlex.quote(one) for one in words]
    assert shlex.split("\n".join(folded(quoted)).replace("\\\n", "")) == words
