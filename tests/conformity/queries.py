"""The queries that reach the database, by SQLAlchemy's own events; as a program: those of one command of snapall.

`python -m tests.conformity.queries FILE COMMAND...` writes them to FILE.
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
    """The tables queried from here on, each once, in order, and NO_CONNECTION for a connection that failed."""
    statements: list[str] = []

    def connect(*_: Any) -> None:
        statements.append(NO_CONNECTION)

    def connected(*_: Any) -> None:
        statements.remove(NO_CONNECTION)

    def execute(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append("VPX_SNAPSHOT" if "VPX_SNAPSHOT" in statement else "VPX_VM")

    queries: list[str] = []
    hooks = (("do_connect", connect), ("connect", connected), ("before_cursor_execute", execute))
    for name, hook in hooks:
        event.listen(Engine, name, hook)
    try:
        yield queries
    finally:
        for name, hook in hooks:
            event.remove(Engine, name, hook)
        queries += dict.fromkeys(statements)


if __name__ == "__main__":
    try:
        with listening() as found:
            cli.main(sys.argv[2:])
    finally:
        Path(sys.argv[1]).write_text("\n".join(found))
