"""`status` and `stats` read the last lines of the journals, and no more of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from snapall.backup.journal import journals
from snapall.backup.outcome import Summary
from snapall.backup.steps import Done, Outcome, Step
from snapall.backup.store import read_summary
from snapall.errors import JournalError
from snapall.operate.history import known_of, past
from snapall.operate.run_history import RunHistory
from snapall.operate.statistics import Statistics, statistics
from snapall.operate.status import JobStatus
from tests.backup.endings import left_quiesced, partial, whole, without_a_capture
from tests.backup.simulated import Act, Stage, lose, quiesce_of, release_of
from tests.operate.slow_runs import job_status_of, run_history_of, slow_stage

COUNTED = Path("/proc/self/io")
NIGHTS = 12
OUTPUT = 50_000  # characters that a program prints at each create


def chatty(step: Step, act: Act) -> Outcome:
    """It prints far more than anybody wants to read."""
    done = act(step)
    assert isinstance(done, Done)
    return Done("x" * OUTPUT, done.ssid)


def many_nights(stage: Stage) -> list[Path]:
    stage.site.fail(quiesce_of(), chatty)
    for _ in range(NIGHTS):
        stage.night()
    return journals(stage.store.folder)


def statistics_of(stage: Stage) -> Statistics:
    return statistics("vol1", past(stage.store, "vol1").runs[::-1], 4)


def bytes_read(act: Callable[[], object]) -> int:
    """What this process reads meanwhile, whatever from."""

    def so_far() -> int:
        return int(COUNTED.read_text().split()[1])  # rchar, which counts the reading of this very file, too

    before = so_far()
    act()
    return so_far() - before


def looks(stage: Stage) -> dict[str, Callable[[], object]]:
    return {
        "status": lambda: job_status_of(stage, 0),
        "stats": lambda: statistics_of(stage),
        "the origins of the filer's snapshots": lambda: stage.store.known("vol1"),
        "what may be pruned": lambda: stage.store.prune("vol1", NIGHTS),
    }


@pytest.mark.skipif(not COUNTED.exists(), reason="this system does not count what a process reads")
@pytest.mark.parametrize("look", ["status", "stats", "the origins of the filer's snapshots", "what may be pruned"])
def test_a_look_at_many_journals_reads_a_few_kilobytes_of_each(stage: Stage, look: str) -> None:
    paths = many_nights(stage)
    assert sum(path.stat().st_size for path in paths) > NIGHTS * 3 * OUTPUT
    looks(stage)[look]()  # whatever it imports is there by now
    assert bytes_read(looks(stage)[look]) < 2 * NIGHTS * 20_000


def test_a_look_does_not_need_the_rest_of_a_journal(stage: Stage) -> None:
    """Nothing but the last lines is left of them: whoever read more of them would fail."""
    paths = many_nights(stage)
    before = job_status_of(stage), statistics_of(stage), stage.store.known("vol1")
    for path in paths:
        data = path.read_bytes()
        begin = data.rindex(b"\n", 0, -1) + 1
        path.write_bytes(b"?" * (begin - 1) + b"\n" + data[begin:])
    assert (job_status_of(stage, 0), statistics_of(stage), stage.store.known("vol1")) == before


def kept(stage: Stage) -> None:
    stage.night(keep="before-upgrade")


@pytest.mark.parametrize("night", [whole, partial, without_a_capture, left_quiesced, kept])
def test_a_summary_shows_what_the_whole_journal_shows(stage: Stage, night: Callable[[Stage], None]) -> None:
    night(stage)
    path = journals(stage.store.folder)[-1]
    short = judged(stage)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:-1], without_its_summary(lines[-1])]) + "\n")
    assert judged(stage) == short
    assert plain(run_history_of(stage)) == short[0]


def without_its_summary(line: str) -> str:
    return line[: line.index(', "summary"')] + "}"


def judged(stage: Stage) -> tuple[object, ...]:
    """All that a look shows of the last run, by whatever it was read from."""
    standing, numbers = job_status_of(stage, 0), statistics_of(stage)
    known = known_of(stage.store, "vol1")
    last = standing.last or (known.open[-1] if known.open else run_history_of(stage))
    return plain(last), shown(standing), [(one.vm, one.create, one.remove, one.missed) for one in numbers.vms]


def shown(standing: JobStatus) -> tuple[object, ...]:
    return standing.level, standing.findings, standing.age, standing.left, standing.watched, standing.pending


def plain(run: RunHistory) -> tuple[object, ...]:
    """What `status` and `stats` show of a run."""
    vms = [
        (one.vm, one.state, one.why, one.create_seconds, one.remove_seconds, one.quiesced_seconds) for one in run.vms
    ]
    head = run.job, run.stamp, run.kind, run.began, run.last, run.ended, run.exit, run.backup, run.open
    return *head, run.first, run.released, run.window, run.captured, run.quiesced, run.failure, run.published, vms


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from([1e11, -1e11, [], {}, {"is": "Done"}, {"is": "Grade", "value": "WHOLE"}, {"is": "Nobody"}]),
)


def places(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where a line's values are."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, one in value.items():
            yield from places(one, (*path, key))
    elif isinstance(value, list):
        for n, one in enumerate(value):
            yield from places(one, (*path, n))


@pytest.fixture(scope="module")
def dead_night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    stage = slow_stage(tmp_path_factory.mktemp("state"))
    stage.begun()
    stage.recover()
    stage.site.fail(release_of(110), lose)
    stage.night()
    return journals(stage.store.folder)[-1]


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_a_summary_that_was_tampered_with_is_no_defect(dead_night: Path, data: st.DataObject) -> None:
    """It may lie, as any line may; whoever looks at it shows it, or says that the journal is damaged."""
    *lines, last = dead_night.read_text().splitlines()
    body = json.loads(last)
    *way, end = data.draw(st.sampled_from(list(places(body))))
    inner = body
    for key in way:
        inner = inner[key]
    inner[end] = data.draw(VALUES)
    stage = slow_stage(dead_night.parent.parent)
    whole = dead_night.read_bytes()
    try:
        dead_night.write_text("\n".join([*lines, json.dumps(body)]) + "\n")
        with suppress(JournalError):
            assert isinstance(read_summary(dead_night), Summary | None)
        job_status_of(stage, 0), statistics_of(stage), stage.store.known("vol1")
    finally:
        dead_night.write_bytes(whole)
