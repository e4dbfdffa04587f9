"""A mount or a restore whose process is killed at a command, and `snapall recover` afterwards."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace

import pytest

from snapall.lab.faults import FaultKind
from tests.end_to_end.test_interrupted import start
from tests.lab.atlab import AtLab
from tests.lab.sites import with_luns
from tests.waiting import PATIENCE

Make = Callable[..., AtLab]
LUN = "/vol/vmvol1/sql01"
MOUNT = ("mount", "vol1", "vmware_recent", "--lun", LUN, "--igroup", "helper")
SWAP = ("restore", "vol1", "vmware_recent", "--lun", LUN, "--way", "swap", "--yes")
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


@pytest.mark.parametrize("kind", [FaultKind.SIGNAL, FaultKind.SIGNAL_AFTER])
@pytest.mark.parametrize(("arguments", "verb"), STRUCK)
def test_killed_at_a_command_recover_takes_all_of_it_back(
    at_lab: Make, arguments: tuple[str, ...], verb: str, kind: FaultKind
) -> None:
    site = with_luns()
    night = at_lab(site=replace(site, vms=tuple(replace(vm, on=False) for vm in site.vms)))
    night.limits(filer=1)
    was = shown(night)
    prelude = (
        "import os\nfrom snapall.lab.faults import Fault, FaultKind\nfrom snapall.lab.world import World\n"
        f"fault = Fault({verb!r}, FaultKind({kind.value!r}), victim=os.getpid())\n"
        f"World({str(night.lab.directory)!r}).add_faults(fault)"
    )
    ended = subprocess.run(
        start(night, *arguments, prelude=prelude), capture_output=True, timeout=PATIENCE, check=False
    )
    assert ended.returncode == -9, ended.stderr
    (half,) = json.loads(night("status", "--json").out)["mounts"] if arguments == MOUNT else [{"half": True}]
    assert half["half"] is True
    assert night(*arguments).code == 1  # not beside what is not settled
    recovered = night("recover")
    assert recovered.code == 0, recovered.err
    assert shown(night) == was
    assert json.loads(night("status", "--json").out)["mounts"] == []
