"""What VirtualCenter makes of one vcbsnapshot call, and what the program prints about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from snapall.lab.deferred import perform
from snapall.lab.effects import Denied, check_vm
from snapall.lab.faults import Fault, FaultKind
from snapall.lab.texts import Says

if TYPE_CHECKING:
    from snapall.lab.ledger import Effect
    from snapall.lab.transaction import Transaction
    from snapall.lab.world import World


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
        if self.task is None or not self.awaited:
            return self.result
        with world.transaction() as transaction:
            acted = transaction.value("SELECT acted FROM tasks WHERE id = ?", self.task)
        return self.result if acted else _error(Says.FAILED())


def stopped(fault: Fault | None) -> StartedCall | None:
    """The end of a call that a fault keeps from VirtualCenter."""
    match fault:
        case Fault(kind=FaultKind.FAIL, text=text):
            return StartedCall(_error(text or Says.FAILED(), fault))
        case Fault(kind=FaultKind.REFUSE, text=text):
            return StartedCall(_error(text or Says.UNREACHABLE(), fault))
        case Fault(kind=FaultKind.DROP):
            return StartedCall(_silent(fault))
        case Fault(kind=FaultKind.HANG, seconds=seconds):
            return StartedCall(_silent(fault), wait=seconds)
        case _:
            return None


def reached(transaction: Transaction, call: Arguments, fault: Fault | None) -> StartedCall:
    """What VirtualCenter does with a call that reaches it, and what the program prints."""
    if denied := _denial(transaction, call):
        return StartedCall(_error(denied.text))
    command, output = _command(transaction, call, fault)
    result = _result(transaction, call, output, fault)
    kind, seconds = (None, 0.0) if fault is None else (fault.kind, fault.seconds)
    if fault is not None and kind is FaultKind.ACT_LATE:
        return StartedCall(_silent(fault), wait=fault.wait, deferred=command, delay=seconds, awaited=False)
    wait = seconds if kind is FaultKind.SLOW else 0.0
    if kind is FaultKind.LIE or not command:
        return StartedCall(result, wait=wait)
    if delay := _duration(transaction, call) + (seconds if kind is FaultKind.DELAY else 0.0):
        return StartedCall(result, wait=delay + wait, deferred=command, delay=delay)
    effect = perform(transaction, command)
    return StartedCall(_error(effect.text)) if isinstance(effect, Denied) else StartedCall(result, effect, wait)


def _command(transaction: Transaction, call: Arguments, fault: Fault | None) -> tuple[tuple[str, ...], str]:
    """What VirtualCenter has to do, if anything, and what the program prints when it is done."""
    match call.verb:
        case "find":
            return (), _find(transaction, call)
        case "create":
            ssid = f"snapshot-{transaction.count('vm_snapshot')}"
            return ("make", str(call.vm), call.argument, ssid), Says.SSID(_printed(transaction, ssid, fault))
        case _:
            return ("remove", str(call.vm), call.argument), Says.REMOVED(call.argument)


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


def _result(transaction: Transaction, call: Arguments, output: str, fault: Fault | None) -> ProgramResult:
    """How the program ends when VirtualCenter has done it. For every fifth VM a line of its log comes first."""
    log = Says.LOG_LINE(transaction.time.strftime("%Y-%m-%d %H:%M:%S.000"), f"{call.verb} moref:vm-{call.vm}")
    lines = f"{log}\n{output}\n" if transaction.settings.log_lines and call.vm % 5 == 0 else f"{output}\n"
    match fault:
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
    return ProgramResult(0 if fault is None or fault.exit is None else fault.exit, lines, "")


def _silent(fault: Fault) -> ProgramResult:
    """The end of a program that prints nothing."""
    return ProgramResult(1 if fault.exit is None else fault.exit, "", "")


def _error(text: str, fault: Fault | None = None) -> ProgramResult:
    return ProgramResult(1 if fault is None or fault.exit is None else fault.exit, Says.ERROR(text) + "\n", "")
