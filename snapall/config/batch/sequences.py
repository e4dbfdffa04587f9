"""The batch's commands -> whole sequences, from the first command to the release, each checked for its order."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from snapall.config.batch.contents import (
    Query,
    QuiesceLoop,
    ReleaseLoop,
    Script,
    SnapshotQuery,
    Statements,
    VcbLoop,
    VmQuery,
)

PROPER = "restore the order of the original: delete, renames, query, vcbsnapshot -c, create, query, vcbsnapshot -d"
"""The remedy for any other order."""


def sequences_of(script: Script) -> list[Statements]:
    """Return the sequences, each of which ends with its release. What does not fit is a fault."""
    sequences: list[Statements] = []
    for statement in script.statements:
        last = sequences[-1][-1] if sequences else None
        if last is None or (isinstance(last, ReleaseLoop) and not isinstance(statement, ReleaseLoop)):
            sequences.append(Statements())
        sequences[-1].append(statement)
    if not sequences and not script.faults:
        script.fault(1, "this file has no command of the backup", "name the batch file that takes the backups")
    for sequence in sequences:
        _check(sequence, script)
    return sequences


def _check(sequence: Statements, script: Script) -> None:
    """Check that query, quiesce, capture, look-up and release are all there, and in this order."""
    # A line that is not understood has its own fault; another one for what is missing would add nothing.
    if all(fault.keys for fault in script.faults):
        _check_complete(sequence, script)
        _check_lists(sequence, script)
        _check_lists_whole(sequence.of(Query), sequence.of(VcbLoop), script)
    last_quiesce = max((one.line for one in sequence.of(QuiesceLoop)), default=0)
    last_capture = max((one.line for one in sequence.captures), default=0)
    for found, after, text in (
        (sequence.captures, last_quiesce, "the filer's snapshot is taken before the VMs are quiesced"),
        (sequence.of(SnapshotQuery), last_quiesce, "the VM snapshots are looked up before they are made"),
        (sequence.of(ReleaseLoop), last_capture, "the VMs are released before the filer's snapshot is taken"),
    ):
        for one in found:
            if one.line < after:
                script.fault(one.line, text, PROPER)


def _check_complete(sequence: Statements, script: Script) -> None:
    for found, what in (
        (sequence.of(VmQuery), "query for the VMs"),
        (sequence.of(QuiesceLoop), "loop with vcbsnapshot -c"),
        (sequence.captures, "snap create"),
        (sequence.of(SnapshotQuery), "query for the VM snapshots"),
        (sequence.of(ReleaseLoop), "loop with vcbsnapshot -d"),
    ):
        if not found:
            script.fault(sequence.line, f"the sequence of commands that begins here has no {what}", PROPER)


def _check_lists(sequence: Statements, script: Script) -> None:
    """Check that each loop reads what a query above it writes, and that each query's list is read."""
    kinds: tuple[tuple[type[VcbLoop], type[Query]], ...] = ((QuiesceLoop, VmQuery), (ReleaseLoop, SnapshotQuery))
    for loops, queries in kinds:
        for loop in sequence.of(loops):
            if loop.source not in {query.out for query in sequence.of(queries) if query.line < loop.line}:
                script.fault(loop.line, "no query above writes the list that this loop reads", PROPER)
    for query in sequence.of(VmQuery):
        if query.out not in {one.source for one in sequence.of(QuiesceLoop)}:
            script.fault(query.line, "no loop reads the list that this query writes", PROPER)


def _check_lists_whole(queries: Sequence[Query], loops: Sequence[VcbLoop], script: Script) -> None:
    """Check that each loop reads everything that the queries above it found, and none reads it twice."""
    for earlier, after in combinations(queries, 2):
        between = any(one.source == after.out and earlier.line < one.line < after.line for one in loops)
        if earlier.out is not None and earlier.out == after.out and not after.appended and not between:
            text = f"it overwrites the list of line {earlier.line}, which no loop has read yet"
            script.fault(after.line, text, "name all datastores in one query: ds_id in (688, 689)")
    for loop in loops:
        writers = [one for one in queries if one.out == loop.source and one.line < loop.line]
        headers = min((one.headers for one in writers), default=loop.skip)
        if loop.skip > headers:
            text = f"skip={loop.skip} skips entries of a list that has {headers} header lines"
            script.fault(loop.line, text, "skip only the header lines: none with -h-1, otherwise 2")
    for first, second in combinations([one for one in loops if isinstance(one, QuiesceLoop)], 2):
        if first.source == second.source and not any(first.line < one.line < second.line for one in queries):
            script.fault(second.line, f"the VMs of this list were already quiesced on line {first.line}", PROPER)
