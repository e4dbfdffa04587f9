"""The simulated site of the year, and one command of snapall on it."""

from __future__ import annotations

import os
import sys
import traceback
from datetime import datetime, timedelta
from pathlib import Path

from snapall.app.opening import pace_of, store_of
from snapall.app.use_look import UseRequest
from snapall.backup.bus import Listener
from snapall.backup.context import RunContext
from snapall.backup.facts import Failed
from snapall.backup.model import FilerSnapshot, Job
from snapall.backup.record import Record, What
from snapall.backup.recover import Recovery
from snapall.backup.run import BackupRun
from snapall.config.load import load
from snapall.errors import SnapallError, worst
from snapall.lab.ledger import Entry
from snapall.lab.sites import build
from snapall.lab.world import World
from snapall.site import virtualcenter
from snapall.views.logfile import LogFile
from snapall.views.plain import PlainLines
from tests.year.in_process import CommandSite, Interruptions, RunningWorld
from tests.year.setup import Setup, site_spec
from tests.year.snaps import OF_A_RELATION
from tests.year.use_commands import UseCommands
from tests.years.turns import HostClock, Turns

LOADED = virtualcenter  # before any fork, or every command would load it again

DEFECT = 99  # a command that ended with an exception


class LabSite:
    """The world with snapall's folder in it. Each command is a process of its own, so that a kill is real:

    it is forked (this process never has threads), performs the command by the product's own code on the world, and
    ends with its exit code or is killed. Only what is on the disk is left of it.
    """

    def __init__(self, folder: Path, began: datetime) -> None:
        self.folder = folder.resolve()
        self.ahead = 0.0  # by how much the host's clock is wrong
        self.offset = 0.0  # the local time's distance from UTC
        self.setup = Setup()
        self._read = 0  # bytes of the ledger
        self.world = build(self.folder, site_spec(began))
        (self.folder / "known_hosts").touch()
        self.configure(self.setup)

    @property
    def journals(self) -> Path:
        return self.folder / "snapall.state" / "journals"

    @property
    def log(self) -> Path:
        return self.folder / "snapall.log"

    @property
    def job(self) -> Job:
        return self.settings.jobs["vol1"]

    @property
    def now(self) -> datetime:
        return self.world.now()

    def configure(self, setup: Setup) -> None:
        self.setup = setup
        text = setup.text(self.folder, self.world.settings.vc_password)
        (self.folder / "snapall.toml").write_text(text, encoding="utf-8")
        self.settings = load(self.folder / "snapall.toml", {})

    def local(self, offset: float) -> None:
        """The country's clocks go by another offset, the filer's too."""
        self.offset = offset
        self.world.set(filer_offset=offset)

    def listings(self) -> dict[str, list[FilerSnapshot]]:
        """The snapshots of the volumes that are backed up, newest first, without those of mirror and vault."""
        return {
            volume: [row for row in self.world.listing(volume) if OF_A_RELATION.fullmatch(row.name) is None]
            for volume in ("vmvol1", "vmvol2")
        }

    def until(self, moment: datetime) -> None:
        """Let the world go on."""
        self.world.advance(max(0.0, (moment - self.now).total_seconds()))

    def news(self) -> list[Entry]:
        """What the ledger says since the last question; no command dies while it writes there."""
        text = grown(self.folder / "ledger.jsonl", self._read)
        self._read += len(text.encode())
        return [Entry.from_json(line) for line in text.splitlines()]

    def command(
        self, words: tuple[str, ...], interruptions: Interruptions, seed: int, request: UseRequest | None = None
    ) -> int:
        """Perform a command; the exit code, or KILLED. `words`: run [--keep NAME], recover [--no-wait], verify,
        unmount ID, or mount and restore, which do what `request` says.
        """
        self.world.close()
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            code = DEFECT
            try:
                with World(self.folder) as world, (self.folder / "output.txt").open("a", encoding="utf-8") as output:
                    output.write(f"{' '.join(words)}\n")
                    code = _perform(self, world, (words, request), interruptions, seed, PlainLines(output))
            except BaseException:  # noqa: BLE001 - the other side hears of it as DEFECT
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        self.world = World(self.folder)
        return code


def grown(path: Path, size: int) -> str:
    """What a file says beyond so many bytes."""
    if not path.exists():
        return ""
    with path.open("rb") as file:
        file.seek(size)
        return file.read().decode()


def _perform(
    site: LabSite,
    world: World,
    command: tuple[tuple[str, ...], UseRequest | None],
    interruptions: Interruptions,
    seed: int,
    output: PlainLines,
) -> int:
    settings, (words, request) = site.settings, command
    turns = Turns(world.settings.clock or 0.0, seed)
    clock = HostClock(turns, site.ahead)
    running_world = RunningWorld(world, turns, clock, interruptions)
    log = LogFile.open(settings.log, settings.log_time, lambda at: at + timedelta(seconds=site.offset))
    listeners: list[Listener] = [output, log] if words[0] == "run" else [output]

    def listen(record: Record) -> None:
        for listener in listeners:
            listener(record)

    def publish(what: What) -> None:
        listen(Record(clock.utc(), what))

    def stopped() -> bool:
        return interruptions.stopped

    def context_for(job: Job) -> RunContext:
        return RunContext(CommandSite(job, settings, running_world), clock, listen, stopped, turns)

    store, job = store_of(settings, clock), site.job
    uses = UseCommands(settings, job, world, running_world, store, clock, publish, stopped)
    try:
        match words:
            case ["run", *_]:
                keep = words[2] if len(words) > 1 else ""
                pace, token = pace_of(settings, job), f"{seed % 16**4:04x}"
                report = BackupRun(
                    job, pace, context_for(job), store, keep, settings.keep_journals, token=token,
                    before=uses.before_run,
                ).run()  # fmt: skip
                code = report.exit
                if not stopped():
                    code = worst(code, uses.replicator().replicate(job, report))
            case ["recover", *no_wait]:
                recovery = Recovery(store, context_for, publish, stopped, not no_wait)
                code = worst(recovery.recover([job]), uses.recover(wait=not no_wait))
            case ["unmount", *ids]:
                code = uses.unmount(tuple(ids))
            case ["verify"]:
                code = uses.verify()
            case _:
                assert request is not None
                code = uses.perform(request)
    except SnapallError as error:
        publish(Failed(error.message, error.hint, error.code))
        code = error.exit
    running_world.catch_up()
    return int(code)
