"""status, show, stats, list and the metrics at the command line, after nights at the lab."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.lab.atlab import CHAIN, AtLab
from tests.lab.sites import tiny
from tests.platforms import FOR_ALL_TO_READ, with_modes

Make = Callable[..., AtLab]
METRICS = ('log   = "snapall.log"', 'log   = "snapall.log"\nmetrics = "snapall.prom"')
SAMPLE = re.compile(r'(snapall_[a-z_]+)(?:\{job_name="([^"]*)"\})? (-?[0-9.e+]+)')


def samples_of(night: AtLab) -> dict[str, float]:
    """What the file says, which must be in the text format: HELP, TYPE and samples, each metric's together."""
    found: dict[str, float] = {}
    about = ""
    for line in (night.lab.directory / "snapall.prom").read_text().splitlines():
        if line.startswith("#"):
            about = line.split()[2]
            continue
        sample = SAMPLE.fullmatch(line)
        assert sample is not None, line
        assert sample[1] == about
        found[sample[1]] = float(sample[3])
    return found


def test_after_a_successful_run_all_of_them_report_it(at_lab: Make) -> None:
    night = at_lab()
    assert night("run").code == 0
    calls = len(night.ledger)
    status = night("status")
    assert status.code == 0
    assert status.out.startswith("vol1: OK\n")
    assert "quiesced 3/3" in status.out
    shown = night("show")
    assert shown.code == 0
    assert "published as vmware_recent" in shown.out
    stats = night("stats", "--last", "5")
    assert "job vol1: 1 run," in stats.out
    assert len(night.ledger) == calls  # they ask nobody
    assert json.loads(night("status", "--json").out)["jobs"][0]["level"] == "OK"
    told = json.loads(night("show", "--json").out)
    assert (told["exit"], told["published"], len(told["vms"])) == (0, True, 3)
    assert json.loads(night("stats", "--json").out)["jobs"][0]["expected"]["usual"] > 0


def test_they_work_while_the_site_is_down(at_lab: Make) -> None:
    night = at_lab()
    night("run")
    night.lab.close()
    assert night("status").code == 0
    assert night("show").code == 0


def test_the_plugin_exits_as_plugins_do(at_lab: Make) -> None:
    night = at_lab()
    before = night("status", "--nagios")
    assert (before.code, before.out) == (2, "SNAPALL CRITICAL - vol1 no run is on record | left=0;;0;0 pending=0;;;0\n")
    night("run")
    after = night("status", "--nagios")
    assert after.code == 0
    assert after.out.startswith("SNAPALL OK - vol1 quiesced 3/3, 0 min old | age=")
    night.fault("all-fail")
    night("run")
    assert night("status", "--nagios").code == 1
    night.config.write_text("state = 7\n")
    broken = night("status", "--nagios")
    assert broken.code == 3
    assert broken.out.startswith("SNAPALL UNKNOWN - ")
    assert len(broken.out.splitlines()) == 1


def test_the_metrics_follow_every_run_the_failed_ones_too(at_lab: Make) -> None:
    night = at_lab()
    night.edit(*METRICS)
    assert night("run").code == 0
    good = samples_of(night)
    assert (good["snapall_last_run_exit_code"], good["snapall_status"]) == (0, 0)
    assert (good["snapall_backup_vms_quiesced"], good["snapall_vms_left"]) == (3, 0)
    night.fault("volume-full")
    assert night("run").code == 1
    bad = samples_of(night)
    assert (bad["snapall_last_run_exit_code"], bad["snapall_status"]) == (1, 1)
    assert bad["snapall_backup_timestamp_seconds"] == good["snapall_backup_timestamp_seconds"]
    assert (night.lab.directory / "snapall.prom").stat().st_mode & 0o777 == FOR_ALL_TO_READ


def test_the_metrics_follow_recover_too(at_lab: Make) -> None:
    night = at_lab()
    night.edit(*METRICS)
    night("run")
    journal = max((night.lab.directory / "snapall.state").glob("**/*.jsonl"))
    lines = journal.read_text().splitlines()
    journal.write_text("\n".join(lines[: next(n for n, line in enumerate(lines) if '"Capture"' in line)]) + "\n")
    assert night("recover").code == 0
    assert samples_of(night)["snapall_last_run_exit_code"] == -1


def test_metrics_that_cannot_be_written_are_a_warning_and_cost_nothing(at_lab: Make) -> None:
    night = at_lab()
    night.edit(*METRICS)
    (night.lab.directory / "snapall.prom").mkdir()
    ended = night("run")
    assert ended.code == 0
    night.assert_shifted_by_one()
    assert "SA-6002 cannot write the metrics" in ended.err
    assert "set `metrics` to a file" in ended.err
    assert not list(night.lab.directory.glob(".snapall.prom*"))


def test_the_list_has_age_space_grade_and_run(at_lab: Make) -> None:
    night = at_lab()
    night("run")
    lines = night("list").out.splitlines()
    assert lines[0].split() == ["volume", "name", "date", "age", "space", "grade", "made", "by", "run"]
    assert re.search(r"vmvol1 +vmware_recent .* 0 min +<?\d+ % +quiesced 3/3 +\d{8}T\d{6}Z", lines[1])
    old = next(line for line in lines if "vmware_previous" in line)
    assert re.search(r"~\d+ (h|d) .*unknown", old)
    rows = json.loads(night("list", "--json").out)["snapshots"]
    assert {row["name"] for row in rows} == set(CHAIN)


