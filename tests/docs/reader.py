"""The messages that the source makes: a code stands behind its text and its remedy, in the call or the tuple."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import snapall
from snapall.errors import SnapallError
from snapall.site.answers import REMEDIES, Meaning

SOURCE = Path(snapall.__file__).parent  # of the wheel, where that is what is tested
CODE = re.compile(r"SA-[1-9]\d{3}")
MAKERS = ("Failed", "Warned", "Withheld", "AuditFinding", "StatusFinding")
FIRST = {"Withheld": 2, "AuditFinding": 2, "StatusFinding": 1}  # where the text is not the first argument
UNKNOWN = "?"  # WORDS has no word for it, so docs/causes.toml must give the text
SAYS_NOTHING = {"errors.py", "lab/world.py", "app/init.py"}  # these pass on the code of another error, or serve tests
WORDS = {
    "strerror": "reason", "error": "reason", "why": "reason", "trouble": "reason", "failure": "reason",
    "refused": "reason", "held": "reason", "output": "reason", "reason": "reason", "blocked": "reason",
    "broken": "reason", "telling": "answer", "answer": "answer", "both": "answer", "text": "answer",
    "label": "VM", "labels": "VMs", "missing": "names", "policies": "names", "vm": "VM", "moref": "VM",
    "stores": "datastore", "volumes": "volumes", "volume": "volume", "listing": "n", "len": "n", "count": "n",
    "keep": "name", "name": "name", "wanted": "name", "old": "old name", "new": "new name", "waiting": "names",
    "job": "job", "holder": "process", "role": "role", "pid": "number", "since": "time", "path": "path",
    "state": "state folder", "folder": "folder", "whom": "process", "host": "host", "login": "answer",
    "max_quiesced": "max_quiesced", "printed": "id", "ssid": "id", "id": "id", "ids": "ids", "command_of": "command",
    "capture": "name", "stamp": "run", "run": "run", "vcenter": "host", "filer": "filer", "began": "run",
    "us": "this user", "them": "another user", "version": "version", "value": "value", "owners": "owners",
    "program": "program", "argv": "program", "code": "n", "line": "line", "command": "command", "verb": "command",
    "unanswered": "command", "port": "port", "get_name": "type", "fingerprint": "fingerprint", "file": "file",
    "user": "user", "key_file": "file", "phase": "hook", "several": "n", "stem": "run", "nearest": "path",
    "svg": "file", "read": "path", "dates": "date", "what": "reason", "chain": "n", "found": "reason", "stat": "mode",
    "place": "folder", "shell": "program",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Message:
    """A message as the source makes it; texts that it puts together at run time are ""."""

    code: str
    text: str
    remedy: str
    kind: str
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a message is made: the module, and the function that makes it, if any."""

    module: ast.Module
    function: ast.AST | None
    line: int

    def text(self, node: ast.AST | None) -> str:
        """The words of an expression; "" if they are put together elsewhere."""
        match node:
            case ast.Constant(value=str(text)):
                return text
            case ast.JoinedStr(values=values):
                return "".join(map(self._part, values))
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                parts = self.text(left), self.text(right)
                return "".join(parts) if all(parts) else ""
            case ast.BoolOp(values=values):
                return self.text(values[-1])
            case ast.Name(id=name):
                return self.text(self._assigned(name))
            case ast.Attribute(value=ast.Name(id="JournalError"), attr=name):
                return str(getattr(importlib.import_module("snapall.errors").JournalError, name))
            case ast.Subscript(value=ast.Name(id="REMEDIES"), slice=ast.Attribute(attr=name)):
                return REMEDIES[Meaning[name]]
            case _:
                return ""

    def _part(self, node: ast.AST) -> str:
        if not isinstance(node, ast.FormattedValue):
            return self.text(node)
        known = self._assigned(node.value.id) if isinstance(node.value, ast.Name) else None
        if isinstance(known, ast.Constant):
            return f"{known.value:g}" if isinstance(known.value, float) else str(known.value)
        return f"<{word_of(node.value)}>"

    def _assigned(self, name: str) -> ast.AST | None:
        """What was assigned last above, in the function, or in the module."""
        inside = ast.walk(self.function) if self.function is not None else ()
        for nodes in ([one for one in inside if getattr(one, "lineno", 0) < self.line], self.module.body):
            found = [one for one in nodes if isinstance(one, ast.Assign) and name in map(name_of, one.targets)]
            if found:
                return max(found, key=lambda one: one.lineno).value
        return None


