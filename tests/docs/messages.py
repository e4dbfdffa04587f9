"""The messages of snapall, out of its source: `python -m tests.docs.messages > docs/messages.md`.

`python -m tests.docs.messages json > snapall/views/messages.json` writes what `snapall explain` prints. A message's
code stands behind its text and its remedy, in the call or the tuple that makes it. docs/causes.toml, written by hand,
has the cause of each code, and its text or remedy where the source puts that together at run time.
"""

from __future__ import annotations

import ast
import importlib
import json
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import snapall
from snapall.errors import SnapallError
from snapall.site.answers import REMEDIES, Meaning

ROOT = Path(__file__).parents[2]
SOURCE = Path(snapall.__file__).parent  # of the wheel, where that is what is tested
PAGE, CAUSES, SHIPPED = ROOT / "docs/messages.md", ROOT / "docs/causes.toml", SOURCE / "views/messages.json"
CODE = re.compile(r"SA-[1-9]\d{3}")
HEAD = """\
# Messages: causes and remedies

Every message of snapall has a code, such as SA-1101, which never changes and never means anything else. Search this
page for it, or run `snapall explain SA-1101`. In `<angle brackets>` is what differs from case to case.

| kind | means |
|---|---|
| exit code N | the command, or the job of a run, ends with this exit code; with 5 instead if VMs may be left quiesced |
| failure | something was not done, and the run goes on; the exit code becomes 1, 3 or 5 |
| warning | nothing is lost, and the exit code does not change |

Made by `python -m tests.docs.messages` from the source and `docs/causes.toml`.
"""
SECTIONS = {
    "1": "The backup",
    "2": "The VirtualCenter database",
    "3": "vcbsnapshot",
    "4": "The filer",
    "5": "Guardian, hooks, past runs, and checks of `snapall doctor`",
    "6": "Files that snapall writes",
    "7": "Usage and configuration",
    "9": "A defect of snapall",
}
MAKERS = ("Failed", "Warned", "Withheld")
FIRST = {"Withheld": 2}  # where the text is not the first argument
UNKNOWN = "?"  # WORDS has no word for it, so docs/causes.toml must give the text
SAYS_NOTHING = {"errors.py", "lab/world.py", "app/init.py"}  # these pass on the code of another error, or serve tests
WORDS = {
    "strerror": "reason", "error": "reason", "why": "reason", "trouble": "reason", "failure": "reason",
    "refused": "reason", "held": "reason", "output": "reason", "reason": "reason", "blocked": "reason",
    "broken": "reason", "telling": "answer", "answer": "answer", "both": "answer", "text": "answer",
    "label": "VM", "labels": "VMs", "missing": "names", "policies": "names", "vm": "VM", "moref": "VM",
    "stores": "datastore", "volumes": "volumes", "volume": "volume", "listing": "n", "len": "n", "count": "n",
    "keep": "name", "name": "name", "wanted": "name", "old": "old name", "new": "new name", "waiting": "names",
    "job": "job", "holder": "process", "role": "role", "pid": "process", "since": "time", "path": "path",
    "state": "state folder", "folder": "folder", "whom": "process", "host": "host", "login": "answer",
    "max_quiesced": "max_quiesced", "printed": "id", "ssid": "id", "id": "id", "ids": "ids", "command_of": "command",
    "capture": "name", "stamp": "run", "run": "run", "vcenter": "host", "filer": "filer", "began": "run",
    "us": "this user", "them": "another user", "version": "version", "value": "value", "owners": "owners",
    "program": "program", "argv": "program", "code": "n", "line": "line", "command": "command", "verb": "command",
    "unanswered": "command", "port": "port", "get_name": "type", "fingerprint": "fingerprint", "file": "file",
    "user": "user", "key_file": "file", "phase": "hook", "several": "n", "stem": "run", "nearest": "path",
    "svg": "file", "read": "path", "dates": "date", "what": "reason", "chain": "n", "found": "reason", "stat": "mode",
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


@cache
def explained() -> list[Message]:
    """Every message once, with what the hand-written file adds, in the order of the codes."""
    notes: Mapping[str, Mapping[str, str]] = tomllib.loads(CAUSES.read_text(encoding="utf-8"))["messages"]
    found: dict[str, Message] = {}
    for _, tree in sources():
        for one in made(tree):
            found.setdefault(one.code, one)
    return [_with_notes(found[code], notes.get(code, {})) for code in sorted(found)]


def _with_notes(one: Message, notes: Mapping[str, str]) -> Message:
    flat = {key: " ".join(text.split()) for key, text in notes.items()}
    text, remedy, kind = flat.get("text", one.text), flat.get("remedy", one.remedy), flat.get("kind", one.kind)
    return replace(one, text=" ".join(text.split()), remedy=remedy, kind=kind, cause=flat.get("cause", ""))


def page() -> str:
    """The whole page."""
    parts, messages = [HEAD], explained()
    for digit, title in SECTIONS.items():
        parts.append(f"## {title}\n")
        parts += [_block(one) for one in messages if one.code[3] == digit]
    rows = [f"| {one.value} | {REMEDIES[one]} |" for one in Meaning if REMEDIES[one]]
    return "\n".join([*parts, "## What a filer's refusal means\n", "| meaning | remedy |\n|---|---|", *rows]) + "\n"


def _block(one: Message) -> str:
    cause, remedy = _markdown(one.cause), _markdown(_sentence(one.remedy))
    return f"### {one.code}\n\n`` {one.text} ``\n\n*{one.kind}.* {cause}\n\n**Remedy:** {remedy}\n"


def _markdown(text: str) -> str:
    """The text with its angle brackets escaped, but not those in code."""
    parts = text.split("`")
    parts[::2] = [part.replace("<", r"\<") for part in parts[::2]]
    return "`".join(parts)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


def shipped() -> str:
    """What `snapall explain` prints, as JSON."""
    rows = [
        {"code": o.code, "kind": o.kind, "text": o.text, "cause": o.cause, "remedy": _sentence(o.remedy)}
        for o in explained()
    ]
    return json.dumps(rows, indent=1) + "\n"


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


if __name__ == "__main__":
    sys.stdout.write(shipped() if sys.argv[1:] == ["json"] else page())
