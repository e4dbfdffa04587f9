"""The filer's command line: what Data ONTAP 7-Mode answers to one command, whichever way it came."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from snapall.lab.effects import Denied, look_at_volume, snap, with_quiesced
from snapall.lab.faults import Fault, FaultKind
from snapall.lab.ledger import Effect, Entry
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
    DROP = "drop"  # after the command was taken, whatever part of the answer was sent by then


@dataclass(frozen=True, slots=True)
class ShellReply:
    """What the filer sends, `wait` seconds after the command. There is no exit status but 0 (over rsh none at all)."""

    stdout: str = ""
    stderr: str = ""
    wait: float = 0.0
    ending: Ending = Ending.ANSWER


class FilerShell:
    """A filer of the world, as its two servers see it. Whoever calls it waits `Reply.wait` seconds himself."""

    def __init__(self, world: World) -> None:
        self.world = world

    def login(self, transport: str) -> ShellReply:
        """Somebody connects. The text of a failed login is empty; only a fault leaves an entry in the ledger."""
        with self.world.transaction() as transaction:
            struck = transaction.strike("login", None, (transport,))
            if struck.main is None and not struck.beside:
                return ShellReply()
            transaction.record(Entry(transaction.time, "filer", transport=transport, fault=struck.label))
            transaction.after(struck)
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
        words = _split(command)
        with self.world.transaction() as transaction:
            entry = Entry(transaction.time, "filer", transport=transport, user=user, command=command)
            struck = transaction.strike(" ".join(words[: 2 if words[0] in ("snap", "vol") else 1]), None, words)
            struck.kill(FaultKind.KILL)
            reply = _stopped(words, struck.main)
            effect = None
            if reply is None:
                reply, effect = _reached(transaction, words, struck.main)
            n = transaction.record(with_quiesced(transaction, replace(entry, effect=effect, fault=struck.label)))
            if struck.main is not None and struck.main.acts_late:
                transaction.later(struck.main.seconds, n, words)
            transaction.db.execute("UPDATE echoes SET due = ? WHERE due IS NULL", (transaction.now,))
            transaction.after(struck)
            seconds = transaction.settings.filer_seconds
        struck.kill(FaultKind.KILL_AFTER)
        return replace(reply, wait=reply.wait + seconds)


def _split(command: str) -> list[str]:
    """The words; quotation marks keep blanks and brackets together."""
    try:
        return shlex.split(command) or [""]
    except ValueError:
        return command.split()


def _stopped(words: Sequence[str], fault: Fault | None) -> ShellReply | None:
    """The end of a command that a fault keeps from the filer, for good or for now."""
    match fault:
        case Fault(kind=FaultKind.FAIL, text=text):
            return ShellReply(stderr=(text or Says.OPERATION_FAILED(" ".join(words[:2]))) + "\n")
        case Fault(kind=FaultKind.REFUSE):
            return ShellReply(ending=Ending.REFUSE)
        case Fault(kind=FaultKind.DROP):
            return ShellReply(ending=Ending.DROP)
        case Fault(kind=FaultKind.HANG, seconds=seconds):
            return ShellReply(wait=seconds, ending=Ending.DROP)
        case Fault(acts_late=True, hold=hold):
            return ShellReply(wait=hold, ending=Ending.DROP)
        case _:
            return None


def _reached(transaction: Transaction, words: Sequence[str], fault: Fault | None) -> tuple[ShellReply, Effect | None]:
    """What the filer does with a command that reaches it, and what the caller sees of that."""
    effect = None
    said: str | Denied | Effect
    match words:
        case ["snap", "list", *rest]:
            said = _list(transaction, rest)
        case ["snap", "create" | "rename" | "delete" as verb, *_] if fault is not None and fault.kind is FaultKind.LIE:
            return _success(transaction, verb), None
        case ["snap", *rest]:
            told = snap_settings(transaction, rest)
            said = snap(transaction, rest) if told is None else told
        case ["version"]:
            said = transaction.settings.version
        case ["vol", "status", *rest]:
            said = status(transaction, rest)
        case ["df", *rest]:
            said = df(transaction, rest)
        case _:
            said = Denied(Says.UNKNOWN_COMMAND(words[0]))
    match said:
        case Denied(text):
            reply = ShellReply(stderr=text + "\n")
        case Effect():
            effect, reply = said, _success(transaction, words[1])
        case text:
            reply = ShellReply(stdout=text + "\n")
    return _spoilt(reply, fault), effect


def _success(transaction: Transaction, verb: str) -> ShellReply:
    """How a change is confirmed."""
    text = {"create": Says.CREATING(), "delete": Says.DELETING()}.get(verb, Says.RENAMED())
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
        names = [name for (name,) in transaction.db.execute(query)]
    else:
        denied = look_at_volume(transaction, "snap list", names[0], changing=False)
        if denied is not None:
            return denied
    return "\n\n".join(_listing(transaction, name, brief=brief) for name in names)


def _listing(transaction: Transaction, volume: str, *, brief: bool) -> str:
    """The list of one volume, newest first; without `-n` with the space that each snapshot takes."""
    lines = [Says.TITLE(volume), transaction.settings.working, ""]
    size = transaction.db.execute("SELECT kb FROM volumes WHERE name = ?", (volume,)).fetchall()[0][0]
    query = "SELECT name, date, tags, kb FROM filer_snapshots WHERE volume = ? ORDER BY seq DESC"
    rows = transaction.db.execute(query, (volume,)).fetchall()
    if not rows:
        return "\n".join([*lines, Says.NO_SNAPSHOTS()])
    lines += [Says.HEADING_N(), Says.RULE_N()] if brief else [Says.HEADING(), Says.RULE()]
    together = 0
    for name, date, tags, kb in rows:
        together += kb
        space = f"{_share(together, size // 2 + together)}  {_share(together, size, kb)}  "
        shown = f"{name:<14} ({tags})" if tags else name
        lines.append(f"{'' if brief else space}{date}  {shown}")
    return "\n".join(lines)


def _share(kb: int, size: int, own: int | None = None) -> str:
    return f"{100 * kb // size:3d}% ({100 * (kb if own is None else own) // size:2d}%)"
