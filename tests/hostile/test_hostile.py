"""What comes from outside breaks no reader, reaches no command line unchecked, and no terminal or log unescaped."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import strategies as st

from tests.hostile.inputs import texts
from tests.hostile.reader import Reader
from tests.hostile.readers import READERS
from tests.hostile.trial import tried

INPUTS = 40  # a sample; `python -m tests.hostile` takes as many as one likes


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name.replace(" ", "-"))
def test_no_input_breaks(reader: Reader, tmp_path: Path) -> None:
    result = tried(reader, INPUTS, 1, tmp_path)
    assert result.failure == ""
    assert result.inputs >= INPUTS


@pytest.mark.parametrize("reader", [one for one in READERS if one.expected], ids=lambda one: one.name.replace(" ", "-"))
def test_the_inputs_are_no_mere_noise_some_are_read(reader: Reader, tmp_path: Path) -> None:
    result = tried(reader, INPUTS, 2, tmp_path)
    assert result.refused < result.inputs


def test_a_weak_reader_is_found_out(tmp_path: Path) -> None:
    weak = Reader("weak", st.one_of(texts("12", "13")), lambda text, _: int(text) if text[:1].isdigit() else 0)
    assert "ValueError" in tried(weak, 500, 1, tmp_path).failure


def test_the_same_seed_gives_the_same_inputs(tmp_path: Path) -> None:
    seen: list[list[str]] = [[], []]
    for one in seen:

        def read(text: str, _: Path, one: list[str] = one) -> None:
            one.append(text)

        tried(Reader("seen", texts("abc"), read), 50, 7, tmp_path)
    assert seen[0] == seen[1]
