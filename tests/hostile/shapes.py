"""Inputs that keep their shape and are wrong inside: JSON with other values, lines in another order, odd columns."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import strategies as st

from tests.hostile.inputs import SALT

DEEP = "@deep@"  # stands for more brackets than any parser bears
_BRACKETS = "[" * 100_000 + "]" * 100_000

ODD: st.SearchStrategy[Any] = st.sampled_from([
    *(None, True, False, 0, -1, 1 << 70, -(1 << 70), 0.5, -1e300, float("inf"), float("nan")),
    *("", "\x1b[31m", "\ud800", "\u202e", "x" * 300, "9" * 5000, "; snap delete vmvol1 a", "-d", DEEP),
    *([], {}, [[]], [None], {"is": "Vm"}, {"is": "Vm", "id": "1 -p x"}, {"is": "Job"}, {"is": "Grade", "value": "X"}),
    *({"is": "Order", "value": []}, {"is": []}, {"value": 1}, {"is": "Done"}, {"is": "Rename"}, {"is": "Intent"}),
])  # fmt: skip
"""A value that JSON can hold and nobody expects where it stands."""

_AT = st.integers(0, 1 << 20)


def _nodes(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value inside."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inside:
        yield (*path, key)
        yield from _nodes(one, (*path, key))


def retyped(value: Any, edits: Sequence[tuple[str, int, int, Any]]) -> Any:
    """A copy in which some values are changed, removed or swapped."""
    value = copy.deepcopy(value)
    for kind, at, other, odd in edits:
        ways = list(_nodes(value))
        if not ways:
            return value
        *way, key = ways[at % len(ways)]
        place = _at(value, way)
        match kind:
            case "drop":
                del place[key]
            case "copy":
                place[key] = copy.deepcopy(_at(value, ways[other % len(ways)]))
            case _:
                place[key] = copy.deepcopy(odd)
    return value


def _at(value: Any, way: Sequence[Any]) -> Any:
    for key in way:
        value = value[key]
    return value


EDITS = st.lists(st.tuples(st.sampled_from(["odd", "odd", "copy", "drop"]), _AT, _AT, ODD), max_size=3)


@st.composite
def jsons(draw: st.DrawFn, *originals: Any) -> str:
    """One JSON text."""
    return _text(retyped(draw(st.sampled_from(originals)), draw(EDITS)))


@st.composite
def json_lines(draw: st.DrawFn, *originals: Sequence[Any]) -> str:
    """A file of JSON lines: cut short anywhere, lines lost, doubled or moved, and values changed inside some."""
    rows = list(draw(st.sampled_from(originals)))
    rows = rows[: draw(st.integers(0, len(rows)))]
    for kind, at, to in draw(st.lists(st.tuples(st.sampled_from(["drop", "double", "move"]), _AT, _AT), max_size=3)):
        if rows:
            one = rows[at % len(rows)] if kind == "double" else rows.pop(at % len(rows))
            if kind != "drop":
                rows.insert(to % (len(rows) + 1), one)
    for at in draw(st.lists(_AT, max_size=3)):
        if rows:
            rows[at % len(rows)] = retyped(rows[at % len(rows)], draw(EDITS))
    end = draw(st.sampled_from(["\n", "\n", "", "\r\n", "\n\0", '\n{"at"']))
    return "\n".join(map(_text, rows)) + end


def _text(value: Any) -> str:
    return json.dumps(value).replace(f'"{DEEP}"', _BRACKETS)


def seldom(odd: st.SearchStrategy[Any], plain: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Mostly the plain one: what is refused for its first column tries none of the others."""
    return st.tuples(st.integers(0, 29), plain, odd).map(lambda one: one[2] if one[0] == 17 else one[1])


def columns(*choices: Sequence[str]) -> st.SearchStrategy[str]:
    """A line of columns, each as it should be, or salted."""
    return st.tuples(*(seldom(_salted(one), st.sampled_from(one)) for one in choices)).map(" ".join)


def _salted(choices: Sequence[str]) -> st.SearchStrategy[str]:
    return st.builds(
        lambda text, at, salt: text[: at % (len(text) + 1)] + salt + text[at % (len(text) + 1) :],
        st.sampled_from(choices),
        _AT,
        st.sampled_from(SALT),
    )


def huge(*words: str) -> st.SearchStrategy[str]:
    """One extremely long line of words that make a pattern backtrack."""
    many = st.lists(st.sampled_from(words), min_size=1, max_size=3)
    return st.builds(lambda one, count, end: "".join(one) * (count // len("".join(one))) + end, many,
                     st.integers(1, 200_000), st.sampled_from(["", "x", "\n", *words]))  # fmt: skip
