"""The simulated site of the year, its configuration as an operator writes it, and one command of snapall on it."""

from __future__ import annotations

import os
import sys
import traceback
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from snapall.app.opening import pace_of
from snapall.backup.bus import Listener
from snapall.backup.context import RunContext
from snapall.backup.facts import Failed
from snapall.backup.model import Job
from snapall.backup.record import Record
from snapall.backup.recover import Recovery
from snapall.backup.run import BackupRun
from snapall.backup.store import JournalStore
from snapall.config.load import load
from snapall.config.settings import Config
from snapall.errors import SnapallError
from snapall.lab.config_file import database_url
from snapall.lab.ledger import Entry
from snapall.lab.sites import NIGHTLY, LabVm, SiteSpec, Volume, build
from snapall.lab.world import World
from snapall.site import virtualcenter
from snapall.views.logfile import LogFile
from snapall.views.plain import PlainLines
from tests.lab.sites import batch
from tests.year.in_process import CommandSite, Interruptions, RunningWorld
from tests.years.turns import HostClock, Turns

LOADED = virtualcenter  # before any fork, or every command would load it again

DEFECT = 99  # a command that ended with an exception
CONFIGURATION = """\
state = "snapall.state"
log = "snapall.log"
keep_journals = 60

[vcenter]
host = "vc01.lab"
user = "vcbackup"
password = "{password}"
vcbsnapshot = ["vcbsnapshot"]
parallel = {parallel}

[database]
url = "{database}"
owner = ""

[filers.filer1]
host = "filer1.lab"
transport = "{transport}"
user = "snapall"
{login}

[jobs.vol1]
filer = "filer1"
volumes = {volumes}
datastores = {datastores}
retain = {retain}
order = "{order}"
vms = {{ "test-*" = "skip"{musts} }}
"""


@dataclass(frozen=True, slots=True)
class Setup:
    """What the operator changes in the configuration from time to time."""

    order: str = "safe"
    retain: int = 4
    volumes: int = 1
    must: str = ""
    transport: str = "ssh"
    parallel: int = 2

    def text(self, folder: Path, password: str) -> str:
        return CONFIGURATION.format(
            password=password,
            parallel=self.parallel,
            database=database_url(folder),
            transport=self.transport,
            login="" if self.transport == "rsh" else 'password = "never sent"\nknown_hosts = "known_hosts"',
            volumes='["vmvol1"]' if self.volumes == 1 else '["vmvol1", "vmvol2"]',
            datastores="[688]" if self.volumes == 1 else "[688, 689]",
            retain=self.retain,
            order=self.order,
            musts=f', "{self.must}" = "must"' if self.must else "",
        )


def site_spec(began: datetime) -> SiteSpec:
    """The recorded batch's site, and a VM on two datastores, one to skip, a template, other people's snapshots."""
    small = batch()
    more = (
        LabVm(611, "sql02", 11, (688, 689)),
        LabVm(702, "test-web01", 11, (688,)),
        LabVm(112, "tmpl-w2k3", 11, (688,), template=True),
    )
    hourly = (("hourly.0", 1.2), ("hourly.1", 5.2))
    whole = SiteSpec(
        hosts=(*small.hosts, (12, "esx02.example.edu")),
        datastores=small.datastores,
        vms=(*small.vms, *more),
        volumes=(Volume("vmvol1", NIGHTLY + hourly), Volume("vmvol2", NIGHTLY + hourly)),
        vm_snapshots=((1200, 2001, "Quiesce"), (1201, 110, "before the patch")),
    )
    return whole.having(
        clock=began.timestamp(), vc_password="very-secret", create_seconds=20.0, remove_seconds=40.0, filer_seconds=1.0
    )


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
    def settings(self) -> Config:
        return load(self.folder / "snapall.toml", {})

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

    def local(self, offset: float) -> None:
        """The country's clocks go by another offset, the filer's too."""
        self.offset = offset
        self.world.set(filer_offset=offset)

    def until(self, moment: datetime) -> None:
        """Let the world go on."""
        self.world.advance(max(0.0, (moment - self.now).total_seconds()))

    def news(self) -> list[Entry]:
        """What the ledger says since the last question; no command dies while it writes there."""
        text = grown(self.folder / "ledger.jsonl", self._read)
        self._read += len(text.encode())
        return [Entry.from_json(line) for line in text.splitlines()]

    def command(self, words: tuple[str, ...], interruptions: Interruptions, seed: int) -> int:
        """Perform `run`, `run --keep NAME`, `recover` or `recover --no-wait`; the exit code, or KILLED."""
        self.world.close()
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            code = DEFECT
            try:
                with World(self.folder) as world, (self.folder / "output.txt").open("a", encoding="utf-8") as output:
                    output.write(f"{' '.join(words)}\n")
                    code = _perform(self, world, words, interruptions, seed, PlainLines(output))
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
    site: LabSite, world: World, words: tuple[str, ...], interruptions: Interruptions, seed: int, output: PlainLines
) -> int:
    settings = site.settings
    turns = Turns(world.settings.clock or 0.0, seed)
    clock = HostClock(turns, site.ahead)
    running_world = RunningWorld(world, turns, clock, interruptions)
    log = LogFile.open(settings.log, settings.log_time, lambda at: at + timedelta(seconds=site.offset))
    listeners: list[Listener] = [output, log] if words[0] == "run" else [output]

    def listen(record: Record) -> None:
        for listener in listeners:
            listener(record)

    def stopped() -> bool:
        return interruptions.stopped

    def context_for(job: Job) -> RunContext:
        return RunContext(CommandSite(job, settings, running_world), clock, listen, stopped, turns)

    store, job = JournalStore(settings.state, clock), site.job
    try:
        if words[0] == "run":
            keep = words[2] if len(words) > 1 else ""
            pace, token = pace_of(settings, job), f"{seed % 16**4:04x}"
            run = BackupRun(job, pace, context_for(job), store, keep, settings.keep_journals, token=token)
            code = run.run().exit
        else:
            recovery = Recovery(store, context_for, context_for(job).publish, stopped, len(words) == 1)
            code = recovery.recover([job])
    except SnapallError as error:
        listen(Record(clock.utc(), Failed(error.message, error.hint)))
        code = error.exit
    running_world.catch_up()
    return int(code)
