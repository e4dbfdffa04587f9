"""The pretended vcbsnapshot: a program in its own right, started once for every VM, and a function for tests.

`python -m snapall.lab.vcbsnapshot --world DIR -h HOST -u USER -p PASSWORD -c moref:vm-611 Quiesce`
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from snapall.errors import SnapallError
from snapall.lab.effects import Denied, look_at_vm, perform
from snapall.lab.faults import Fault, FaultKind
from snapall.lab.ledger import Entry
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
class CallEffect:
    """What becomes of a call, decided in its moment: how the program ends, and `wait` seconds before that.

    `later` is what VirtualCenter does `delay` seconds from now; it finishes that though the program may be gone.
    `awaited` says whether the program stays for it, and ends with an error when nothing came of it.
    """

    end: ProgramResult
    effect: Effect | None = None
    wait: float = 0.0
    later: tuple[str, ...] = ()
    delay: float = 0.0
    awaited: bool = True


def parse(argv: Sequence[str]) -> Arguments | None:
    """The call, or None for a wrong usage. A switch takes the next word, whatever that looks like."""
    switches: dict[str, str] = {}
    verb, words = "", list(argv)
    while words:
        word = words.pop(0)
        if word in ("-h", "-u", "-p") and words:
            switches[word] = words.pop(0)
        elif word in VERBS and len(words) >= 2:
            verb, switches["vm"], switches["argument"] = VERBS[word], words.pop(0), words.pop(0)
    number = switches.get("vm", "").removeprefix("moref:vm-")
    if not verb or "-h" not in switches or not number.isdecimal():
        return None
    argument = switches["argument"]
    if verb == "delete":
        keyword, _, argument = argument.partition(":")
        if keyword.lower() != "ssid":
            return None
    return Arguments(verb, int(number), argument, switches.get("-u"), switches.get("-p"))


@dataclass(frozen=True, slots=True)
class Begun:
    """A program that was started. It ends `wait` seconds later, however its caller fares."""

    verdict: CallEffect
    task: int | None = None

    @property
    def wait(self) -> float:
        """Seconds from its start to its end."""
        return self.verdict.wait

    def end(self, world: World) -> ProgramResult:
        """How it ends; to be asked when it does."""
        if self.task is None or not self.verdict.awaited or _came_about(world, self.task):
            return self.verdict.end
        return _error(Says.FAILED())


def begin(world: World, argv: Sequence[str]) -> Begun:
    """Start a call; whoever does that waits for its end himself."""
    call = parse(argv)
    with world.transaction() as transaction:
        entry = Entry(transaction.time, "vcbsnapshot", argv=tuple(argv), exit=1)
        if call is None:
            transaction.record(entry)
            return Begun(CallEffect(ProgramResult(1, Says.VCB_USAGE() + "\n", "")))
        struck = transaction.strike(f"vcbsnapshot {call.verb}", call.vm, argv)
        struck.kill(FaultKind.KILL)
        verdict = _stopped(struck.main) or _reached(transaction, call, struck.main)
        n = transaction.record(replace(entry, exit=verdict.end.exit, effect=verdict.effect, fault=struck.label))
        task = transaction.later(verdict.delay, n, verdict.later, call.vm) if verdict.later else None
        transaction.after(struck)
    struck.kill(FaultKind.KILL_AFTER)
    return Begun(verdict, task)


def vcbsnapshot(world: World, argv: Sequence[str]) -> ProgramResult:
    """One call, from its start to its end; with a clock that stands still, waiting moves the clock."""
    begun = begin(world, argv)
    if begun.task is not None and not begun.verdict.awaited and world.settings.clock is None:
        from snapall.lab.deferred import catch_up_later  # noqa: PLC0415 - subprocess is slow to import, and seldom needed

        catch_up_later(world.directory, begun.verdict.delay)
    world.wait(begun.wait)
    return begun.end(world)


def _stopped(fault: Fault | None) -> CallEffect | None:
    """The end of a call that a fault keeps from VirtualCenter."""
    match fault:
        case Fault(kind=FaultKind.FAIL, text=text):
            return CallEffect(_error(text or Says.FAILED(), fault.exit))
        case Fault(kind=FaultKind.REFUSE, text=text):
            return CallEffect(_error(text or Says.UNREACHABLE(), fault.exit))
        case Fault(kind=FaultKind.DROP | FaultKind.HANG):
            wait = fault.seconds if fault.kind is FaultKind.HANG else 0.0
            return CallEffect(ProgramResult(1 if fault.exit is None else fault.exit, "", ""), wait=wait)
        case _:
            return None


def _reached(transaction: Transaction, call: Arguments, fault: Fault | None) -> CallEffect:
    """What VirtualCenter does with a call that reaches it, and what the program says of it."""
    denied = _look(transaction, call)
    if denied is not None:
        return CallEffect(_error(denied.text))
    wait = fault.seconds if fault is not None and fault.kind is FaultKind.SLOW else 0.0
    match call.verb:
        case "find":
            return CallEffect(_answer(transaction, call, _find(transaction, call), fault), wait=wait)
        case "create":
            ssid = f"snapshot-{transaction.count('vm_snapshot')}"
            words: tuple[str, ...] = ("make", str(call.vm), call.argument, ssid)
            end = _answer(transaction, call, Says.SSID(_printed(transaction, ssid, fault)), fault)
        case _:
            words = ("remove", str(call.vm), call.argument)
            end = _answer(transaction, call, Says.REMOVED(call.argument), fault)
    if fault is not None and fault.kind is FaultKind.LIE:
        return CallEffect(end)
    if fault is not None and fault.acts_late:
        return CallEffect(end, wait=fault.hold, later=words, delay=fault.seconds, awaited=False)
    if delay := _patience(transaction, call):
        return CallEffect(end, wait=delay + wait, later=words, delay=delay)
    effect = perform(transaction, words)
    return CallEffect(_error(effect.text)) if isinstance(effect, Denied) else CallEffect(end, effect, wait)


def _look(transaction: Transaction, call: Arguments) -> Denied | None:
    """Why VirtualCenter will not do it, if so."""
    settings = transaction.settings
    known = (settings.vc_user, settings.vc_password)
    if (call.user, call.password) != known and not (settings.config_js and call.user is None and call.password is None):
        return Denied(Says.LOGIN(call.user or ""))
    if denied := look_at_vm(transaction, call.vm):
        return denied
    busy = transaction.db.execute("SELECT 1 FROM tasks WHERE vm = ? AND acted IS NULL", (call.vm,)).fetchall()
    if busy and call.verb != "find":
        return Denied(Says.TASK())
    if call.verb == "find" and not _find(transaction, call):
        return Denied(Says.NOT_FOUND(call.argument))
    if call.verb == "delete" and not _exists(transaction, call):
        return Denied(Says.NO_VM_SNAPSHOT(call.argument))
    return None


def _exists(transaction: Transaction, call: Arguments) -> bool:
    query = "SELECT 1 FROM vm_snapshots WHERE vm = ? AND 'snapshot-' || id = ?"
    return bool(transaction.db.execute(query, (call.vm, call.argument)).fetchall())


def _find(transaction: Transaction, call: Arguments) -> str:
    query = "SELECT id FROM vm_snapshots WHERE vm = ? AND name = ? ORDER BY id"
    rows = transaction.db.execute(query, (call.vm, call.argument)).fetchall()
    return "\n".join(Says.SSID(f"snapshot-{id_}") for (id_,) in rows)


def _printed(transaction: Transaction, ssid: str, fault: Fault | None) -> str:
    """The id that a create prints: its own, or somebody else's."""
    match fault:
        case Fault(kind=FaultKind.LIE, snapshot=snapshot):
            return snapshot or ssid
        case Fault(kind=FaultKind.ANOTHERS_ID, snapshot=snapshot):
            oldest = transaction.db.execute("SELECT min(id) FROM vm_snapshots").fetchall()[0][0]
            return snapshot or (ssid if oldest is None else f"snapshot-{oldest}")
        case _:
            return ssid


