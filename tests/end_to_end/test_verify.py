"""verify at the lab: what a backup holds is read as the helper sees it, and nothing is left on the filer."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from snapall.app.opening import store_of
from snapall.app.proofs import proof_log
from snapall.app.verify import VerifyChoice, choose
from snapall.backup.journal import is_open
from snapall.config.load import load
from snapall.config.settings import Config
from snapall.errors import ConfigError
from snapall.lab.faults import Fault, FaultKind
from snapall.restore.proof.proofs import Proof, Readability
from tests.lab.atlab import AtLab
from tests.lab.external_actors import set_database
from tests.lab.sites import with_luns, with_neighbour
from tests.platforms import with_signals

SQL = "/vol/vmvol1/sql01"
CHANGES = ["lun clone create", "lun map", "lun unmap", "lun offline", "lun destroy"]
TABLE = '\n[jobs.vol1.verify]\nigroup = "helper"\ndevice = "devices/{serial}"\nsample = 2\n'


@pytest.fixture
def night(at_lab: Callable[..., AtLab]) -> AtLab:
    return with_devices(at_lab(site=with_luns()))


def with_devices(made: AtLab) -> AtLab:
    devices = made.lab.directory / "devices"
    text = made.config.read_text(encoding="utf-8")
    made.config.write_text(text + TABLE.replace("devices/", f"{devices}/"), encoding="utf-8")
    return made


def proofs(night: AtLab) -> tuple[Proof, ...]:
    return proof_log(store_of(load(night.config)), "vol1").proofs


def last(night: AtLab, *args: str, code: int = 0) -> Proof:
    """Run `verify` and return the last proof that it put on record."""
    assert night("verify", "vol1", *args).code == code
    return proofs(night)[-1]


def chosen(settings: Config, *vms: str, snapshot: str = "", everything: bool = False) -> VerifyChoice:
    return choose(settings, settings.jobs["vol1"], snapshot, vms, everything=everything)


def test_the_luns_of_a_vm_are_read_out_of_the_backup_and_the_filer_is_as_before(night: AtLab) -> None:
    assert night("run").code == 0
    before = night.world.luns("vmvol1")
    ended = night("verify", "vol1", "--vm", "sql01")
    assert ended.code == 0
    (proof,) = proofs(night)
    assert f"sql01 (vm-{proof.vm[3:]}): readable on" in ended.out
    assert (proof.found, proof.problems, proof.luns) == (Readability.READABLE, (), (SQL,))
    assert (proof.snapshot, proof.date) == ("vmware_recent", night.chain()["vmware_recent"])
    assert night.world.luns("vmvol1") == before
    sent = [one.verb for one in night.ledger if one.of is None and one.verb.startswith("lun ")]
    assert [one for one in sent if one in CHANGES] == CHANGES
    assert not [row.tags for row in night.world.listing("vmvol1") if row.tags]
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
    proof = last(night, "--vm", "sql01", code=1)
    assert proof.found is Readability.DAMAGED
    assert what in proof.problems[0]


def test_damage_that_came_after_the_backup_does_not_count(night: AtLab) -> None:
    assert night("run").code == 0
    night.world.write_lun(SQL, 0, bytes(1 << 20))
    assert last(night, "--vm", "sql01").found is Readability.READABLE


def test_every_vm_is_proved_in_its_turn(night: AtLab) -> None:
    assert night("run").code == 0
    assert "VMs without a recent proof: 3" in night("status").out
    assert night("verify", "--due").code == 0
    assert len(proofs(night)) == 2
    assert "VMs without a recent proof: 1" in night("status").out
    assert night("verify", "--due").out == "no check is due\n"
    assert night("verify", "vol1").code == 0
    assert "VMs without a recent proof: 0" in night("status").out


def test_all_are_the_vms_and_the_luns_of_none(night: AtLab) -> None:
    assert night("run").code == 0
    settings = load(night.config)
    targets = chosen(settings, everything=True).targets
    assert {path for one in targets for path in one.luns} == set(night.world.luns("vmvol1"))


def test_the_lun_of_a_vm_of_another_job_is_not_read_for_a_vm_whose_name_it_begins_with(
    at_lab: Callable[..., AtLab],
) -> None:
    night = with_devices(at_lab(site=with_neighbour(with_luns(), "web01-test")))
    assert night("run").code == 0
    settings, other = load(night.config), "/vol/vmvol1/web01-test"
    assert [one.luns for one in chosen(settings, "web01").targets] == [("/vol/vmvol1/web01",)]
    assert (other, (other,)) in [(one.vm, one.luns) for one in chosen(settings, everything=True).targets]
    set_database(night.world, up=False)
    (target,) = chosen(settings, "web01").targets  # a check goes on without VirtualCenter
    assert target.luns == ("/vol/vmvol1/web01", other)


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


@pytest.mark.parametrize("kind", [FaultKind.FAIL, FaultKind.DROP, FaultKind.LIE, FaultKind.ACT_NO_ANSWER])
@pytest.mark.parametrize("command", CHANGES)
def test_one_fault_of_the_filer_leaves_no_clone_unexplained(night: AtLab, command: str, kind: FaultKind) -> None:
    assert night("run").code == 0
    night.limits(filer=2)
    before = night.world.luns("vmvol1")
    night.fault(Fault(command, kind))
    ended = night("verify", "vol1", "--vm", "sql01")
    left = set(night.world.luns("vmvol1")) - set(before)
    journals = list((load(night.config).state / "restores").glob("verify-vol1-*.jsonl"))
    assert len(journals) == 1
    assert is_open(journals[0]) == (ended.code == 3)
    assert not left or ended.code == 3
    assert (proofs(night)[-1].found is Readability.READABLE) == (ended.code != 1)


@with_signals
def test_a_verify_that_is_killed_while_it_reads_is_taken_down_by_recover(night: AtLab) -> None:
    assert night("run").code == 0
    before = night.world.luns("vmvol1")
    kills = "import os, signal; os.kill(os.getppid(), signal.SIGKILL)"
    helper = f'helper = ["{sys.executable}", "-c", "{kills}", "{{serial}}"]\n'
    night.edit("sample = 2\n", f"sample = 2\n{helper}")
    argv = [sys.executable, "-m", "snapall", "verify", "vol1", "--vm", "sql01", "--config", str(night.config)]
    with night.impatient(filer=2):  # recover waits so long for what the dead process may have sent
        assert subprocess.run(argv, check=False, capture_output=True).returncode == -signal.SIGKILL
    (clone,) = set(night.world.luns("vmvol1")) - set(before)
    assert "/snapall_ver_" in clone
    assert proofs(night) == ()
    assert night("recover").code == 0
    assert night.world.luns("vmvol1") == before
    assert proofs(night) == ()


def test_verify_after_later_nights_reads_the_backup_under_its_present_name(night: AtLab) -> None:
    assert night("run").code == 0
    assert night("run").code == 0
    proof = last(night, "vmware_previous", "--vm", "sql01")
    assert (proof.snapshot, proof.found) == ("vmware_previous", Readability.READABLE)
    assert proof.date == night.chain()["vmware_previous"]


def test_the_run_book_states_the_last_proof_of_its_backup(night: AtLab) -> None:
    night.edit("runbook = false\n", "")
    assert night("run").code == 0
    assert "nobody has yet proved" in " ".join(night("runbook", "vol1").out.split())
    last(night, "--vm", "sql01")
    assert "): readable on" in " ".join(night("runbook", "vol1").out.split())
