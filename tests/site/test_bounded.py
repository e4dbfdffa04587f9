"""The thread of a connection: whoever asks waits for so long and no longer."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from snapall.site.bounded import Bounded, DriverFault, Late
from tests.waiting import PATIENCE, until


def raising(error: BaseException) -> Callable[[], object]:
    def work() -> object:
        raise error

    return work


def test_all_work_is_done_in_order_by_one_thread_which_ends() -> None:
    bounded = Bounded(PATIENCE, ())
    thread = bounded(threading.current_thread)
    last: list[threading.Thread] = []
    bounded.end(lambda: last.append(threading.current_thread()))
    assert last == [thread]
    assert thread is not threading.current_thread()
    until(lambda: not thread.is_alive(), "the end of the thread")


def test_an_expected_error_comes_as_it_is_and_any_other_as_a_fault_of_the_driver() -> None:
    bounded = Bounded(PATIENCE, (LookupError,))
    with pytest.raises(KeyError, match="key"):
        bounded(raising(KeyError("key")))
    with pytest.raises(DriverFault, match="TimeoutError: timed out") as caught:
        bounded(raising(TimeoutError("timed out")))
    assert isinstance(caught.value.__cause__, TimeoutError)
    with pytest.raises(KeyboardInterrupt):
        bounded(raising(KeyboardInterrupt()))
    bounded.end(raising(OSError("nobody hears of it")))


def test_work_that_hangs_is_left_behind_and_what_comes_last_follows_it() -> None:
    bounded = Bounded(0.01, ())
    goes_on, ended = threading.Event(), threading.Event()
    with pytest.raises(Late, match=r"timed out after 0\.01 s"):
        bounded(lambda: goes_on.wait(PATIENCE))
    bounded.end(ended.set)
    assert not ended.is_set()
    goes_on.set()
    assert ended.wait(PATIENCE)
