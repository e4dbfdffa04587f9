"""The batch's commands -> whole sequences, from the first command to the release, each checked for its order."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations

from snapall.config.batch.facts import QuiesceLoop, ReleaseLoop, Script, Snap, SnapshotQuery, Statement, VmQuery

PROPER = "restore the order of the original: delete, renames, query, vcbsnapshot -c, create, query, vcbsnapshot -d"
"""The remedy for any other order."""


@dataclass(slots=True)
class CommandSequence:
    """One sequence, from its first command to its release."""

    snaps: list[Snap] = field(default_factory=list)
    queries: list[VmQuery] = field(default_factory=list)
    quiesces: list[QuiesceLoop] = field(default_factory=list)
    lookups: list[SnapshotQuery] = field(default_factory=list)
    releases: list[ReleaseLoop] = field(default_factory=list)

    @property
    def line(self) -> int:
        """The line on which it begins."""
        everything: list[Statement] = [*self.snaps, *self.queries, *self.quiesces, *self.lookups, *self.releases]
        return min(one.line for one in everything)

    @property
    def creates(self) -> list[Snap]:
        """Its captures."""
        return [one for one in self.snaps if one.verb == "create"]


def sequences_of(script: Script) -> list[CommandSequence]:
    """Return the sequences, each of which ends with its release. What does not fit is a fault."""
    sequences: list[CommandSequence] = []
    current: CommandSequence | None = None
    for statement in script.statements:
        if current is None or (current.releases and not isinstance(statement, ReleaseLoop)):
            current = CommandSequence()
            sequences.append(current)
        match statement:
            case Snap():
                current.snaps.append(statement)
            case VmQuery():
                current.queries.append(statement)
            case QuiesceLoop():
                current.quiesces.append(statement)
            case SnapshotQuery():
                current.lookups.append(statement)
            case ReleaseLoop():
                current.releases.append(statement)
    if not sequences and not script.faults:
        script.fault(1, "this file has no command of the backup", "name the batch file that takes the backups")
    for sequence in sequences:
        _in_order(sequence, script)
    return sequences


def _in_order(sequence: CommandSequence, script: Script) -> None:
    """Check that query, quiesce, capture, look-up and release are all there, and in this order."""
    # A line that is not understood has its own fault; another one for what is missing would add nothing.
    silent = any(not fault.keys for fault in script.faults)
    for found, what in (
        (sequence.queries, "query for the VMs"),
        (sequence.quiesces, "loop with vcbsnapshot -c"),
        (sequence.creates, "snap create"),
        (sequence.lookups, "query for the VM snapshots"),
        (sequence.releases, "loop with vcbsnapshot -d"),
    ):
        if not found and not silent:
            text = f"the sequence of commands that begins here has no {what}"
            script.fault(sequence.line, text, PROPER)
    if not silent:
        _lists_fit(sequence, script)
    last_quiesce = max((one.line for one in sequence.quiesces), default=0)
    for create in sequence.creates:
        if create.line < last_quiesce:
            script.fault(create.line, "the filer's snapshot is taken before the VMs are quiesced", PROPER)
    for look in sequence.lookups:
        if look.line < last_quiesce:
            script.fault(look.line, "the VM snapshots are looked up before they are made", PROPER)
    for release in sequence.releases:
        if any(create.line > release.line for create in sequence.creates):
            script.fault(release.line, "the VMs are released before the filer's snapshot is taken", PROPER)


def _lists_fit(sequence: CommandSequence, script: Script) -> None:
    """Check that each loop reads what a query above it writes, and that each query's list is read."""
    unwritten = "no query above writes the list that this loop reads"
    for quiesce in sequence.quiesces:
        if quiesce.source not in {query.out for query in sequence.queries if query.line < quiesce.line}:
            script.fault(quiesce.line, unwritten, PROPER)
    for query in sequence.queries:
        if query.out not in {one.source for one in sequence.quiesces}:
            script.fault(query.line, "no loop reads the list that this query writes", PROPER)
    _lists_are_whole([*sequence.queries, *sequence.lookups], [*sequence.quiesces, *sequence.releases], script)
    for release in sequence.releases:
        if release.source not in {look.out for look in sequence.lookups if look.line < release.line}:
            script.fault(release.line, unwritten, PROPER)


def _lists_are_whole(
    queries: list[VmQuery | SnapshotQuery], loops: list[QuiesceLoop | ReleaseLoop], script: Script
) -> None:
    """Check that each loop reads everything that the queries above it found, and none reads it twice."""
    for earlier, after in combinations(sorted(queries, key=lambda one: one.line), 2):
        between = any(one.source == after.out and earlier.line < one.line < after.line for one in loops)
        same = earlier.out is not None and earlier.out == after.out
        if same and not after.file.appended and not between:
            text = f"it overwrites the list of line {earlier.line}, which no loop has read yet"
            script.fault(after.line, text, "name all datastores in one query: ds_id in (688, 689)")
    for loop in loops:
        writers = [one for one in queries if one.out == loop.source and one.line < loop.line]
        headers = min((one.file.headers for one in writers), default=loop.skip)
        if loop.skip > headers:
            text = f"skip={loop.skip} skips entries of a list that has {headers} header lines"
            script.fault(loop.line, text, "skip only the header lines: none with -h-1, otherwise 2")
    for first, second in combinations([one for one in loops if isinstance(one, QuiesceLoop)], 2):
        if first.source == second.source and not any(first.line < one.line < second.line for one in queries):
            script.fault(second.line, f"the VMs of this list were already quiesced on line {first.line}", PROPER)
