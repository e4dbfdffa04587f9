"""A class is found by its name: no two in the package share one."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import snapall

PACKAGE = Path(snapall.__file__).parent


def test_every_public_class_name_occurs_once() -> None:
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py"))
    found = Counter(node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    assert [name for name, times in found.items() if times > 1 and not name.startswith("_")] == []