def word_of(node: ast.AST) -> str:
    """What stands for a value that only a run knows, in plain English."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Constant()), args=[inner, *_]):
            return word_of(inner)  # ", ".join(names)
        case ast.Call(func=ast.Name(id=name)) if name.strip("_") in WORDS:
            return WORDS[name.strip("_")]
        case ast.Call(args=[inner, *_]) | ast.Call(func=inner) | ast.Subscript(value=inner):
            return word_of(inner)
        case ast.BoolOp(values=[inner, *_]) | ast.GeneratorExp(elt=inner) | ast.BinOp(left=inner):
            return word_of(inner)
        case _:
            return WORDS.get(name_of(node).strip("_").lower(), UNKNOWN)


def name_of(node: ast.AST) -> str:
    """The last part of a name; "" when it is none."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


@cache
def sources() -> tuple[tuple[str, ast.Module], ...]:
    """Every module: its path in the package, and its tree."""
    files = sorted(SOURCE.rglob("*.py"))
    return tuple((one.relative_to(SOURCE).as_posix(), ast.parse(one.read_text(encoding="utf-8"))) for one in files)


def made(tree: ast.Module) -> Iterator[Message]:
    """The messages that a module makes."""
    functions = [one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)]
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=func, args=args, keywords=keywords):
                named = {one.arg: one.value for one in keywords}
                parts, name = [*args[FIRST.get(name_of(func), 0) :]], name_of(func)
            case ast.Tuple(elts=parts):
                named, name = {}, ""
            case _:
                continue
        codes = [one for one in (*parts, named.get("code")) if code_of(one)]
        if not codes or codes[0] is parts[0]:
            continue
        around = [one for one in functions if one.lineno <= node.lineno <= (one.end_lineno or 0)]
        scope = Scope(tree, around[-1] if around else None, node.lineno)
        hint = named.get("hint", parts[1] if parts[1:] else None)
        yield Message(code_of(codes[0]), scope.text(parts[0]), "" if code_of(hint) else scope.text(hint), kind_of(name))


def code_of(node: ast.AST | None) -> str:
    """The code that a constant is, or ends with; "" if there is none."""
    match node:
        case ast.Constant(value=str(text)) if CODE.fullmatch(text):
            return text
        case ast.BoolOp(values=values):
            return code_of(values[-1])
        case _:
            return ""


def kind_of(name: str) -> str:
    """The kind of what a call makes; a bare tuple becomes an error of the site, or a failure."""
    if name in ("Failed", "Withheld"):
        return "failure"
    if name in ("AuditFinding", "StatusFinding"):
        return "finding" if name == "AuditFinding" else "status"
    return f"exit code {int(ERRORS[name])}" if name in ERRORS else "warning" if name else "exit code 1"


def _errors() -> dict[str, int]:
    for path, _ in sources():
        if not path.startswith(("lab/", "__main__", "app/guardian")):
            importlib.import_module(f"snapall.{path.removesuffix('.py').removesuffix('/__init__').replace('/', '.')}")
    found, open_ = {}, [SnapallError]
    for one in open_:
        found[one.__name__] = int(one.exit)
        open_ += one.__subclasses__()
    return found


ERRORS = _errors()


def uncoded() -> Iterator[str]:
    """The calls that make a message without a code, each with its place."""
    for path, tree in sources():
        for one in ast.walk(tree):
            if isinstance(one, ast.Call) and name_of(one.func) in {*ERRORS, *MAKERS} and path not in SAYS_NOTHING:
                last = [*one.args[-1:], *(word.value for word in one.keywords if word.arg == "code")]
                named = any(
                    code_of(part) or isinstance(part, ast.Starred) or name_of(part) == "code"
                    for part in (*one.args, *last)
                )
                if one.args and not named:
                    yield f"{path}:{one.lineno}"
