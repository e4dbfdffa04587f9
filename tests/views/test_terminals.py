"""What a person sees of plan, recover and run, at the lab and on terminals of every kind."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr
from datetime import datetime

import pytest

from snapall import cli
from snapall.app.output import redraws
from snapall.app.terminal import is_terminal
from tests.lab.atlab import AtLab
from tests.platforms import posix

Make = Callable[..., AtLab]


def test_plan_begins_with_a_summary(at_lab: Make) -> None:
    night = at_lab(parallel=2)
    head = night("plan").out.split("\n\n")[0].splitlines()
    assert head[0] == "job vol1, order safe: what `snapall run` would do now"
    facts = {line.split()[0]: " ".join(line.split()[1:]) for line in head[1:]}
    assert facts["filer"] == "filer1, volume vmvol1"
    assert facts["VMs"] == "3 to quiesce, 2 at a time"
    assert facts["window"] == "unknown: too few runs on record"
    assert facts["commands"].startswith("12 that change something")
    assert facts["deletes"] == "vmware_snap4"


def test_plan_and_run_estimate_the_window_from_earlier_runs(at_lab: Make) -> None:
    night = at_lab()
    night("run")
    assert "VMs quiesced for about" in night("plan").out
    assert json.loads(night("plan", "--json").out)["plans"][0]["window"] > 0
    ended = night("run")
    assert "usually VMs are quiesced for" in ended.err


def test_recover_says_when_there_is_nothing_to_recover(at_lab: Make) -> None:
    night = at_lab()
    assert night("recover").err == "nothing to recover: no run left anything outstanding\n"
    assert night("recover", "--quiet").err == ""
    assert night("recover", "--json") == night("recover", "--quiet")


def test_recover_ends_with_its_exit_code(at_lab: Make) -> None:
    night = at_lab()
    night.fault("stuck-vm")
    assert night("run").code == 5
    night.world.clear_faults()
    ended = night("recover")
    assert ended.err.splitlines()[-1] == "exit 0: nothing is outstanding"


def test_times_in_json_are_iso_8601(at_lab: Make) -> None:
    night = at_lab()
    lines = [json.loads(line) for line in night("run", "--json").out.splitlines()]
    (ended,) = [line for line in lines if line["event"] == "ended"]
    times = [ended["summary"]["began"], *(line["child"]["started"] for line in lines if line["event"] == "started")]
    listed = json.loads(night("list", "--json").out)["snapshots"]
    times += [row["taken"] for row in listed if row["taken"] is not None]
    assert len(times) > 4
    assert all(datetime.fromisoformat(time).tzinfo is not None for time in times)


@pytest.fixture
def terminal() -> Iterator[Callable[[], bool]]:
    """Whether the live console is used while stderr is a terminal."""
    openpty = getattr(os, "openpty", None)
    if openpty is None:
        pytest.skip("no pseudo-terminals here")
    ours, theirs = openpty()

    def asked() -> bool:
        with open(theirs, "w", closefd=False) as stream, redirect_stderr(stream):
            return redraws()

    yield asked
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize(("term", "live"), [("xterm-256color", True), ("dumb", False), ("unknown", False)])
def test_a_simple_terminal_is_given_lines(
    terminal: Callable[[], bool], monkeypatch: pytest.MonkeyPatch, term: str, live: bool
) -> None:
    monkeypatch.setenv("TERM", term)
    assert terminal() is live


@posix("Windows calls its null device a terminal")
def test_a_pipe_is_given_lines() -> None:
    with open(os.devnull, "w") as stream, redirect_stderr(stream):  # noqa: PTH123
        assert not redraws()


def test_an_error_breaks_no_word_on_a_terminal() -> None:
    termios = pytest.importorskip("termios")
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (24, 40))
    with open(theirs, "w", closefd=False) as stream, redirect_stderr(stream), pytest.raises(SystemExit):
        cli.main(["explain", "SA-9999"])
    os.close(theirs)
    text = b""
    while text.count(b"\n") < 4:  # what was written arrives in pieces
        text += os.read(ours, 4096)
    os.close(ours)
    assert text.decode().splitlines() == [
        "snapall: SA-7015 there is no message",
        "    'SA-9999'",
        "  remedy: run `snapall explain` for",
        "    the list of codes",
    ]


def test_the_device_that_swallows_everything_is_no_terminal() -> None:
    with open(os.devnull) as nothing:  # noqa: PTH123 - no path
        assert not is_terminal(nothing)
    assert not is_terminal(None)
