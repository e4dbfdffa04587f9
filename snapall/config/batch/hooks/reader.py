"""A program that the batch runs before or after all of the backup -> a hook of the job, or why it is none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from snapall.config.batch.commands import others
from snapall.config.batch.commands.programs import BACKUP, is_service
from snapall.config.batch.commands.reading import Read
from snapall.config.batch.facts import BatchFault
from snapall.config.batch.hooks import words
from snapall.config.batch.hooks.nights import Around, WhenFailing
from snapall.config.batch.hooks.words import OWN_BATCH, Reason
from snapall.config.batch.overlay import answers
from snapall.config.batch.tables.raw import Table
from snapall.config.cmd import ProgramCall, Sent, Written
from snapall.config.cmd.files import full_path

_TIMEOUT = 3600
"""Seconds. The batch waits for as long as the program takes, and a hook has a minute unless told otherwise."""
_IGNORING = "If it fails, snapall warns and takes the backup all the same, as the batch does"
_STOPPING = "If it fails, snapall takes no backup, as in the batch"
_WARNING = "It also runs if the backup fails. If it fails itself, snapall warns"


@dataclass(frozen=True, slots=True)
class HookReader:
    """The programs around the backup of one batch. `overlay`: its hooks win."""

    found: Read
    around: Around
    table: Table
    overlay: Mapping[str, object]

    def take(self) -> None:
        """Put each hook into the table, with a notice, in place of the fault for its program."""
        jobs = list(self.table.raw.get("jobs", {}))
        for hook, calls in self.found.around.items():
            lines = {self.around.desk.line(one.where) for one in calls}
            faults = [one for one in self._faults(hook) if one.line in lines]
            answered = all(answers(self.overlay, self.table.raw, one) for one in faults)
            if not faults or not jobs or answered or any(map(others.is_not_for_hooks, calls)):
                continue
            reason = self._why_not(hook, calls, jobs)
            for fault in faults:
                del self.table.findings.faults[fault]
                if reason is not None:
                    text = f"{fault.text}, and it cannot become a hook: {reason[0]}"
                    refused = BatchFault(fault.line, text, _remedy(reason[1], hook), fault.keys)
                    self.table.findings.faults[refused] = None
            if reason is None:
                self._put(jobs[0], hook, calls[0])

    def _faults(self, hook: str) -> list[BatchFault]:
        return [one for one in self.table.findings.faults if one.keys == (others.key_of(hook),)]

    def _why_not(self, hook: str, calls: Sequence[ProgramCall], jobs: Sequence[str]) -> Reason | None:
        return next(self._reasons(hook, calls, jobs), None)

    def _reasons(self, hook: str, calls: Sequence[ProgramCall], jobs: Sequence[str]) -> Iterator[Reason]:
        call, desk, paper = calls[0], self.around.desk, self.around.paper
        if len(jobs) > 1:
            yield "the batch has several jobs", "set the hook of each job"
        if len(calls) > 1:
            many = any(one.where != call.where for one in calls)
            text = "several programs run there, and a hook is one command" if many else "it runs several times"
            yield text, OWN_BATCH
        sent = [one for one in self.around.first.events if isinstance(one, Sent)]
        why = words.why_not(call, sent, desk, paper.given)
        if why is not None:
            yield why
        if paper.long:
            yield "the batch takes too many steps to be rehearsed for every date", OWN_BATCH
        when = self.around.varies(call, hook)
        if when:
            yield f"what runs around the backup changes {when}", OWN_BATCH
        unread, targets = self.around.printing(call, hook)
        if not unread:
            yield "what the batch does depends on what it prints", OWN_BATCH
        if targets - self._logs():
            yield "what it prints goes to a file other than the log", OWN_BATCH
        if self.around.when_failing(call, hook) is WhenFailing.OTHERWISE:
            yield "what the batch does depends on its exit code", OWN_BATCH

    def _logs(self) -> frozenset[str]:
        """The files to which the batch writes what its commands of the backup print, and its own lines."""
        events = self.around.first.events
        echoed = {one.full.lower() for one in events if isinstance(one, Written) and one.by == "echo"}
        own = (one for one in events if isinstance(one, Sent) and one.name in BACKUP and one.output is not None)
        return frozenset(echoed | {full_path(one.output or "", one.folder, {}).lower() for one in own})

    def _put(self, job: str, hook: str, call: ProgramCall) -> None:
        line = self.around.desk.line(call.where)
        self.table.put(("jobs", job, "hooks", hook), words.taken(call, self.around.desk), line)
        self.table.put(("jobs", job, "hooks", "timeout"), _TIMEOUT, line)
        if hook == "before" and self.around.when_failing(call, hook) is WhenFailing.THE_SAME:
            self.table.put(("jobs", job, "hooks", "required"), False, line)
        self.table.lines.setdefault(("jobs", job, "hooks"), line)
        name = others.named(call) or "the program"
        self.table.findings.notice(line, f"{name} is run as the job's hook {hook}", self._difference(hook, call))

    def _difference(self, hook: str, call: ProgramCall) -> str:
        """How the hook differs from what the batch does."""
        shell = "" if is_service(call) else ", in snapall's working folder and without the batch's variables"
        _, targets = self.around.printing(call, hook)
        printed = "; its output is shown only if it fails" if targets or call.output is None else ""
        runs = f"snapall runs it without cmd{shell}, and kills it after an hour (timeout){printed}"
        if hook == "after":
            return f"{runs}. {_WARNING}"
        failing = self.around.when_failing(call, hook)
        return f"{runs}. {_STOPPING if failing is WhenFailing.NOTHING else _IGNORING}"


def _remedy(remedy: str, hook: str) -> str:
    if remedy == OWN_BATCH:
        return f"{OWN_BATCH}, and set {hook} in [jobs.NAME.hooks] of the overlay file to it"
    return f"{remedy}, or {others.stand_in(hook)}"
