"""The text of an expression, as far as it is known without running it.

What only a night can know stands in them as a WORD in capitals.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import snapall
from snapall import errors

SOURCE = Path(snapall.__file__).parent  # of the wheel, where that is what is tested
CAPITALS = {
    "strerror": "REASON",
    "format_exc": "TRACEBACK",
    "error": "REASON",
    "message": "REASON",
    "why": "REASON",
    "output": "REASON",
    "held": "REASON",
    "broken": "REASON",
    "blocked": "REASON",
    "login": "REASON",
    "told": "COMMAND",
    "snapshot": "SNAPSHOT",
    "st_mode": "MODE",
    "len": "N",
}


@dataclass(frozen=True, slots=True)
class Module:
    """The tree of a module, its functions, and the modules that those come from which it imports from snapall."""

    tree: ast.Module
    functions: Mapping[str, ast.FunctionDef] = field(default_factory=dict)

    @classmethod
    def of(cls, source: str) -> Module:
        """Parse one."""
        tree = ast.parse(source)
        return cls(tree, {one.name: one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)})

    @property
    def constants(self) -> ast.Module:
        """What is assigned outside of functions."""
        return ast.Module([one for one in self.tree.body if isinstance(one, ast.Assign | ast.AnnAssign)], [])

    def home(self, name: str) -> Module | None:
        """The module that defines this function: this one, or one that it imports the function from."""
        if name in self.functions:
            return self
        for one in ast.walk(self.tree):
            if isinstance(one, ast.ImportFrom) and (one.module or "").startswith("snapall."):
                path = SOURCE.parent / f"{(one.module or '').replace('.', '/')}.py"
                if any(alias.name == name for alias in one.names) and path.is_file():
                    other = Module.of(path.read_text(encoding="utf-8"))
                    return other if name in other.functions else None
        return None

    def answers(self, name: str) -> list[tuple[ast.expr, Words]]:
        """What a function returns, each with the text known there."""
        home = self.home(name)
        if home is None:
            return []
        function = home.functions[name]
        found = [one for one in ast.walk(function) if isinstance(one, ast.Return) and one.value is not None]
        return [(one.value, Words(home, one.lineno, [function])) for one in found if one.value is not None]


class Words:
    """The text of an expression; names are looked up in the enclosing scopes and in the functions that it calls."""

    def __init__(self, module: Module, line: int, functions: Sequence[ast.FunctionDef]) -> None:
        self._module = module
        self._line = line
        self._functions = functions
        self._scopes: list[ast.FunctionDef | ast.Module] = [*functions, module.constants]

    def whole(self, node: ast.expr) -> str:
        """The text of a message; "" when it was made elsewhere."""
        match node:
            case ast.JoinedStr(values=values):
                return self._joined(values)
            case ast.Call(func=ast.Attribute(value=ast.Constant(), attr="join"), args=[ast.Name(id=name)]):
                return " / ".join(self._appended(name))
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                return " / ".join(self._kept(name))
            case _:
                return self.of(node)

    def of(self, node: ast.expr) -> str:
        """The text; "" when none of it is known."""
        match node:
            case ast.Constant(value=str(text)):
                return " ".join(text.split())
            case ast.JoinedStr(values=values):
                text = self._joined(values)
                return text if re.search(r"[a-z]{2}", text) else ""
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return f"{self.of(left) or capitals(left)} {self.of(right) or capitals(right)}"
            case ast.IfExp(body=body, orelse=orelse):
                return " / ".join(text for text in (self.of(body), self.of(orelse)) if text)
            case ast.BoolOp(values=values):
                texts = [self.of(one) for one in values]
                return " / ".join(texts) if all(texts) else ""
            case ast.Attribute(value=ast.Name(id="JournalError"), attr=name):
                return str(getattr(errors.JournalError, name))
            case ast.Call(func=ast.Name(id=name)):
                texts = self.answered(name)
                return texts[0] if len(texts) == 1 else ""
            case ast.Name(id=name):
                return self._named(name)
            case _:
                return ""

    def answered(self, function: str) -> list[str]:
        """The texts that a function returns, as far as they are known."""
        return [text for value, words in self._module.answers(function) if (text := words.of(value))]

    def _named(self, name: str) -> str:
        if (found := self._assigned(name)) is not None:
            constant = found.value
            if name.strip("_").isupper() and isinstance(constant, ast.Constant):
                return str(constant.value)
            return Words(self._module, found.lineno, self._functions).of(constant)
        for function in self._functions:
            names = [one.arg for one in function.args.args][-len(function.args.defaults) or None :]
            for argument, default in zip(names, function.args.defaults, strict=False):
                if argument == name and isinstance(default, ast.Constant):
                    return self.of(default)
        return ""

    def _joined(self, values: Sequence[ast.expr]) -> str:
        text = ""
        for one in values:
            part = str(one.value) if isinstance(one, ast.Constant) else self._inner(one)
            if text[-1:].isalpha() and part.isupper():  # a text that brings its own separator, or is empty
                part = f" {part}"
            text += part
        return " ".join(text.split())

    def _inner(self, node: ast.expr) -> str:
        assert isinstance(node, ast.FormattedValue)
        return self.of(node.value) or capitals(node.value)

    def _appended(self, name: str) -> Iterator[str]:
        for one in (one for scope in self._scopes for one in ast.walk(scope)):
            match one:
                case ast.Call(func=ast.Attribute(value=ast.Name(id=found), attr="append"), args=[text]) if (
                    found == name
                ):
                    yield self.of(text)
                case _:
                    pass

    def _kept(self, attribute: str) -> Iterator[str]:
        """The texts that are assigned to an attribute anywhere in the module."""
        for one in ast.walk(self._module.tree):
            if isinstance(one, ast.Assign) and attribute in map(name_of, one.targets) and (text := self.of(one.value)):
                yield text

    def _assigned(self, name: str) -> ast.Assign | None:
        """The nearest assignment above, or the module's own."""
        found = [
            one
            for scope in self._scopes
            for one in ast.walk(scope)
            if isinstance(one, ast.Assign) and [name_of(target) for target in one.targets] == [name]
            if one.lineno < self._line and (one.col_offset > 0 or isinstance(scope, ast.Module))
        ]
        return max(found, key=lambda one: (one.col_offset > 0, one.lineno), default=None)


def capitals(node: ast.expr) -> str:
    """The placeholder for a value known only at run time."""
    match node:
        case ast.Call(func=ast.Name(id=name)) if name.strip("_") in CAPITALS:
            return _capital(name)
        case ast.Call(func=ast.Attribute(value=ast.Constant()), args=[inner, *_]):
            return capitals(inner)  # ", ".join(names)
        case ast.Call(args=[inner, *_]):
            return capitals(inner)
        case ast.Call(func=inner) | ast.Subscript(value=inner) | ast.BoolOp(values=[inner, *_]):
            return capitals(inner)
        case ast.BinOp(left=inner) | ast.IfExp(body=inner) | ast.GeneratorExp(elt=inner):
            return capitals(inner)
        case ast.Name() | ast.Attribute():
            return _capital(name_of(node))
        case _:
            return "..."


def _capital(name: str) -> str:
    return CAPITALS.get(name.strip("_"), name.strip("_").upper())


def name_of(node: ast.expr) -> str:
    """The last part of a name; "" when it is not a name."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""
