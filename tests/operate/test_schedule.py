"""What a scheduler is given says what was asked for, and what schedulers start is read and judged rightly."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapall.errors import ConfigError
from snapall.escaping import shell_word
from snapall.operate.schedule import cron, systemd
from snapall.operate.schedule.entries import (
    SchedulerEntry,
    Seen,
    entries_of,
    of_crontab,
    of_tasks,
    of_units,
    windows_words,
)
from snapall.operate.schedule.judged import check_schedule, runs
from snapall.operate.schedule.task import Scheduler, Task, require_writable
from snapall.operate.schedule.task_scheduler import tasks_of
from tests.platforms import posix

CONFIG = "/etc/snapall/snapall.toml"
TASK = Task(("/opt/snapall/bin/snapall",), CONFIG, "/etc/snapall", "backup", 3, 0)
PATHS = st.text(st.sampled_from("ab /%$\"'\\;&#é-"), min_size=1, max_size=12).map(lambda text: f"/{text}/x.toml")
NOTHING = Seen({}, {}, {}, frozenset(), "")


def odd(config: str) -> Task:
    return Task(TASK.program, config, config.rpartition("/")[0] or "/", "backup", 3, 0)


def codes(seen: Seen, config: str = CONFIG) -> list[str]:
    return [one.code for one in check_schedule(config, seen) if one.remedy]


def scheduled(task: Task = TASK) -> Seen:
    return Seen({"crontab": cron.lines_of(task).text}, {}, {}, frozenset(), "")


@given(PATHS)
def test_every_path_is_read_back_from_the_units(config: str) -> None:
    task = odd(config)
    units = {one.file: one.text for one in systemd.units_of(task)}
    run, recover = of_units(units, frozenset({"snapall.timer", "snapall-recover.service"}))
    assert runs(run, "run", config)
    assert runs(recover, "recover", config)
    assert config in run.words


@given(PATHS)
def test_every_path_is_read_back_from_a_crontab(config: str) -> None:
    recover, run = of_crontab(cron.lines_of(odd(config)).text, "crontab", 5)
    assert config in run.words
    assert config in recover.words
    assert (run.by_time, run.at_boot, recover.by_time, recover.at_boot) == (True, False, False, True)


@posix("cron's shell is that of Unix")
@pytest.mark.parametrize("config", ["/a b/it's.toml", '/"$HOME"/%d;x.toml', "/back\\slash/é.toml"])
def test_the_shell_of_cron_passes_on_what_was_meant(config: str) -> None:
    task = Task((sys.executable, "-c", "import sys; print(ascii(sys.argv[1:]))"), config, "/", "backup", 3, 0)
    line = cron.lines_of(task).text.splitlines()[-2].split(None, 5)[5].replace("\\%", "%")  # as cron does
    ran = subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == ascii(list(task.run[3:]))


LINES = st.lists(st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=20), max_size=6)


@given(LINES, LINES, PATHS)
def test_a_crontab_keeps_everything_else_byte_for_byte(before: list[str], after: list[str], config: str) -> None:
    task, later = odd(config), Task(TASK.program, config, "/", "backup", 4, 44)
    head, tail = "".join(f"{one}\n" for one in before), "".join(f"{one}\n" for one in after)
    once = cron.with_lines(head, task)
    assert once == head + cron.lines_of(task).text
    assert cron.with_lines(once + tail, later) == head + cron.lines_of(later).text + tail


def test_a_crontab_without_a_last_newline_gets_one_since_cron_ignores_such_a_line() -> None:
    assert cron.with_lines("5 5 * * * true", TASK).startswith("5 5 * * * true\n# begin of snapall schedule: ")


def test_the_lines_of_another_configuration_stay() -> None:
    other = odd("/etc/other.toml")
    both = cron.with_lines(cron.with_lines("", other), TASK)
    assert cron.with_lines(both, odd(CONFIG)) == both
    assert cron.lines_of(other).text in both


def test_half_of_a_mark_is_nobodys_and_nothing_behind_it_is_lost() -> None:
    half = f"# begin of snapall schedule: {CONFIG}\n5 5 * * * true\n"
    once = cron.with_lines(half, TASK)
    assert once == half + cron.lines_of(TASK).text
    assert not cron.is_replaced(half, TASK)
    later = Task(TASK.program, CONFIG, "/", "backup", 4, 44)
    assert cron.is_replaced(once, later)
    assert cron.with_lines(once, later) == half + cron.lines_of(later).text


def test_a_path_with_a_line_break_is_refused() -> None:
    with pytest.raises(ConfigError) as raised:
        require_writable(odd("/etc/a\nb.toml"), Scheduler.CRON)
    assert raised.value.code == "SA-1961"


def test_a_program_with_a_quotation_mark_is_refused_for_systemd_which_would_not_start_it() -> None:
    task = Task(("/opt/it's/snapall",), CONFIG, "/etc/snapall", "backup", 3, 0)
    require_writable(task, Scheduler.CRON)
    with pytest.raises(ConfigError) as raised:
        require_writable(task, Scheduler.SYSTEMD)
    assert raised.value.code == "SA-1961"


def test_root_needs_no_user_in_a_unit_and_a_service_user_is_named() -> None:
    root = Task(TASK.program, CONFIG, "/etc/snapall", "root", 3, 0)
    assert not any("User=" in one.text for one in systemd.units_of(root))
    assert [("\nUser=backup\n" in one.text) for one in systemd.units_of(TASK)] == [True, False, True]


@pytest.mark.parametrize("what", ["backup", "recover"])
def test_the_units_spare_the_guardian(what: str) -> None:
    (unit,) = [one for one in systemd.units_of(TASK) if one.what == what]
    assert "\nKillMode=process\n" in unit.text


def test_nothing_scheduled_is_two_warnings_with_the_command_that_helps() -> None:
    found = list(check_schedule(CONFIG, NOTHING))
    assert [one.code for one in found] == ["SA-1970", "SA-1971"]
    assert {one.remedy for one in found} == {f"run `snapall schedule --install --config {CONFIG}`"}


def test_the_command_that_helps_can_be_pasted_although_the_path_has_a_blank() -> None:
    found = next(check_schedule("/etc/my own/snapall.toml", NOTHING))
    assert found.remedy == f"run `snapall schedule --install --config {shell_word('/etc/my own/snapall.toml')}`"


def test_what_schedule_writes_satisfies_the_doctor() -> None:
    assert codes(scheduled()) == []
    units = {one.file: one.text for one in systemd.units_of(TASK)}
    enabled = frozenset({"snapall.timer", "snapall-recover.service"})
    assert codes(Seen({}, {}, units, enabled, "")) == []
    windows = Task((r"C:\p\snapall.exe",), r"C:\p\snapall.toml", r"C:\p", "SYSTEM", 3, 0)
    tasks = "\n".join(f"<!-- \\snapall {one.what} -->\n{one.text}" for one in tasks_of(windows))
    assert codes(Seen({}, {}, {}, frozenset(), tasks), r"c:\P\snapall.toml") == []


def test_units_that_are_not_enabled_are_a_warning() -> None:
    units = {one.file: one.text for one in systemd.units_of(TASK)}
    assert codes(Seen({}, {}, units, frozenset(), "")) == ["SA-1973", "SA-1973"]


def test_a_disabled_task_is_a_warning() -> None:
    windows = Task(("C:\\snapall.exe",), "C:\\snapall.toml", "C:\\", "SYSTEM", 3, 0)
    text = "".join(one.text.replace("<Settings>", "<Settings><Enabled>false</Enabled>") for one in tasks_of(windows))
    assert codes(Seen({}, {}, {}, frozenset(), text), "C:\\snapall.toml") == ["SA-1973", "SA-1973"]


def test_the_schedule_of_another_configuration_is_not_ours() -> None:
    assert codes(scheduled(odd("/etc/other.toml"))) == ["SA-1970", "SA-1971"]


@pytest.mark.parametrize(
    "line",
    [
        "0 3 * * * snapall run --config /etc/snapall/snapall.toml && snapall recover",
        "30 2 * * 1-5 cd /etc/snapall; /usr/local/bin/snapall run -q",
        "@daily SNAPALL_CONFIG=/etc/snapall/snapall.toml /opt/snapall/bin/python -m snapall run",
        "0 3 * * * su backup -c 'snapall run --config=/etc/snapall/snapall.toml'",
    ],
)
def test_lines_written_by_hand_count(line: str) -> None:
    assert "SA-1970" not in codes(Seen({"crontab": line}, {}, {}, frozenset(), ""))


@pytest.mark.parametrize(
    "line",
    [
        "# 0 3 * * * snapall run",
        "0 3 * * * snapall run --config /etc/other.toml",
        "0 3 * * * snapall status",
        "@reboot snapall run",
        "MAILTO=snapall run",
        "0 3 * * * other run",
        "0 3 *",
    ],
)
def test_lines_that_take_no_backup_by_time_do_not_count(line: str) -> None:
    assert "SA-1970" in codes(Seen({"crontab": line}, {}, {}, frozenset(), ""))


def test_the_user_of_a_line_in_cron_d_is_not_its_command() -> None:
    (entry,) = entries_of(Seen({}, {"/etc/cron.d/x": "0 3 * * * snapall /usr/bin/true\n"}, {}, frozenset(), ""))
    assert entry.words == ("/usr/bin/true",)


@pytest.mark.parametrize(
    ("command", "config", "warned"),
    [
        ("/scripts/snapall.bat", CONFIG, True),
        ("wine cmd /c 'C:\\scripts\\SNAPALL.BAT' vol1", CONFIG, True),
        ("/scripts/nightly.cmd", "/scripts/nightly.cmd", True),
        ("snapall run --config /scripts/snapall.bat", "/scripts/snapall.bat", False),
        ("/scripts/other.bat", CONFIG, False),
    ],
)
def test_the_old_batch_beside_snapall_is_a_warning_that_names_it(command: str, config: str, warned: bool) -> None:
    found = list(check_schedule(config, Seen({"crontab": f"0 3 * * * {command}"}, {}, {}, frozenset(), "")))
    assert ("SA-1972" in [one.code for one in found]) is warned
    assert not warned or any("crontab line 1 starts" in one.text for one in found)


OLD_TASK = """<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task"><Triggers><CalendarTrigger>
<StartBoundary>2007-01-01T03:00:00</StartBoundary></CalendarTrigger></Triggers>
<Actions><Exec><Command>"C:\\My Scripts\\snapall.bat"</Command></Exec></Actions></Task>
"""


def test_the_old_batch_is_found_among_all_tasks_of_windows() -> None:
    text = f"<!-- \\Microsoft\\x -->\n<Task><broken></Task>\n\n<!-- \\night -->\n{OLD_TASK}"
    found = [one.text for one in check_schedule(CONFIG, Seen({}, {}, {}, frozenset(), text)) if one.code == "SA-1972"]
    assert len(found) == 1
    assert "night" in found[0]
    assert "snapall.bat" in found[0]


def test_the_same_backup_twice_is_a_warning_and_one_that_makes_up_for_a_failed_one_is_not() -> None:
    twice = cron.lines_of(TASK).text + "0 4 * * * snapall run\n"
    assert codes(Seen({"crontab": twice}, {}, {}, frozenset(), "")) == ["SA-1969"]
    makes_up = twice.replace("snapall run\n", "snapall run --if-older-than 20h\n")
    assert codes(Seen({"crontab": makes_up}, {}, {}, frozenset(), "")) == []


def test_a_scheduler_that_cannot_be_asked_is_named() -> None:
    seen = Seen({"crontab": cron.lines_of(TASK).text}, {}, {}, frozenset(), "", ("no",))
    assert codes(seen) == ["SA-1974"]


@given(st.text(max_size=60))
def test_any_text_is_read_without_a_defect(text: str) -> None:
    seen = Seen({"a": text}, {"b": text}, {"a.service": text, "a.timer": text}, frozenset({"a.timer"}), text)
    assert all(isinstance(one, SchedulerEntry) for one in entries_of(seen))
    list(check_schedule(CONFIG, seen))
    list(of_tasks(f"<Task>{text}</Task>"))


@given(st.lists(st.text(st.sampled_from("ab \\:."), min_size=1, max_size=8), min_size=1, max_size=4))
def test_a_windows_command_line_is_split_at_its_blanks_outside_of_quotation_marks(words: list[str]) -> None:
    line = " ".join(f'"{one}"' for one in words)
    assert [one for one in windows_words(line) if one in words][: len(words)]
    assert set(words) <= set(windows_words(line))


def test_a_unit_of_another_folder_is_of_another_configuration() -> None:
    units = {"n.timer": "[Timer]\nOnCalendar=daily\n", "n.service": "[Service]\nExecStart=snapall run\n"}
    enabled = frozenset({"n.timer"})
    assert "SA-1970" not in codes(Seen({}, {}, units, enabled, ""))  # nobody says which one it is
    for folder, found in (("/etc/snapall", False), ("/srv/site2", True), ("-/etc/snapall/", False), ("~", False)):
        units["n.service"] = f"[Service]\nWorkingDirectory={folder}\nExecStart=snapall run\n"
        assert ("SA-1970" in codes(Seen({}, {}, units, enabled, ""))) is found
