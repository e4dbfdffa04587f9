"""The state of the jobs for people, as a plugin's line, and for Prometheus."""

from __future__ import annotations

from dataclasses import replace

from snapall.backup.facts import Intent, Surveyed
from snapall.backup.model import Vm
from snapall.backup.steps import Quiesce
from snapall.operate.status import Level, StatusFinding
from snapall.views.nagios import nagios_line
from snapall.views.prometheus import metrics_text
from snapall.views.status import status_json, status_lines
from tests.backup.simulated import Stage, quiesce_of, refuse
from tests.operate.slow_runs import job_status_of

SQL = Vm(110, "sql01", "esx1")
SURVEYED = Surveyed((), (SQL,), (), (), ())
BEGUN = (SURVEYED, Intent(1, Quiesce(SQL, "Quiesce-20070322T030000Z")))
LEFT = StatusFinding(Level.CRITICAL, "1 VM may be left quiesced: x")


def test_status_is_a_few_lines(stage: Stage) -> None:
    stage.site.fail(quiesce_of(110), refuse("too many snapshots"))
    stage.night()
    lines = status_lines([job_status_of(stage, hours=2)])
    assert lines[0] == "vol1: WARNING"
    text = "\n".join(lines)
    for part in ("partial 2/3, 2 h old", "exit 3", "outstanding    nothing", "the last backup is partial"):
        assert part in text


def test_status_fits_its_terminal_with_texts_beside_their_names(stage: Stage) -> None:
    stage.night()
    lines = status_lines([job_status_of(stage, hours=2)], 40)
    assert max(map(len, lines)) <= 40
    assert all(line.startswith("  ") for line in lines[1:])
    assert any(line.startswith(" " * 17) for line in lines)


def test_the_plugins_line_has_a_code_a_text_and_performance_data(stage: Stage) -> None:
    stage.night()
    line, level = nagios_line([job_status_of(stage, hours=2)])
    text, bar, data = line.partition(" | ")
    assert (text, bar, level) == ("SNAPALL OK - vol1 quiesced 3/3, 2 h old", " | ", Level.OK)
    values = dict(part.split("=") for part in data.split())
    assert set(values) == {"age", "quiesced", "window", "left", "pending"}
    assert values["age"].endswith("s;93600;187200;0")
    assert (values["quiesced"], values["left"]) == ("3;3:;;0;3", "0;;0;0")


def test_programs_get_an_object_with_a_schema(stage: Stage) -> None:
    stage.night()
    body = status_json([job_status_of(stage)])
    assert body["schema"] == 1
    assert isinstance(body["jobs"], list)
    assert body["jobs"][0]["level"] == "OK"


def test_several_jobs_make_one_line_and_the_worst_counts(stage: Stage) -> None:
    stage.night()
    good = job_status_of(stage)
    other = replace(good, job=replace(good.job, name="vol2"), left=("x",), findings=(LEFT,))
    line, level = nagios_line([good, other])
    assert level is Level.CRITICAL
    assert "vol1_left=0" in line
    assert "vol2_left=1" in line


def test_no_name_ends_a_label_of_the_metrics_early(stage: Stage) -> None:
    found = replace(job_status_of(stage), job=replace(stage.job, name='a"b\\c\nd'))
    lines = metrics_text([found], stage.clock.utc()).splitlines()
    assert 'snapall_vms_left{job_name="a\\"b\\\\c\\nd"} 0' in lines


def test_no_name_ends_the_plugins_text_early(stage: Stage) -> None:
    stage.site.vms = [Vm(110, "a|b\nc\x1b[31m", "esx1")]
    stage.begun(SURVEYED, Intent(1, Quiesce(stage.site.vms[0], "Quiesce-20070322T030000Z")))
    line, _ = nagios_line([job_status_of(stage)])
    assert line.count("|") == 1
    assert line.isprintable()


def test_the_plugins_data_fit_the_line_however_long_the_text(stage: Stage) -> None:
    stage.night()
    for n in range(200):
        stage.begun(*BEGUN, stamp=f"20070324T03{n // 60:02}{n % 60:02}Z").path.write_text("no journal\nneither\n")
    line, level = nagios_line([job_status_of(stage)])
    assert level is Level.CRITICAL
    assert len(line) < 4096
    assert " | age=" in line
