"""Batches by chance: fragments of cmd's language in whose meaning Wine 10's cmd.exe and Windows' are one.

Left out is what Wine does otherwise: a line that begins with the default `eol=;`, a loop that changes the file it
reads, blank lines where `eol=` is given, `eol=` without the first token, `set /p <file`, `exit /b` without a code, a
call of a missing label, errors of `set /a`, `%date%`, `^^!`, `echo(`, unbalanced parentheses, syntax errors,
`if not /i`, and a substring that begins at the very end of its text.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

LIST = "108 1228\r\n110 1229,x\r\n  web01  up, since\r\n(3 rows affected)\r\n"
FILES = {"list.txt": LIST, "sub/there.txt": "here\r\n"}
PROGRAMS = ("RSH", "plink", "osql", "vcbsnapshot", "blat")
VARIABLES = {"filer": "filer1", "volume": "vmvol1", "name": "vmware recent", "flag": "yes"}
WORDS = ("vol1", "nightly", "vm-108", "Quiesce", "recent", "x", "7", "12", "snap_4", "a.b", "C:\\vcb")
READ = ("tokens=1,2", "tokens=1,2 delims=, ", "tokens=1*", "skip=1 tokens=1", "delims=,", "tokens=1,2,3", "tokens=*")
LETTERS = "ijklmnop"  # of the loops' variables, two for each depth
DEEPEST = 3


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a fragment stands: inside how many others, with which loop variables, in a subroutine, with `!name!`."""

    depth: int = 0
    loops: tuple[str, ...] = ()
    arguments: bool = False
    delayed: bool = False

    def deeper(self, *loops: str) -> Spot:
        """Return the spot inside a fragment that stands here."""
        return replace(self, depth=self.depth + 1, loops=self.loops + loops)


@st.composite
def reference(draw: DrawFn, spot: Spot) -> str:
    """Return a use of a variable, a loop's variable or an argument."""
    name = draw(st.sampled_from(sorted(VARIABLES)))
    kinds = [f"%{name}%", f"%{name}%", "%count%"]
    kinds.append(f"%{name}:~{draw(st.integers(-2, 1))},{draw(st.integers(1, 5))}%")
    kinds.append(f"%{name}:{draw(st.sampled_from('aeivw'))}={draw(st.sampled_from(['_', 'xy', '']))}%")
    kinds += [f"%%{letter}" for letter in spot.loops] * 3
    kinds += ["%1", "%~2", "%*"] * spot.arguments
    kinds += [f"!{name}!", "!count!"] * spot.delayed
    return draw(st.sampled_from(kinds))


@st.composite
def text(draw: DrawFn, spot: Spot) -> str:
    """Return one to three words, some of them a variable's."""
    pieces = draw(st.lists(st.one_of(st.sampled_from(WORDS), reference(spot)), min_size=1, max_size=3))
    return " ".join(pieces)


@st.composite
def condition(draw: DrawFn, spot: Spot) -> str:
    """Return what stands after `if`."""
    order = draw(st.sampled_from(["EQU", "NEQ", "LSS", "leq", "GTR", "geq"]))
    path = draw(st.sampled_from(["out.txt", "list.txt", "nothing.txt", "sub", "sub\\there.txt"]))
    turned = draw(st.sampled_from(["", "not "]))
    forms = [
        f'"{draw(reference(spot))}"=="{draw(st.sampled_from(WORDS))}"',
        f"%count% {order} {draw(st.integers(0, 9))}",
        f"defined {draw(st.sampled_from([*VARIABLES, 'nothing']))}",
        f"exist {path}",
        f"errorlevel {draw(st.integers(0, 4))}",
        f"%errorlevel% {order} {draw(st.integers(0, 4))}",
    ]
    ignoring = f'/i {turned}"{draw(text(spot))}"=="{draw(text(spot))}"'
    return draw(st.sampled_from([ignoring, *(turned + form for form in forms)]))


@st.composite
def program(draw: DrawFn, spot: Spot) -> str:
    """Return a call of a program, which ends with the code in its last word, maybe with its output redirected."""
    name = draw(st.sampled_from(PROGRAMS))
    quoted = draw(st.sampled_from(["", ' "one word"', " -o made.txt" * (name == "osql")]))
    code = draw(st.sampled_from(["", " end0", " end1", " end3"]))
    to = draw(st.sampled_from(["", " >> out.txt", " > last.txt", " > nul", " >> out.txt 2>&1"]))
    return f"{name} {draw(text(spot))}{quoted}{code}{to}"


@st.composite
def assignment(draw: DrawFn, spot: Spot) -> str:
    """Return a `set`. A variable keeps two characters at least, and count a number."""
    name, value = draw(st.sampled_from(sorted(VARIABLES))), draw(text(spot))
    number = draw(st.integers(1, 9))
    sums = [f"count+={number}", f"count=count*2-{number}", f'"count=(count+{number})/2"', f'"count=count %% {number}"']
    return draw(
        st.sampled_from([f"set {name}=va{value}", f'set "{name}=wb{value}"', f"set /a {draw(st.sampled_from(sums))}"])
    )


