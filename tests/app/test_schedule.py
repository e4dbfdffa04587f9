"""`snapall schedule` and the doctor's look at schedules, with stand-ins for the schedulers' programs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from snapall.app.schedule import check_scheduled
from snapall.config.load import parse
from snapall.lab.config_file import configuration
from snapall.lab.site_options import SiteOptions
from snapall.operate.doctor.checklist import Checklist
from tests.commands.test_cli import ended
from tests.config.test_config import PLAIN
from tests.platforms import posix
from tests.schedulers import Schedulers, stand_in

pytestmark = posix("the stand-ins are scripts")
OTHERS = b"# mine\nMAILTO=caf\xe9@example.edu\n5 5 * * * true\n"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Schedulers:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "snapall.toml").write_text(PLAIN)
    return stand_in(tmp_path, monkeypatch)


Capsys = pytest.CaptureFixture[str]


def test_cron_gets_its_lines_and_everything_else_stays_as_it_is(
    machine: Schedulers, tmp_path: Path, capsys: Capsys
) -> None:
    machine.crontab.write_bytes(OTHERS)
    code, out, err = ended(capsys, "schedule", "--for", "cron", "--install", "--at", "2:30")
    assert (code, err) == (0, "")
    assert "run   crontab - (adds its lines)" in out
    after = machine.crontab.read_bytes()
    assert after.startswith(OTHERS)
    assert f"run --quiet --config {tmp_path}/snapall.toml\n".encode() in after
    assert b"\n30 2 * * * " in after
    assert b"\n@reboot " in after


def test_a_second_installation_replaces_the_first(machine: Schedulers, capsys: Capsys) -> None:
    machine.crontab.write_bytes(OTHERS)
    ended(capsys, "schedule", "--for", "cron", "--install", "--at", "2:30")
    _, out, _ = ended(capsys, "schedule", "--for", "cron", "--install", "--at", "4:44")
    assert "(replaces its lines)" in out
    after = machine.crontab.read_bytes()
    assert after.startswith(OTHERS)
    assert b"\n44 4 * * * " in after
    assert after.count(b" --quiet --config ") == 1


def test_a_crontab_that_cannot_be_read_is_not_written(machine: Schedulers, capsys: Capsys) -> None:
    machine.crontab.write_bytes(OTHERS)
    machine.fail("crontab", "You (me) are not allowed to use this program (crontab)")
    code, _, err = ended(capsys, "schedule", "--for", "cron", "--install")
    assert code == 1
    assert "SA-1967" in err
    assert "not allowed to use this program" in err
    assert machine.crontab.read_bytes() == OTHERS
    assert machine.asked == ["crontab -l"]


def test_a_schedulers_program_does_not_get_the_passwords(
    machine: Schedulers, capsys: Capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VCPWORD", "hunter2")
    for scheduler in ("cron", "systemd", "task-scheduler"):
        (machine.here / "environment").unlink(missing_ok=True)
        assert ended(capsys, "schedule", "--for", scheduler, "--install")[0] == 0
        assert "'PATH'" in (machine.here / "environment").read_text()
        assert "hunter2" not in (machine.here / "environment").read_text()


def test_another_user_gets_the_lines_in_a_crontab_of_its_own(machine: Schedulers, capsys: Capsys) -> None:
    assert ended(capsys, "schedule", "--for", "cron", "--install", "--user", "backup")[0] == 0
    assert "crontab -u backup -" in machine.asked


def test_the_owner_of_the_state_folder_is_who_runs_it(machine: Schedulers, tmp_path: Path, capsys: Capsys) -> None:
    import os
    import pwd

    (tmp_path / "snapall.state").mkdir(mode=0o700)
    if os.geteuid() == 0:
        for path in (tmp_path / "snapall.state", tmp_path / "snapall.toml"):
            os.chown(path, pwd.getpwnam("nobody").pw_uid, -1)
    _, out, _ = ended(capsys, "schedule", "--for", "systemd", "--what", "backup")
    owner = pwd.getpwuid((tmp_path / "snapall.state").stat().st_uid).pw_name
    assert f"\nUser={owner}\n" in out


def test_systemd_gets_three_units_and_is_asked_to_start_them(
    machine: Schedulers, tmp_path: Path, capsys: Capsys
) -> None:
    code, out, err = ended(capsys, "schedule", "--for", "systemd", "--install")
    assert (code, err) == (0, "")
    assert machine.asked[:3] == [
        "systemctl daemon-reload",
        "systemctl enable snapall.timer snapall-recover.service",
        "systemctl restart snapall.timer",
    ]
    for name in ("snapall.service", "snapall.timer", "snapall-recover.service"):
        assert f"write {machine.units / name}\n" in out
        assert (machine.units / name).stat().st_mode & 0o777 == 0o644
    assert f"--config {tmp_path}/snapall.toml" in (machine.units / "snapall.service").read_text()


def test_a_unit_of_that_name_that_starts_something_else_stays(machine: Schedulers, capsys: Capsys) -> None:
    theirs = "[Service]\nExecStart=/usr/bin/snapall run --config /etc/other.toml\n"
    (machine.units / "snapall.service").write_text(theirs)
    code, _, err = ended(capsys, "schedule", "--for", "systemd", "--install")
    assert code == 1
    assert "SA-1962 snapall.service already exists" in err
    assert "/etc/other.toml" in err
    assert "--name" in err
    assert [path.name for path in machine.units.iterdir()] == ["snapall.service"]
    assert (machine.units / "snapall.service").read_text() == theirs
    assert ended(capsys, "schedule", "--for", "systemd", "--install", "--name", "snapall-2")[0] == 0
    assert (machine.units / "snapall-2.timer").exists()


@pytest.mark.parametrize(
    ("name", "theirs", "shown"),
    [
        ("snapall.timer", "[Timer]\nOnCalendar=daily\nUnit=nightly.service\n", "nightly.service"),
        ("snapall.service", "[Service]\nWorkingDirectory=/srv/b\nExecStart=snapall run\n", "snapall run in /srv/b"),
        ("snapall.service", "[Service]\nExecStart=/opt/snapall run\n", "/opt/snapall run"),
        (
            "snapall.service",
            "[Service]\nEnvironment=PW=hunter2 SNAPALL_CONFIG=/etc/b.toml\nExecStart=snapall run\n",
            "SNAPALL_CONFIG=/etc/b.toml snapall run",
        ),
        ("snapall-recover.service", "[Service]\nType=oneshot\n", "something without a command line"),
    ],
)
def test_a_unit_that_is_not_surely_of_this_configuration_stays(
    machine: Schedulers, capsys: Capsys, name: str, theirs: str, shown: str
) -> None:
    (machine.units / name).write_text(theirs)
    code, _, err = ended(capsys, "schedule", "--for", "systemd", "--install")
    assert code == 1
    assert f"SA-1962 {name} already exists and starts something else: {shown}\n" in err
    assert [path.name for path in machine.units.iterdir()] == [name]
    assert (machine.units / name).read_text() == theirs


def test_a_unit_that_names_its_configuration_in_any_way_is_replaced(
    machine: Schedulers, tmp_path: Path, capsys: Capsys
) -> None:
    for line in (f"WorkingDirectory={tmp_path}", f"Environment=SNAPALL_CONFIG={tmp_path}/snapall.toml"):
        (machine.units / "snapall.service").write_text(f"[Service]\n{line}\nExecStart=/opt/snapall run\n")
        code, out, _ = ended(capsys, "schedule", "--for", "systemd", "--install")
        assert (code, "snapall.service (replaces it)" in out) == (0, True)


def test_what_systemd_refuses_is_reported_with_its_words(machine: Schedulers, capsys: Capsys) -> None:
    machine.fail("systemctl", "Failed to connect to bus")
    code, _, err = ended(capsys, "schedule", "--for", "systemd", "--install")
    assert code == 1
    assert "SA-1965 `systemctl daemon-reload` failed (exit code 1): Failed to connect to bus" in err


def test_a_folder_that_cannot_be_written_is_reported(
    machine: Schedulers, capsys: Capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYSTEMD_UNIT_PATH", "/no/such/folder")
    code, _, err = ended(capsys, "schedule", "--for", "systemd", "--install")
    assert code == 1
    assert "SA-1963 /no/such/folder/snapall.service cannot be written: No such file or directory" in err
    assert machine.asked == []


def test_a_scheduler_that_is_not_there_is_reported(
    machine: Schedulers, capsys: Capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(machine.units))
    code, _, err = ended(capsys, "schedule", "--for", "systemd", "--install")
    assert code == 1
    assert "SA-1964 systemctl cannot be started: No such file or directory" in err


def test_windows_gets_two_tasks_from_two_documents(machine: Schedulers, capsys: Capsys) -> None:
    code, out, err = ended(capsys, "schedule", "--for", "task-scheduler", "--install", "--user", r"EXAMPLE\backup")
    assert (code, err) == (0, "")
    assert "schtasks /Create /TN snapall run /XML snapall-run.xml /F" in machine.asked
    assert r"<UserId>EXAMPLE\backup</UserId>" in machine.task("snapall recover").read_text()
    assert r'schtasks /Change /TN "snapall run" /RU "EXAMPLE\backup" /RP *' in out


def test_a_task_of_that_name_that_starts_something_else_stays(machine: Schedulers, capsys: Capsys) -> None:
    machine.task("x").parent.mkdir()
    theirs = "<Task><Actions><ComHandler><ClassId>{0}</ClassId></ComHandler></Actions></Task>"
    machine.task("snapall recover").write_text(theirs)
    assert "something without a command line" in ended(capsys, "schedule", "--for", "task-scheduler", "--install")[2]
    theirs = "<Task><Actions><Exec><Command>calc.exe</Command></Exec></Actions></Task>"
    machine.task("snapall recover").write_text(theirs)
    code, _, err = ended(capsys, "schedule", "--for", "task-scheduler", "--install")
    assert code == 1
    assert "SA-1962 snapall recover already exists and starts something else: calc.exe" in err
    assert machine.task("snapall recover").read_text() == theirs
    assert not machine.task("snapall run").exists()


def test_an_installation_of_its_own_is_replaced(machine: Schedulers, capsys: Capsys) -> None:
    for at in ("2:30", "4:44"):
        assert ended(capsys, "schedule", "--for", "task-scheduler", "--install", "--at", at)[0] == 0
        assert ended(capsys, "schedule", "--for", "systemd", "--install", "--at", at)[0] == 0
    assert "T04:44:00" in machine.task("snapall run").read_text()
    assert "OnCalendar=*-*-* 04:44:00" in (machine.units / "snapall.timer").read_text()


def test_the_old_batch_is_warned_of_after_an_installation(machine: Schedulers, capsys: Capsys) -> None:
    machine.crontab.write_text("0 3 * * * /scripts/snapall.bat\n")
    code, _, err = ended(capsys, "schedule", "--for", "cron", "--install")
    assert code == 0
    assert "warning: SA-1972 the old batch is still scheduled: crontab line 1 starts /scripts/snapall.bat" in err
    assert "remedy: remove that entry" in err


@pytest.mark.parametrize("scheduler", ["systemd", "task-scheduler"])
def test_without_install_nothing_is_changed(machine: Schedulers, capsys: Capsys, scheduler: str) -> None:
    code, out, _ = ended(capsys, "schedule", "--for", scheduler)
    assert code == 0
    assert "Nothing was changed." in out
    assert not any(words in one for one in machine.asked for words in ("systemctl", "/Create"))
    assert list(machine.units.iterdir()) == []


def test_each_file_is_printed_alone(machine: Schedulers, capsys: Capsys) -> None:
    _, run, _ = ended(capsys, "schedule", "--for", "task-scheduler", "--what", "backup")
    _, recover, _ = ended(capsys, "schedule", "--for", "task-scheduler", "--what", "recover")
    assert run.startswith("<?xml ")
    assert (run + recover).count("<?xml ") == 2
    assert ended(capsys, "schedule", "--for", "cron")[1].startswith("# begin of snapall schedule: ")


def test_all_files_are_written_into_a_folder(machine: Schedulers, tmp_path: Path, capsys: Capsys) -> None:
    for _ in range(2):
        assert ended(capsys, "schedule", "--for", "systemd", "--out", str(tmp_path / "out"))[0] == 0
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["snapall-recover.service", "snapall.service", "snapall.timer"]


def test_a_file_that_is_there_already_is_not_overwritten(machine: Schedulers, tmp_path: Path, capsys: Capsys) -> None:
    (tmp_path / "snapall.timer").write_text("theirs")
    code, _, err = ended(capsys, "schedule", "--for", "systemd", "--out", str(tmp_path))
    assert code == 1
    assert f"SA-1963 {tmp_path}/snapall.timer cannot be written: another file of this name is there" in err
    assert (tmp_path / "snapall.timer").read_text() == "theirs"
    assert not (tmp_path / "snapall.service").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--at", "25:00"), "'25:00' is not a time"),
        (("--at", "3"), "'3' is not a time"),
        (("--name", "../x"), "'../x' is not a possible name"),
        (("--for", "cron", "--what", "timer"), "cron has no 'timer'"),
        (("--for", "systemd", "--what", "x"), "choose one of backup, timer, recover"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(
    machine: Schedulers, capsys: Capsys, words: tuple[str, ...], says: str
) -> None:
    code, _, err = ended(capsys, "schedule", *words)
    assert code == 2
    assert "SA-1960" in err
    assert says in err


@pytest.mark.parametrize("words", [("--install", "--out", "x"), ("--what", "backup", "--out", "x")])
def test_only_one_thing_is_done_at_a_time(machine: Schedulers, capsys: Capsys, words: tuple[str, ...]) -> None:
    code, _, err = ended(capsys, "schedule", "--for", "systemd", *words)
    assert (code, "exclude each other" in err) == (2, True)
    assert machine.asked == []


def test_the_program_is_named_as_it_was_started(
    machine: Schedulers, tmp_path: Path, capsys: Capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    launcher = tmp_path / "bin" / "snapall.exe"
    launcher.parent.mkdir()
    launcher.write_text("")
    launcher.chmod(0o755)
    monkeypatch.setattr(sys, "argv", ["bin/snapall"])  # as the launcher of Windows hands it on
    assert (
        f"<Command>{launcher}</Command>" in ended(capsys, "schedule", "--for", "task-scheduler", "--what", "backup")[1]
    )
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "snapall" / "__main__.py")])
    out = ended(capsys, "schedule", "--for", "task-scheduler", "--what", "backup")[1]
    assert f"<Command>{sys.executable}</Command>" in out
    assert "<Arguments>-m snapall run --quiet " in out


def test_a_simulated_site_is_not_warned_that_nothing_schedules_it(machine: Schedulers, tmp_path: Path) -> None:
    lab = configuration(tmp_path, SiteOptions(), transport="rsh", port=514, parallel=1, order="safe", extra="")
    for found, text in (([""], lab), (["SA-1970", "SA-1971"], PLAIN)):
        checks = Checklist()
        check_scheduled(checks, parse(text, tmp_path / "snapall.toml", {}, secrets=False))
        assert [one.code for one in checks.results] == found
