"""Settles a dead run as another owner does, and answers what is left of it."""

from __future__ import annotations

from snapall.backup.actions import Policy
from snapall.backup.case import Case
from snapall.backup.engine import Engine
from snapall.backup.facts import TakenOver
from snapall.backup.journal import Journal
from snapall.backup.runstate import RunState
from snapall.backup.settling import announce, reach
from tests.backup.simulated import Stage


def settle(stage: Stage, journal: Journal, *, wait: bool = True) -> RunState:
    """What is left of a dead run after another owner has settled it, by its file alone."""
    case = Case(stage.store.open(journal.path), stage.context, Policy())
    case.policy = reach(case.state.header, stage.context, Policy(wait=wait))
    announce(case)
    case.record(TakenOver("recover", "it had died"))
    Engine(case).drive()
    case.journal.leave()
    return stage.state_of(journal)
