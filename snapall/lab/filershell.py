"""The filer's command line: what Data ONTAP 7-Mode answers to one command, over ssh or rsh."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from snapall.lab.changes import confirmation, filer_change
from snapall.lab.effects import Denied, check_volume, tags, with_quiesced
from snapall.lab.faults import Fault, FaultKind
from snapall.lab.frozen import held
from snapall.lab.ledger import Effect, Entry, changes, verb_of
from snapall.lab.lun_answers import igroups, options, show, usage
from snapall.lab.relation_answers import mirror_status
from snapall.lab.strikes import after, strike
from snapall.lab.texts import Says
from snapall.lab.volume_answers import df, snap_settings, status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from snapall.lab.transaction import Transaction
    from snapall.lab.world import World


class Ending(Enum):
    """How the connection ends."""

    ANSWER = "answer"  # after the whole answer
    REFUSE = "refuse"  # before the command was taken
    DROP = "drop"  # after the command was taken, with or without part of the answer


@dataclass(frozen=True, slots=True)
class ShellReply:
    """What the filer sends, `wait` seconds after the command. The exit status is always 0; rsh has none."""

    stdout: str = ""
    stderr: str = ""
    wait: float = 0.0
    ending: Ending = Ending.ANSWER


class FilerShell:
    """A filer of the world, as its two servers see it. Its caller waits `ShellReply.wait` seconds itself."""

    def __init__(self, world: World) -> None:
        self.world = world

    def login(self, transport: str) -> ShellReply:
        """Let somebody connect. A failed login answers on stderr; only a fault leaves an entry in the ledger."""
        with self.world.transaction() as transaction:
            struck = strike(transaction, "login", None, (transport,))
            if struck.label is not None:
                transaction.record(Entry(transaction.time, "filer", transport=transport, fault=struck.label))
                after(transaction, struck)
        match struck.main:
            case Fault(kind=FaultKind.FAIL):
                return ShellReply(stderr=Says.RSH_DENIED())
            case Fault(kind=FaultKind.SLOW, seconds=seconds):
                return ShellReply(wait=seconds)
            case None:
                return ShellReply()
            case Fault(kind=kind, seconds=seconds):
                return ShellReply(wait=seconds if kind is FaultKind.HANG else 0, ending=Ending.REFUSE)

    def answer(self, command: str, transport: str, user: str) -> ShellReply:
        """Do one command."""
        argv = _split(command)
        with self.world.transaction() as transaction:
            entry = Entry(transaction.time, "filer", transport=transport, user=user, command=command)
            verb = verb_of(argv)
            struck = strike(transaction, verb, None, argv)
            reply, effect = _stopped(verb, struck.main), None
            if reply is None:
                reply, effect = _reached(transaction, argv, struck.main)
            n = transaction.record(with_quiesced(transaction, replace(entry, effect=effect, fault=struck.label)))
            if struck.main is not None and struck.main.kind is FaultKind.ACT_LATE:
                transaction.defer(struck.main.seconds, n, argv)
            transaction.db.execute("UPDATE echoes SET due = ? WHERE due IS NULL", (transaction.now,))
            after(transaction, struck)
            seconds = transaction.settings.filer_seconds
        struck.before_answer()
        return replace(reply, wait=reply.wait + seconds)


def _split(command: str) -> list[str]:
    """The command's parts; quotation marks keep blanks and brackets together."""
    try:
        return shlex.split(command) or [""]
    except ValueError:
        return command.split()


def _stopped(verb: str, fault: Fault | None) -> ShellReply | None:
    """The end of a command that a fault keeps from the filer, for good or for now."""
    match fault:
        case Fault(kind=FaultKind.FAIL, text=text):
            return ShellReply(stderr=(text or Says.OPERATION_FAILED(verb)) + "\n")
        case Fault(kind=FaultKind.REFUSE):
            return ShellReply(ending=Ending.REFUSE)
        case Fault(kind=FaultKind.DROP):
            return ShellReply(ending=Ending.DROP)
        case Fault(kind=FaultKind.HANG, seconds=seconds):
            return ShellReply(wait=seconds, ending=Ending.DROP)
        case Fault(kind=FaultKind.ACT_LATE, wait=wait):
            return ShellReply(wait=wait, ending=Ending.DROP)
        case _:
            return None


