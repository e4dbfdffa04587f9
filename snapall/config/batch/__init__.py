"""Rehearse an old snapall.bat and read it as a configuration, or report by line why it cannot be imported."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from snapall.config.batch.commands.others import WITHOUT_START
from snapall.config.batch.commands.reading import Read, read, unreached
from snapall.config.batch.compared import ComparedCommand
from snapall.config.batch.desk import Desk
from snapall.config.batch.facts import BatchFault, Defect, Findings, Notice, QuiesceCall
from snapall.config.batch.hooks.nights import Around
from snapall.config.batch.hooks.reader import HookReader
from snapall.config.batch.overlay import answers, given_of, merged, without_given
from snapall.config.batch.redacted import redacted
from snapall.config.batch.rehearsals.alarms import alarms
from snapall.config.batch.rehearsals.defects import defects_of
from snapall.config.batch.rehearsals.good_night import sequence_of
from snapall.config.batch.rehearsals.missing import calls_missing, files_unread
from snapall.config.batch.rehearsals.nights import NAME, Files, Paper, captures, first_night, no_files
from snapall.config.batch.rehearsals.varying import (
    Names,
    arguments_used,
    check,
    check_ids,
    check_unquiesced,
)
from snapall.config.batch.tables.raw import Table
from snapall.config.batch.tables.table import table_of
from snapall.config.batch.text import placeholders, text_of, with_markers
from snapall.config.cmd import Rehearsal
from snapall.config.tomlfile import KeyPath
from snapall.escaping import printable

_NO_MACHINE: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True, repr=False)
class Batch:
    """A batch that was read: its faults, or a table as tomllib returns it, with the line of each key."""

    faults: tuple[BatchFault, ...]
    table: Mapping[str, object]
    lines: Mapping[KeyPath, int]
    desk: Desk
    paper: Paper | None = None
    good: Rehearsal | None = None
    found: Read | None = None

    def fault_lines(self) -> list[str]:
        """Return one line for each fault: number, excerpt, reason and remedy, without any password."""
        found = []
        for fault in self.faults:
            text = redacted(self.desk.text.all.get(fault.line, ""))
            line = f": `{text}`" if text.strip(" *") else ""
            found.append(printable(self.masked(f"line {fault.line}{line}: {fault.text}; {fault.remedy}")))
        return list(dict.fromkeys(found))

    def line_of(self, path: KeyPath) -> int | None:
        """Return the line of a key, or of what lies in it or above it."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return min((line for key, line in self.lines.items() if key[: len(path)] == path), default=None)

    def masked(self, text: str) -> str:
        """Return a text without any password of the batch."""
        return self.desk.findings.masked(text)

    @property
    def notices(self) -> tuple[Notice, ...]:
        """The commands that are not imported, by line."""
        return tuple(sorted(self.desk.findings.notices, key=lambda one: one.line))

    @property
    def defects(self) -> tuple[Defect, ...]:
        """What the batch does wrong, found by rehearsing bad nights; nothing for a batch with faults."""
        if self.paper is None or self.good is None or self.found is None:
            return ()
        log = self.found.logs[0].text if self.found.logs else ""
        return defects_of(self.paper, self.good, self.found.statements, log, self.desk)

    def sequence(self, volumes: Sequence[str]) -> tuple[list[ComparedCommand], tuple[int, ...]]:
        """Return what the batch sends for some volumes on a good night, and the VMs of that night."""
        return ([], ()) if self.paper is None else sequence_of(self.paper, self.desk, volumes)


def batch_of(
    data: bytes, overlay: Mapping[str, object], files: Files = no_files, machine: Mapping[str, str] = _NO_MACHINE
) -> Batch:
    """Read a batch file together with its overlay. Never raises: what it cannot read is among the faults.

    `files`: what stands beside the batch; `machine`: variables of the machine that are the same for every user.
    """
    findings = Findings()
    text = text_of(data, findings)
    desk = Desk(NAME, text, findings)
    if findings.faults:
        return Batch(tuple(findings.faults), {}, {}, desk)
    paper = Paper(with_markers(data, placeholders(text)), text, files, given_of(overlay).with_machine(machine))
    good, night = first_night(paper)
    if calls_missing(paper, desk):
        return Batch(tuple(findings.faults), {}, {}, desk)
    found = read(good, desk, night)
    table = _table(paper, good, found, desk, named="log" in overlay)
    if good.stop is None:
        own = frozenset(call.where for call in found.calls)
        HookReader(found, Around(paper, good, night.vms, own, desk), table, overlay).take()
    faults = sorted((one for one in findings.faults if not answers(overlay, table.raw, one)), key=lambda one: one.line)
    if faults:
        return Batch(tuple(faults), {}, table.lines, desk)
    return Batch((), merged(table.raw, without_given(overlay)), table.lines, desk, paper, good, found)


def _table(paper: Paper, good: Rehearsal, found: Read, desk: Desk, *, named: bool) -> Table:
    """What a good night says, held against other nights. `named`: whether the overlay names the log."""
    if good.stop is not None:
        remedy = WITHOUT_START if re.search(r"\bstart\b", good.stop.reason) is not None else good.stop.remedy
        desk.findings.fault(desk.line(good.stop.where), good.stop.reason, remedy)
    names = check(paper, good, found.logs, desk) if good.stop is None else Names()
    if not found.statements and not desk.findings.faults:
        unreached(desk)
    table = table_of(found, desk.findings)
    if good.stop is None and captures(good) and all(fault.keys for fault in desk.findings.faults):
        check_ids(paper, table.raw, desk)
        check_unquiesced(paper, found.statements.of(QuiesceCall), desk)
        alarms(paper, good, desk)
    table.named_in_part(names.vm_snapshot)
    if names.log is not None and not named:
        names.log.put(table, desk)
    arguments_used(paper, desk)
    files_unread(paper, desk)
    return table
