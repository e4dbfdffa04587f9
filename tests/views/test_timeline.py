"""A run as a picture, as text and as SVG."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from snapall.backup.facts import Intent, Surveyed
from snapall.backup.model import Vm
from snapall.backup.steps import Quiesce
from snapall.operate.history import past
from snapall.operate.reading import history
from snapall.operate.run_history import RunHistory
from snapall.operate.statistics import statistics
from snapall.views.glyphs import FINE, PLAIN, alphabet, sparkline
from snapall.views.statistics import stats_lines
from snapall.views.tables import fitted, table_lines, wrapped
from snapall.views.timeline_svg import timeline_svg
from snapall.views.timeline_text import timeline_lines
from tests.backup.simulated import Stage, capture_of, quiesce_of, refuse
from tests.operate.slow_runs import run_history_of

EVIL = 'sql\x1b]0;x\x07\u202e<script>"&01'


def dead(stage: Stage) -> RunHistory:
    """A run that died while it quiesced."""
    sql = Vm(110, "sql01", "esx1")
    journal = stage.begun(Surveyed((), (sql,), (), (), ()), Intent(1, Quiesce(sql, "Quiesce-x")))
    found = history(stage.state_of(journal))
    assert found is not None
    return found


def rows_of(lines: list[str]) -> dict[str, str]:
    return {line.split()[0]: line for line in lines if line and line.split()[0] in {"web01", "sql01", "app01"}}


def test_every_vm_has_a_bar_through_which_the_capture_goes(stage: Stage) -> None:
    stage.night()
    rows = rows_of(timeline_lines(run_history_of(stage), 100, FINE))
    assert set(rows) == {"web01", "sql01", "app01"}
    (where,) = {row.index(FINE.line) for row in rows.values()}
    for row in rows.values():
        assert re.search(f"{FINE.quiescing}+{FINE.quiesced}*", row[:where])
        assert FINE.releasing in row[where:]


def test_the_picture_names_what_it_cannot_show(stage: Stage) -> None:
    stage.site.fail(quiesce_of(110), refuse("too many snapshots"))
    stage.night()
    text = "\n".join(timeline_lines(run_history_of(stage), 120, FINE))
    for part in (
        "partial 2/3",
        "not quiesced: sql01 (vm-110): too many snapshots",
        "slowest to quiesce: ",
        "exit 3",
        "rotation: ",
    ):
        assert part in text


def test_a_capture_that_failed_says_why(stage: Stage) -> None:
    stage.site.fail(capture_of(), refuse("No space left on device"))
    stage.night()
    assert "not confirmed: No space left on device" in "\n".join(timeline_lines(run_history_of(stage), 120, FINE))


def test_a_run_that_died_is_drawn_to_its_last_record(stage: Stage) -> None:
    text = "\n".join(timeline_lines(dead(stage), 100, FINE))
    assert "the run died without a report" in text
    assert "VMs may be left quiesced: sql01 (vm-110); run `snapall recover`" in text
    assert FINE.beyond in rows_of(text.splitlines())["sql01"]


@pytest.mark.parametrize("width", [40, 60, 80, 200])
@pytest.mark.parametrize("glyphs", [FINE, PLAIN])
def test_no_line_is_wider_than_the_terminal(stage: Stage, width: int, glyphs: object) -> None:
    stage.site.vms = [Vm(108, "a-rather-long-name-of-a-virtual-machine", "esx1"), Vm(110, "sql01", "esx1")]
    stage.night()
    drawn = FINE if glyphs is FINE else PLAIN
    lines = timeline_lines(run_history_of(stage), width, drawn)
    lines += stats_lines(statistics("vol1", past(stage.store, "vol1").runs, 4), width, drawn)
    assert max(cell_len(line) for line in lines) <= width


def test_wide_characters_do_not_shift_the_bars(stage: Stage) -> None:
    stage.site.vms = [Vm(108, "web01", "esx1"), Vm(110, "漢字" * 9, "esx1")]
    stage.night()
    lines = [line for line in timeline_lines(run_history_of(stage), 80, FINE) if FINE.releasing * 2 in line]
    assert len(lines) == 2
    assert len({cell_len(line[: line.index(FINE.line)]) for line in lines}) == 1
    assert max(map(cell_len, lines)) <= 80


def test_plain_glyphs_are_ascii(stage: Stage) -> None:
    stage.night()
    assert "\n".join(timeline_lines(run_history_of(stage), 80, PLAIN)).isascii()
    assert alphabet("utf-8") is FINE
    assert alphabet("ascii") is PLAIN
    assert alphabet(None) is PLAIN


def test_no_name_plays_tricks_on_the_terminal(stage: Stage) -> None:
    stage.site.vms = [Vm(108, EVIL, EVIL)]
    stage.night()
    lines = timeline_lines(run_history_of(stage), 100, FINE)
    lines += stats_lines(statistics("vol1", past(stage.store, "vol1").runs, 4), 100, FINE)
    assert all(line.isprintable() for line in lines)


def test_the_svg_is_one_wellformed_file_that_loads_nothing(stage: Stage) -> None:
    stage.site.vms = [Vm(108, EVIL, EVIL), Vm(110, "sql01", "esx1")]
    stage.night()
    text = timeline_svg(run_history_of(stage))
    root = ElementTree.fromstring(text)
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert tags <= {"svg", "title", "style", "defs", "pattern", "rect", "line", "circle", "text", "g"}
    assert not any(key.endswith("href") or key.startswith("on") for element in root.iter() for key in element.attrib)
    assert "url(http" not in text
    text = " ".join(element.text or "" for element in root.iter())
    assert "sql01" in text
    assert "snap create" in text


def test_the_svg_of_a_run_that_died_has_its_bar(stage: Stage) -> None:
    root = ElementTree.fromstring(timeline_svg(dead(stage)))
    assert any(element.text == ">" for element in root.iter())


def test_stats_show_a_curve_and_what_is_expected(stage: Stage) -> None:
    for _ in range(4):
        stage.night()
    found = statistics("vol1", past(stage.store, "vol1").runs[::-1], 2)
    text = "\n".join(stats_lines(found, 120, FINE))
    assert "job vol1: 4 runs" in text
    assert "expected tonight: " in text
    assert re.search(r"sql01 +[▁-█]{4}  ", text)


@pytest.mark.parametrize(("limit", "close"), [(1000.0, False), (7.0, True)])
def test_stats_warn_when_the_capture_comes_close_to_its_limit(stage: Stage, limit: float, close: bool) -> None:
    stage.job = replace(stage.job, max_quiesced=limit)
    stage.night()
    lines = stats_lines(statistics("vol1", past(stage.store, "vol1").runs, 2), 200, FINE)
    assert any("close to max_quiesced" in line for line in lines) is close


def test_stats_of_no_run_say_so() -> None:
    assert stats_lines(statistics("vol1", (), 4), 80, FINE) == ["job vol1: no run is on record"]


@given(st.text(max_size=60), st.integers(0, 50))
def test_a_fitted_text_takes_exactly_its_columns(text: str, width: int) -> None:
    assert cell_len(fitted(text, width)) == width


@given(st.lists(st.none() | st.floats(0, 1e6), max_size=60), st.integers(0, 50))
def test_a_sparkline_has_a_glyph_for_each_of_the_last_values(values: list[float | None], width: int) -> None:
    curve = sparkline(values, width, FINE)
    assert len(curve) == min(width, len(values))
    assert [letter == FINE.none for letter in curve] == [one is None for one in values[len(values) - len(curve) :]]


@given(st.text(alphabet="ab漢字 \u0301", max_size=120), st.integers(20, 60))
def test_a_wrapped_line_fits_its_width_and_loses_nothing(text: str, width: int) -> None:
    lines = wrapped(text, width)
    assert max(map(cell_len, lines), default=0) <= width
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_text_is_wrapped_after_it_was_escaped(stage: Stage) -> None:
    stage.site.vms = [Vm(108, "\x1b" * 30, "esx1"), Vm(110, "sql01", "esx1")]
    stage.site.fail(quiesce_of(108), refuse("no"))
    stage.night()
    lines = timeline_lines(run_history_of(stage), 80, FINE)
    assert max(map(cell_len, lines)) <= 80
    assert not any("\x1b" in line for line in lines)


def test_a_table_with_wide_characters_keeps_its_columns() -> None:
    lines = table_lines(("name", "id"), [("漢字", "1"), ("vol", "2")])
    assert [cell_len(line[: line.index(end)]) for line, end in zip(lines, ("id", "1", "2"), strict=True)] == [6, 6, 6]
