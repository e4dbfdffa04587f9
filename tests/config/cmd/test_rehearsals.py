"""Whole batches: encodings, limits, and the fixtures run to their end."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from snapall.config.cmd import Answer, ProgramCall, Rehearsal, Setting, Written, rehearse
from tests.config.cmd.paper import SETTING, answered, console, ran, said, sent

FIXTURES = Path(__file__).parents[3] / "fixtures"
BATCHES = sorted((FIXTURES / "bat").glob("*.bat"))


def good_night(call: ProgramCall) -> Answer | None:
    """The programs of a night on which all goes well."""
    if call.name != "osql":
        return Answer(0 if call.name in ("rsh", "vcbsnapshot") else 9009)  # there is no other program
    vms = "         108 \n         110 \n\n(2 rows affected)\n"
    snapshots = "         108        1228 \n         110        1229 \n\n(2 rows affected)\n"
    text = snapshots if "VPX_SNAPSHOT" in call.line else vms
    return Answer(files={call.words[call.words.index("-o") + 1]: text})


@pytest.mark.parametrize("path", BATCHES, ids=lambda path: path.stem)
def test_the_batches_of_the_fixtures_run_to_their_end(path: Path) -> None:
    found = rehearse(path.read_bytes(), path.name, Setting(), good_night)
    assert found.stop is None
    calls = [one for one in sent(found) if one.name == "vcbsnapshot"]
    quiesced = [word for one in calls if "-c" in one.words for word in one.words if word.startswith("moref:")]
    released = [word for one in calls if "-d" in one.words for word in one.words if word.startswith("moref:")]
    assert quiesced == released
    assert {"moref:vm-108", "moref:vm-110"} <= set(quiesced)


def test_the_original_sends_what_was_recorded_when_it_ran() -> None:
    recorded = json.loads((FIXTURES / "batch" / "a_happy.json").read_text(encoding="utf-8"))
    vms = recorded["vmlist.txt"].replace("\r\n", "\n")
    snapshots = recorded["sslist.txt"].replace("\r\n", "\n")

    def programs(call: ProgramCall) -> Answer | None:
        if call.name != "osql":
            return Answer()
        return Answer(files={call.words[-1]: snapshots if "VPX_SNAPSHOT" in call.line else vms})

    batch = _filled((FIXTURES / "bat" / "paper.bat").read_text(encoding="utf-8"))
    found = rehearse(batch.encode(), "snapall.bat", Setting(), programs)
    assert [[one.name, *one.words] for one in sent(found)] == [
        [call["program"].lower().removesuffix(".exe"), *call["argv"]] for call in recorded["calls"]
    ]


def _filled(text: str) -> str:
    values = {
        "filer": "filer1",
        "volname": "vmvol1",
        "sqlpword": "sqlpw",
        "dbdsn": "VirtualCenter",
        "vcenter": "vc01",
        "vcuser": "vcbackup",
        "vcpword": "vcpw",
    }
    lines = text.splitlines()
    for number, line in enumerate(lines):
        for name, value in values.items():
            if line.startswith(f"set {name}="):
                lines[number] = f"set {name}={value}"
    return "\n".join(lines)


def test_a_loop_without_an_end_is_stopped() -> None:
    assert said(":top\ngoto top").startswith("STOP 2: the batch runs too long")


def test_a_loop_that_counts_for_ever_is_stopped() -> None:
    assert said("for /L %%i in (1,0,2) do rem").startswith("STOP 1: the batch runs too long")


def test_fewer_steps_stop_sooner() -> None:
    batch = "for /L %%i in (1,1,50) do rem\necho end"
    assert console(ran(batch)) == "end\n"
    assert console(ran(batch, replace(SETTING, steps=20))).startswith("STOP 1: the batch runs too long")


def test_a_variable_that_doubles_is_stopped() -> None:
    assert said("set a=x\n:top\nset a=%a%%a%\ngoto top") == "STOP 3: the line is too long for cmd\n"


def test_a_variable_that_doubles_by_delayed_expansion_is_stopped() -> None:
    batch = "setlocal enabledelayedexpansion\nset a=x\nfor /L %%i in (1,1,99) do set a=!a!!a!"
    assert said(batch) == "STOP 3: a command is too long for cmd\n"


def test_too_many_variables_are_stopped() -> None:
    batch = f"for /L %%i in (1,1,9999) do set a%%i={'x' * 99}"
    assert said(batch) == "STOP 1: the variables grow too large\n"


def test_too_much_output_is_stopped() -> None:
    assert said(f"for /L %%i in (1,1,99999) do echo {'x' * 999}> nul") == "STOP 1: the batch writes too much\n"
    assert said("echo x> f\nfor /L %%i in (1,1,99) do copy f+f+f+f+f+f+f+f f > nul") == (
        "STOP 2: the batch writes too much\n"
    )


@pytest.mark.parametrize("opened", ["(", "if a==a (", "if a==a ", "for %%i in (a) do ", "echo & ("])
def test_nesting_is_stopped(opened: str) -> None:
    found = ran(opened * 500 + "echo a")
    assert found.stop is not None


def test_a_long_chain_is_run() -> None:
    assert said("echo a&" * 500) == "a\n" * 500


def test_setlocal_without_end_is_stopped() -> None:
    assert said(":top\nsetlocal\ngoto top") == "STOP 2: setlocal is nested too deeply\n"


def test_a_rehearsal_that_stops_keeps_what_went_before() -> None:
    found = ran("prog 1 > f\nset /p x=\nprog 2")
    assert [one.words for one in sent(found)] == [("1",)]
    assert found.files == {"C:\\snapall\\f": "[1]\n"}


def _night(data: bytes, code_page: int = 437) -> Rehearsal:
    return rehearse(data, "night.bat", replace(SETTING, code_page=code_page), answered)


def test_letters_are_read_in_the_code_page() -> None:
    assert console(_night(b"echo \x81")) == "\u00fc\n"
    assert console(_night(b"echo \xfc", 1252)) == "\u00fc\n"


def test_chcp_changes_how_the_next_line_is_read() -> None:
    assert console(_night(b"echo \x81\nchcp 1252 > nul\necho \xfc\n")) == "\u00fc\n\u00fc\n"


def test_a_mark_at_the_start_means_utf_8() -> None:
    assert console(_night(b"\xef\xbb\xbfecho \xc3\xbc")) == "\u00fc\n"


def test_bytes_without_a_letter_survive() -> None:
    assert console(_night(b"echo \x81", 1252)) == "\udc81\n"


def test_utf_16_is_stopped() -> None:
    assert console(_night("echo a".encode("utf-16"))) == "STOP 1: the file is UTF-16 or not text\n"


def test_a_list_in_utf_16_is_stopped() -> None:
    setting = replace(SETTING, read=lambda full: "a\n".encode("utf-16") if full.endswith("u.txt") else None)
    assert console(ran("for /F %%i in (u.txt) do echo %%i", setting)) == ("STOP 1: the file is UTF-16 or not text\n")


def test_a_file_that_is_huge_is_not_read() -> None:
    assert console(_night(b"\n" * (1 << 21))) == "STOP 1: the file is too large\n"


def test_a_line_that_is_too_long_for_cmd_is_stopped() -> None:
    assert said(f"echo {'x' * 9000}") == "STOP 1: the line is too long for cmd\n"


def test_the_same_batch_gives_the_same_rehearsal() -> None:
    batch = (FIXTURES / "bat" / "filled.bat").read_bytes()
    first, second = (rehearse(batch, "filled.bat", Setting(), good_night) for _ in range(2))
    assert first == second


def test_the_log_is_in_the_batchs_words() -> None:
    found = rehearse((FIXTURES / "bat" / "filled.bat").read_bytes(), "filled.bat", Setting(), good_night)
    log = "".join(event.text for event in found.events if isinstance(event, Written) and event.path == "snapall.log")
    assert log.startswith("Script Execution Commenced at Thu 03/22/2007  3:00:00.00 \ndeleting vmware_snap4 \n")
    assert log.endswith("Script Execution complete at Thu 03/22/2007  3:00:00.00 \n")
