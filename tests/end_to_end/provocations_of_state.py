"""More rows of the table of provocations: what earlier runs, other people and other users left behind."""

from __future__ import annotations

from pathlib import Path

from snapall.lab.faults import FaultKind
from tests.end_to_end.provoking import Prepare, Provoked, after, edited, lab, named, volume
from tests.lab import external_actors
from tests.lab.atlab import AtLab

STUCK = after(named("stuck-vm"), "run")
RECOVER, AGAIN = "run `snapall recover`", "Snapshot Manager"


def _state(night: AtLab) -> Path:
    return night.config.parent / "snapall.state"


def _open_to_all(night: AtLab) -> None:
    _state(night).chmod(0o777)


def _damaged(night: AtLab) -> None:
    for path in (_state(night) / "journals").iterdir():
        path.write_text(f"x\n{path.read_text()}")


def _linked(night: AtLab) -> None:
    (_state(night) / "journals/vol1-20990101T000000Z.jsonl").symlink_to("/etc/hostname")


def _folder_for_lock(night: AtLab) -> None:
    (_state(night) / "vol1.lock").unlink()
    (_state(night) / "vol1.lock").mkdir()


def _mode(name: str, mode: int) -> Prepare:
    return lambda night: (night.config.parent / name).chmod(mode)


def _taken(name: str) -> Prepare:
    return lambda night: external_actors.make_filer_snapshot(night.world, "vmvol1", name)


def _quiesce(night: AtLab) -> None:
    external_actors.make_vm_snapshot(night.world, 108, "Quiesce")


def _newest_deleted(night: AtLab) -> None:
    external_actors.remove_filer_snapshot(night.world, "vmvol1", "vmware_recent")


def _full(night: AtLab) -> None:
    external_actors.set_space(night.world, "vmvol1", used=100)


LEFT_BEHIND = (
    Provoked("SA-1110", "recover", 5, "web01 (vm-108) is still quiesced", AGAIN, STUCK),
    Provoked("SA-1124", "plan", 0, "web01 (vm-108) has a snapshot Quiesce", "recover --adopt", _quiesce),
    Provoked("SA-1207", "run", 1, "is not listed on vmvol1", "`df`", lab("snap create", FaultKind.LIE)),
    Provoked("SA-1312", "plan", 0, "-k3x9 on vmvol1", "delete it", _taken("vmware_new_20070322T030000Z-k3x9")),
    Provoked("SA-1313", "plan", 0, "vmware_snap5 on vmvol1", "raise `retain`", _taken("vmware_snap5")),
    Provoked(
        "SA-1402", "recover", 5, "names vc02.lab", "is vc01.lab", after(STUCK, edited('"vc01.lab"', '"vc02.lab"'))
    ),
    Provoked("SA-1421", "run", 0, "vmware_recent is only 0 min old", "--if-older-than 20h", after("run")),
    Provoked("SA-1504", "run", 1, "/vol1.lock)", "move away the folder", after("run", _folder_for_lock)),
    Provoked("SA-1506", "run", 5, "{here}/snapall.state (mode 0777)", "chmod go-w {here}", after("run", _open_to_all)),
    Provoked("SA-1507", "recover", 5, "is damaged in line 1", "recover --adopt", after(STUCK, _damaged)),
    Provoked("SA-1522", "run", 5, "20990101T000000Z.jsonl is a link", "`mv {here}", after("run", _linked)),
    Provoked("SA-4012", "plan", 1, "filer1: volume vmvol1 is read-only", "source volume", volume(read_only=True)),
    Provoked("SA-5401", "audit", 1, "web01 (vm-108) may still have", RECOVER, STUCK),
    Provoked("SA-5402", "audit", 1, "web01 (vm-108) has Quiesce", "recover --adopt", _quiesce),
    Provoked("SA-5408", "audit", 1, "job vol1 is no longer", RECOVER, after(STUCK, edited("jobs.vol1", "jobs.other"))),
    Provoked("SA-5411", "audit", 1, "vmware_recent on vmvol1 is missing", "wait", after("run", _newest_deleted)),
    Provoked("SA-5413", "audit", 1, "vmware_recent on vmvol1 (", "snap autodelete", after("run", _newest_deleted)),
    Provoked("SA-5426", "doctor", 1, "0 % of the space", "free some space on the volume", _full),
    Provoked("SA-7101", "run", 2, "others can write {here}", "chmod go-w {here}", _mode("snapall.toml", 0o666)),
    Provoked("SA-7103", "run", 0, "{here}/vc.secret holds a secret", "chmod 600 {here}", _mode("vc.secret", 0o644)),
)
