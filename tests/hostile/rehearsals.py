"""Any text at all, run on paper: a rehearsal comes back, bounded, and its stop quotes no password."""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies as st

from snapall.config.cmd import Answer, ProgramCall, Sent, Setting, rehearse
from tests.config.cmd import test_control, test_loops, test_output, test_set
from tests.config.cmd.test_expansion import DELAYED, PERCENT, QUOTES
from tests.hostile.inputs import blobs, texts
from tests.hostile.reader import PASSWORD, Reader, assert_printable, samples

_FILES = {"list.txt": b"alpha 1\r\n;beta 2\r\n\r\n  gamma 3\r\n(delta 4\r\n", "loop.bat": b"call loop.bat %*\r\n"}
_SETTING = Setting(
    variables={"v": "Hello World", "pw": PASSWORD, "amp": "a & b", "q": '"', "bang": "!v!", "n": "7"},
    arguments=f'one "two words" {PASSWORD}',
    read=lambda full: _FILES.get(full.split("\\")[-1].lower()),
    names=("C:\\snapall\\list.txt",),
    steps=3000,
)
_TABLES = (
    *(PERCENT, QUOTES, DELAYED, test_control.IF, test_control.BLOCKS, test_control.JUMPS, test_control.CALLS),
    *(test_loops.PLAIN, test_loops.FILES, test_set.SET, test_set.SUMS, test_set.ASKED, test_output.ECHO),
    *(test_output.REDIRECTIONS, test_output.PIPES, test_output.FILES, test_output.TOOLS, test_output.LEVELS),
)
_FRAGMENTS = [batch for table in _TABLES for _, batch, _ in table]
_GLUE = st.sampled_from(["\n", " & ", " && ", " || ", " | ", "\n)\n", "\n(\n", " (", "^\n", " > f ", "%pw%", "!pw!"])


def programs(call: ProgramCall) -> Answer | None:
    """Every program answers with what it was given."""
    text = "\n".join((*call.words, call.stdin))
    return Answer(len(call.line) % 3, text, call.name, {call.words[0]: text} if call.words else {})


def rehearsed(data: bytes, _folder: Path) -> None:
    found = rehearse(data, "night.bat", _SETTING, programs)
    assert len(found.events) <= 3 * _SETTING.steps
    assert all(sent.where.line > 0 for sent in found.events if isinstance(sent, Sent))
    if found.stop is not None:
        assert_printable(found.stop.reason)
        assert_printable(found.stop.remedy)
        assert PASSWORD not in found.stop.reason + found.stop.remedy


def glued(parts: list[tuple[str, str]], folder: Path) -> None:
    rehearsed("".join(text + glue for text, glue in parts).encode("cp437", "replace"), folder)


READERS = (
    Reader("rehearsed batches", blobs(*samples("bat"), *_FRAGMENTS), rehearsed),
    Reader(
        "rehearsed fragments",
        st.lists(st.tuples(st.one_of(st.sampled_from(_FRAGMENTS), texts(*_FRAGMENTS)), _GLUE), max_size=8),
        glued,
    ),
)