def _patience(transaction: Transaction, call: Arguments) -> float:
    """How long VirtualCenter takes for this VM: between half of the set time and one and a half."""
    settings = transaction.settings
    seconds = settings.create_seconds if call.verb == "create" else settings.remove_seconds
    return seconds * (0.5 + call.vm * 619 % 1000 / 1000)


def _answer(transaction: Transaction, call: Arguments, said: str, fault: Fault | None) -> ProgramResult:
    """The program's end after VirtualCenter did it. For every fifth VM a line of its log comes first."""
    log = Says.LOG_LINE(transaction.time.strftime("%Y-%m-%d %H:%M:%S.000"), f"{call.verb} moref:vm-{call.vm}")
    lines = f"{log}\n{said}\n" if transaction.settings.log_lines and call.vm % 5 == 0 else f"{said}\n"
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


def _came_about(world: World, task: int) -> bool:
    with world.transaction() as transaction:
        return bool(transaction.db.execute("SELECT acted FROM tasks WHERE id = ?", (task,)).fetchall()[0][0])


def _error(text: str, code: int | None = None) -> ProgramResult:
    return ProgramResult(1 if code is None else code, Says.ERROR(text) + "\n", "")


def main(argv: Sequence[str]) -> int:
    """The program: `--world DIR` first, then what vcbsnapshot itself takes. It answers the exit status."""
    match argv:
        case ["--world", directory, *rest]:
            pass
        case _:
            sys.stdout.write(Says.VCB_USAGE() + "\n")
            return 1
    try:
        with World(directory) as world:
            if rest[:1] == ["--later"]:
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
