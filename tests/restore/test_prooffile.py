"""Proofs outlive a crash, and do not grow without bound."""

from __future__ import annotations

import stat
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from snapall.errors import JournalError, Untrusted
from snapall.restore.proof.file import ProofFile
from snapall.restore.proof.proofs import Readability
from tests.platforms import posix
from tests.restore.test_proofs import NOW, VMS, proof


@pytest.fixture
def file(tmp_path: Path) -> ProofFile:
    return ProofFile(tmp_path / "state", "vol1")


def test_what_was_appended_is_read_back(file: ProofFile) -> None:
    written = (proof(VMS[0], 1), proof(VMS[1], 0, Readability.DAMAGED, "MBR at byte 0: missing", "Ünïcode"))
    for one in written:
        file.append(one)
    assert file.log(NOW).proofs == written


def test_without_a_file_there_is_no_proof(file: ProofFile) -> None:
    assert file.log(NOW).proofs == ()
    assert not file.state.exists()


def test_a_torn_line_costs_itself_alone(file: ProofFile) -> None:
    file.append(proof(VMS[0], 2))
    with file.path.open("ab") as out:
        out.write(b'{"vm": "vm-2", "na')
    file.append(proof(VMS[2], 1))
    assert [one.vm for one in file.log(NOW).proofs] == ["vm-1", "vm-3"]


@pytest.mark.parametrize("line", [b"null", b"[]", b"{}", b"\xff\xfe", b"[" * 9999, b'{"vm": 1, "luns": 3}'])
def test_lines_that_are_no_proofs_are_passed_over(file: ProofFile, line: bytes) -> None:
    file.append(proof(VMS[0], 2))
    with file.path.open("ab") as out:
        out.write(line + b"\n")
    file.append(proof(VMS[1], 1))
    assert [one.vm for one in file.log(NOW).proofs] == ["vm-1", "vm-2"]


def test_old_checks_are_deleted_in_time(file: ProofFile) -> None:
    for day in range(20):
        file.append(replace(proof(VMS[0], 0), checked=NOW + timedelta(days=200 * day)))
    assert len(file.log(NOW + timedelta(days=9999)).proofs) < 10
    assert [one.name for one in file.state.iterdir()] == [file.path.name]


@posix("Windows has no such rights")
def test_only_the_owner_can_read_the_proofs(file: ProofFile) -> None:
    file.append(proof(VMS[0], 0))
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600


@posix("links are for administrators there")
def test_a_link_in_its_place_is_not_followed(file: ProofFile, tmp_path: Path) -> None:
    file.append(proof(VMS[0], 0))
    file.path.rename(tmp_path / "elsewhere")
    file.path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Untrusted):
        file.log(NOW)
    with pytest.raises(JournalError):
        file.append(proof(VMS[0], 0))
