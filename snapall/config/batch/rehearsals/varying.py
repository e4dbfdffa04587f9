"""What a batch must not depend on: the date, the machine, arguments, files that may exist, the VMs' ids."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from snapall.config.batch.commands.reading import read
from snapall.config.batch.desk import Desk
from snapall.config.batch.facts import ANY, Findings, Located, QuiesceCall
from snapall.config.batch.rehearsals.alarms import added, occasional
from snapall.config.batch.rehearsals.answers import ProgramAnswers
from snapall.config.batch.rehearsals.dated import DatedName
from snapall.config.batch.rehearsals.dated_log import DatedLog, LogName
from snapall.config.batch.rehearsals.nights import TWO_VMS, Paper, captures, changed, commands, on_other_days
from snapall.config.batch.rehearsals.surroundings import conditions, hosts, machines
from snapall.config.batch.tables.table import table_of
from snapall.config.batch.text import marker
from snapall.config.cmd import Rehearsal, Sent

_NAMES = (
    "rotate fixed names, as the original does: snapall retains by `prefix` and `retain`, and `list` shows the dates"
)
_MOST = 6
_MOST_WORDS = 40
_WORD = re.compile(r"[/-]?[A-Za-z0-9]{1,30}")
_ARGUMENTS = " ".join(marker(f"argument{number}") for number in range(1, 10))
_GIVE = (
    "write the value itself, or give what the batch is scheduled with: after its name to `snapall import`, or as "
    "[batch] arguments in the overlay file"
)
_TAKES = r"(?<!%)%(~[a-z]*)?[1-9*]"


@dataclass(frozen=True, slots=True)
class Names:
    """What has the date in its name: the VM snapshots, with the constant part, "" if the name stays; and the log."""

    vm_snapshot: str = ""
    log: LogName | None = None


def check(paper: Paper, first: Rehearsal, logs: Sequence[Located], desk: Desk) -> Names:
    """Compare the first rehearsal with others; what differs is a fault, but for names that snapall can date, too."""
    conditions(paper, desk)
    if any(not fault.keys for fault in desk.findings.faults):
        return Names()
    names = _days(paper, first, logs, desk)
    _files(paper, first, desk)
    _arguments(paper, first, desk)
    machines(paper, first, desk)
    hosts(paper, first, desk)
    return names


def _days(paper: Paper, first: Rehearsal, logs: Sequence[Located], desk: Desk) -> Names:
    if paper.long:
        text = "the batch takes too many steps to be rehearsed for every date"
        desk.findings.fault(1, text, "write the parts that take the backup into a copy")
        return Names()
    dated, log = DatedName(first), DatedLog(first)
    usual = dated.without(first)
    for day, other in on_other_days(paper):
        call = changed(usual, dated.without(other))
        log.add(day, other)
        occasional(first, other, desk)
        if call is not None:
            remedy = _NAMES if call.name != "vcbsnapshot" else "write a name that stays the same"
            desk.findings.fault(desk.line(call.where), f"this {call.name} command changes from night to night", remedy)
            return Names()
    return Names(dated.part(paper, desk), log.found(paper, logs, desk))


def _files(paper: Paper, first: Rehearsal, desk: Desk) -> None:
    programs = {event.name for event in first.events if isinstance(event, Sent)}
    asked = [one for one in paper.missing if re.split(r"[\\/]", one)[-1].rpartition(".")[0] not in programs]
    for path in asked[:_MOST]:
        with_it = replace(paper, present=paper.present | {path}, missing={})
        other, _ = with_it.good()
        occasional(first, other, desk)
        event = changed(first, other)
        if event is not None and commands(other):
            name = re.split(r"[\\/]", path)[-1]
            line = desk.text.first(re.escape(name)) or desk.line(event.where)
            text = "what the batch does depends on a file that may or may not exist"
            desk.findings.fault(line, text, "write a copy without the condition")
            return


def _arguments(paper: Paper, first: Rehearsal, desk: Desk) -> None:
    for other in on_other_arguments(paper):
        event = changed(first, other) or next(iter(added(first, other)), None)
        if event is None:
            continue
        line = desk.text.first(_TAKES) or desk.line(event.where)
        text = "with an argument, the batch does something else; snapall imports what it does without one"
        desk.findings.notice(
            line,
            text,
            "write a job for each argument that your scheduler gives it, or set [batch] arguments in the overlay file",
        )
        return


def on_other_arguments(paper: Paper) -> Iterator[Rehearsal]:
    """The good night with arguments, if the batch takes any and the overlay gives none."""
    if paper.text.first(_TAKES) is not None and not paper.given.arguments:
        yield paper.good(arguments=_ARGUMENTS)[0]
        for word in _compared_with_arguments(paper):
            yield paper.good(arguments=" ".join([word] * 9))[0]


def _compared_with_arguments(paper: Paper) -> list[str]:
    """The words on the lines that compare an argument of the batch: one of them may be what it is scheduled with."""
    lines = (line.text for line in paper.text.lines.values() if re.search(_TAKES, line.text) is not None)
    found = (word for line in lines if re.search(r"\bif\b", line, re.IGNORECASE) for word in _WORD.findall(line))
    return list(dict.fromkeys(found))[:_MOST_WORDS]


def arguments_used(paper: Paper, desk: Desk) -> None:
    """If commands with faults lack an argument of the batch, name the line that takes it instead."""
    if not desk.findings.faults or desk.text.first(_TAKES) is None:
        return
    other, _ = paper.good(arguments=_ARGUMENTS)
    faults = {one.line for one in desk.findings.faults}
    lines = {desk.line(call.where) for call in commands(other) if "zz.snapall.argument" in call.line} & faults
    for fault in [one for one in desk.findings.faults if one.line in lines]:
        del desk.findings.faults[fault]
    if lines:
        text = "it takes an argument of the batch (% and a digit), which snapall does not know"
        desk.findings.fault(desk.text.first(_TAKES) or min(lines), text, _GIVE)


def check_ids(paper: Paper, table: dict[str, Any], desk: Desk) -> None:
    """Rehearse with other VMs: the batch has to treat them alike."""
    rehearsal, night = paper.good(paper.near(_left_out(table)))
    findings = Findings()
    other_desk = Desk(desk.name, desk.text, findings)
    other = table_of(read(rehearsal, other_desk, night), findings)
    if rehearsal.stop is not None or not captures(rehearsal):
        desk.findings.fault(
            1, "with other VMs, the batch does not take the backup", "write a copy without what depends on the VMs"
        )
        return
    for fault in findings.faults:
        desk.findings.fault(fault.line, fault.text, fault.remedy, *fault.keys)
    for name, job in dict(other.raw.get("jobs", {})).items():
        if "vms" in job:
            line = other.lines[("jobs", name, "vms")]
            text = "the batch leaves out VMs by a rule, not by their ids"
            desk.findings.fault(
                line, text, "write a copy without it, and set the job's vms in the overlay file", ("jobs", ANY, "vms")
            )
            return
    if not findings.faults and _without_vms(other.raw) != _without_vms(table):
        desk.findings.fault(
            1, "with other VMs, the batch does something else", "write a copy without what depends on the VMs"
        )


def _left_out(table: dict[str, Any]) -> list[int]:
    return [int(vm.removeprefix("vm-")) for job in table.get("jobs", {}).values() for vm in job.get("vms", {})]


def check_unquiesced(paper: Paper, quiesces: list[QuiesceCall], desk: Desk) -> None:
    """Say so if the batch takes no snapshot on a night when no VM can be quiesced: snapall does, unless told."""
    bad = paper.night(
        ProgramAnswers(TWO_VMS, lambda call: call.name == "vcbsnapshot" and "-c" in call.words), "quiesce"
    )
    if quiesces and not captures(bad):
        text = "if VMs cannot be quiesced, the batch takes no backup; snapall takes one and reports it as partial"
        desk.findings.notice(quiesces[0].line, text, 'to have snapall take none, set vms = { "*" = "must" } in the job')


def _without_vms(table: object) -> object:
    if isinstance(table, dict):
        return {key: _without_vms(value) for key, value in table.items() if key != "vms"}
    return table
