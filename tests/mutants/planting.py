"""A mutant, and a copy of snapall with it planted."""

from __future__ import annotations

import ast
import builtins
import shutil
from dataclasses import dataclass
from pathlib import Path

import snapall

HERE = Path(__file__).parents[2]
PRODUCT = Path(snapall.__file__).parent


@dataclass(frozen=True, slots=True)
class Mutant:
    """One bug: a text of one file, and its replacement.

    `tests` are the paths that cover it; of a mutant of the matrix, `breaks` is the promise that the matrix names.
    """

    name: str
    file: str
    text: str
    instead: str
    tests: tuple[str, ...] = ()
    breaks: str = ""

    def source(self) -> str:
        """The file with the bug in it. Raises ValueError when the text is no longer there once."""
        source = (PRODUCT / self.file).read_text(encoding="utf-8")
        if source.count(self.text) != 1:
            raise ValueError(
                f"{self.file} no longer holds this text once; the mutant must be written anew:\n{self.text}"
            )
        return source.replace(self.text, self.instead)


def planted(mutant: Mutant, folder: Path) -> Path:
    """Put a copy of snapall with the bug in it into a folder; answers that folder."""
    source = mutant.source()
    copy = folder / "snapall"
    shutil.copytree(PRODUCT, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / mutant.file).write_text(source, encoding="utf-8")
    return folder


def undefined(source: str) -> list[str]:
    """Names that a module reads and nothing defines: such a bug breaks the module, and any test would catch it."""
    known = {*dir(builtins), "__file__", "__name__"}
    read = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                read.add(name)
            case ast.Name(id=name) | ast.arg(arg=name) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                known.add(name)
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                known.add(name)
            case ast.alias(name=name, asname=asname):
                known.add(asname or name.partition(".")[0])
            case _:
                pass
    return sorted(read - known)
