"""What is asked of the database, heard at SQLAlchemy's own events; as a program: one command of snapall, so heard.

`python -m tests.conformity.queries FILE COMMAND...` writes into FILE what was asked.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from snapall import cli

NO_CONNECTION = "no connection"


@contextmanager
def listening() -> Iterator[list[str]]:
    """The tables asked for from here on, each once, in order; a connection that is not had has a word of its own."""
    heard: list[str] = []

    def connect(*_: Any) -> None:
        heard.append(NO_CONNECTION)

    def connected(*_: Any) -> None:
        heard.remove(NO_CONNECTION)

    def execute(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        heard.append("VPX_SNAPSHOT" if "VPX_SNAPSHOT" in statement else "VPX_VM")

    asked: list[str] = []
    hooks = (("do_connect", connect), ("connect", connected), ("before_cursor_execute", execute))
    for name, hook in hooks:
        event.listen(Engine, name, hook)
    try:
        yield asked
    finally:
        for name, hook in hooks:
            event.remove(Engine, name, hook)
        asked += dict.fromkeys(heard)


if __name__ == "__main__":
    try:
        with listening() as found:
            cli.main(sys.argv[2:])
    finally:
        Path(sys.argv[1]).write_text("\n".join(found))