def _reached(transaction: Transaction, argv: Sequence[str], fault: Fault | None) -> tuple[ShellReply, Effect | None]:
    """What the filer does with a command that reaches it, and what its caller gets of that."""
    if changes(argv) and fault is not None and fault.kind is FaultKind.LIE:
        return _success(transaction, argv), None
    answer = filer_change(transaction, argv)
    match _look(transaction, argv) if answer is None else answer:
        case Denied(text):
            return _spoilt(ShellReply(stderr=text + "\n"), fault), None
        case Effect() as effect:
            return _spoilt(_success(transaction, argv), fault), effect
        case text:
            return _spoilt(ShellReply(stdout=text and text + "\n"), fault), None


def _look(transaction: Transaction, argv: Sequence[str]) -> str | Denied:
    """The answer to a command that changes nothing."""
    match argv:
        case ["snap", "list", *rest]:
            return _list(transaction, rest)
        case ["snap", *rest]:
            settings = snap_settings(transaction, rest)
            return Denied(Says.USAGE_SNAP()) if settings is None else settings
        case ["version"]:
            return transaction.settings.version
        case ["vol", "status", *rest]:
            return status(transaction, rest)
        case ["vol", "options", volume]:
            return options(transaction, volume)
        case ["df", *rest]:
            return df(transaction, rest)
        case ["lun", "show", *rest]:
            return show(transaction, rest)
        case ["lun", "snap", *rest]:
            return usage(transaction, rest)
        case ["lun", *_]:
            return Denied(Says.USAGE_LUN())
        case ["igroup", *rest]:
            return igroups(transaction, rest)
        case ["snapmirror" | "snapvault" as kind, *rest]:
            return mirror_status(transaction, kind, rest)
        case _:
            return Denied(Says.UNKNOWN_COMMAND(argv[0]))


def _success(transaction: Transaction, argv: Sequence[str]) -> ShellReply:
    """How a change is confirmed."""
    text = confirmation(argv)
    if transaction.settings.silent or not text:
        return ShellReply()
    return ShellReply(stderr=text + "\n") if transaction.settings.success_on_stderr else ShellReply(stdout=text + "\n")


def _spoilt(reply: ShellReply, fault: Fault | None) -> ShellReply:
    match fault:
        case Fault(kind=FaultKind.ACT_NO_ANSWER):
            return ShellReply(ending=Ending.DROP)
        case Fault(kind=FaultKind.SLOW, seconds=seconds):
            return replace(reply, wait=seconds)
        case Fault(kind=FaultKind.GARBAGE, text=text):
            return ShellReply(stdout=text + "\n")
        case Fault(kind=FaultKind.HALF):
            return ShellReply(stdout=reply.stdout[: len(reply.stdout) // 2], ending=Ending.DROP)
        case _:
            return reply


def _list(transaction: Transaction, rest: Sequence[str]) -> str | Denied:
    """`snap list [-n] [VOL]`."""
    brief = rest[:1] == ["-n"]
    names = rest[1:] if brief else rest
    if len(names) > 1 or any(name.startswith("-") for name in names):
        return Denied(Says.USAGE_LIST())
    if not names:
        query = "SELECT name FROM volumes WHERE state = 'online' ORDER BY name"
        names = [name for (name,) in transaction.rows(query)]
    elif denied := check_volume(transaction, "snap list", names[0], changing=False):
        return denied
    return "\n\n".join(_listing(transaction, name, brief=brief) for name in names)


def _listing(transaction: Transaction, volume: str, *, brief: bool) -> str:
    """The list of one volume, newest first; without `-n` with the space that each snapshot takes."""
    lines = [Says.TITLE(volume), transaction.settings.working, ""]
    size = transaction.value("SELECT kb FROM volumes WHERE name = ?", volume)
    query = "SELECT seq, name, date, tags, kb FROM filer_snapshots WHERE volume = ? ORDER BY seq DESC"
    rows = transaction.rows(query, volume)
    if not rows:
        return "\n".join([*lines, Says.NO_SNAPSHOTS()])
    lines += [Says.HEADING_N(), Says.RULE_N()] if brief else [Says.HEADING(), Says.RULE()]
    total = 0
    by_luns = held(transaction, volume)
    for seq, name, date, given, kb in rows:
        total += kb
        space = f"{_share(total, size // 2 + total)}  {_share(total, size, kb)}  "
        shown = ",".join(tags(given, by_luns.get(seq, ())))
        label = f"{name:<14} ({shown})" if shown else name
        lines.append(f"{'' if brief else space}{date}  {label}")
    return "\n".join(lines)


def _share(kb: int, size: int, own: int | None = None) -> str:
    return f"{100 * kb // size:3d}% ({100 * (kb if own is None else own) // size:2d}%)"
