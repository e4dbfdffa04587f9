"""Connections opened ahead: used in their order while they are usable, and closed when nobody comes for them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from snapall.errors import SiteError
from snapall.site.ahead import Ahead


@dataclass
class Line:
    """An open line, or one that the other side has hung up."""

    usable: bool = True
    closed: threading.Event = field(default_factory=threading.Event)

    def close(self) -> None:
        self.closed.set()


def opened(lines: Iterator[Line], seconds: float = 60) -> Ahead[Line]:
    return Ahead(lambda: next(lines), seconds)


def test_lines_are_handed_out_in_their_order_and_then_there_is_none() -> None:
    lines = [Line(), Line()]
    ahead = opened(iter(lines))
    assert ahead.take() is None
    ahead.open()
    ahead.open()
    assert [ahead.take(), ahead.take(), ahead.take()] == [*lines, None]
    assert not any(line.closed.is_set() for line in lines)


def test_a_line_that_was_hung_up_is_closed_and_passed_over() -> None:
    dead, live = Line(usable=False), Line()
    ahead = opened(iter([dead, live]))
    ahead.open()
    ahead.open()
    assert ahead.take() is live
    assert dead.closed.is_set()


def test_a_line_for_which_nobody_comes_is_closed() -> None:
    line = Line()
    opened(iter([line]), seconds=0).open()
    assert line.closed.wait(30)


def test_that_a_line_cannot_be_opened_is_nobodys_matter() -> None:
    def refused() -> Line:
        raise SiteError("filer1 does not answer", "see its network")

    ahead = Ahead(refused, 60)
    ahead.open()
    assert ahead.take() is None