def test_a_volume_that_cannot_be_listed_hides_no_other(at_lab: Make) -> None:
    night = at_lab()
    night.edit('["vmvol1"]', '["nosuchvol", "vmvol1"]')
    told, as_json = night("list"), night("list", "--json")
    assert (told.code, as_json.code) == (1, 1)
    assert all(name in told.out for name in CHAIN)
    assert {row["name"] for row in json.loads(as_json.out)["snapshots"]} == set(CHAIN)
    assert "no volume nosuchvol" in told.err
    assert "remedy: " in told.err


def test_each_of_several_unreachable_filers_is_reported(at_lab: Make) -> None:
    night = at_lab()
    text = night.config.read_text()
    table = text[text.index("[filers.filer1]") : text.index("[jobs.vol1]")]
    port = next(line for line in table.splitlines() if line.startswith("port "))
    down = table.replace(port, "port = 1")
    other = down.replace("filer1]", "filer2]").replace("127.0.0.1", "127.0.0.2")
    job = text[text.index("[jobs.vol1]") :].replace("jobs.vol1", "jobs.vol2").replace('"filer1"', '"filer2"')
    night.config.write_text(text.replace(table, down + other) + "\n" + job)
    ended = night("list")
    assert (ended.code, ended.out) == (1, "")
    assert all(f"127.0.0.{n}" in ended.err for n in (1, 2)), ended.err
    assert ended.err.count("remedy: ") == 1


def test_the_svg_is_written_to_the_given_path(at_lab: Make) -> None:
    night = at_lab(site=tiny())
    night("run")
    path = night.lab.directory / "night.svg"
    assert night("show", "--svg", str(path)).code == 0
    assert ElementTree.parse(path).getroot().tag.endswith("svg")
    refused = night("show", "--svg", str(night.lab.directory / "nowhere" / "x.svg"))
    assert refused.code == 1
    assert "cannot be written" in refused.err


@pytest.mark.parametrize("command", [("show",), ("show", "1999"), ("status", "nojob"), ("stats", "nojob")])
def test_a_missing_file_is_an_error_with_a_remedy(at_lab: Make, command: tuple[str, ...]) -> None:
    ended = at_lab()(*command)
    assert ended.code == 2
    assert "remedy: " in ended.err


def test_a_killed_run_is_reported_as_killed(at_lab: Make) -> None:
    night = at_lab()
    night("run")
    journal = max((night.lab.directory / "snapall.state").glob("**/*.jsonl"))
    lines = journal.read_text().splitlines()
    cut = next(n for n, line in enumerate(lines) if '"Capture"' in line)
    journal.write_text("\n".join(lines[:cut]) + "\n")
    assert night("recover").code == 0
    shown = night("show").out
    assert "the run died without a report" in shown
    assert "taken over by recover" in shown
    assert "died before its report" in night("status").out


def test_a_killed_run_of_a_job_that_was_renamed_since_is_not_forgotten(at_lab: Make) -> None:
    night = at_lab()
    night("run")
    journal = max((night.lab.directory / "snapall.state").glob("**/*.jsonl"))
    lines = journal.read_text().splitlines()
    cut = next(n for n, line in enumerate(lines) if '"Release"' in line)
    journal.write_text("\n".join(lines[:cut]) + "\n")
    night.edit("[jobs.vol1]", "[jobs.renamed]")
    told = night("status").out
    assert "renamed: CRITICAL" in told
    assert "vol1: CRITICAL" in told
    assert "3 VMs may be left quiesced" in told
    assert night("status", "--nagios").code == 2
    second = '[jobs.second]\nfiler = "filer1"\nvolumes = ["vmvol1"]\ndatastores = [688]\nprefix = "second"\n'
    night.config.write_text(f"{night.config.read_text()}\n{second}")
    assert "vol1: CRITICAL" in night("status").out
    assert "vol1" not in night("status", "renamed").out  # that job alone was asked for


@contextmanager
def shut_out(night: AtLab) -> Iterator[None]:
    """Work as a user who can read everything but the state folder: root as another user, others by its mode."""
    state = night.lab.directory / "snapall.state"
    state.chmod(0o700 if os.geteuid() == 0 else 0)
    for file in (path for path in night.lab.directory.iterdir() if path.is_file()):
        file.chmod(0o644)
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)
        state.chmod(0o700)


@with_modes
@pytest.mark.parametrize("command", ["status", "show", "stats", "list", "audit", "plan", "recover"])
def test_unreadable_journals_are_not_reported_as_absent(
    in_sight: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    night = AtLab(in_sight, capsys)
    with closing(night):
        night("run")
        night(command)  # whatever it imports is there by now
        with shut_out(night):
            ended = night(command)
    assert (ended.code, ended.out) == (5 if command == "recover" else 1, "")  # its work stays outstanding
    assert "cannot be read: Permission denied" in ended.err


@pytest.mark.parametrize("command", ["status", "show", "stats"])
def test_commands_that_read_only_journals_need_no_password(at_lab: Make, command: str) -> None:
    """A monitoring system's user may not read them, and has none of cron's variables."""
    night = at_lab(transport="ssh")
    assert night("run").code == 0
    (night.lab.directory / "id_rsa").unlink()
    night.edit('password    = { file = "vc.secret" }', 'password    = { env = "NOT_SET_FOR_NAGIOS" }')
    assert night(command).code == 0
    assert night("plan").code == 2
    night.edit("retain      = 4", "retain      = 0")
    assert night(command).code == 2  # every other fault is reported as before
