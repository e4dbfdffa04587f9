"""The simulated vcbsnapshot: a program of its own, started once for every VM, and a function for tests.

`python -m snapall.lab.vcbsnapshot --world DIR -h HOST -u USER -p PASSWORD -c moref:vm-611 Quiesce`
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from snapall.errors import SnapallError
from snapall.lab.effects import Denied, check_vm, perform
from snapall.lab.faults import Fault, FaultKind
from snapall.lab.ledger import Entry
from snapall.lab.strikes import after, strike
from snapall.lab.texts import Says
from snapall.lab.world import World

if TYPE_CHECKING:
    from collections.abc import Sequence

    from snapall.lab.ledger import Effect
    from snapall.lab.transaction import Transaction

VERBS = {"-c": "create", "-d": "delete", "-f": "find"}


class ProgramResult(NamedTuple):
    """How the program ended."""

    exit: int
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments, understood. `argument` is a snapshot's name, or its id for a removal."""

    verb: str
    vm: int
    argument: str
    user: str | None
    password: str | None


@dataclass(frozen=True, slots=True)
class StartedCall:
    """A call whose fate is decided: the program ends with `result` after `wait` seconds, even if its caller dies.

    `deferred` is what VirtualCenter does `delay` seconds from now, as the `task` of that number. If it is `awaited`,
    the program stays for it, and ends with an error when it changed nothing.
    """

    result: ProgramResult
    effect: Effect | None = None
    wait: float = 0.0
    deferred: tuple[str, ...] = ()
    delay: float = 0.0
    awaited: bool = True
    task: int | None = None

    def end(self, world: World) -> ProgramResult:
        """How the program ends; call it when `wait` is over."""
        if self.task is None or not self.awaited or _has_acted(world, self.task):
            return self.result
        return _error(Says.FAILED())


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
    """Start a call. The caller waits for its end, and does what is deferred but not awaited."""
    call = parse(argv)
    with world.transaction() as transaction:
        entry = Entry(transaction.time, "vcbsnapshot", argv=tuple(argv), exit=1)
        if call is None:
            transaction.record(entry)
            return StartedCall(ProgramResult(1, Says.VCB_USAGE() + "\n", ""))
        struck = strike(transaction, f"vcbsnapshot {call.verb}", call.vm, argv)
        started = _stopped(struck.main) or _reached(transaction, call, struck.main)
        n = transaction.record(replace(entry, exit=started.result.exit, effect=started.effect, fault=struck.label))
        if started.deferred:
            started = replace(started, task=transaction.defer(started.delay, n, started.deferred, call.vm))
        after(transaction, struck)
    struck.before_answer()
    return started


def vcbsnapshot(world: World, argv: Sequence[str]) -> ProgramResult:
    """Do one call from its start to its end; a standing clock is advanced by what the call takes."""
    started = begin(world, argv)
    if started.task is not None and not started.awaited and world.settings.clock is None:
        from snapall.lab.deferred import catch_up_later  # noqa: PLC0415 - subprocess is slow to import, and seldom needed

        catch_up_later(world.directory, started.delay)
    world.wait(started.wait)
    return started.end(world)


def _stopped(fault: Fault | None) -> StartedCall | None:
    """The end of a call that a fault keeps from VirtualCenter."""
    match fault:
        case Fault(kind=FaultKind.FAIL, text=text):
            return StartedCall(_error(text or Says.FAILED(), fault.exit))
        case Fault(kind=FaultKind.REFUSE, text=text):
            return StartedCall(_error(text or Says.UNREACHABLE(), fault.exit))
        case Fault(kind=FaultKind.DROP | FaultKind.HANG as kind):
            result = ProgramResult(1 if fault.exit is None else fault.exit, "", "")
            return StartedCall(result, wait=fault.seconds if kind is FaultKind.HANG else 0.0)
        case _:
            return None


def _reached(transaction: Transaction, call: Arguments, fault: Fault | None) -> StartedCall:
    """What VirtualCenter does with a call that reaches it, and what the program prints."""
    denied = _denial(transaction, call)
    if denied is not None:
        return StartedCall(_error(denied.text))
    match call.verb:
        case "find":
            command: tuple[str, ...] = ()
            output = _find(transaction, call)
        case "create":
            ssid = f"snapshot-{transaction.count('vm_snapshot')}"
            command = ("make", str(call.vm), call.argument, ssid)
            output = Says.SSID(_printed(transaction, ssid, fault))
        case _:
            command = ("remove", str(call.vm), call.argument)
            output = Says.REMOVED(call.argument)
    result = _answer(transaction, call, output, fault)
    wait, delay = 0.0, _duration(transaction, call)
    match fault:
        case Fault(kind=FaultKind.LIE):
            return StartedCall(result)
        case Fault(kind=FaultKind.ACT_LATE) if command:
            return StartedCall(result, wait=fault.hold, deferred=command, delay=fault.seconds, awaited=False)
        case Fault(kind=FaultKind.SLOW):
            wait = fault.seconds
        case Fault(kind=FaultKind.DELAY):
            delay += fault.seconds
        case _:
            pass
    if not command:
        return StartedCall(result, wait=wait)
    if delay:
        return StartedCall(result, wait=delay + wait, deferred=command, delay=delay)
    effect = perform(transaction, command)
    return StartedCall(_error(effect.text)) if isinstance(effect, Denied) else StartedCall(result, effect, wait)


