"""`cmd /c`: which command it is asked to run."""

from __future__ import annotations

import re

from snapall.config.cmd.puzzle import Puzzle


def requested(tail: str) -> tuple[str, bool]:
    """Return the command after `/c`, without the quotes that cmd removes (cmd /?), and whether `/v:on` is set.

    Raises Puzzle.
    """
    strip_always = delayed_on = False
    while (hit := re.match(r"[ \t]*/(?P<switch>v:on|v:off|e:on|[A-Za-z])(?!:)", tail, re.IGNORECASE)) is not None:
        tail = tail[hit.end() :]
        match hit["switch"].lower():
            case "c":
                return _unwrapped(tail.strip(" \t"), strip_always), delayed_on
            case "s":
                strip_always = True
            case "v:on" | "v:off":
                delayed_on = hit["switch"].lower() == "v:on"
            case "q" | "d" | "e:on":
                pass
            case _:
                break
    raise Puzzle(
        "a cmd of its own is started with other switches than /c, /s, /q, /d and /v", "write the command itself"
    )


def _unwrapped(line: str, strip_always: bool) -> str:
    if not line.startswith('"'):
        return line
    program = re.fullmatch(r'"[^"&<>()@^|]* [^"&<>()@^|]*\.(?:exe|com|bat|cmd)"', line, re.IGNORECASE)
    if program is not None and not strip_always:
        return line
    return line[1:][::-1].replace('"', "", 1)[::-1]
