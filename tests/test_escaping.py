from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from snapall.escaping import printable
from snapall.site.excerpt import last_line, one_line, whole


@given(st.text())
def test_nothing_that_a_program_says_can_move_the_cursor(text: str) -> None:
    assert printable(text).isprintable()
    assert one_line(text).isprintable()
    assert last_line(text).isprintable()


def test_a_control_character_stays_legible() -> None:
    assert printable("a\x1b[2Jb") == "a\\x1b[2Jb"


def test_the_last_line_is_of_the_first_text_that_says_something() -> None:
    assert last_line("\n \n", "first\nlast \r\n\n") == "last"
    assert last_line("told", "not told") == "told"
    assert last_line("", "  ") == ""


def test_one_line_holds_all_that_was_said() -> None:
    assert one_line("creating snapshot...\n", "Snapshot already exists.\n") == (
        "creating snapshot... / Snapshot already exists."
    )


def test_a_flood_is_cut() -> None:
    assert len(one_line("x" * 10_000)) == len(last_line("x" * 10_000)) == 500


def test_two_texts_never_run_into_one_line() -> None:
    assert whole("out", "", "err\n") == "out\nerr"