@st.composite
def line(draw: DrawFn, spot: Spot) -> str:
    """Return `echo` into a file, with a blank before the sign: a number there would be a handle."""
    said = draw(st.one_of(text(spot), st.just("%errorlevel%")))
    return draw(st.sampled_from([f"echo {said} >> out.txt", f">> out.txt echo {said}", f"(echo {said})>> out.txt"]))


def simple(spot: Spot) -> SearchStrategy[str]:
    """One command."""
    return st.one_of(program(spot), program(spot), assignment(spot), line(spot))


@st.composite
def chained(draw: DrawFn, spot: Spot) -> str:
    """Return commands on one line: alone, or joined."""
    first, rest = draw(simple(spot)), draw(st.lists(simple(spot), max_size=2))
    return first + "".join(f" {draw(st.sampled_from(['&&', '||', '&']))} {one}" for one in rest)


@st.composite
def block(draw: DrawFn, spot: Spot) -> list[str]:
    """Return the lines between two parentheses."""
    inner = draw(st.lists(statement(spot), min_size=1, max_size=3))
    return [f"  {one}" for lines in inner for one in lines]


@st.composite
def choice(draw: DrawFn, spot: Spot) -> list[str]:
    """Return an `if`, on one line or with blocks."""
    test, inside = draw(condition(spot)), spot.deeper()
    if draw(st.booleans()):
        return [f"if {test} {draw(chained(inside))}"]
    if draw(st.booleans()):
        return [f"if {test} ({draw(simple(inside))}) else {draw(simple(inside))}"]
    return [f"if {test} (", *draw(block(inside)), ") else (", *draw(block(inside)), ")"]


@st.composite
def loop(draw: DrawFn, spot: Spot) -> list[str]:
    """Return a `for` of one of its kinds, on one line or with a block.

    The list's last line is skipped: its parentheses in a variable would end a block elsewhere.
    """
    one, two = (LETTERS[2 * spot.depth + place] for place in (0, 1))
    words = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=3))
    first, last = draw(st.integers(0, 3)), draw(st.integers(0, 3))
    options = draw(st.sampled_from(READ))
    names = (one, two) if "1,2" in options or "1*" in options else (one,)
    heads = [
        (f"for %%{one} in ({' '.join(words)}) do", (one,)),
        (f"for /L %%{one} in ({first},1,{last}) do", (one,)),
        (f"for /L %%{one} in ({first},-2,-3) do", (one,)),
        (f'for /F "eol=( {options}" %%{one} in (list.txt) do', names),
        (f'for /F "usebackq eol=( {options}" %%{one} in ("list.txt") do', names),
        (f'for /F "tokens=1,2" %%{one} in ("{draw(text(spot))} end") do', (one, two)),
        (f"for /F \"tokens=1,2\" %%{one} in ('echo {draw(st.sampled_from(WORDS))} b') do", (one, two)),
    ]
    head, variables = draw(st.sampled_from(heads))
    inside = spot.deeper(*variables)
    if draw(st.booleans()):
        return [f"{head} {draw(chained(inside))}"]
    return [f"{head} (", *draw(block(inside)), ")"]


def statement(spot: Spot) -> SearchStrategy[list[str]]:
    """One statement, in any place."""
    plain = st.builds(lambda one: [one], chained(spot))
    if spot.depth == DEEPEST:
        return plain
    return st.one_of(plain, plain, choice(spot), loop(spot))


@st.composite
def passage(draw: DrawFn, number: int, spot: Spot) -> list[str]:
    """Return what may stand outside of blocks only: jumps, calls, folders, `setlocal`."""
    inner = [one for lines in draw(st.lists(statement(spot), min_size=1, max_size=2)) for one in lines]
    delayed = replace(spot, delayed=True)
    again = [one for lines in draw(st.lists(statement(delayed), min_size=1, max_size=2)) for one in lines]
    here = [draw(simple(spot)), draw(simple(spot))]
    forms = [
        inner,
        [f"if {draw(condition(spot))} goto past{number}", *inner, f":past{number}"],
        [f":again{number}", f"set /a round{number}+=1", *inner, f"if %round{number}% LSS 3 goto again{number}"],
        ["pushd sub", *here, "popd"],
        ["setlocal", *inner, "endlocal"],
        ["setlocal enabledelayedexpansion", *again, "endlocal"],
        [f"call :part {draw(text(spot))} b", *inner],
        [f"if {draw(condition(spot))} call :part a {draw(text(spot))}"],
    ]
    return draw(st.sampled_from(forms))


@st.composite
def batches(draw: DrawFn) -> str:
    """Return a whole batch."""
    start = ["@echo off", *(f"set {name}={value}" for name, value in VARIABLES.items()), "set count=3"]
    body = [one for n in range(draw(st.integers(1, 4))) for one in draw(passage(n, Spot()))]
    within = replace(Spot(), arguments=True)
    part = [one for lines in draw(st.lists(statement(within), min_size=1, max_size=2)) for one in lines]
    ends = ["goto :eof", f"exit /b {draw(st.integers(0, 4))}"]
    shifted = draw(st.sampled_from([[], ["shift", f"echo %1 {draw(text(within))} >> out.txt"]]))
    lines = [*start, *body, draw(st.sampled_from(ends)), ":part", *part, *shifted, draw(st.sampled_from(ends))]
    return "".join(f"{one}\r\n" for one in lines)
