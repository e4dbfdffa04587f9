"""`cmd /c`: which command it is asked to run."""

from __future__ import annotations

import re

from snapall.config.cmd.puzzle import Puzzle


def requested(tail: str) -> str:
    """Return the command after `/c`, without the quotes that cmd removes (cmd /?). Raises Puzzle."""
    strip_always = False
    while (hit := re.match(r"[ \t]*/(?P<letter>[A-Za-z])", tail)) is not None:
        tail = tail[hit.end() :]
        match hit["letter"].lower():
            case "c":
                return _unwrapped(tail.strip(" \t"), strip_always)
            case "s":
                strip_always = True
            case "q" | "d":
                pass
            case _:
                break
    raise Puzzle("a cmd of its own is started with other switches than /c, /s, /q and /d", "write the command itself")


def _unwrapped(line: str, strip_always: bool) -> str:
    if not line.startswith('"'):
        return line
    program = re.fullmatch(r'"[^"&<>()@^|]* [^"&<>()@^|]*\.(?:exe|com|bat|cmd)"', line, re.IGNORECASE)
    if program is not None and not strip_always:
        return line
    return line[1:][::-1].replace('"', "", 1)[::-1]
