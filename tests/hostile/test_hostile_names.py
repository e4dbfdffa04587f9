"""A whole night with VMs whose names are out to do harm: on no command line, and tame wherever they are shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from snapall.lab.faults import Fault, FaultKind
from snapall.lab.sites import LabVm
from tests.lab.atlab import AtLab
from tests.lab.sites import batch

NAMES = (
    "[red]alarm[/red]",
    "100%s %n %2f",
    "\x1b[2J\x1b]0;pwned\x07",
    "two\nlines\r",
    "\u202egnp.exe",
    "A" * 255,
    "; snap delete vmvol1 vmware_recent",
    "$(reboot) `id` %PATH%",
    "tab\tand\x00zero",
)


@pytest.fixture
def night(at_lab: Callable[..., AtLab]) -> AtLab:
    vms = tuple(LabVm(300 + n, name, 11, (688,)) for n, name in enumerate(NAMES))
    return at_lab(site=replace(batch(), vms=vms, vm_snapshots=()))


def assert_printable(text: str) -> None:
    assert all(char.isprintable() or char == "\n" for char in text), repr(text)


def test_no_name_reaches_a_command_line_or_a_reader_unescaped(night: AtLab) -> None:
    night.fault(Fault("vcbsnapshot create", FaultKind.FAIL, nth=2, text="\x1b[31mno\u202e [bold]way"))
    ended = night("run")
    assert ended.code == 3, ended.err
    for text in (ended.out, ended.err, (night.lab.directory / "snapall.log").read_text()):
        assert_printable(text)
    for entry in night.ledger.vcbsnapshot:
        assert not any(name in word for name in NAMES for word in entry.argv)
    assert not any(name in entry.command for name in NAMES for entry in night.ledger.filer)
    night.assert_nothing_is_quiesced()
    night.assert_shifted_by_one()


@pytest.mark.parametrize("command", ["plan", "list", "datastores", "recover"])
def test_every_command_shows_them_tamely(night: AtLab, command: str) -> None:
    night.fault(Fault("vcbsnapshot delete", FaultKind.FAIL, nth=1, times=0, text="\x1b[31mno"))
    assert night("run").code == 5
    night.world.clear_faults()
    ended = night(command)
    assert ended.code == 0, ended.err
    assert_printable(ended.out)
    assert_printable(ended.err)


@pytest.mark.parametrize("command", ["plan", "list", "datastores"])
def test_programs_are_given_json_that_they_can_read(night: AtLab, command: str) -> None:
    ended = night(command, "--json")
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)
    assert_printable(ended.out)
