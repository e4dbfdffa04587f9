"""The metrics file is replaced in one step, also while a collector of Windows reads it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from snapall.errors import SnapallError
from snapall.views.prometheus import write_metrics
from tests.unshared import MOMENT, on_windows


def test_the_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "snapall.prom"
    for text in ("a 1\n", "a 2\n"):
        write_metrics(path, text)
    assert path.read_text() == "a 2\n"
    assert list(tmp_path.iterdir()) == [path]


@on_windows
def test_a_reader_delays_the_metrics_for_a_moment(tmp_path: Path) -> None:
    path = tmp_path / "snapall.prom"
    path.write_text("a 1\n")
    with path.open() as reader:
        timer = threading.Timer(MOMENT, reader.close)
        timer.start()
        write_metrics(path, "a 2\n")
        timer.join()
    assert path.read_text() == "a 2\n"


@on_windows
def test_a_reader_that_never_closes_the_metrics_is_named_and_keeps_what_it_reads(tmp_path: Path) -> None:
    path = tmp_path / "snapall.prom"
    path.write_text("a 1\n")
    with path.open() as reader:
        with pytest.raises(SnapallError, match="those of an earlier run") as refused:
            write_metrics(path, "a 2\n")
        assert reader.read() == "a 1\n"
    assert refused.value.code == "SA-1951"
    assert (path.read_text(), list(tmp_path.iterdir())) == ("a 1\n", [path])
