"""Commands to the simulated filer about the LUNs of one small site."""

from __future__ import annotations

from snapall.lab.filershell import Ending, FilerShell

SQL, CLONE = "/vol/vmvol1/sql01", "/vol/vmvol1/snapall_mnt_20070322T030000Z_sql01"


def output(shell: FilerShell, command: str) -> str:
    reply = shell.answer(command, "ssh", "snapall")
    assert reply.ending is Ending.ANSWER
    return reply.stdout + reply.stderr


def do(shell: FilerShell, *commands: str) -> None:
    """Commands that are silent when they work."""
    for command in commands:
        assert output(shell, command) == "", command


def clone(shell: FilerShell, snapshot: str = "vmware_recent", path: str = CLONE) -> None:
    do(shell, f"lun clone create {path} -o noreserve -b {SQL} {snapshot}")


def tags(shell: FilerShell) -> dict[str, tuple[str, ...]]:
    return {row.name: row.tags for row in shell.world.listing("vmvol1") if row.tags}
