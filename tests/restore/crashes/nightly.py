"""The next nightly run, by the product's own site on the lab's world, without sockets and programs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence

from snapall.backup.context import RunContext
from snapall.backup.model import Pace
from snapall.backup.run import BackupRun
from snapall.backup.steps import Child
from snapall.config.load import load
from snapall.errors import Exit
from snapall.lab.config_file import configuration
from snapall.lab.vcbsnapshot import vcbsnapshot
from snapall.lab.world import World
from snapall.restore.night import meet
from snapall.site import OpenSite
from snapall.site.process import Completed
from tests.restore.crashes.desk import CHAIN, FILER, JOB, VOLUME, Desk

FILER_SECONDS = 5.0
"""How long the filer takes for a command meanwhile, so that what acts late acts during the run."""


class Programs:
    """vcbsnapshot, called instead of started."""

    def __init__(self, world: World) -> None:
        self._world = world

    def run(self, argv: Sequence[str], timeout: float, on_start: Callable[[Child], None]) -> Completed:
        on_start(Child(os.getpid(), 0.0))
        end = vcbsnapshot(self._world, argv[1:])
        return Completed(tuple(argv), end.exit, end.stdout, "", 0.0)

    def alive(self, child: Child) -> bool:
        return False


def night(desk: Desk) -> Exit:
    """Back up the job, after what mounts and restores mean for that."""
    world = desk.world
    world.set(filer_seconds=FILER_SECONDS)
    for name, secret in (("vc.secret", world.settings.vc_password), ("filer.secret", world.settings.filer_password)):
        (world.directory / name).touch(mode=0o600)
        (world.directory / name).write_text(secret, encoding="utf-8")
    text = configuration(
        world.directory, world.settings, transport="rsh", port=1, parallel=1, order="safe", extra="guardian = false\n"
    )
    program = next(line for line in text.splitlines() if line.startswith("vcbsnapshot"))
    path = world.directory / "snapall.toml"
    path.write_text(text.replace(program, 'vcbsnapshot = ["vcbsnapshot"]'), encoding="utf-8")
    settings = load(path)
    site = OpenSite(JOB, settings, lambda _: desk.filer, Programs(world))
    context = RunContext(site, desk.clock, lambda _: None, lambda: False)
    pace = Pace(parallel=1, settle=0)

    def before(_: str) -> None:
        meet(desk.store, desk.luns, JOB, FILER, lambda *_: None)

    code = BackupRun(JOB, pace, context, desk.store.runs, before=before).run().exit
    world.set(filer_seconds=0.0)
    return code


def wrong_with_backups(desk: Desk, before: Sequence[str], ran: int) -> Iterator[str]:
    """What a night must not have done. `before`: the dates of the retained backups, newest first. `ran`: its code."""
    if quiesced := desk.world.quiesced():
        yield f"quiesced: {dict(quiesced)}"
    if any(desk.store.runs.open_runs(JOB.name)):
        yield "the run's journal is open"
    now = [row.date for row in desk.world.listing(VOLUME) if row.name in CHAIN or row.name.startswith("vmware_new")]
    made = [f"{one.at:%b %d %H:%M}" for one in desk.world.ledger().captures[-1:]] if ran in {0, 3} else []
    if lost := [date for date in (*before[: len(before) - bool(made)], *made) if date not in now]:
        yield f"lost after a run ({ran}): {lost}"
