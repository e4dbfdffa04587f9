"""docs/messages.md out of the source: `python -m tests.docs.messages > docs/messages.md`.

A message is a literal where it is made (literals.py reads it).
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from snapall import errors
from snapall.backup import readback
from snapall.errors import SnapallError
from snapall.site import filer
from snapall.site.answers import REMEDIES, Meaning
from snapall.site.dbdrivers import Trouble
from tests.docs.literals import SOURCE, Module, Words, name_of

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docs" / "messages.md"
HEAD = """\
# Messages, and what to do

Made by `python -m tests.docs.messages > docs/messages.md` from the source; a test checks it. Search it for the words
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
        ("operate/guardian.py", "operate/hooks.py", "operate/history.py", "app/run.py", "app/jobrun.py"),
    ),
    ("Files that snapall writes", ("views", "commands")),
)
ERRORS = {
    name: one.exit
    for module in (errors, filer, readback)
    for name, one in vars(module).items()
    if isinstance(one, type) and issubclass(one, SnapallError)
}
KINDS = {name: f"error {int(code)}" for name, code in ERRORS.items()}
KINDS |= {"Failed": "failure", "failed": "failure", "_fail": "failure", "Warned": "warning", "Withheld": "failure"}
TEXTS = {"Withheld": 2, "_fail": 1}  # where the text is not the first argument
REMEDY = {
    "Withheld": "that snapshot is left alone; where none of the run's own is found, it ends with exit code 5 and says "
    "what to do"
}
WARNERS = {"exceeded", "_foreign", "_changed", "_unknown", "recall"}  # functions that answer the warnings of a plan
AS_IT_SAYS = "as the message says"
SOME_WORDS = 3  # fewer are no message


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
    module = Module.of(source)
    for call in (one for one in ast.walk(module.tree) if isinstance(one, ast.Call)):
        kind = KINDS.get(name_of(call.func))
        if kind is not None and call.args[TEXTS.get(name_of(call.func), 0) :]:
            yield from _made(module, call, kind)
    for function in (one for one in module.functions.values() if one.name in WARNERS):
        words = Words(module, function.end_lineno or 0, [function])
        parts = {id(part) for one in ast.walk(function) if isinstance(one, ast.Assign) for part in ast.walk(one.value)}
        for output in (one for one in ast.walk(function) if isinstance(one, ast.JoinedStr) and id(one) not in parts):
            if len((text := words.of(output)).split()) > SOME_WORDS:
                yield Message(text, "warning", AS_IT_SAYS, "")


def _made(module: Module, call: ast.Call, kind: str) -> Iterator[Message]:
    """The messages that one call makes: several, where a function answers one of several texts."""
    around = [one for one in module.functions.values() if one.lineno <= call.lineno <= (one.end_lineno or 0)]
    words = Words(module, call.lineno, around)
    text, *rest = call.args[TEXTS.get(name_of(call.func), 0) :]
    code = ast.unparse(text)
    hints = [*rest[:1], *(word.value for word in call.keywords if word.arg == "hint")]
    remedy = REMEDY.get(name_of(call.func), "") if not hints else _remedy(words, hints[0])
    match text:
        case ast.Starred(value=ast.Call(func=ast.Name(id=name))):  # a function that answers text and remedy
            for answer, there in module.answers(name):
                if isinstance(answer, ast.Tuple):
                    yield Message(there.whole(answer.elts[0]), kind, there.of(answer.elts[1]), code)
        case ast.Call(func=ast.Name(id=name)) if len(texts := words.answered(name)) > 1:
            for each in texts:
                yield Message(each, kind, remedy, code)
        case _:
            yield Message(words.whole(text), kind, remedy, code)


def _remedy(words: Words, hint: ast.expr) -> str:
    match hint:
        case ast.Call(func=ast.Name(id=name)) if texts := words.answered(name):
            return " / ".join(texts)
        case _:
            return words.of(hint) or AS_IT_SAYS


if __name__ == "__main__":
    sys.stdout.write(page())
