"""A run for programs: `show --json`."""

from __future__ import annotations

from collections.abc import Sequence

from snapall.operate.run_history import PastCall, RunHistory
from snapall.restore.proof.proofs import Proof
from snapall.views.json_root import iso_time, picked, root
from snapall.views.messages import doing
from snapall.views.proofs import proofs_json


def run_json(history: RunHistory, vmx: str = "", proofs: Sequence[Proof] = ()) -> dict[str, object]:
    """All that the timeline shows, and how many VMs have a vmx copy. Durations are seconds; null is unknown."""
    members = picked(
        history, "kind", "began", "ended", "exit", "text", "published", "window", "settled", "left", "open"
    )
    return root(
        job=history.job.name,
        run=history.stamp,
        order=str(history.job.order),
        volumes=list(history.job.volumes),
        grade=history.backup.label if history.backup is not None else None,
        vmx=vmx or None,
        snapshot=history.backup.name if history.backup is not None else None,
        vms=[
            {"vm": one.vm.moref, "name": one.vm.name, "host": one.vm.host, "quiesced_seconds": one.quiesced_seconds}
            | picked(one, "state", "why")
            | {"freed": iso_time(one.released_at)}
            | {"quiesce": _call(one.quiesce) if one.quiesce is not None else None}
            | {"releases": [_call(call) for call in one.releases]}
            for one in history.vms
        ],
        captures=[
            picked(one, "volume", "name", "date") | {"confirmed": iso_time(one.confirmed)} | _call(one.call)
            for one in history.captures
        ],
        moves=[{"step": doing(one.step)} | _call(one.call) for one in history.moves],
        proofs=proofs_json(proofs),
        **members,
    )


def _call(call: PastCall) -> dict[str, object]:
    outcome = type(call.outcome).__name__.lower() if call.outcome is not None else None
    return picked(call, "sent", "answered", "seconds", "late") | {"outcome": outcome}
