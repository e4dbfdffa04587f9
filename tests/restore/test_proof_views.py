"""What `list` and `show` say of proofs."""

from __future__ import annotations

import json
from dataclasses import replace

from snapall.restore.proof.proofs import Readability
from snapall.views.proofs import proof_cell, proof_lines, proofs_json
from snapall.views.reports import Retained, list_json, list_lines
from tests.restore.test_proofs import VMS, proof

PROOFS = (proof(VMS[0], 0), proof(VMS[1], 0, Readability.DAMAGED, "/vol/v/l: MBR at byte 0: missing"))
ROW = Retained("vmvol1", "vmware_recent", "Mar 21 03:00", (), "quiesced 2/2", "20070321T030000Z")


def test_list_counts_what_was_checked_of_each_backup() -> None:
    lines = list_lines([replace(ROW, proofs=PROOFS), replace(ROW, name="vmware_previous")])
    assert "proofs" in lines[0]
    assert "1 readable, 1 damaged" in lines[1]
    assert proof_cell(()) == "-"
    found = json.loads(json.dumps(list_json([replace(ROW, proofs=PROOFS), ROW])))["snapshots"]
    assert [[one["found"] for one in row["proofs"]] for row in found] == [["readable", "damaged"], []]


def test_a_list_without_any_proof_has_no_column_for_it() -> None:
    assert "proofs" not in list_lines([ROW])[0]


def test_show_names_each_vm_with_what_its_last_check_found() -> None:
    assert proof_lines(PROOFS) == [
        "sql01 (vm-1): readable on 22 Mar 2007, in 42 s",
        "sql02 (vm-2): damaged on 22 Mar 2007, in 42 s: /vol/v/l: MBR at byte 0: missing",
    ]
    assert proofs_json(PROOFS)[0]["checked"] == "2007-03-22T03:00:00.000+00:00"
