"""The simulated vcbsnapshot: a program of its own, started once for every VM, and a function for tests.

`python -m snapall.lab.vcbsnapshot --world DIR -h HOST -u USER -p PASSWORD -c moref:vm-611 Quiesce`
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from snapall.errors import SnapallError
from snapall.lab.ledger import Entry
from snapall.lab.strikes import after, strike
from snapall.lab.texts import Says
from snapall.lab.vcbcalls import Arguments, ProgramResult, StartedCall, reached, stopped
from snapall.lab.world import World

if TYPE_CHECKING:
    from collections.abc import Sequence

VERBS = {"-c": "create", "-d": "delete", "-f": "find"}


def parse(argv: Sequence[str]) -> Arguments | None:
    """Understand a call; None for a wrong usage. A switch takes the next argument, whatever that looks like."""
    switches: dict[str, str] = {}
    verb, left = "", list(argv)
    while left:
        switch = left.pop(0)
        if switch in ("-h", "-u", "-p") and left:
            switches[switch] = left.pop(0)
        elif switch in VERBS and len(left) >= 2:
            verb, switches["vm"], switches["argument"] = VERBS[switch], left.pop(0), left.pop(0)
    number = switches.get("vm", "").removeprefix("moref:vm-")
    if not verb or "-h" not in switches or not number.isdecimal():
        return None
    argument = switches["argument"]
    if verb == "delete":
        keyword, _, argument = argument.partition(":")
        if keyword.lower() != "ssid":
            return None
    return Arguments(verb, int(number), argument, switches.get("-u"), switches.get("-p"))


def begin(world: World, argv: Sequence[str]) -> StartedCall:
    """Start a call. The caller waits for its end; the lab performs what is deferred when it is due."""
    call = parse(argv)
    with world.transaction() as transaction:
        entry = Entry(transaction.time, "vcbsnapshot", argv=tuple(argv), exit=1)
        if call is None:
            transaction.record(entry)
            return StartedCall(ProgramResult(1, Says.VCB_USAGE() + "\n", ""))
        struck = strike(transaction, f"vcbsnapshot {call.verb}", call.vm, argv)
        started = stopped(struck.main) or reached(transaction, call, struck.main)
        n = transaction.record(replace(entry, exit=started.result.exit, effect=started.effect, fault=struck.label))
        if started.deferred:
            started = replace(started, task=transaction.defer(started.delay, n, started.deferred, call.vm))
        after(transaction, struck)
    struck.before_answer()
    return started


def vcbsnapshot(world: World, argv: Sequence[str]) -> ProgramResult:
    """Do one call from its start to its end; a standing clock is advanced by what the call takes."""
    started = begin(world, argv)
    world.wait(started.wait)
    return started.end(world)


def main(argv: Sequence[str]) -> int:
    """Run the program, `--world DIR` first, then what vcbsnapshot itself takes; the exit code."""
    match argv:
        case ["--world", directory, *rest]:
            pass
        case _:
            sys.stdout.write(Says.VCB_USAGE() + "\n")
            return 1
    try:
        with World(directory) as world:
            end = vcbsnapshot(world, rest)
    except SnapallError as error:
        sys.stderr.write(f"{error.message}; {error.hint}\n")
        return 1
    sys.stdout.write(end.stdout)
    return end.exit


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
