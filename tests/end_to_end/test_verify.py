"""verify at the lab: what a backup holds is read as the helper sees it, and nothing is left on the filer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest

from snapall.app.opening import store_of
from snapall.app.proofs import proof_log, unproved
from snapall.app.verify import VerifyChoice, choose, is_due
from snapall.backup.clock import SystemClock
from snapall.backup.steps import Done
from snapall.config.load import load
from snapall.config.settings import Config
from snapall.errors import ConfigError
from snapall.operate.history import known_of
from snapall.restore.device import LunReader, MappedLun
from snapall.restore.luns import Luns
from snapall.restore.prooffile import ProofFile
from snapall.restore.proofs import Proof, Readability
from snapall.restore.steps import CloneLun, DestroyLun, MapLun, Offline, UnmapLun
from snapall.restore.verify import Verification
from snapall.site import transport_to
from tests.lab.atlab import AtLab
from tests.lab.sites import with_luns

SQL = "/vol/vmvol1/sql01"
TABLE = '\n[jobs.vol1.verify]\nigroup = "helper"\ndevice = "devices/{serial}"\nsample = 2\n'


@pytest.fixture
def night(at_lab: Callable[..., AtLab]) -> AtLab:
    made = at_lab(site=with_luns())
    devices = made.lab.directory / "devices"
    text = made.config.read_text(encoding="utf-8")
    made.config.write_text(text + TABLE.replace("devices/", f"{devices}/"), encoding="utf-8")
    return made


@contextmanager
def mount(luns: Luns, snapshot: str, paths: Sequence[str]) -> Iterator[Sequence[MappedLun]]:
    """As `snapall mount`: clone and map; then unmap, offline and destroy."""
    clones = {path: path.replace("/sql", "/snapall_ver_20070322T030000Z_sql") + "_clone" for path in paths}
    for path, clone in clones.items():
        for up in (CloneLun(clone, path, snapshot), MapLun(clone, "helper")):
            assert isinstance(luns.perform(up), Done)
    view = luns.view("vmvol1")
    yield [
        MappedLun(path, view.luns[clone].serial, view.maps_of(clone)[0].id, view.luns[clone].size)
        for path, clone in clones.items()
    ]
    for clone in clones.values():
        for down in (UnmapLun(clone, "helper", 0), Offline(clone), DestroyLun(clone)):
            assert isinstance(luns.perform(down), Done)


def verify(settings: Config, choice: VerifyChoice) -> tuple[Proof, ...]:
    filer = settings.filers[choice.job.filer]
    luns = Luns(transport_to(filer), filer.name, filer.host)
    clock, file = SystemClock(), ProofFile(settings.state, choice.job.name)
    return Verification(
        choice.backup,
        lambda paths: mount(luns, choice.backup.snapshot, paths),
        LunReader(choice.table, clock, lambda: False),
        clock,
        file.append,
        lambda: False,
    ).run(choice.targets)


def chosen(settings: Config, *vms: str, snapshot: str = "", everything: bool = False) -> VerifyChoice:
    return choose(settings, settings.jobs["vol1"], snapshot, vms, everything=everything)


def test_the_luns_of_a_vm_are_read_out_of_the_backup_and_the_filer_is_as_before(night: AtLab) -> None:
    assert night("run").code == 0
    before = night.world.luns("vmvol1")
    settings = load(night.config)
    (proof,) = verify(settings, chosen(settings, "sql01"))
    assert (proof.found, proof.problems, proof.luns) == (Readability.READABLE, (), (SQL,))
    assert (proof.snapshot, proof.date) == ("vmware_recent", night.chain()["vmware_recent"])
    assert night.world.luns("vmvol1") == before
    assert proof_log(store_of(settings), "vol1").proofs == (proof,)
    assert f"sql01 (vm-{proof.vm[3:]}): readable on" in night("show").out
    assert "1 readable" in night("list", "vol1").out


@pytest.mark.parametrize(("offset", "what"), [(510, "MBR"), (128 * 512 + 1080, "partition 1")])
def test_a_damaged_sector_in_the_backup_is_found_although_the_live_lun_is_whole(
    night: AtLab, offset: int, what: str
) -> None:
    whole = night.world.read_lun(SQL, offset // 512 * 512, 512)
    night.world.write_lun(SQL, offset // 512 * 512, bytes(512))
    assert night("run").code == 0
    night.world.write_lun(SQL, offset // 512 * 512, whole)
    settings = load(night.config)
    (proof,) = verify(settings, chosen(settings, "sql01"))
    assert proof.found is Readability.DAMAGED
    assert what in proof.problems[0]


def test_damage_that_came_after_the_backup_does_not_count(night: AtLab) -> None:
    assert night("run").code == 0
    night.world.write_lun(SQL, 0, bytes(1 << 20))
    settings = load(night.config)
    (proof,) = verify(settings, chosen(settings, "sql01"))
    assert proof.found is Readability.READABLE


def test_every_vm_is_proved_in_its_turn(night: AtLab) -> None:
    assert night("run").code == 0
    settings, seen = load(night.config), []
    job, store = settings.jobs["vol1"], store_of(settings)
    nights = known_of(store, "vol1").nights
    missing = unproved(settings, store, "vol1", nights)
    assert missing
    assert is_due(settings, job)
    for _ in range(0, len(missing), 2):
        choice = chosen(settings)
        assert len(choice.targets) <= 2
        seen += [one.name for one in verify(settings, choice)]
    assert set(seen) == {vm.label for vm in missing}
    assert not is_due(settings, job)


def test_all_are_the_vms_and_the_luns_of_none(night: AtLab) -> None:
    assert night("run").code == 0
    settings = load(night.config)
    targets = chosen(settings, everything=True).targets
    assert {path for one in targets for path in one.luns} == set(night.world.luns("vmvol1"))


@pytest.mark.parametrize(("vms", "snapshot"), [(("nobody",), ""), ((), "nothing")])
def test_a_vm_or_a_backup_that_does_not_exist_is_named(night: AtLab, vms: tuple[str, ...], snapshot: str) -> None:
    assert night("run").code == 0
    with pytest.raises(ConfigError):
        chosen(load(night.config), *vms, snapshot=snapshot)


def test_a_backup_of_the_old_batch_is_not_verified_by_guessing(night: AtLab) -> None:
    with pytest.raises(ConfigError, match="no backup"):
        chosen(load(night.config))


def test_a_job_without_the_table_is_refused(night: AtLab) -> None:
    night.edit(night.config.read_text().partition("[jobs.vol1.verify]")[2], "")
    night.edit("[jobs.vol1.verify]", "")
    with pytest.raises(ConfigError, match=r"\[jobs.vol1.verify\]"):
        chosen(load(night.config))
