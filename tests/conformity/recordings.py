"""The recordings of the batch (fixtures/batch), as what can be seen of each scenario."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.conformity.observed import Aspect, Lines, Observation, Part, VcbCall, in_chain_order, logins, plain, vms

FOLDER = Path(__file__).parents[2] / "fixtures" / "batch"
SCENARIOS = tuple(sorted(path.stem for path in FOLDER.glob("*.json")))
FIRST_ID = 1228
INSTANCES = ("vmvol1", "vmvol2")
ASKED = {"VPX_VM": "VPX_VM.ID FROM", "VPX_SNAPSHOT": "VPX_SNAPSHOT where"}


@dataclass(frozen=True, slots=True)
class Recording:
    """One scenario: how it was set up, and what was seen."""

    name: str
    setting: Mapping[str, Any]
    seen: Observation
    log: Lines  # as it was written


@cache
def recording(name: str) -> Recording:
    """Read one."""
    facts = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return Recording(name, facts["setting"], _observed(facts), tuple(facts["log"]))


def _observed(facts: Mapping[str, Any]) -> Observation:
    made = _made(facts["calls"])
    if "states" in facts:
        logs = _nightly(facts["log"])
        return tuple(
            _part([call for call in facts["calls"] if call["night"] == night], state, code, logs[night - 1], made)
            for night, (state, code) in enumerate(zip(facts["states"][1:], facts["exit_codes"], strict=True), 1)
        )
    if "filer_vmvol1" in facts:
        return tuple(_instance(facts, volume, made) for volume in INSTANCES)
    return (_part(facts["calls"], facts["after"], facts["exit_code"], facts["log"], made),)


def _instance(facts: Mapping[str, Any], volume: str, made: Mapping[int, int]) -> Part:
    """One of two instances, which share the log: its lines belong to nobody, and stand sorted with the first."""
    first = volume == INSTANCES[0]
    calls = [call for call in facts["calls"] if _belongs(call, volume)]
    state = {"filer": facts[f"filer_{volume}"], "vmware_snapshots": facts["vmware_snapshots"]}
    part = _part(calls, state, facts["exit_codes"][INSTANCES.index(volume)], facts["log"], made)
    return {**part, Aspect.LOG: tuple(sorted(part[Aspect.LOG])) if first else ()}


def _belongs(call: Mapping[str, Any], volume: str) -> bool:
    words = " ".join(call["argv"])
    match call["program"]:
        case "RSH":
            return volume in words
        case "vcbsnapshot":
            return ("moref:vm-20" in words) == (volume == INSTANCES[1])
        case _:
            return True  # both ask the same two questions


def _made(calls: Sequence[Mapping[str, Any]]) -> dict[int, int]:
    """The ids of the snapshots that were made, each with its VM: the stand-in counted the creates that went well."""
    creates = [call["argv"] for call in calls if call["program"] == "vcbsnapshot" and "-c" in call["argv"]]
    ends = [call["exit"] for call in calls if call["program"] == "vcbsnapshot" and "-c" in call["argv"]]
    well = [argv for argv, end in zip(creates, ends, strict=True) if end == 0]
    return {FIRST_ID + n: int(argv[-2].removeprefix("moref:vm-")) for n, argv in enumerate(well)}


def _part(
    calls: Sequence[Mapping[str, Any]], state: Mapping[str, Any], code: int, log: Sequence[str], made: Mapping[int, int]
) -> Part:
    filer = [" ".join(call["argv"][1:]) for call in calls if call["program"] == "RSH"]
    vcb = [VcbCall.of(call["argv"]) for call in calls if call["program"] == "vcbsnapshot"]
    queries = [" ".join(call["argv"]) for call in calls if call["program"] == "osql"]
    rows = [row.split() for row in state["filer"]]
    return {
        Aspect.FILER: tuple(filer),
        Aspect.VCB: plain([call.arguments for call in vcb], made),
        Aspect.LOGIN: logins(vcb),
        Aspect.DATABASE: tuple(table for table, text in ASKED.items() if any(text in one for one in queries)),
        Aspect.CHAIN: in_chain_order(f"{name} {generation}" for name, generation, _ in rows),
        Aspect.QUIESCED: tuple(sorted(f"{row[1]}: {_quiesced(row[2])}" for row in rows if row[2] != "-")),
        Aspect.VM_SNAPSHOTS: plain([_vm_snapshots(row) for row in state["vmware_snapshots"]], made),
        Aspect.EXIT: (str(code),),
        Aspect.LOG: plain(log, made),
    }


def _quiesced(text: str) -> str:
    return vms(int(one) for one in text.removeprefix("quiesced:").split(",") if one)


def _vm_snapshots(row: str) -> str:
    number, vm, name = row.split()
    return f"vm-{vm} {name} snapshot-{number}"


def _nightly(log: Sequence[str]) -> list[list[str]]:
    nights: list[list[str]] = []
    for line in log:
        if line.startswith("Script Execution Commenced"):
            nights.append([])
        nights[-1].append(line)
    return nights
