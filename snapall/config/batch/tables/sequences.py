"""The batch's commands -> whole sequences, from the first command to the last release, each checked for its order."""

from __future__ import annotations

from collections.abc import Iterable

from snapall.config.batch.facts import (
    Findings,
    QuiesceCall,
    ReleaseCall,
    Snap,
    SnapshotQuery,
    Statement,
    Statements,
    VmQuery,
)

PROPER = "restore the order of the original: delete, renames, query, vcbsnapshot -c, create, query, vcbsnapshot -d"
"""The remedy for any other order."""


def sequences_of(statements: Statements, findings: Findings) -> list[Statements]:
    """Return the sequences, each of which ends with its releases. What does not fit is a fault."""
    sequences: list[Statements] = []
    for at, statement in enumerate(statements):
        last = sequences[-1][-1] if sequences else None
        ended = isinstance(last, ReleaseCall) and not isinstance(statement, ReleaseCall)
        if last is None or (ended and not _rotates(statement, sequences[-1], statements[at:])):
            sequences.append(Statements())
        sequences[-1].append(statement)
    if not sequences and not findings.faults:
        findings.fault(1, "this file has no backup commands", "name the batch file that takes the backups")
    for sequence in sequences:
        _check(sequence, findings)
    return sequences


def _rotates(statement: Statement, before: Statements, rest: Iterable[Statement]) -> bool:
    """Whether a command rotates what the sequence before it captured, and not what is captured next."""
    if not isinstance(statement, Snap):
        return False
    captured, following = (
        {
            (one.filer.text.lower(), one.volume.text.lower())
            for one in some
            if isinstance(one, Snap) and _is_capture(one)
        }
        for some in (before, rest)
    )
    return (statement.filer.text.lower(), statement.volume.text.lower()) in captured - following


def left_out(sequence: Statements) -> list[int]:
    """The VMs that the queries found and that are not quiesced."""
    quiesced = {one.vm for one in sequence.of(QuiesceCall)}
    return [vm for query in sequence.of(VmQuery) for vm in query.vms if vm not in quiesced]


def _check(sequence: Statements, findings: Findings) -> None:
    """Check that query, quiesce, capture, look-up and release are all there, and in this order."""
    # A line that is not understood has its own fault; another one for what is missing would add nothing.
    if all(fault.keys for fault in findings.faults):
        _check_complete(sequence, findings)
        _check_vms(sequence, findings)
    last_quiesce = max((at for at, one in enumerate(sequence) if isinstance(one, QuiesceCall)), default=0)
    last_capture = max((at for at, one in enumerate(sequence) if _is_capture(one)), default=0)
    for at, one in enumerate(sequence):
        if _is_capture(one) and at < last_quiesce:
            findings.fault(one.line, "the filer's snapshot is taken before the VMs are quiesced", PROPER)
        if isinstance(one, SnapshotQuery) and at < last_quiesce:
            findings.fault(one.line, "the VM snapshots are looked up before they are made", PROPER)
        if isinstance(one, ReleaseCall) and at < last_capture:
            findings.fault(one.line, "the VMs are released before the filer's snapshot is taken", PROPER)


def _is_capture(one: object) -> bool:
    return isinstance(one, Snap) and one.verb == "create"


def _check_complete(sequence: Statements, findings: Findings) -> None:
    parts: tuple[tuple[Iterable[object], str], ...] = (
        (sequence.of(VmQuery), "query for the VMs"),
        (sequence.of(QuiesceCall), "vcbsnapshot -c"),
        (sequence.captures, "snap create"),
        (sequence.of(SnapshotQuery), "query for the VM snapshots"),
    )
    for found, what in parts:
        if not found:
            findings.fault(sequence.line, f"the sequence of commands that begins here has no {what}", PROPER)


def _check_vms(sequence: Statements, findings: Findings) -> None:
    """Check that what the queries found is quiesced, each VM once, and what was quiesced is released."""
    found = [vm for query in sequence.of(VmQuery) for vm in query.vms]
    seen: dict[int, int] = {}
    for one in sequence.of(QuiesceCall):
        if one.vm in seen:
            text = f"a VM is quiesced twice: it already was on line {seen[one.vm]}"
            findings.fault(one.line, text, PROPER)
            return
        if one.vm not in found:
            findings.fault(one.line, "a VM is quiesced that no query above found", PROPER)
            return
        seen[one.vm] = one.line
    for query in sequence.of(VmQuery):
        if seen and query.vms and not set(query.vms) & set(seen):
            findings.fault(query.line, "no loop reads the list that this query writes", PROPER)
            return
    released = {one.vm for one in sequence.of(ReleaseCall)}
    for vm, line in seen.items():
        if vm not in released:
            findings.fault(line, "VMs that are quiesced here are not released by vcbsnapshot -d", PROPER)
            return
    for look in [one for one in sequence.of(ReleaseCall) if one.vm not in seen][:1]:
        findings.fault(look.line, "a VM is released that this sequence did not quiesce", PROPER)
