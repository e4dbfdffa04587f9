"""VM snapshots that are named after the date: the part of the name that stays the same; snapall appends the date."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import takewhile

from snapall.config.batch.commands.programs import QUERY_PROGRAMS
from snapall.config.batch.commands.vcb_calls import created
from snapall.config.batch.desk import Desk
from snapall.config.batch.facts import ANY
from snapall.config.batch.rehearsals.nights import Paper, commands, later
from snapall.config.cmd import Event, Rehearsal, Sent


@dataclass(slots=True)
class DatedName:
    """The names that the VM snapshots of several nights get."""

    first: Rehearsal
    names: dict[str, None] = field(default_factory=dict)

    def part(self, paper: Paper, desk: Desk) -> str:
        """Return what all names begin with; "" if they do not change from night to night, or after a fault."""
        if len(self.names) == 1:
            return ""
        call = next(one for one in commands(self.first) if created(one))
        line = desk.line(call.where)
        part = "".join(signs[0] for signs in takewhile(_alike, zip(*self.names, strict=False))).rstrip(" _-.")
        if not part or _name(later(paper)) != _name(self.first):
            text, remedy = "this vcbsnapshot command changes from night to night", "write a name that stays the same"
            desk.findings.fault(line, text, remedy, ("jobs", ANY, "vm_snapshot"))
            return ""
        remedy = f"snapall calls them {part}, and appends the date itself in safe order"
        desk.findings.notice(line, "the date in the VM snapshots' name is not taken over", remedy)
        return part

    def without(self, rehearsal: Rehearsal) -> Rehearsal:
        """Remember the name of this night, and return the night without it."""
        name = _name(rehearsal)
        self.names[name] = None
        return replace(rehearsal, events=tuple(_unnamed(one, name) for one in rehearsal.events)) if name else rehearsal


def _alike(signs: tuple[str, ...]) -> bool:
    return len(set(signs)) == 1


def _name(rehearsal: Rehearsal) -> str:
    """The one name that all VM snapshots of a night get, or ""."""
    names = {created(call) for call in commands(rehearsal)} - {""}
    return names.pop() if len(names) == 1 else ""


def _unnamed(event: Event, name: str) -> Event:
    if not isinstance(event, Sent):
        return event
    if event.name in QUERY_PROGRAMS:
        return replace(event, words=tuple(word.replace(f"'{name}'", "''") for word in event.words))
    return (
        replace(event, words=tuple("" if word == name else word for word in event.words)) if created(event) else event
    )
