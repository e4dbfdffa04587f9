"""One fold for each journal: nothing but a state interprets its records, and the views render them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import snapall
from snapall.backup.facts import Fact
from snapall.restore.mirror.replication import ReplicationFact
from snapall.restore.record import UseFact

PACKAGE = Path(snapall.__file__).parent
FOLDS = {
    "backup/state.py": {kind.__name__ for kind in Fact.__args__},
    "restore/state.py": {kind.__name__ for kind in UseFact.__args__},
    "restore/mirror/replication.py": {kind.__name__ for kind in ReplicationFact.__args__},
}
"""The folds, each with the facts of its journal."""
ACTIONS = {"MirrorSettled"}  # what its decider decides becomes the fact as it is
FACTS = set.union(*FOLDS.values()) - ACTIONS
MAY = {*FOLDS, "backup/facts.py", "backup/record.py", "backup/runstate.py", "restore/record.py"}
"""The folds themselves; what a record is, apart from its meaning; and the state's own messages."""


def names(tree: ast.AST) -> Iterator[str]:
    """The names of classes in an expression, with their module or without."""
    for one in ast.walk(tree):
        if isinstance(one, ast.Name | ast.Attribute):
            yield one.id if isinstance(one, ast.Name) else one.attr


def judged(tree: ast.AST) -> Iterator[str]:
    """The classes that a module tells records apart by: in a case, or in a call of isinstance."""
    for node in ast.walk(tree):
        if isinstance(node, ast.MatchClass):
            yield from names(node.cls)
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "isinstance":
            yield from names(node.args[1])


MODULES = [path.relative_to(PACKAGE).as_posix() for path in sorted(PACKAGE.rglob("*.py"))]


@pytest.mark.parametrize("module", [one for one in MODULES if one not in MAY and not one.startswith("views/")])
def test_only_the_state_and_the_views_interpret_facts(module: str) -> None:
    tree = ast.parse((PACKAGE / module).read_text(encoding="utf-8"))
    assert set(judged(tree)) & FACTS == set()


def test_the_search_finds_a_case_and_an_isinstance() -> None:
    text = "match x:\n    case facts.Found(vm): pass\n    case _ if isinstance(x, Gone | Absent): pass\n"
    assert set(judged(ast.parse(text))) & FACTS == {"Found", "Gone", "Absent"}


@pytest.mark.parametrize("module", FOLDS)
def test_a_fold_passes_no_fact_over(module: str) -> None:
    tree = ast.parse((PACKAGE / module).read_text(encoding="utf-8"))
    assert set(judged(tree)) >= FOLDS[module]
