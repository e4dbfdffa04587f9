"""`snapall schedule`: the schedule, the steps that install it, and what is scheduled already."""

from __future__ import annotations

import getpass
import os
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from snapall import restart
from snapall.backup import trust
from snapall.config import load as configuration
from snapall.config.settings import Config
from snapall.errors import ConfigError, Refused, SiteError, coded
from snapall.operate.doctor.checklist import Checklist, CheckOutcome
from snapall.operate.schedule import cron, systemd, task_scheduler
from snapall.operate.schedule.entries import Seen
from snapall.operate.schedule.judged import another_in_task, another_in_unit, check_schedule
from snapall.operate.schedule.task import Document, RunTool, Scheduler, Step, Task, WriteUnit, require_writable
from snapall.site import eventlog, schedulers

_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_SIMULATED: restart.Module = "snapall.lab.vcbsnapshot"
_TASK_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for; "" and None: the default."""

    scheduler: Scheduler | None
    at: str
    user: str
    name: str


@dataclass(frozen=True, slots=True)
class SchedulePlan:
    """A schedule for one scheduler."""

    settings: Config
    scheduler: Scheduler
    task: Task

    @property
    def documents(self) -> tuple[Document, ...]:
        """The files of this schedule."""
        match self.scheduler:
            case Scheduler.TASK_SCHEDULER:
                return task_scheduler.tasks_of(self.task)
            case Scheduler.SYSTEMD:
                return systemd.units_of(self.task)
            case Scheduler.CRON:
                return (cron.lines_of(self.task),)

    def document(self, what: str) -> Document:
        """The one that `--what` names. ConfigError: there is none of that name."""
        for one in self.documents:
            if what in {one.what, one.file}:
                return one
        names = ", ".join(one.what for one in self.documents)
        raise ConfigError(f"--what: {self.scheduler} has no {what!r}", f"choose one of {names}", "SA-1960")


def planned(config: Path | None, wanted: Wanted) -> SchedulePlan:
    """Read the configuration, and plan its schedule. ConfigError.

    Root does not become the owner of the state folder here: the scheduler is root's to change.
    """
    path = configuration.find(config, os.environ)
    settings = configuration.load(path, secrets=False)
    at = _TIME.fullmatch(wanted.at)
    if at is None:
        raise ConfigError(f"--at: {wanted.at!r} is not a time", "write HH:MM, for example 03:00", "SA-1960")
    if _TASK_NAME.fullmatch(wanted.name) is None:
        raise ConfigError(
            f"--name: {wanted.name!r} is not a possible name", "use letters, digits, `_`, `.` and `-`", "SA-1960"
        )
    user = wanted.user or _user_for(settings.state)
    task = Task(_program(), str(path), str(path.parent), user, int(at[1]), int(at[2]), wanted.name)
    scheduler = wanted.scheduler or default_scheduler()
    require_writable(task, scheduler)
    return SchedulePlan(settings, scheduler, task)


def default_scheduler() -> Scheduler:
    """The scheduler of this machine."""
    if sys.platform == "win32":
        return Scheduler.TASK_SCHEDULER
    return Scheduler.SYSTEMD if schedulers.has_systemd() else Scheduler.CRON


def _user_for(state: Path) -> str:
    """Who should run it: the owner of the state folder; before the first run, whoever asks."""
    if sys.platform == "win32":
        domain = os.environ.get("USERDOMAIN", "")
        return f"{domain}\\{getpass.getuser()}" if domain else getpass.getuser()
    return trust.user_name(next(iter(configuration.owner_of(state)), trust.me()))


def _program() -> tuple[str, ...]:
    """How this snapall was started, in full; a link stays one, since it outlives an update."""
    if restart.standalone():  # a bundle is its own interpreter
        return (sys.executable,)
    started = Path(sys.argv[0]).absolute()
    for one in (started, started.with_name(f"{started.name}.exe")):  # the launcher of Windows drops its ending
        if one.stem == "snapall" and one.is_file() and os.access(one, os.X_OK):
            return (str(one),)
    return (sys.executable, "-m", "snapall")


def steps_of(plan: SchedulePlan) -> tuple[Step, ...]:
    """What an installation does, in order. Refused: an entry of that name is for something else. SiteError."""
    match plan.scheduler:
        case Scheduler.TASK_SCHEDULER:
            names = task_scheduler.task_names(plan.task)
            return tuple(
                _step(plan, name, one) for name, one in zip(names, task_scheduler.commands_of(plan.task), strict=True)
            )
        case Scheduler.SYSTEMD:
            texts, _ = schedulers.units()
            for one in plan.documents:
                _require_ours(one.file, another_in_unit(one.file, texts.get(one.file, ""), plan.task.config))
            units = tuple(WriteUnit(one, one.file in texts) for one in plan.documents)
            return (*units, *systemd.commands_of(plan.task))
        case Scheduler.CRON:
            user = _other_user(plan.task)
            old = schedulers.crontab(user, plan.settings.secret_variables).decode("utf-8", "surrogateescape")
            note = "replaces its lines" if cron.is_replaced(old, plan.task) else "adds its lines"
            new = cron.with_lines(old, plan.task).encode("utf-8", "surrogateescape")
            return (RunTool(schedulers.crontab_command(user), given=new, note=note),)


def _step(plan: SchedulePlan, name: str, step: RunTool) -> RunTool:
    there = schedulers.task(name, plan.settings.secret_variables)
    _require_ours(name, another_in_task(there, plan.task.config))
    return RunTool(step.argv, step.documents, note="replaces it" if there else "")


def _require_ours(name: str, other: str) -> None:
    if other:
        raise Refused(
            f"{name} already exists and starts something else: {other}",
            "choose another name with `--name`, or remove that entry",
            "SA-1962",
        )


def perform(plan: SchedulePlan, step: Step) -> None:
    """Do one step of the installation. SiteError."""
    match step:
        case WriteUnit(document):
            schedulers.write(schedulers.unit_folders()[0], {document.file: document.text})
        case RunTool(argv, documents, given):
            files = {one.file: one.text for one in documents}
            schedulers.run(argv, files, given, plan.settings.secret_variables)


def register_source(plan: SchedulePlan) -> bool:
    """Register the source of [notify.eventlog], if there is this channel. SiteError: Windows refused it."""
    if plan.settings.notify.eventlog is None:
        return False
    eventlog.register()
    return True


def write_documents(plan: SchedulePlan, folder: Path) -> tuple[Path, ...]:
    """Write all documents into a folder, over no other files. SiteError."""
    schedulers.write_new(folder, {one.file: one.text for one in plan.documents})
    return tuple(folder / one.file for one in plan.documents)


def seen(settings: Config, user: str = "", *, windows: bool = sys.platform == "win32") -> Seen:
    """What the schedulers of this machine start, as far as this user can see it; `user`: whose crontab to read."""
    if windows:
        try:
            return Seen({}, {}, {}, frozenset(), schedulers.tasks(settings.secret_variables))
        except SiteError as error:
            return Seen({}, {}, {}, frozenset(), "", (coded(error.code, error.message),))
    own: dict[str, str] = {}
    troubles: list[str] = []
    if schedulers.has_crontab():
        try:
            own["crontab"] = schedulers.crontab(user, settings.secret_variables).decode("utf-8", "replace")
        except SiteError as error:
            troubles.append(coded(error.code, error.message))
    units, enabled = schedulers.units()
    return Seen(own, schedulers.system_crontabs(), units, enabled, "", tuple(troubles))


def warnings_after(plan: SchedulePlan) -> tuple[tuple[str, str, str], ...]:
    """What is wrong with what is scheduled now, after an installation: text, remedy and code."""
    windows = plan.scheduler is Scheduler.TASK_SCHEDULER
    there = seen(plan.settings, "" if windows else _other_user(plan.task), windows=windows)
    found = check_schedule(plan.task.config, there)
    return tuple((one.text, one.remedy, one.code) for one in found if one.remedy)


def _other_user(task: Task) -> str:
    """The user whose crontab it is, "" where that is our own."""
    return task.user if task.user != trust.user_name(trust.me()) else ""


def check_scheduled(checks: Checklist, settings: Config) -> None:
    """Check that the backup and the recovery at boot are scheduled for this configuration, and the old batch is not."""
    checks.check("schedule", "", lambda: _scheduled(settings))


def _scheduled(settings: Config) -> Iterable[CheckOutcome]:
    if _SIMULATED in settings.vcenter.vcbsnapshot:
        return (CheckOutcome("a simulated site needs none"),)
    return check_schedule(str(settings.path), seen(settings))
