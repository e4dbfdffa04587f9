"""Hooks on the lab: when they run, what they get, and how a run ends when one fails."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from snapall.backup.clock import SystemClock
from snapall.backup.facts import FORMAT, Began, Intent, Surveyed
from snapall.backup.lock import hold
from snapall.backup.model import Pace, Vm
from snapall.backup.steps import Quiesce
from snapall.backup.store import JournalStore
from snapall.config.load import load
from snapall.drill.cells import Extent
from snapall.drill.trials import trials_of
from snapall.errors import Stopped
from snapall.operate.hooks import HookRunner
from snapall.site.hook_process import CEILING
from snapall.site.masking import MASK, SHORT
from tests.lab import external_actors
from tests.lab.atlab import AtLab

Make = Callable[..., AtLab]

# Writes down what it was handed, some variables, and which VMs of the lab are held while it runs.
SPY = """\
import json, os, sys
sys.path.insert(0, {package!r})
from snapall.lab.world import World
with World({world!r}) as world:
    held = sorted(world.quiesced())
told = {{"held": held, "handed": json.load(sys.stdin), "variables": dict(os.environ)}}
with open({out!r}, "a") as out:
    out.write(json.dumps(told) + "\\n")
print({says!r})
sys.exit({code})
"""


class Hooked:
    """A lab whose job has hooks; each writes what it saw."""

    def __init__(self, night: AtLab) -> None:
        self.night = night
        self.folder = night.lab.directory

    def give(self, **codes: int) -> None:
        """Add hooks that end with these codes."""
        lines = "".join(f"{when} = {json.dumps(self.command(when, code))}\n" for when, code in codes.items())
        self.table(lines)

    def table(self, lines: str) -> None:
        self.night.config.write_text(f"{self.night.config.read_text()}\n[jobs.vol1.hooks]\n{lines}")

    def command(self, when: str, code: int) -> list[str]:
        script = self.folder / f"{when}.py"
        values = {
            "package": str(Path(__file__).parents[2]),
            "world": str(self.folder),
            "out": str(self.folder / f"{when}.said"),
            "says": f"{when} \x1b[31m says",
            "code": code,
        }
        script.write_text(SPY.format(**values))
        return [sys.executable, str(script)]

    def inputs(self, when: str) -> list[dict[str, object]]:
        path = self.folder / f"{when}.said"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def hooked(at_lab: Make) -> Hooked:
    return Hooked(at_lab())


def test_a_successful_run_runs_before_and_after_hooks_while_no_vm_is_quiesced(hooked: Hooked) -> None:
    hooked.give(before=0, after=0, on_failure=0)
    assert hooked.night("run").code == 0
    hooked.night.assert_shifted_by_one()
    (before,), (after,) = hooked.inputs("before"), hooked.inputs("after")
    assert hooked.inputs("on_failure") == []
    assert before["held"] == after["held"] == sorted(hooked.night.foreign)


def test_a_hook_gets_the_run_on_stdin_and_in_variables(hooked: Hooked) -> None:
    hooked.give(before=0, after=0)
    hooked.night("run")
    (before,), (after,) = hooked.inputs("before"), hooked.inputs("after")
    handed, variables = after["handed"], after["variables"]
    assert isinstance(handed, dict)
    assert isinstance(variables, dict)
    assert (handed["job"], handed["exit"], handed["grade"], handed["snapshot"]) == (
        "vol1",
        0,
        "whole",
        "vmware_recent",
    )
    assert {vm["state"] for vm in handed["vms"]} == {"quiesced"}
    assert (variables["SNAPALL_JOB"], variables["SNAPALL_PHASE"], variables["SNAPALL_EXIT"]) == ("vol1", "after", "0")
    assert (variables["SNAPALL_PUBLISHED"], float(variables["SNAPALL_WINDOW"])) == ("true", handed["window"])
    assert before["handed"] == {"job": "vol1", "run": handed["run"], "phase": "before"}


def test_a_before_hook_that_fails_stops_the_run_and_nothing_is_changed(hooked: Hooked) -> None:
    hooked.give(before=7, after=0, on_failure=0)
    ended = hooked.night("run")
    assert ended.code == 1
    assert "exit code 7" in ended.err
    assert "remedy: fix the hook, or set required = false in [jobs.vol1.hooks]" in ended.err
    assert hooked.night.changes == []
    hooked.night.assert_no_backup_is_lost()
    (failed,) = hooked.inputs("on_failure")
    assert failed["handed"]["exit"] == 1  # type: ignore[index]


def test_a_password_at_which_the_output_of_a_hook_is_cut_is_not_shown_in_part(hooked: Hooked) -> None:
    password = max((one.reveal() for one in load(hooked.night.config).passwords), key=len)
    half = password[len(password) // 2 :]
    code = f"import sys; print({password!r} + 'y' * {CEILING - len(half) - 1}); sys.exit(7)"
    hooked.table(f"before = {json.dumps([sys.executable, '-c', code])}\n")
    ended = hooked.night("run")
    assert ended.code == 1
    assert len(half) >= SHORT
    assert f"exit code 7: {MASK}yyy" in ended.err.replace("\n", "")


def test_no_vm_of_an_earlier_run_waits_for_a_hook_or_for_one_that_fails(hooked: Hooked) -> None:
    settings = load(hooked.night.config)
    pace, filer = Pace(settle=0), settings.filers["filer1"].host
    header = Began(
        settings.jobs["vol1"], "20070322T030000Z", settings.vcenter.host, filer, pace, "0.2.0", format=FORMAT
    )
    dead = JournalStore(settings.state, SystemClock()).begin(header)
    vm = Vm(108, "web01")
    dead.append([Surveyed((), (vm,), (), (), ()), Intent(1, Quiesce(vm, "Quiesce-20070322T030000Z"))])
    dead.leave()
    external_actors.make_vm_snapshot(hooked.night.world, 108, "Quiesce-20070322T030000Z")
    hooked.give(before=7)
    assert hooked.night("run").code == 1
    (before,) = hooked.inputs("before")
    assert before["held"] == sorted(hooked.night.foreign)
    hooked.night.assert_nothing_is_quiesced()


def test_a_before_hook_that_is_not_required_warns_and_the_backup_is_taken(hooked: Hooked) -> None:
    hooked.table(f"before = {json.dumps(hooked.command('before', 7))}\nrequired = false\n")
    ended = hooked.night("run")
    assert ended.code == 0
    assert "the before hook failed: exit code 7" in ended.err
    assert any("snap create" in one for one in hooked.night.changes)


def test_a_run_that_its_before_hook_stopped_is_on_record(hooked: Hooked) -> None:
    hooked.give(before=7)
    hooked.night("run")
    assert "the last run made no backup: the before-hook failed" in hooked.night("status").out
    assert "exit 1: no new backup" in hooked.night("show").out


def test_its_output_reaches_log_and_terminal_escaped(hooked: Hooked) -> None:
    hooked.give(before=7)
    ended = hooked.night("run")
    log = (hooked.folder / "snapall.log").read_text()
    for text in (ended.err, log):
        assert "before \\x1b[31m says" in text
        assert "\x1b" not in text


@pytest.mark.parametrize("when", ["after", "on_failure"])
def test_a_later_hook_that_fails_is_a_warning_and_changes_no_exit_code(hooked: Hooked, when: str) -> None:
    hooked.give(**{when: 9})
    if when == "on_failure":
        hooked.night.fault("vm-fails")
    ended = hooked.night("run")
    assert ended.code == (3 if when == "on_failure" else 0)
    assert f"the {when} hook failed: exit code 9" in ended.err


@pytest.mark.parametrize(("fault", "code"), [("vm-fails", 3), ("volume-full", 1)])
def test_every_result_short_of_success_runs_the_on_failure_hook(hooked: Hooked, fault: str, code: int) -> None:
    hooked.give(after=0, on_failure=0)
    hooked.night.fault(fault)
    assert hooked.night("run").code == code
    (after,), (failed,) = hooked.inputs("after"), hooked.inputs("on_failure")
    assert after["handed"]["exit"] == failed["handed"]["exit"] == code  # type: ignore[index]
    assert failed["held"] == sorted(hooked.night.foreign)


def test_while_another_run_is_active_only_the_on_failure_hook_runs(hooked: Hooked) -> None:
    hooked.give(before=0, after=0, on_failure=0)
    state = load(hooked.night.config).state
    state.mkdir()
    with hold(state, "vol1", "run", SystemClock(), lambda: False):
        assert hooked.night("run").code == 4
    assert (hooked.inputs("before"), hooked.inputs("after")) == ([], [])
    (failed,) = hooked.inputs("on_failure")
    assert failed["handed"]["exit"] == 4  # type: ignore[index]


def test_a_program_that_is_not_there_is_named(hooked: Hooked) -> None:
    hooked.table('before = ["/nowhere/hook"]\n')
    ended = hooked.night("run")
    assert ended.code == 1
    assert "/nowhere/hook cannot be started" in ended.err
    assert hooked.night.changes == []


def test_no_password_reaches_a_hook(hooked: Hooked, monkeypatch: pytest.MonkeyPatch) -> None:
    password = hooked.night.world.settings.vc_password
    monkeypatch.setenv("VCPWORD", password)
    hooked.night.edit('password    = { file = "vc.secret" }', 'password    = { env = "VCPWORD" }')
    hooked.give(before=0, after=0)
    assert hooked.night("run").code == 0
    for inputs in (*hooked.inputs("before"), *hooked.inputs("after")):
        assert password not in json.dumps(inputs)
    assert "VCPWORD" in os.environ


def test_the_plan_names_the_hooks_and_runs_none(hooked: Hooked) -> None:
    hooked.give(before=0, on_failure=0)
    out = hooked.night("plan").out
    assert re_found(out, "hook before the run: ", "before.py")
    assert re_found(out, "hook when it does not exit with 0: ", "on_failure.py")
    assert hooked.inputs("before") == []
    (plan,) = json.loads(hooked.night("plan", "--json").out)["plans"]
    assert [one["when"] for one in plan["hooks"]] == ["before the run", "when it does not exit with 0"]


def re_found(text: str, beginning: str, end: str) -> bool:
    return any(line.startswith(beginning) and line.rstrip("'").endswith(end) for line in text.splitlines())


def test_recover_runs_no_hook(hooked: Hooked) -> None:
    hooked.give(before=0, after=0, on_failure=0)
    assert hooked.night("recover").code == 0
    assert [hooked.inputs(when) for when in ("before", "after", "on_failure")] == [[], [], []]


def test_a_drill_knows_of_no_hook(hooked: Hooked) -> None:
    hooked.give(before=1)
    settings = load(hooked.night.config)
    (trial,) = trials_of(settings, tuple(settings.jobs.values()), Extent())
    assert "hook" not in repr(trial)


def test_faults_of_the_hooks_table_are_reported(hooked: Hooked) -> None:
    hooked.table('before = "one text"\ntimeout = 0\nafterwards = []\n')
    ended = hooked.night("run")
    assert ended.code == 2
    for key in ("jobs.vol1.hooks.before", "jobs.vol1.hooks.timeout", "jobs.vol1.hooks.afterwards"):
        assert key in ended.err


def test_a_signal_during_the_before_hook_is_reported_as_a_signal(hooked: Hooked) -> None:
    hooked.give(before=0)
    with pytest.raises(Stopped):
        HookRunner(load(hooked.night.config), "vol1", lambda _: None, lambda: True).before("20070322T030000Z")
