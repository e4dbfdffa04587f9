"""A run for programs: `show --json`."""

from __future__ import annotations

from snapall.operate.run_history import Captured, PastCall, RunHistory, VmHistory
from snapall.views import messages
from snapall.views.json_root import moment, root


def run_json(history: RunHistory) -> dict[str, object]:
    """All that the picture shows. Moments are UTC, in ISO form; lengths are seconds; null is unknown."""
    return root(
        job=history.job.name,
        run=history.stamp,
        kind=str(history.kind),
        order=str(history.job.order),
        volumes=list(history.job.volumes),
        began=moment(history.began),
        ended=moment(history.ended),
        exit=history.exit,
        text=history.text,
        grade=history.backup.label if history.backup is not None else None,
        snapshot=history.backup.name if history.backup is not None else None,
        published=history.published,
        window=history.window,
        vms=[_vm(one) for one in history.vms],
        captures=[_capture(one) for one in history.captures],
        moves=[{"step": messages.doing(one.step), **_call(one.call)} for one in history.moves],
        settled=[{"at": moment(one.at), "by": one.by, "why": one.why} for one in history.settled],
        left=list(history.left),
        open=history.open,
    )


def _capture(one: Captured) -> dict[str, object]:
    when = moment(one.confirmed)
    return {"volume": one.volume, "name": one.name, "confirmed": when, "date": one.date, **_call(one.call)}


def _vm(one: VmHistory) -> dict[str, object]:
    return {
        "vm": one.vm.moref,
        "name": one.vm.name,
        "host": one.vm.host,
        "state": one.state,
        "why": one.why,
        "quiesce": _call(one.quiesce) if one.quiesce is not None else None,
        "releases": [_call(call) for call in one.releases],
        "freed": moment(one.released_at),
        "quiesced_seconds": one.quiesced_seconds,
    }


def _call(call: PastCall) -> dict[str, object]:
    return {
        "sent": moment(call.sent),
        "answered": moment(call.answered),
        "seconds": call.seconds,
        "outcome": type(call.outcome).__name__.lower() if call.outcome is not None else None,
        "late": call.late,
    }
