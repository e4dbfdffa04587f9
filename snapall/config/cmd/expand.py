"""Percent and delayed expansion, and the variables of `for` (phases 1, 4 and 5 of cmd's parser)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from snapall.config.cmd.stops import Puzzle, syntax_error

Variable = Callable[[str], str | None]
Argument = Callable[[str, str], str]  # digit or "*", modifiers ("~dp", "~", "") -> text

_ARGUMENT = re.compile(r"%(?:(?P<all>\*)|(?P<mods>~[A-Za-z]*)?(?P<digit>[0-9]))")
_MODIFIERS = "fdpnxsatz"
_INTEGER = r"[ \t]*([+-]?[0-9]+)?[ \t]*"
_CUT = re.compile(rf"~{_INTEGER}(?:,{_INTEGER})?")


def percent(text: str, variable: Variable, argument: Argument | None) -> str:
    """Expand `%name%` and `%1`. Without arguments it is a command line, not a batch: the unknown stays as it is."""
    done: list[str] = []
    at = 0
    while (hit := text.find("%", at)) >= 0:
        done.append(text[at:hit])
        value, at = _percent(text, hit, variable, argument)
        done.append(value)
    return "".join([*done, text[at:]])


def _percent(text: str, at: int, variable: Variable, argument: Argument | None) -> tuple[str, int]:
    if argument is not None:
        if text.startswith("%%", at):
            return "%", at + 2
        hit = _ARGUMENT.match(text, at)
        if hit is not None:
            return argument(hit["all"] or hit["digit"], hit["mods"] or ""), hit.end()
        if text.startswith("%~", at):
            raise Puzzle("no argument follows %~", "double the % if it is text")
    found = _named(text, at, "%", variable, keep_unknown=argument is None)
    if found is not None:
        return found
    return ("" if argument is not None else "%"), at + 1


def _named(text: str, at: int, sign: str, variable: Variable, *, keep_unknown: bool) -> tuple[str, int] | None:
    """Expand the variable that begins at `at`. Return its text and where it ends; None if the sign is a lone one."""
    end = at + 1
    while end < len(text) and text[end] != sign and (text[end] != ":" or text.startswith(sign, end + 1)):
        end += 1
    if end == len(text):
        return None
    value = variable(text[at + 1 : end]) if end > at + 1 else None
    if value is None and keep_unknown:
        return None
    if text[end] == sign:
        return value or "", end + 1
    if value is None:
        return "", end + 1  # an undefined %name:~0,2% leaves ~0,2 (dbenham, percent expansion)
    close = text.find(sign, end + 1)
    if close < 0:
        return None
    edited = _edited(value, text[end + 1 : close])
    return None if edited is None else (edited, close + 1)


def _edited(value: str, how: str) -> str | None:
    """Cut (`~1,2`) or replace (`a=b`, `*a=b`); None if it is neither."""
    hit = _CUT.fullmatch(how)
    if hit is not None:
        return _cut(value, _number(hit[1]) or 0, _number(hit[2]))
    search, equals, replacement = how.partition("=")
    if how.startswith("~") or not equals:
        return None
    if search in ("", "*"):
        raise syntax_error("a replacement in a variable searches for nothing")
    if search[0] != "*":
        return re.sub(re.escape(search), lambda _: replacement, value, flags=re.IGNORECASE)
    found = re.search(re.escape(search[1:]), value, re.IGNORECASE)
    return value if found is None else replacement + value[found.end() :]


def _number(text: str | None) -> int | None:
    if text is None:
        return None
    if len(text) > 6 or (text.lstrip("+-")[:1] == "0" and text.lstrip("+-") != "0"):
        raise Puzzle("a position in a variable has a leading zero or too many digits", "write a plain decimal number")
    return int(text)


def _cut(value: str, start: int, length: int | None) -> str:
    start = max(len(value) + start, 0) if start < 0 else min(start, len(value))
    if length is None:
        return value[start:]
    end = len(value) + length if length < 0 else start + length
    return value[start : max(end, start)]


def delayed(text: str, variable: Variable) -> str:
    """Expand `!name!`; where there is a `!`, carets escape once more."""
    if "!" not in text:
        return text
    done: list[str] = []
    at = 0
    while at < len(text):
        if text[at] == "^":
            done.append(text[at + 1 : at + 2])
            at += 2
        elif text[at] == "!":
            while text.startswith("!!", at):
                at += 1
            value, at = _named(text, at, "!", variable, keep_unknown=False) or ("", at + 1)
            done.append(value)
        else:
            end = next((place for place in range(at, len(text)) if text[place] in "^!"), len(text))
            done.append(text[at:end])
            at = end
    return "".join(done)


def loop_values(text: str, values: Mapping[str, str], modified: Callable[[str, str], str]) -> str:
    """Expand `%i` and `%~dpi` of the loops around; `modified` applies modifiers to a value."""
    done: list[str] = []
    at = 0
    while (hit := text.find("%", at)) >= 0:
        done.append(text[at:hit])
        value, at = _loop_value(text, hit, values, modified)
        done.append(value)
    return "".join([*done, text[at:]])


def _loop_value(text: str, at: int, values: Mapping[str, str], modified: Callable[[str, str], str]) -> tuple[str, int]:
    if text[at + 1 : at + 2] in values:
        return values[text[at + 1]], at + 2
    if not text.startswith("%~", at):
        return "%", at + 1
    if text.startswith("%~$", at):
        raise Puzzle("a variable of for is searched for along a path (%~$PATH:i)", "write the file's full path")
    end = at + 2
    while text[end : end + 1] and text[end].lower() in _MODIFIERS:
        end += 1
    # The last letter may be the variable itself: %%~nxf, with a loop over %%f.
    while end >= at + 2:
        if text[end : end + 1] in values:
            return modified(values[text[end]], text[at + 1 : end]), end + 1
        end -= 1
    return "%", at + 1
