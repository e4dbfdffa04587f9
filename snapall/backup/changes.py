"""The state with one part changed. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from snapall.backup.phases import Call, CaptureState, CommandState, VmState
from snapall.backup.replacing import replace
from snapall.backup.runstate import RunState
from snapall.backup.steps import Capture, Delete, Quiesce, Release, Rename


def abandoned(call: Call, at: datetime) -> Call:
    """The call as a new owner sees it: no answer is awaited, and no time lies in the future.

    Otherwise a clock that was set back meanwhile would keep the new owner waiting for as long.
    """
    return replace(
        call,
        abandoned=call.abandoned or call.outcome is None,
        sent=min(call.sent, at),
        answered=None if call.answered is None else min(call.answered, at),
    )


def with_vm(state: RunState, one: VmState) -> RunState:
    """The state with this VM, changed now."""
    return replace(state, vms={**state.vms, one.vm.id: replace(one, changed=state.version)}, looks=0)


def on_vm(state: RunState, vm: int, change: Callable[[VmState], VmState]) -> RunState:
    """The state with a change made to a VM that it knows."""
    known = state.vms.get(vm)
    return state if known is None else with_vm(state, change(known))


def with_capture(state: RunState, one: CaptureState) -> RunState:
    """The state with this capture, changed now."""
    return replace(state, captures={**state.captures, one.volume: replace(one, changed=state.version)})


def with_command(state: RunState, one: CommandState) -> RunState:
    """The state with this command, changed now."""
    return replace(state, commands={**state.commands, one.call.n: replace(one, changed=state.version)})


def with_call(state: RunState, n: int, change: Callable[[Call], Call]) -> RunState:
    """The state with command `n` changed, wherever it belongs."""
    match state.steps.get(n):
        case Quiesce(vm):
            one = state.vms[vm.id]
            if one.create is None or one.create.n != n:
                return state
            return with_vm(state, replace(one, create=change(one.create)))
        case Release(vm):
            one = state.vms[vm.id]
            return with_vm(state, replace(one, removals=with_changed(one.removals, n, change)))
        case Capture(volume):
            found = state.captures[volume]
            return with_capture(state, replace(found, calls=with_changed(found.calls, n, change)))
        case Rename() | Delete():
            command = state.commands[n]
            return with_command(state, replace(command, call=change(command.call)))
        case None:
            return state


def with_changed(calls: tuple[Call, ...], n: int, change: Callable[[Call], Call]) -> tuple[Call, ...]:
    """The calls with command `n` changed."""
    return tuple(change(call) if call.n == n else call for call in calls)
