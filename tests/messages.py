"""docs/messages.md out of the source: `python -m tests.messages > docs/messages.md`.

A message is a literal where it is made; what only a night can know stands in it as a WORD in capitals.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import snapall
from snapall import errors
from snapall.errors import SnapallError
from snapall.site import filer
from snapall.site.answers import REMEDIES, Meaning
from snapall.site.dbdrivers import Trouble

ROOT = Path(__file__).parents[1]
FILE = ROOT / "docs" / "messages.md"
SOURCE = Path(snapall.__file__).parent  # of the wheel, where that is what is tested
HEAD = """\
# Messages, and what to do

Made by `python -m tests.messages > docs/messages.md` from the source; a test compares the two. Search it for the words
of a message; what stands in CAPITALS is what the night puts there. snapall prints the remedy with the message.

| kind | means |
|---|---|
| error N | the job ends with exit code N; with 5 instead when VMs may be left quiesced |
| failure | something was not done, and the job goes on; what it costs is in the exit code, 3 or 5 |
| warning | nothing was lost; the exit code does not change |

What is wrong with a configuration or with a batch file is told with file, key or line and remedy before anything is
contacted, exit code 2; that is not listed here.
"""
# A message belongs to the first section that names its file or folder.
SECTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("The backup", ("backup",)),
    ("The VirtualCenter database", ("site/virtualcenter.py", "site/tables.py", "site/datastores.py")),
    ("vcbsnapshot", ("site/vcb.py",)),
    ("The filer", ("site",)),
    (
        "Guardian, hooks, history",
        ("operate/guardian.py", "operate/hooks.py", "operate/history.py", "conduct.py", "jobrun.py"),
    ),
    ("Files that snapall writes", ("views", "commands")),
)
ERRORS = {
    name: one.exit
    for module in (errors, filer)
    for name, one in vars(module).items()
    if isinstance(one, type) and issubclass(one, SnapallError)
}
KINDS = {name: f"error {int(code)}" for name, code in ERRORS.items()}
KINDS |= {"Failed": "failure", "failed": "failure", "_fail": "failure", "Warned": "warning"}
WARNERS = {"_limits", "_foreign", "_changed", "_strays", "recall"}  # functions that answer the warnings of a plan
AS_IT_SAYS = "as the message says"
SOME_WORDS = 3  # fewer are no message
CAPITALS = {"strerror": "REASON", "format_exc": "TRACEBACK", "error": "REASON", "message": "REASON"}


@dataclass(frozen=True, slots=True)
class Message:
    """One message, as a row of the page."""

    text: str
    kind: str
    remedy: str
    code: str  # where the text comes from

    @property
    def row(self) -> str:
        return f"| {' | '.join(one.replace('|', chr(92) + '|') for one in (self.text, self.kind, self.remedy))} |"


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    taken: set[Path] = set()
    for title, places in SECTIONS:
        files = [file for place in places for file in _files(SOURCE / place) if file not in taken]
        taken |= set(files)
        rows = [one.row for file in files for one in messages(file.read_text(encoding="utf-8")) if one.text]
        parts += [f"## {title}", "", *_table("message | kind | remedy", list(dict.fromkeys(rows))), ""]
    troubles = [f"| {one.what} | {one.hint} |" for one in Trouble]
    answers = [f"| {one.name.lower().replace('_', ' ')} | {REMEDIES[one]} |" for one in Meaning if REMEDIES[one]]
    parts += ["## Why the database did not answer (TROUBLE)", "", *_table("it says | remedy", troubles), ""]
    parts += ["## What a filer's refusal means", "", *_table("meaning | remedy", answers)]
    return "\n".join(parts) + "\n"


def _table(head: str, rows: Sequence[str]) -> list[str]:
    return [f"| {head} |", "|" + "---|" * (head.count("|") + 1), *rows]


def _files(place: Path) -> list[Path]:
    return [place] if place.is_file() else sorted(place.rglob("*.py"))


def messages(source: str) -> Iterator[Message]:
    """Every message of a module, in the order of its kinds of making; `text` is "" when it is only passed on."""
    tree = ast.parse(source)
    constants = ast.Module([one for one in tree.body if isinstance(one, ast.Assign)], [])
    functions = [one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)]
    for call in (one for one in ast.walk(tree) if isinstance(one, ast.Call)):
        kind = KINDS.get(_name(call.func))
        if kind is None or not call.args:
            continue
        around = [one for one in functions if one.lineno <= call.lineno <= (one.end_lineno or 0)]
        words = Words(call.lineno, [*around, constants])
        hints = [*call.args[1:2], *(word.value for word in call.keywords if word.arg == "hint")]
        remedy = (words.of(hints[0]) or AS_IT_SAYS) if hints else ""
        yield Message(words.whole(call.args[0]), kind, remedy, ast.unparse(call.args[0]))
    for function in (one for one in functions if one.name in WARNERS):
        words = Words(function.end_lineno or 0, [function])
        for said in (one for one in ast.walk(function) if isinstance(one, ast.JoinedStr)):
            if len((text := words.of(said)).split()) > SOME_WORDS:
                yield Message(text, "warning", AS_IT_SAYS, "")


class Words:
    """The words of an expression as they are known without running it: what it names is looked up further up."""

    def __init__(self, line: int, scopes: Sequence[ast.FunctionDef | ast.Module]) -> None:
        self._line = line
        self._scopes = scopes

    def whole(self, node: ast.expr) -> str:
        """The text of a message; "" when it was made elsewhere."""
        match node:
            case ast.JoinedStr(values=values):
                return self._joined(values)
            case ast.Call(func=ast.Attribute(value=ast.Constant(), attr="join"), args=[ast.Name(id=name)]):
                return " / ".join(self._appended(name))
            case _:
                return self.of(node)

    def of(self, node: ast.expr) -> str:
        """The text; "" when none of its words is known."""
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
            case ast.Attribute(value=ast.Name(id="JournalError"), attr=name):
                return str(getattr(errors.JournalError, name))
            case ast.Name(id=name) if found := self._assigned(name):
                return Words(found.lineno, self._scopes).of(found.value)
            case _:
                return ""

    def _joined(self, values: Sequence[ast.expr]) -> str:
        parts = (one.value if isinstance(one, ast.Constant) else self._inner(one) for one in values)
        return " ".join("".join(str(part) for part in parts).split())

    def _appended(self, name: str) -> Iterator[str]:
        for one in (one for scope in self._scopes for one in ast.walk(scope)):
            match one:
                case ast.Call(func=ast.Attribute(value=ast.Name(id=found), attr="append"), args=[text]) if (
                    found == name
                ):
                    yield self.of(text)
                case _:
                    pass

    def _inner(self, node: ast.expr) -> str:
        assert isinstance(node, ast.FormattedValue)
        return self.of(node.value) or capitals(node.value)

    def _assigned(self, name: str) -> ast.Assign | None:
        """The nearest assignment above, or the module's own."""
        found = [
            one
            for scope in self._scopes
            for one in ast.walk(scope)
            if isinstance(one, ast.Assign) and [_name(target) for target in one.targets] == [name]
            if one.lineno < self._line and (one.col_offset > 0 or isinstance(scope, ast.Module))
        ]
        return max(found, key=lambda one: (one.col_offset > 0, one.lineno), default=None)


def capitals(node: ast.expr) -> str:
    """What stands for a value that only the night knows."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Constant()), args=[inner, *_]):
            return capitals(inner)  # ", ".join(names)
        case ast.Call(args=[inner, *_]):
            return capitals(inner)
        case ast.Call(func=inner) | ast.Subscript(value=inner) | ast.BoolOp(values=[inner, *_]):
            return capitals(inner)
        case ast.BinOp(left=inner) | ast.IfExp(body=inner) | ast.GeneratorExp(elt=inner):
            return capitals(inner)
        case ast.Name() | ast.Attribute():
            name = _name(node).strip("_")
            return CAPITALS.get(name, name.upper())
        case _:
            return "..."


def _name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


if __name__ == "__main__":
    sys.stdout.write(page())
