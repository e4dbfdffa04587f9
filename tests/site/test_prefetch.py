"""Connections opened ahead: used in their order while they are usable, and closed when nobody comes for them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from snapall.errors import SiteError
from snapall.site.prefetch import Prefetch
from tests.waiting import PATIENCE


@dataclass
class Line:
    """An open line, or one that the other side has hung up."""

    usable: bool = True
    closed: threading.Event = field(default_factory=threading.Event)

    def close(self) -> None:
        self.closed.set()


def opened(lines: Iterator[Line], seconds: float = 60) -> Prefetch[Line]:
    return Prefetch(lambda: next(lines), seconds)


def test_lines_are_handed_out_in_their_order_and_then_there_is_none() -> None:
    lines = [Line(), Line()]
    ahead = opened(iter(lines))
    assert ahead.take(0) is None
    ahead.open()
    ahead.open()
    assert [ahead.take(60), ahead.take(60), ahead.take(60)] == [*lines, None]
    assert not any(line.closed.is_set() for line in lines)


def test_a_line_that_was_hung_up_is_closed_and_passed_over() -> None:
    dead, live = Line(usable=False), Line()
    ahead = opened(iter([dead, live]))
    ahead.open()
    ahead.open()
    assert ahead.take(60) is live
    assert dead.closed.is_set()


def test_a_line_for_which_nobody_comes_is_closed() -> None:
    line = Line()
    opened(iter([line]), seconds=0).open()
    assert line.closed.wait(PATIENCE)


def test_that_a_line_cannot_be_opened_is_nobodys_matter() -> None:
    def refused() -> Line:
        raise SiteError("filer1 does not answer", "see its network")

    ahead = Prefetch(refused, 60)
    ahead.open()
    assert ahead.take(60) is None


class Slow:
    """A filer that lets somebody in when it is told to, or turns him away."""

    def __init__(self, answer: Line | SiteError) -> None:
        self.answer = answer
        self.asked = threading.Event()
        self.lets_in = threading.Event()

    def __call__(self) -> Line:
        self.asked.set()
        assert self.lets_in.wait(PATIENCE)
        if isinstance(self.answer, SiteError):
            raise self.answer
        return self.answer


@contextmanager
def being_opened(slow: Slow) -> Iterator[Prefetch[Line]]:
    ahead = Prefetch(slow, 60)
    opening = threading.Thread(target=ahead.open)
    opening.start()
    assert slow.asked.wait(PATIENCE)
    try:
        yield ahead
    finally:
        slow.lets_in.set()
        opening.join(PATIENCE)


def taken(ahead: Prefetch[Line], patience: float, slow: Slow) -> Line | None:
    """What somebody gets who comes before the filer has let us in."""
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ahead.take, patience)
        slow.lets_in.set()
        return waiting.result(PATIENCE)


def test_a_line_that_is_being_opened_is_waited_for() -> None:
    slow = Slow(Line())
    with being_opened(slow) as ahead:
        assert taken(ahead, PATIENCE, slow) is slow.answer


def test_a_line_that_could_not_be_opened_after_all_is_waited_for_no_longer() -> None:
    slow = Slow(SiteError("filer1 does not answer", "see its network"))
    with being_opened(slow) as ahead:
        assert taken(ahead, PATIENCE, slow) is None


def test_a_line_that_takes_too_long_to_open_is_left_to_the_next_who_comes() -> None:
    slow = Slow(Line())
    with being_opened(slow) as ahead:
        assert ahead.take(0) is None
        assert taken(ahead, PATIENCE, slow) is slow.answer
