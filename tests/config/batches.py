"""The paper's batch with its values filled in, and copies of it that sites have edited."""

from __future__ import annotations

from pathlib import Path

from snapall.config.batch import batch_of
from snapall.lab.config_file import database_url, string
from tests.lab.atlab import AtLab

BATS = Path(__file__).parents[2] / "fixtures" / "bat"
FILLED = (BATS / "filled.bat").read_bytes()


def filled(*changes: tuple[str, str]) -> bytes:
    """The filled batch with some text replaced, which must be there."""
    text = FILLED.decode()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text.encode()


def faults(data: bytes) -> list[str]:
    return batch_of(data, {}).fault_lines()


def with_the_batch(night: AtLab) -> AtLab:
    """The lab's own batch in the place of its snapall.toml; only where the lab listens is laid over it."""
    folder = night.lab.directory
    program = ", ".join(map(string, night.program))
    overlay = f"""
        [vcenter]
        vcbsnapshot = [{program}]
        timeout = 300
        settle = 0
        [database]
        url = {string(database_url(folder))}
        owner = ""
        [filers.filer1]
        host = "127.0.0.1"
        port = {night.lab.port}
        reserved_port = false
        local_user = "snapall"
        [jobs.vmvol1]
        busy_wait = 0
        guardian = false
        runbook = false
    """
    night.config = folder / "snapall.bat"
    night.config.write_bytes(FILLED)
    (folder / "snapall.bat.toml").write_text(overlay, encoding="utf-8")
    night.config.chmod(0o600)  # it holds passwords
    return night
