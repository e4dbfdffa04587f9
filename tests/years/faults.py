"""What may become of a command: when it takes effect, when it is answered, and what the answer says."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from snapall.backup.model import Pace
from snapall.backup.steps import Capture, Delete, Done, Outcome, Quiesce, Refusal, Release, Rename, Step, Unknown

NEVER = float("inf")
LATEST = 0.85  # of the longest time for which a command may act by the contract

Answer = Callable[[str], Outcome]
"""What is answered, by what came of the effect so far: an id, "already", trouble after a "!", or nothing."""


@dataclass(frozen=True, slots=True)
class CommandBehaviour:
    """Seconds after the command was sent. `ends`: when its program does, which may be long after it was given up."""

    acts: float
    answers: float
    answer: Answer
    ends: float = 0.0
    kind: str = ""
    said_failed: bool = False


QUIESCE = (
    "create refused",
    "create failed",
    "create failed, acts",
    "create failed, acts late",
    "create silent",
    "create silent, acts",
    "create silent, acts late",
    "create lost",
    "create without id",
    "create with another's id",
    "create slow",
    "create shown late",
    "login refused",
    "create hangs for ever",
)
RELEASE = (
    "removal failed",
    "removal busy",
    "removal silent",
    "removal silent, acts",
    "removal silent, acts late",
    "removal says yes",
    "removal says yes, acts late",
    "removal slow",
)
FILER = (
    "filer refuses",
    "filer fails",
    "filer fails, acts",
    "filer silent",
    "filer silent, acts",
    "filer silent, acts late",
    "filer says yes",
    "filer slow",
)
KINDS = QUIESCE + RELEASE + FILER


def _made(result: str) -> Outcome:
    if result.startswith("!"):
        return Unknown(result[1:], result, failed=True)
    return Done(f"SsId:{result}", result)


def _removed(result: str) -> Outcome:
    if result.startswith("!"):
        return Unknown(result[1:], result, failed=True)
    return Done("removed", already=result == "already")


def _filer(text: str) -> Answer:
    return lambda result: Unknown(result[1:], result[1:], failed=True) if result.startswith("!") else Done(text)


def _text(step: Step) -> str:
    match step:
        case Capture():
            return "creating snapshot..."
        case Delete():
            return "deleting snapshot..."
        case _:
            return ""


def behaviour_of(step: Step, kind: str, pace: Pace, chance: random.Random, other: str) -> CommandBehaviour:
    """A command's course; `kind` "": nothing is wrong. `other` is the id of somebody else's snapshot."""
    match step:
        case Quiesce():
            return _quiesce(kind, pace, chance, other)
        case Release():
            return _release(kind, pace, chance)
        case Capture() | Rename() | Delete():
            return _on_filer(step, kind, pace, chance)


def _quiesce(kind: str, pace: Pace, chance: random.Random, other: str) -> CommandBehaviour:  # noqa: PLR0912 - one a kind
    takes, limit = chance.uniform(1, 9), pace.settle * LATEST
    acts, late = takes * chance.uniform(0.3, 0.95), chance.uniform(takes, limit)
    silent = lambda _: Unknown("no answer in time", "")  # noqa: E731
    failed = lambda _: Unknown("vcbsnapshot ended with exit code 1", "error", failed=True)  # noqa: E731
    hung, forever = pace.create_timeout, pace.create_timeout + 3 * pace.settle
    match kind:
        case "create refused":
            return CommandBehaviour(NEVER, 0.1, lambda _: Refusal("the program did not start"), kind=kind)
        case "create failed":
            return CommandBehaviour(NEVER, takes, failed, takes, kind, said_failed=True)
        case "create failed, acts":
            return CommandBehaviour(acts, takes, failed, takes, kind, said_failed=True)
        case "create failed, acts late":
            return CommandBehaviour(late, takes, failed, takes, kind, said_failed=True)
        case "create silent":
            return CommandBehaviour(NEVER, hung, silent, hung + chance.uniform(0, 40), kind)
        case "create silent, acts":
            return CommandBehaviour(acts, hung, silent, hung + chance.uniform(0, 40), kind)
        case "create silent, acts late":
            return CommandBehaviour(late, hung, silent, max(hung, late), kind)
        case "create lost":
            return CommandBehaviour(late, takes, lambda _: Unknown("killed by a signal", ""), takes, kind)
        case "create without id":
            claimed = Unknown("ended well, yet printed no snapshot id", "", claimed=True)
            return CommandBehaviour(acts, takes, lambda _: claimed, takes, kind)
        case "create with another's id" if other:
            return CommandBehaviour(acts, takes, lambda _: Done(f"SsId:{other}", other), takes, kind)
        case "create slow":
            slow = chance.uniform(10, pace.create_timeout * 0.95)
            return CommandBehaviour(slow * 0.9, slow, _made, slow, kind)
        case "login refused":
            login = Unknown("the login was refused", "Login failed", failed=True, login=True)
            return CommandBehaviour(NEVER, takes, lambda _: login, takes, kind, said_failed=True)
        case "create hangs for ever":
            return CommandBehaviour(NEVER if chance.random() < 0.5 else late, hung, silent, forever, kind)
        case _:
            return CommandBehaviour(acts, takes, _made, takes, kind)


def _release(kind: str, pace: Pace, chance: random.Random) -> CommandBehaviour:
    takes = chance.uniform(1, 15)
    acts, late = takes * chance.uniform(0.3, 0.95), takes + chance.uniform(1, pace.settle * LATEST)
    hung = pace.create_timeout
    silent = lambda _: Unknown("no answer in time", "")  # noqa: E731
    failed = lambda _: Unknown("vcbsnapshot ended with exit code 1", "error", failed=True)  # noqa: E731
    busy = Unknown("another task is in progress", "another task is in progress", failed=True, busy=True)
    yes = lambda _: Done("removed")  # noqa: E731
    match kind:
        case "removal failed":
            return CommandBehaviour(NEVER, takes, failed, takes, kind)
        case "removal busy":
            return CommandBehaviour(NEVER, takes, lambda _: busy, takes, kind)
        case "removal silent":
            return CommandBehaviour(NEVER, hung, silent, hung, kind)
        case "removal silent, acts":
            return CommandBehaviour(acts, hung, silent, hung, kind)
        case "removal silent, acts late":
            return CommandBehaviour(hung + 10, hung, silent, hung, kind)
        case "removal says yes":
            return CommandBehaviour(NEVER, takes, yes, takes, kind)
        case "removal says yes, acts late":
            return CommandBehaviour(late, takes, yes, takes, kind)
        case "removal slow":
            return CommandBehaviour(acts * 8, takes * 8, _removed, takes * 8, kind)
        case _:
            return CommandBehaviour(acts, takes, _removed, takes, kind)


def _on_filer(step: Step, kind: str, pace: Pace, chance: random.Random) -> CommandBehaviour:
    takes, output = chance.uniform(0.3, 2), _text(step)
    late = chance.uniform(takes, pace.filer_timeout * LATEST)
    silent = lambda _: Unknown("no answer", "")  # noqa: E731
    failed = lambda _: Unknown("the filer failed", "internal error", failed=True)  # noqa: E731
    match kind:
        case "filer refuses":
            return CommandBehaviour(NEVER, takes, lambda _: Refusal("no connection"), kind=kind)
        case "filer fails":
            return CommandBehaviour(NEVER, takes, failed, kind=kind)
        case "filer fails, acts":
            return CommandBehaviour(takes / 2, takes, failed, kind=kind)
        case "filer silent":
            return CommandBehaviour(NEVER, pace.filer_timeout, silent, kind=kind)
        case "filer silent, acts":
            return CommandBehaviour(takes, pace.filer_timeout, silent, kind=kind)
        case "filer silent, acts late":
            answers = chance.choice((takes, pace.filer_timeout))  # the connection may be lost at once
            return CommandBehaviour(late, answers, silent, kind=kind)
        case "filer says yes":
            return CommandBehaviour(NEVER, takes, lambda _: Done(output), kind=kind)
        case "filer slow":
            return CommandBehaviour(late * 0.9, late, _filer(output), kind=kind)
        case _:
            return CommandBehaviour(takes * 0.7, takes, _filer(output), kind=kind)
