"""How a line is split: into cmd's arguments, and into those of a C program."""

from __future__ import annotations

import re

_PARAMETER = re.compile(r'[ \t,;=]*((?:"[^"]*(?:"|$)|[^ \t,;="])+)')


def parameters(text: str) -> tuple[str, ...]:
    """Split as cmd does for %1, %2 and for the items of `for`: quotes stay, and `,`, `;` and `=` separate too."""
    return tuple(hit[1] for hit in _PARAMETER.finditer(text))


def unquoted(text: str) -> str:
    """Return a text without the quotes around it."""
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text.removeprefix('"')


def c_words(text: str) -> tuple[str, ...]:
    """Split as the C runtime of Windows does (Microsoft, "Parsing C command-line arguments").

    A doubled quote within quotes is one quote and the quotes stay open, as since 2008; before, it closed them.
    """
    found: list[str] = []
    at = 0
    while at < len(text):
        if text[at] in " \t":
            at += 1
            continue
        word, at = _c_word(text, at)
        found.append(word)
    return tuple(found)


def _c_word(text: str, at: int) -> tuple[str, int]:
    taken: list[str] = []
    quoted = False
    while at < len(text) and (quoted or text[at] not in " \t"):
        if text[at] == "\\":
            slashes = len(text) - at - len(text[at:].lstrip("\\"))
            at += slashes
            if text[at : at + 1] != '"':
                taken.append("\\" * slashes)
                continue
            taken.append("\\" * (slashes // 2))
            if slashes % 2:
                taken.append('"')
                at += 1
        elif text[at] == '"':
            if quoted and text.startswith('""', at):
                taken.append('"')
                at += 1
            else:
                quoted = not quoted
            at += 1
        else:
            taken.append(text[at])
            at += 1
    return "".join(taken), at
