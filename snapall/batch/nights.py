"""The batch's commands in their order -> whole nights: which volume, which datastores, which chain of names."""

from __future__ import annotations

from dataclasses import dataclass, field

from snapall.backup.model import chain_names
from snapall.batch.facts import ANY, Quiesce, Release, Said, Script, Snap, SnapshotQuery, VmQuery

_PROPER = "the original has: delete, renames, query, vcbsnapshot -c, create, query, vcbsnapshot -d"
_CHAIN = ("jobs", ANY, "chain")


@dataclass(slots=True)
class Night:
    """One sequence from its first command to its release."""

    snaps: list[Snap] = field(default_factory=list)
    queries: list[VmQuery] = field(default_factory=list)
    quiesces: list[Quiesce] = field(default_factory=list)
    lookups: list[SnapshotQuery] = field(default_factory=list)
    releases: list[Release] = field(default_factory=list)

    @property
    def line(self) -> int:
        """Where it begins."""
        everything = [*self.snaps, *self.queries, *self.quiesces, *self.lookups, *self.releases]
        return min(one.line for one in everything)

    @property
    def creates(self) -> list[Snap]:
        """Its captures."""
        return [one for one in self.snaps if one.verb == "create"]


def nights_of(script: Script) -> list[Night]:
    """The sequences, one after the other: a release ends one. What does not fit is a fault."""
    nights: list[Night] = []
    current: Night | None = None
    for statement in script.statements:
        if current is None or (current.releases and not isinstance(statement, Release)):
            current = Night()
            nights.append(current)
        match statement:
            case Snap():
                current.snaps.append(statement)
            case VmQuery():
                current.queries.append(statement)
            case Quiesce():
                current.quiesces.append(statement)
            case SnapshotQuery():
                current.lookups.append(statement)
            case Release():
                current.releases.append(statement)
    if not nights and not script.faults:
        script.fault(1, "no command of the batch is in this file", "name the batch file that takes the backups")
    for night in nights:
        _in_order(night, script)
    return nights


def _in_order(night: Night, script: Script) -> None:
    """Query, quiesce, capture, look, release: each is there, reads the list of the one before, and comes after it."""
    # A line that is not understood at all has its own fault; that it is missing then says nothing more.
    silent = any(not fault.keys for fault in script.faults)
    for found, what in (
        (night.queries, "query for the VMs"),
        (night.quiesces, "loop with vcbsnapshot -c"),
        (night.creates, "snap create"),
        (night.lookups, "query for the VM snapshots"),
        (night.releases, "loop with vcbsnapshot -d"),
    ):
        if not found and not silent:
            text = f"the sequence of commands that begins here has no {what}"
            script.fault(night.line, text, _PROPER)
    for quiesce in night.quiesces:
        lists = {query.out for query in night.queries if query.line < quiesce.line}
        if quiesce.source not in lists and not silent:
            script.fault(quiesce.line, "no query above writes the list that this loop reads", _PROPER)
    for query in night.queries:
        if query.out not in {one.source for one in night.quiesces} and not silent:
            script.fault(query.line, "no loop reads the list that this query writes", _PROPER)
    for release in night.releases:
        lists = {look.out for look in night.lookups if look.line < release.line}
        if release.source not in lists and not silent:
            script.fault(release.line, "no query above writes the list that this loop reads", _PROPER)
    last_quiesce = max((one.line for one in night.quiesces), default=0)
    for create in night.creates:
        if create.line < last_quiesce:
            script.fault(create.line, "the filer's snapshot is taken before the VMs are quiesced", _PROPER)
    for look in night.lookups:
        if look.line < last_quiesce:
            script.fault(look.line, "the VM snapshots are looked for before they are made", _PROPER)
    for release in night.releases:
        if any(create.line > release.line for create in night.creates):
            script.fault(release.line, "the VMs are released before the filer's snapshot is taken", _PROPER)


def chain_of(volume: str, snaps: list[Snap], script: Script) -> tuple[Said, ...] | None:
    """The names of one volume's rotation, newest first; a line that breaks the chain is a fault, and None comes back."""
    if any(None in one.names for one in snaps):
        return None
    renames = {str(one.names[0].text): one for one in snaps if one.verb == "rename" and one.names[0]}
    creates = [one for one in snaps if one.verb == "create"]
    deletes = [one for one in snaps if one.verb == "delete"]
    if len(creates) != 1:
        if creates:
            script.fault(creates[1].line, f"a second snapshot of {volume} is created", "keep one snap create", _CHAIN)
        else:
            script.fault(snaps[0].line, f"{volume} is rotated, but no snap create follows", _PROPER, _CHAIN)
        return None
    newest = creates[0].names[0]
    assert newest is not None
    chain = [newest]
    used: list[Snap] = []
    while chain[-1].text in renames and renames[chain[-1].text] not in used:
        used.append(renames[chain[-1].text])
        following = used[-1].names[1]
        assert following is not None
        chain.append(following)
    return _checked(chain, used, creates[0], deletes, snaps, script)


def _checked(  # noqa: PLR0913, PLR0917 - the parts of one chain
    chain: list[Said], used: list[Snap], create: Snap, deletes: list[Snap], snaps: list[Snap], script: Script
) -> tuple[Said, ...] | None:
    before = len(script.faults)
    names = " <- ".join(one.text for one in chain)
    remedy = "the chain must be unbroken, oldest first: delete the oldest, rename each to the next, create the newest"
    for one in snaps:
        if one.verb == "rename" and one not in used:
            script.fault(one.line, f"this rename does not fit into the chain {names}", remedy, _CHAIN)
    for one in deletes:
        if one.names[0] is not None and (one.names[0].text != chain[-1].text or one is not deletes[0]):
            text = f"this delete does not fit: the oldest of the chain {names} is {chain[-1].text}"
            script.fault(one.line, text, remedy, _CHAIN)
    if not deletes:
        script.fault(create.line, f"nothing deletes {chain[-1].text}, the oldest of the chain {names}", remedy, _CHAIN)
    order = [*deletes[:1], *reversed(used), create]
    for earlier, later in zip(order, order[1:], strict=False):
        if earlier.line > later.line:
            script.fault(later.line, "this line comes before one that must make room for it", remedy, _CHAIN)
    if len({one.text.lower() for one in chain}) != len(chain):
        script.fault(create.line, f"the chain {names} comes back to itself", remedy, _CHAIN)
    return tuple(chain) if len(script.faults) == before else None


def naming(chain: tuple[Said, ...]) -> dict[str, object]:
    """The chain as a job's keys: `prefix` and `retain` when these are the default names, else `chain`."""
    names = tuple(one.text for one in chain)
    prefix = names[0].removesuffix("_recent")
    if prefix and prefix != names[0] and chain_names(prefix, len(names)) == names:
        return {"prefix": prefix, "retain": len(names)}
    return {"chain": list(names)}
