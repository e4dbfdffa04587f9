"""A mount or a restore whose process is killed at a command, and `snapall recover` afterwards."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace

import pytest

from snapall.lab.faults import Fault, FaultKind
from snapall.lab.ledger import Change, Effect
from tests.end_to_end.test_interrupted import start
from tests.lab.atlab import AtLab
from tests.lab.sites import with_luns
from tests.waiting import PATIENCE

Make = Callable[..., AtLab]
LUN = "/vol/vmvol1/sql01"
MOUNT = ("mount", "vol1", "vmware_recent", "--lun", LUN, "--igroup", "helper")
SWAP = ("restore", "vol1", "vmware_recent", "--lun", LUN, "--way", "swap", "--yes")
OTHER = "/vol/vmvol1/web01"
BOTH = ("restore", "vol1", "vmware_recent", "--lun", LUN, "--lun", OTHER, "--yes", "--force")
STRUCK = [
    (MOUNT, "lun clone create"),
    (MOUNT, "lun map"),
    (SWAP, "lun unmap"),
    (SWAP, "lun serial"),
    (SWAP, "lun move"),
    (SWAP, "lun map"),
]


def shown(night: AtLab) -> list[object]:
    with night.world.transaction() as it:
        rows = it.rows("SELECT path, serial, online, backed_by FROM luns ORDER BY path")
        maps = it.rows("SELECT luns.path, igroup, m.id FROM lun_maps AS m JOIN luns ON luns.id = m.lun ORDER BY 1, 2")
    return [*map(tuple, rows), *map(tuple, maps)]


def commanded(night: AtLab) -> list[Effect]:
    """What commands changed: the end of the filer's own copying may come at any moment."""
    return [effect for effect in night.ledger.effects if effect.change is not Change.COPIED]


def off(at_lab: Make) -> AtLab:
    """A lab whose VMs are off."""
    site = with_luns()
    return at_lab(site=replace(site, vms=tuple(replace(vm, on=False) for vm in site.vms)))


def killed_at(night: AtLab, arguments: tuple[str, ...], verb: str, kind: FaultKind, nth: int = 1) -> None:
    prelude = (
        "import os\nfrom snapall.lab.faults import Fault, FaultKind\nfrom snapall.lab.world import World\n"
        f"fault = Fault({verb!r}, FaultKind({kind.value!r}), nth={nth}, victim=os.getpid())\n"
        f"World({str(night.lab.directory)!r}).add_faults(fault)"
    )
    with night.impatient(filer=1):  # recover waits so long for what was sent
        ended = subprocess.run(
            start(night, *arguments, prelude=prelude), capture_output=True, timeout=PATIENCE, check=False
        )
    assert ended.returncode == -9, ended.stderr


@pytest.mark.parametrize("kind", [FaultKind.SIGNAL, FaultKind.SIGNAL_AFTER])
@pytest.mark.parametrize(("arguments", "verb"), STRUCK)
def test_killed_at_a_command_recover_takes_all_of_it_back(
    at_lab: Make, arguments: tuple[str, ...], verb: str, kind: FaultKind
) -> None:
    night = off(at_lab)
    was = shown(night)
    killed_at(night, arguments, verb, kind)
    (half,) = json.loads(night("status", "--json").out)["mounts"] if arguments == MOUNT else [{"half": True}]
    assert half["half"] is True
    assert night(*arguments).code == 1  # not beside what is not settled
    recovered = night("recover")
    assert recovered.code == 0, recovered.err
    assert shown(night) == was
    assert json.loads(night("status", "--json").out)["mounts"] == []


@pytest.mark.parametrize("standing", [True, False])
def test_killed_between_two_luns_recover_says_which_is_restored_and_fails(at_lab: Make, standing: bool) -> None:
    night = off(at_lab)
    assert night("run").code == 0
    if standing:  # the copy does not end
        night.world.set(clock=night.world.now().timestamp())
    killed_at(night, BOTH, "snap restore", FaultKind.SIGNAL_AFTER)
    recovered = night("recover")
    assert recovered.code == 1
    assert "SA-1753" in recovered.err
    assert f"not done: restore {OTHER} from snapshot vmware_recent" in recovered.err
    assert f"restore {LUN}" in recovered.err
    said_until_accepted(night, f"not done: restore {OTHER} from snapshot vmware_recent")


def said_until_accepted(night: AtLab, what: str) -> None:
    """What nobody can take back is no success of any later command, until it is accepted; new restores go on."""
    again = night("recover")
    assert (again.code, "SA-1753" in again.err, what in again.err) == (1, True, True), again.err
    shown = json.loads(night("status", "--json").out)
    (left,) = shown["mounts"]
    assert (left["kind"], left["half"], what in left["left"][0]) == ("restore", False, True)
    assert "SA-1754" in [one["code"] for job in shown["jobs"] for one in job["findings"]]
    assert night("recover", "--accept", "20070322T040000Z").code == 2
    assert night("restore", "vol1", "vmware_recent", "--lun", OTHER, "--yes").code == 0
    changed = commanded(night)
    assert night("recover", "--accept", left["id"]).code == 0
    assert commanded(night) == changed
    assert night("recover").code == 0
    assert json.loads(night("status", "--json").out)["mounts"] == []
    assert night("recover", "--accept", left["id"]).code == 2


def test_a_restore_of_which_nobody_knows_whether_it_was_done_is_no_success(at_lab: Make) -> None:
    night = off(at_lab)
    assert night("run").code == 0
    night.fault(Fault("snap restore", FaultKind.FAIL, nth=2))
    killed_at(night, BOTH, "snap restore", FaultKind.SIGNAL, nth=2)
    recovered = night("recover")
    assert recovered.code == 1
    assert f"done: restore {LUN} from snapshot vmware_recent; unknown: restore {OTHER}" in recovered.err
    said_until_accepted(night, f"unknown: restore {OTHER}")


def test_killed_after_the_last_lun_recover_says_that_none_is_missing(at_lab: Make) -> None:
    night = off(at_lab)
    assert night("run").code == 0
    night.world.set(clock=night.world.now().timestamp())  # it stands: the copy does not end
    killed_at(night, BOTH, "snap restore", FaultKind.SIGNAL_AFTER, nth=2)
    recovered = night("recover")
    assert recovered.code == 0, recovered.err
    assert "SA-1752" in recovered.err
    assert f"done: restore {LUN} from snapshot vmware_recent, restore {OTHER}" in recovered.err
