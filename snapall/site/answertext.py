"""A filer's answer without what may stand around it: the console's log, prompts, the echoed command, a login banner."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

# `Mon Apr  7 14:08:21 CEST [hana2b:wafl.snap.delete:notice]: ...`: the console's log, which may stand in between.
_LOG_LINE = re.compile(r"[A-Z][a-z]{2} [A-Z][a-z]{2} +\d{1,2} \d\d:\d\d:\d\d \S+ \[[^\]]*\]:.*")
# Through a terminal the prompt comes back, too: `filer1>`, `filer1*>` with more rights, `head2(takeover)>`.
_PROMPT = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]{0,62})((?i:\(takeover\))?)\*?>(?=\s|$)[ \t]*")
_COLUMNS = 80  # of the terminal that a filer writes for


def plain_lines(text: str) -> Iterator[str]:
    """The text's lines without trailing blanks, prompts, and those of the console's log."""
    for line in text.split("\n"):
        prompt = _PROMPT.match(line)
        rest = (line if prompt is None else line[prompt.end() :]).rstrip()
        if _LOG_LINE.fullmatch(rest) is None:
            yield rest


def without(text: str, command: str, banner: Sequence[str] = ()) -> str:
    """The answer to this command in plain lines, without the command's echo and the banner in front."""
    left = list(banner)
    kept = []
    for line in plain_lines(text):
        if left and line.strip() == left[0]:
            left.pop(0)
        elif line.strip() != command:
            kept.append(line)
    return "\n".join(kept)


def taken_over(*texts: str) -> str | None:
    """The name of the filer that answers while it stands in for its partner, by its prompt; None: there is none."""
    prompts = (_PROMPT.match(line) for text in texts for line in text.split("\n"))
    return next((prompt[1] for prompt in prompts if prompt is not None and prompt[2]), None)


def unwrapped(text: str, begins: Callable[[str], bool] = lambda _: False) -> str:
    """The text with its lines put together again that a terminal has broken at its last column.

    `begins`: whether a line begins something new, so that the one above it just fills its columns.
    """
    lines = [line.rstrip("\r") for line in text.split("\n")]
    below = [*lines[1:], ""]
    joined = (
        line if len(line) == _COLUMNS and not begins(after) else f"{line}\n"
        for line, after in zip(lines, below, strict=True)
    )
    return "".join(joined).removesuffix("\n")
