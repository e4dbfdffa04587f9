"""`find` and `findstr`: programs of Windows that only read."""

from __future__ import annotations

import re
from collections.abc import Callable

from snapall.config.cmd.stops import Puzzle
from snapall.config.cmd.text import c_words

NAMES = ("find", "findstr")
Read = Callable[[str], str | None]  # a file as named -> its text
_FIND = re.compile(r'[ \t]*(?:/(?P<switch>[A-Za-z]+)|"(?P<text>(?:[^"]|"")*)"|(?P<file>[^ \t"/]+))')
_ATOM = re.compile(
    r"(?:\\(?P<escaped>[^<>A-Za-z0-9])|(?P<any>\.)"
    r"|\[(?P<not>\^?)(?P<signs>(?:[0-9]-[0-9]|[A-Za-z0-9 _])+)\]"  # the order of letters depends on the language
    r"|(?P<letter>.))(?P<star>\*?)",
    re.DOTALL,
)


def run_tool(name: str, tail: str, given: str | None, read: Read) -> tuple[int, str]:
    """Return the exit code and the output. `given` is standard input; None if it is the console. Raises Puzzle."""
    return (_find if name == "find" else _findstr)(tail, given, read)


def _find(tail: str, given: str | None, read: Read) -> tuple[int, str]:
    switches, searched, files = "", None, list[str]()
    at = 0
    while at < len(tail.rstrip()):
        hit = _FIND.match(tail, at)
        if hit is None:
            raise Puzzle("snapall cannot read this find", 'write find "text" file')
        at = hit.end()
        if hit["switch"] is not None:
            switches += hit["switch"].lower()
        elif hit["file"] is not None:
            files.append(hit["file"])
        elif searched is None:
            searched = hit["text"].replace('""', '"')
        else:
            files.append(hit["text"])
    if searched is None or set(switches) - set("cinv"):
        raise Puzzle("find has no quoted text, or a switch that snapall does not know", 'write find "text" file')
    found, output = False, ""
    for file in files or [""]:
        text = _text(file, read, "find") if file else _typed(given, "find")
        lines = _numbered(text, lambda line: _within(line, searched or "", switches), "v" in switches)
        found = found or bool(lines)
        head = f"\n---------- {file.upper()}" if file else ""
        if "c" in switches:
            output += f"{head}: {len(lines)}\n" if head else f"{len(lines)}\n"
        else:
            output += (head + "\n" if head else "") + _shown(lines, "", "[", "]" if "n" in switches else "")
    return (0 if found else 1), output


def _within(line: str, searched: str, switches: str) -> bool:
    if not searched:
        return False
    return searched.lower() in line.lower() if "i" in switches else searched in line


def _findstr(tail: str, given: str | None, read: Read) -> tuple[int, str]:
    switches, searched, files, whole = "", list[str](), list[str](), False
    for word in c_words(tail):
        if word[:3].lower() == "/c:":
            searched.append(word[3:])
            whole = True
        elif word.startswith("/"):
            switches += word.lower().replace("/", "")
        elif searched:
            files.append(word)
        else:
            searched = word.split(" ")
    if not searched or set(switches) - set("beilnrvx"):
        raise Puzzle("findstr has no text, or a switch that snapall does not know", "use find")
    # Without /r or /l, what /c: gives is literal, and words are so if the first has no sign of a pattern (dbenham,
    # "What are the undocumented features and limitations of the Windows FINDSTR command?").
    if "r" not in switches and (whole or not re.search(r"[.*\[\]^$]", searched[0])):
        switches += "l"
    patterns = [_pattern(one, switches) for one in searched if one]
    found, output = False, ""
    for file in files or [""]:
        text = _text(file, read, "findstr") if file else _typed(given, "findstr")
        lines = _numbered(text, lambda line: any(one.search(line) for one in patterns), "v" in switches)
        found = found or bool(lines)
        name = f"{file}:" if len(files) > 1 else ""
        output += _shown(lines, name, "", ":" if "n" in switches else "")
    return (0 if found else 1), output


def _pattern(text: str, switches: str) -> re.Pattern[str]:
    """Translate a search text; findstr's own signs are known at the ends only, as `^` and `$`, and `[0-9]`, `.`."""
    head = "^" if set(switches) & set("bx") else ""
    end = "$" if set(switches) & set("ex") else ""
    if "l" not in switches:
        head, text = ("^", text[1:]) if text[:1] == "^" else (head, text)
        end, text = ("$", text[:-1]) if text[-1:] == "$" and text[-2:-1] != "\\" else (end, text)
        text = "".join(_atom(hit) for hit in _ATOM.finditer(text))
        if len(re.findall(r"(?<!\\)\*", text)) > (1 if head else 0):
            raise Puzzle("findstr has a pattern that snapall does not know", "use find, or findstr /l")
    else:
        if "\\" in text:
            raise Puzzle("findstr has a pattern that snapall does not know", "use find")
        text = re.escape(text)
    return re.compile(head + text + end, re.IGNORECASE if "i" in switches else 0)


def _atom(hit: re.Match[str]) -> str:
    if hit["letter"] in ("*", "[", "]", "\\"):
        raise Puzzle("findstr has a pattern that snapall does not know", "use find, or findstr /l")
    if hit["any"] is not None:
        atom = "."
    elif hit["signs"] is not None:
        atom = f"[{hit['not']}{hit['signs']}]"
    else:
        atom = re.escape(hit["escaped"] or hit["letter"])
    return atom + hit["star"]


def _numbered(text: str, matches: Callable[[str], bool], inverted: bool) -> list[tuple[int, str]]:
    return [(number, line) for number, line in enumerate(_lines(text), 1) if matches(line) is not inverted]


def _shown(lines: list[tuple[int, str]], name: str, left: str, right: str) -> str:
    """Return the lines, each after the file's name and, if `right` is not empty, its number."""
    return "".join(name + (f"{left}{number}{right}" if right else "") + line + "\n" for number, line in lines)


def _lines(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n") if text else []


def _typed(given: str | None, name: str) -> str:
    if given is None:
        raise Puzzle(f"{name} waits for input", "give it a file")
    return given


def _text(file: str, read: Read, name: str) -> str:
    text = read(file)
    if text is None:
        raise Puzzle(f"{name} reads a file that snapall does not know", "remove it")
    return text
