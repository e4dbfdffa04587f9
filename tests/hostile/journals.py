"""The readers of snapall's own state folder: journals with anything in them, under any name, and who holds the lock."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

from hypothesis import strategies as st

from snapall.backup.clock import SystemClock
from snapall.backup.codec import to_line
from snapall.backup.facts import Warned
from snapall.backup.holder import holder_of
from snapall.backup.lock import at_work
from snapall.backup.model import VmSnapshot
from snapall.backup.origins import recall
from snapall.backup.plan import settling
from snapall.backup.record import Record
from snapall.backup.steps import Quiesce, Release
from snapall.backup.store import JournalStore
from snapall.config.settings import Vcenter
from snapall.errors import JournalError, Refused
from snapall.site.filer import FilerSystem
from snapall.site.vcb import Vcb
from tests.backup.samples import AT, FACTS
from tests.backup.simulated import JOB, Stage
from tests.hostile.inputs import SALT, blobs
from tests.hostile.reader import Canned, Reader, assert_rendered_safely, samples
from tests.hostile.shapes import json_lines, jsons

EVERY_KIND = [json.loads(to_line(Record(AT, fact))) for fact in FACTS]
RUNS = [[json.loads(line) for line in text.splitlines()] for text in samples("journal")] + [EVERY_KIND]
STEPS = {row["n"]: row["step"] for row in RUNS[0] if row["is"] == "Intent"}
SHORT = [run[:12] for run in RUNS]
NAMES = st.one_of(
    st.sampled_from(["vol1-20070322T030000Z", "vol1-x", "-", "vol1", "a-b-20070322T030000Z", "x" * 240]),
    st.sampled_from([salt for salt in SALT if "/" not in salt and "\0" not in salt]).map("vol1-{}".format),
)
NAME_OF_FILER = re.compile(r"snap (create|delete|rename) [A-Za-z0-9][\w.-]*( [A-Za-z0-9][\w.-]*){1,2}", re.ASCII)


def emptied(folder: Path) -> Path:
    """The folder of journals, with nothing of the last input in it."""
    journals = folder / "journals"
    journals.mkdir(exist_ok=True)
    for path in [*journals.iterdir(), *folder.glob("*.holder"), *folder.glob("*.lock")]:
        path.unlink()
    return journals


def put(folder: Path, files: list[tuple[str, str]]) -> None:
    journals = emptied(folder)
    for name, text in files:
        with suppress(OSError, UnicodeEncodeError):  # a name that this file system cannot hold
            (journals / f"{name}.jsonl").write_bytes(text.encode("utf-8", "replace"))


def state(files: list[tuple[str, str]], folder: Path) -> None:
    """What every command reads before it does anything."""
    put(folder, files)
    store = JournalStore(folder, SystemClock())
    for job in {"vol1", *store.jobs()}:
        at_work(folder, job), holder_of(folder, job), store.unsettled("vol1")
        past = recall(JOB, store.known(job), {"v": ()})
        assert_rendered_safely(*past.warnings)
        store.prune(job, 1)
    for one in settling(store.states()):
        assert_rendered_safely(Warned(one.reason))


def settled(text: str, folder: Path) -> None:
    """What `recover` makes of it: no defect, and only commands that are fit for a command line."""
    put(folder, [("vol1-20070322T030000Z", text)])
    stage = Stage(folder)
    stage.site.vcenter, stage.site.filer = "vc01.lab", "127.0.0.1"
    stage.site.volumes = defaultdict(list, stage.site.volumes)
    stage.site.rows = [
        VmSnapshot(row["outcome"]["ssid"], STEPS[row["n"]]["vm"]["id"], STEPS[row["n"]]["name"])
        for row in RUNS[0]
        if row["is"] == "Answered" and row["outcome"].get("ssid")
    ]
    stage.recover(wait=False)
    assert not [text for text in stage.failures if "defect" in text], stage.failures
    assert_rendered_safely(*stage.heard)
    vcb = Vcb(Vcenter(host="vc01", vcbsnapshot=("vcbsnapshot",), timeout=60, remove_timeout=60, settle=60, parallel=1))
    for step in stage.site.asked:
        match step:
            case Quiesce() | Release():
                words = () if vcb._unfit(step) is not None else vcb.argv(step, masked=False)[4:]
                assert all(re.fullmatch(r"moref:vm-[0-9]+|ssid:[\w.-]+", one, re.ASCII) for one in words), words
            case _:
                filer = Canned("")
                with suppress(Refused):
                    FilerSystem(filer, "filer1").perform(step)
                assert all(NAME_OF_FILER.fullmatch(one) for one in filer.sent), filer.sent


def holder(given: bytes, folder: Path) -> None:
    (folder / "vol1.holder").write_bytes(given)
    assert isinstance(holder_of(folder, "vol1").pid, int)


HOLDER = {"role": "run", "pid": 1, "since": "2007-03-22T03:00:00+00:00"}
HOLDERS = st.one_of(blobs(json.dumps(HOLDER)), jsons(HOLDER).map(lambda text: text.encode("utf-8", "replace")))

READERS = (
    Reader("state folders", st.lists(st.tuples(NAMES, json_lines(*SHORT)), max_size=3), state, (JournalError,)),
    Reader("recover", json_lines(*RUNS), settled),
    Reader("lock holders", HOLDERS, holder),
)
