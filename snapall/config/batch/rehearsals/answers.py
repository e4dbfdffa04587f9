"""What the programs of a batch answer on a rehearsed night: a good one, or one on which some of them fail."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from snapall.config.batch.commands.programs import DECIDING, QUERY_PROGRAMS, is_service, query_options
from snapall.config.batch.commands.statements import is_about_snapshots, selected
from snapall.config.cmd import Answer, ProgramCall

_WIDTH = 11  # of a number in osql's columns
_REPLIES = """
Pinging 192.0.2.1 with 32 bytes of data:

Reply from 192.0.2.1: bytes=32 time<1ms TTL=255

Ping statistics for 192.0.2.1:
    Packets: Sent = 1, Received = 1, Lost = 0 (0% loss),
Approximate round trip times in milli-seconds:
    Minimum = 0ms, Maximum = 0ms, Average = 0ms
"""


def _nothing(_call: ProgramCall) -> str:
    return ""


@dataclass(slots=True)
class ProgramAnswers:
    """What the programs answer on a rehearsed night.

    `vms`: the ids of the first query's VMs; each other query has VMs of its own. `fails` says which calls end with
    `code`; a query that fails writes nothing. `prints`: what a call prints that is no part of the backup. `silent`:
    whether programs whose answer nobody can know succeed and print nothing.
    """

    vms: Sequence[int]
    fails: Callable[[ProgramCall], bool] = lambda _call: False
    code: int = 1
    prints: Callable[[ProgramCall], str] = _nothing
    silent: bool = False
    asked: dict[str, tuple[int, ...]] = field(default_factory=dict)  # the queries for VMs
    listed: dict[int, int] = field(default_factory=dict)  # VM -> its snapshot
    made: int = 7000

    def __call__(self, call: ProgramCall) -> Answer | None:
        """Answer a program; None if nobody can say what it would answer."""
        if self.fails(call):
            return Answer(self.code, "", "failed")
        if call.name in QUERY_PROGRAMS:
            return self._query(call)
        if call.name == "ping":
            return Answer(0, _REPLIES)
        if call.name == "vcbsnapshot":
            return self._vcbsnapshot(call)
        if call.name in DECIDING and not is_service(call) and not (call.name == "net" and call.words[:1] != ()):
            return Answer() if self.silent else None
        return Answer(0, self.prints(call), self.prints(call))

    def _vcbsnapshot(self, call: ProgramCall) -> Answer:
        text = " ".join(call.words)
        vm, removed = re.search(r"moref:vm-(\d{1,9})", text), re.search(r"ssid:snapshot-(\d{1,9})", text)
        if vm is None:
            return Answer()
        if removed is not None:
            self.listed = {one: number for one, number in self.listed.items() if number != int(removed[1])}
            return Answer()
        self.made += 1
        self.listed[int(vm[1])] = self.made
        return Answer(0, f"SsId:snapshot-{self.made}\n")

    def _query(self, call: ProgramCall) -> Answer:
        options = query_options(call)
        sql = options.value("-Q") or options.value("-q") or ""
        rows: list[tuple[int, ...]]
        if is_about_snapshots(sql):
            rows = [(vm, number) for vm, number in self.listed.items()]
        else:
            rows = [(vm,) for vm in self.vms_of(sql)]
        text = _table(
            rows, selected(sql), options.value("-h") == "-1", options.value("-s") or " ", "-W" in options.given
        )
        if re.match(r"\s*set\s+nocount\s+on\b", sql, re.IGNORECASE) is None:
            text += f"\n({len(rows)} rows affected)\n"
        out = options.value("-o")
        return Answer(0, "", "", {out: text}) if out is not None else Answer(0, text)

    def vms_of(self, sql: str) -> tuple[int, ...]:
        """The VMs that a query finds, the same each time."""
        key = " ".join(sql.lower().split())
        if key not in self.asked:
            number = len(self.asked)
            taken = {*self.vms, *(vm for vms in self.asked.values() for vm in vms)}
            free = (vm for vm in range(2000 * number + 3, 2000 * number + 2000, 7) if vm not in taken)
            self.asked[key] = tuple(dict.fromkeys(self.vms)) if not number else (next(free), next(free))
        return self.asked[key]


def _table(rows: Sequence[tuple[int, ...]], names: Sequence[str], bare: bool, separator: str, narrow: bool) -> str:
    """A result as osql prints it: the numbers to the right, every other column by a text."""
    columns = max(len(names), 1)
    lines = [] if bare else [separator.join(names), separator.join("-" * _WIDTH for _ in range(columns))]
    for row in rows:
        cells = [str(row[at]) if at < len(row) else f"text{at}" for at in range(columns)]
        lines.append(separator.join(cell if narrow else cell.rjust(_WIDTH) for cell in cells))
    return "".join(f"{line}\n" for line in lines)


def numbers_in(text: str) -> tuple[int, ...]:
    """The numbers of a batch, as ids: a VM that it treats in its own way is among them."""
    found = dict.fromkeys(int(one) for one in re.findall(r"(?<!\d)[1-9]\d{0,7}(?!\d)", text))
    return tuple(found)[:60]
