"""A run for programs: `show --json`."""

from __future__ import annotations

from snapall.operate.run_history import Captured, PastCall, RunHistory, VmHistory
from snapall.views import messages
from snapall.views.json_root import moment, root


def course_json(course: RunHistory) -> dict[str, object]:
    """All that the picture shows. Moments are UTC, in ISO form; lengths are seconds; null is unknown."""
    return root(
        job=course.job.name,
        run=course.stamp,
        kind=str(course.kind),
        order=str(course.job.order),
        volumes=list(course.job.volumes),
        began=moment(course.began),
        ended=moment(course.ended),
        exit=course.exit,
        text=course.text,
        grade=course.backup.label if course.backup is not None else None,
        snapshot=course.backup.name if course.backup is not None else None,
        published=course.published,
        window=course.window,
        vms=[_vm(one) for one in course.vms],
        captures=[_capture(one) for one in course.captures],
        moves=[{"step": messages.doing(one.step), **_call(one.call)} for one in course.moves],
        settled=[{"at": moment(one.at), "by": one.by, "why": one.why} for one in course.settled],
        left=list(course.left),
        open=course.open,
    )


def _capture(one: Captured) -> dict[str, object]:
    when = moment(one.proven)
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
        "freed": moment(one.freed),
        "quiesced_seconds": one.held_seconds,
    }


def _call(call: PastCall) -> dict[str, object]:
    return {
        "sent": moment(call.sent),
        "answered": moment(call.answered),
        "seconds": call.seconds,
        "outcome": type(call.outcome).__name__.lower() if call.outcome is not None else None,
        "late": call.late,
    }