def _denial(transaction: Transaction, call: Arguments) -> Denied | None:
    """Why VirtualCenter refuses, if so."""
    settings = transaction.settings
    known = (settings.vc_user, settings.vc_password)
    if (call.user, call.password) != known and not (settings.config_js and call.user is None and call.password is None):
        return Denied(Says.LOGIN(call.user or ""))
    if denied := check_vm(transaction, call.vm):
        return denied
    busy = transaction.rows("SELECT 1 FROM tasks WHERE vm = ? AND acted IS NULL", call.vm)
    if busy and call.verb != "find":
        return Denied(Says.TASK())
    if call.verb == "find" and not _find(transaction, call):
        return Denied(Says.NOT_FOUND(call.argument))
    if call.verb == "delete" and not _exists(transaction, call):
        return Denied(Says.NO_VM_SNAPSHOT(call.argument))
    return None


def _exists(transaction: Transaction, call: Arguments) -> bool:
    query = "SELECT 1 FROM vm_snapshots WHERE vm = ? AND 'snapshot-' || id = ?"
    return bool(transaction.rows(query, call.vm, call.argument))


def _find(transaction: Transaction, call: Arguments) -> str:
    query = "SELECT id FROM vm_snapshots WHERE vm = ? AND name = ? ORDER BY id"
    rows = transaction.rows(query, call.vm, call.argument)
    return "\n".join(Says.SSID(f"snapshot-{id_}") for (id_,) in rows)


def _printed(transaction: Transaction, ssid: str, fault: Fault | None) -> str:
    """The id that a create prints: its own, or somebody else's."""
    match fault:
        case Fault(kind=FaultKind.LIE, snapshot=snapshot):
            return snapshot or ssid
        case Fault(kind=FaultKind.ANOTHERS_ID, snapshot=snapshot):
            oldest = transaction.value("SELECT min(id) FROM vm_snapshots")
            return snapshot or (ssid if oldest is None else f"snapshot-{oldest}")
        case _:
            return ssid


def _duration(transaction: Transaction, call: Arguments) -> float:
    """How long VirtualCenter takes for this VM: between half of the set time and one and a half."""
    settings = transaction.settings
    seconds = settings.create_seconds if call.verb == "create" else settings.remove_seconds
    return seconds * (0.5 + call.vm * 619 % 1000 / 1000)


def _answer(transaction: Transaction, call: Arguments, output: str, fault: Fault | None) -> ProgramResult:
    """The program's end after VirtualCenter did it. For every fifth VM a line of its log comes first."""
    log = Says.LOG_LINE(transaction.time.strftime("%Y-%m-%d %H:%M:%S.000"), f"{call.verb} moref:vm-{call.vm}")
    lines = f"{log}\n{output}\n" if transaction.settings.log_lines and call.vm % 5 == 0 else f"{output}\n"
    match fault:
        case Fault(kind=FaultKind.ACT_LATE):
            return ProgramResult(1 if fault.exit is None else fault.exit, "", "")
        case Fault(kind=FaultKind.ACT_NO_ANSWER):
            lines = ""
        case Fault(kind=FaultKind.NO_SSID):
            lines = f"{log}\n"
        case Fault(kind=FaultKind.GARBAGE, text=text):
            lines = f"{text}\n"
        case Fault(kind=FaultKind.HALF):
            lines = lines[: len(lines) // 2]
        case _:
            pass
    return ProgramResult(fault.exit if fault is not None and fault.exit is not None else 0, lines, "")


def _has_acted(world: World, task: int) -> bool:
    with world.transaction() as transaction:
        return bool(transaction.value("SELECT acted FROM tasks WHERE id = ?", task))


def _error(text: str, code: int | None = None) -> ProgramResult:
    return ProgramResult(1 if code is None else code, Says.ERROR(text) + "\n", "")


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
            if rest[:1] == ["--deferred"]:
                world.wait(float(rest[1]))
                world.catch_up()
                return 0
            end = vcbsnapshot(world, rest)
    except SnapallError as error:
        sys.stderr.write(f"{error.message}; {error.hint}\n")
        return 1
    sys.stdout.write(end.stdout)
    return end.exit


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
