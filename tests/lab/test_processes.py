"""Many processes in one world, and what goes on when one of them dies."""

from __future__ import annotations

import ast
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from snapall.lab.faults import Fault, FaultKind
from snapall.lab.ledger import Change
from snapall.lab.serve import Lab
from snapall.lab.sites import build
from tests.lab.sites import batch, big
from tests.waiting import PATIENCE, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from snapall.lab.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with build(tmp_path / "lab", batch().having(config_js=True)) as world:
        yield world


def command(world: World, *rest: str) -> list[str]:
    program = [sys.executable, "-m", "snapall.lab.vcbsnapshot", "--world", str(world.directory)]
    return [*program, "-h", "vc01", *rest]


def listed(world: World) -> list[int]:
    with closing(sqlite3.connect(world.directory / "virtualcenter.db")) as db:
        return [id_ for (id_,) in db.execute("SELECT ID FROM VPX_SNAPSHOT ORDER BY ID")]


def test_eight_processes_at_once_lose_nothing(tmp_path: Path) -> None:
    with build(tmp_path / "lab", big(24).having(config_js=True)) as world:
        vms = [vm.id for vm in world.vms()]
        for batch_ in (vms[:8], vms[8:16], vms[16:]):
            running = [
                subprocess.Popen(command(world, "-c", f"moref:vm-{vm}", "Quiesce"), stdout=subprocess.PIPE)
                for vm in batch_
            ]
            output = [process.communicate(timeout=PATIENCE)[0].decode() for process in running]
            assert all("SsId:snapshot-" in text for text in output)
        assert sorted(world.quiesced()) == vms
        assert listed(world) == [100_000 + n for n in range(24)]
        ledger = world.ledger()
        assert [entry.n for entry in ledger] == list(range(1, 25))
        assert len(ledger.with_change(Change.MADE)) == 24


def test_a_late_effect_comes_though_its_program_has_ended(tmp_path: Path) -> None:
    with Lab.create(tmp_path / "lab", batch().having(config_js=True)) as lab:
        lab.start("rsh")
        lab.world.add_faults(Fault("vcbsnapshot create", FaultKind.ACT_LATE, seconds=0.2))
        argv = command(lab.world, "-c", "moref:vm-108", "Quiesce")
        process = subprocess.run(argv, capture_output=True, timeout=PATIENCE, check=False)
        assert (process.returncode, process.stdout, process.stderr) == (1, b"", b"")
        # The test itself does not touch the world: it reads only the file.
        until(lambda: listed(lab.world) == [1228], "the late snapshot")


def test_virtualcenter_finishes_the_task_of_a_killed_program(world: World) -> None:
    world.set(create_seconds=3600)
    with subprocess.Popen(command(world, "-c", "moref:vm-108", "Quiesce"), stdout=subprocess.PIPE) as process:
        until(world.ledger, "the call")
        process.kill()
    assert world.quiesced() == {}
    world.set(clock=world.now().timestamp())
    world.advance(3600 * 1.5)
    assert set(world.quiesced()) == {108}


def test_the_program_imports_nothing_heavy() -> None:
    """It starts once for every VM."""
    code = "import sys; import snapall.lab.vcbsnapshot; print(sorted(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, timeout=PATIENCE, check=True
    ).stdout.decode()
    heavy = {"paramiko", "sqlalchemy", "rich", "typer", "pydantic", "subprocess", "asyncio", "snapall.backup.model"}
    assert heavy.isdisjoint(ast.literal_eval(loaded))
