"""status, audit and the metrics count the VMs without a recent proof that their backup can be read."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from snapall.app.opening import store_of
from snapall.app.proofs import unproved
from snapall.app.status import job_statuses
from snapall.backup.clock import SystemClock
from snapall.backup.model import Job, Vm
from snapall.config.load import load
from snapall.config.settings import Config
from snapall.operate.audit import audit
from snapall.operate.findings import FindingKind, JobSources
from snapall.operate.status import Level
from snapall.restore.proof.file import ProofFile
from snapall.restore.proof.proofs import Proof, Readability
from snapall.views.nagios import nagios_line
from snapall.views.prometheus import metrics_text
from snapall.views.status import status_json, status_lines
from tests.lab.atlab import AtLab
from tests.platforms import with_modes

TABLE = '\n[jobs.vol1.verify]\nigroup = "helper"\ndevice = "/dev/{serial}"\nsample = 3\n'


@pytest.fixture
def lab(at_lab: Callable[[], AtLab]) -> AtLab:
    return at_lab()


@pytest.fixture
def settings(lab: AtLab) -> Config:
    """The lab after a backup, with a job that wants proofs."""
    assert lab("run").code == 0
    text = lab.config.read_text(encoding="utf-8")
    assert "vol1" in tomllib.loads(text)["jobs"]
    lab.config.write_text(text + TABLE, encoding="utf-8")
    return load(lab.config)


def prove(settings: Config, vms: tuple[Vm, ...], found: Readability = Readability.READABLE, days: float = 0) -> None:
    file, now = ProofFile(settings.state, "vol1"), SystemClock().utc()
    for vm in vms:
        checked = now - timedelta(days=days)
        file.append(Proof(vm.moref, vm.label, (), "vmware_recent", "", "", checked, 1, found, "signatures"))


def vms_of(settings: Config) -> tuple[Vm, ...]:
    (found,) = job_statuses(settings, [settings.jobs["vol1"]])
    assert found.backup is not None
    return tuple(one.vm for one in found.backup.targets)


def test_every_vm_of_the_backup_needs_a_proof(settings: Config) -> None:
    vms = vms_of(settings)
    prove(settings, vms[1:])
    (found,) = job_statuses(settings, [settings.jobs["vol1"]])
    assert (found.level, found.unproved) == (Level.WARNING, (vms[0].label,))
    assert any(f"1 VM can be read: {vms[0].label}; run `snapall verify`" in one.text for one in found.findings)
    assert "  proofs         VMs without a recent proof: 1" in status_lines([found])
    assert json.loads(json.dumps(status_json([found])))["jobs"][0]["unproved"] == [vms[0].label]
    line, level = nagios_line([found])
    assert level is Level.WARNING
    assert "unproved=1;0;;0" in line
    assert 'snapall_vms_without_proof{job_name="vol1"} 1\n' in metrics_text([found], SystemClock().utc())
    prove(settings, vms[:1])
    (found,) = job_statuses(settings, [settings.jobs["vol1"]])
    assert (found.level, found.unproved) == (Level.OK, ())


def test_a_proof_counts_as_long_as_it_takes_to_prove_all_vms_and_one_turn_more(settings: Config) -> None:
    vms = vms_of(settings)
    turns = -(-len(vms) // 3) + 1
    prove(settings, vms, days=7 * turns + 0.1)
    (found,) = job_statuses(settings, [settings.jobs["vol1"]])
    assert found.unproved == tuple(vm.label for vm in vms)
    prove(settings, vms, days=7 * turns - 0.1)
    (found,) = job_statuses(settings, [settings.jobs["vol1"]])
    assert found.unproved == ()


def test_a_job_without_the_table_counts_no_proofs(lab: AtLab) -> None:
    assert lab("run").code == 0
    settings = load(lab.config)
    (found,) = job_statuses(settings, [settings.jobs["vol1"]])
    assert (found.level, found.unproved) == (Level.OK, None)
    assert "unproved" not in nagios_line([found])[0]
    assert "snapall_vms_without_proof{" not in metrics_text([found], SystemClock().utc())


@with_modes
def test_proofs_that_cannot_be_read_hide_nothing_else(settings: Config, tmp_path: Path) -> None:
    prove(settings, vms_of(settings)[:1])
    path = ProofFile(settings.state, "vol1").path
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    (found,) = job_statuses(settings, [settings.jobs["vol1"]])
    assert found.backup is not None
    assert [one.level for one in found.findings] == [Level.WARNING]
    assert "it is not trusted" in found.findings[0].text


def test_audit_names_the_vms_without_a_recent_proof() -> None:
    job = Job("vol1", "filer1", ("vmvol1",), (688,), ("vmware_recent",))
    (found,) = audit([JobSources(job, (688,), {}, unproved=(Vm(611, "sql01"),))], None, [], {}).findings
    assert (found.kind, found.job) == (FindingKind.UNPROVED, "vol1")
    assert "sql01 (vm-611)" in found.text
    assert not found.kind.informational


def test_audit_asks_the_same_as_status(lab: AtLab, settings: Config) -> None:
    prove(settings, vms_of(settings)[1:])
    ended = lab("audit", "--json")
    assert "1 without a recent proof" in ended.out
    assert unproved(settings, store_of(settings), "vol1", ()) == ()  # without a backup there is nothing to prove
