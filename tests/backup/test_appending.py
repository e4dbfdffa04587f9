"""Lines of several threads in one file: what waits together is written together, and a failed write leaves no trace."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from snapall.backup.appending import Appending
from snapall.backup.crew import Crew


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "lines"
    path.touch()
    return path


def test_whoever_comes_first_writes_for_all_who_wait(path: Path) -> None:
    lines, told = Appending(path, 0), list[tuple[str, bool]]()
    first = lines.add(b"one\n", lambda stands: told.append(("one", stands)))
    second = lines.add(b"two\n", lambda stands: told.append(("two", stands)))
    assert path.read_bytes() == b""
    lines.wait(first)
    assert path.read_bytes() == b"one\ntwo\n"
    assert told == [("one", True), ("two", True)]
    lines.wait(second)
    assert path.read_bytes() == b"one\ntwo\n"


def test_all_who_waited_for_a_failed_write_are_told_and_the_next_begins_on_its_own_line(path: Path) -> None:
    path.write_bytes(b"kept\ntor")
    lines, told = Appending(path, 5), list[bool]()
    away = path.rename(path.with_suffix(".away"))
    waiting = [lines.add(b"lost\n", told.append) for _ in range(2)]
    for one in waiting:
        with pytest.raises(FileNotFoundError):
            lines.wait(one)
    assert told == [False, False]
    away.rename(path)
    lines.wait(lines.add(b"next\n", told.append))
    assert path.read_bytes() == b"kept\nnext\n"


def test_what_is_drained_is_written_and_tells_nobody_else_of_a_failure(path: Path) -> None:
    lines, told = Appending(path, 0), list[bool]()
    lines.add(b"one\n", told.append)
    lines.drain()
    path.unlink()
    lines.add(b"two\n", told.append)
    lines.drain()
    assert told == [True, False]


def test_many_threads_lose_no_line_and_hear_of_theirs_in_the_order_of_the_file(path: Path) -> None:
    lines, told, gate = Appending(path, 0), list[tuple[int, bool]](), threading.Lock()

    def write(n: int) -> None:
        heard: list[int] = []

        def then(stands: bool) -> None:
            heard.append(n)
            with gate:
                told.append((n, stands))

        lines.wait(lines.add(f"{n}\n".encode(), then, durable=n % 3 == 0))
        assert heard == [n]  # before its writer goes on

    crew = Crew(range(500), write, 16)
    assert crew.wait(lambda: False)
    assert crew.errors == []
    assert told == [(int(line), True) for line in path.read_text().splitlines()]
    assert sorted(told) == [(n, True) for n in range(500)]
