"""Another local user beside a run of root: what that user writes is not believed, and no file is overwritten."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from snapall.backup.facts import Answered, Intent, Surveyed
from snapall.backup.model import Vm
from snapall.backup.steps import Done, Quiesce
from snapall.config.load import load
from tests.backup.simulated import Stage
from tests.end_to_end.hostile import NOBODY, as_root, by_nobody, python_for_all, snapall_command
from tests.groups import share
from tests.lab.atlab import AtLab, Ended
from tests.lab.external_actors import make_vm_snapshot

pytestmark = as_root
VM = Vm(108, "web01")


@pytest.fixture
def night(in_sight: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[AtLab]:
    """A lab that other users can reach, beside a folder `open` in which they can make files, as in /tmp."""
    with ExitStack() as stack:
        made = AtLab(in_sight, capsys)
        stack.callback(made.close)
        (in_sight / "open").mkdir()
        (in_sight / "open").chmod(0o1777)
        yield made


@pytest.fixture
def everyone(in_sight: Path) -> Path:
    return in_sight / "open"


def removals(night: AtLab) -> list[str]:
    return [line for line in night.changes if " -d " in line]


def lying_journal(night: AtLab, state: Path) -> str:
    """A journal that claims an administrator's snapshot as that of a run; the snapshot's id."""
    ssid = make_vm_snapshot(night.world, VM.id, "before-upgrade")
    stage = Stage(state, load(night.config).jobs["vol1"])
    claim = (Intent(1, Quiesce(VM, "before-upgrade")), Answered(1, Done(f"SsId:{ssid}", ssid), 1.0))
    journal = stage.begun(Surveyed((), (VM,), (), (), ()), *claim)
    text = journal.path.read_text().replace('"vc01"', '"vc01.lab"')
    journal.path.write_text(text)
    return ssid


def given_to(user: int, *folders: Path) -> None:
    for folder in folders:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, user, user)


@pytest.mark.parametrize("command", [("recover",), ("run",), ("recover", "--adopt", "--yes"), ("status",), ("list",)])
def test_a_journal_that_another_user_planted_removes_no_snapshot(
    night: AtLab, everyone: Path, command: tuple[str, ...]
) -> None:
    night.edit('state = "snapall.state"', f'state = "{everyone}/snapall.state"')
    lying_journal(night, everyone / "planted")
    given_to(NOBODY, everyone / "planted")
    assert by_nobody('mv "$1/planted" "$1/snapall.state"', everyone)
    ended = snapall_command(night, *command)
    assert ended.code == 5
    assert "SA-1523" in ended.err
    assert "belongs to user nobody, and others could have put it there" in ended.err
    assert night.changes == []
    assert night.world.quiesced()[VM.id] == ("before-upgrade",)


def test_the_same_journal_would_be_acted_upon_if_root_had_written_it(night: AtLab, everyone: Path) -> None:
    night.edit('state = "snapall.state"', f'state = "{everyone}/snapall.state"')
    ssid = lying_journal(night, everyone / "snapall.state")
    assert snapall_command(night, "recover").code == 0
    assert [ssid in line for line in removals(night)] == [True]


@pytest.mark.parametrize("command", ["run", "recover"])
def test_a_folder_above_the_state_that_everybody_can_write_is_refused(
    night: AtLab, everyone: Path, command: str
) -> None:
    night.edit('state = "snapall.state"', f'state = "{everyone}/snapall.state"')
    assert night("run").code == 0  # the sticky bit keeps what is there
    everyone.chmod(0o777)
    before = night.changes
    ended = night(command)
    assert ended.code == 5
    assert f"everybody can write the folder {everyone} (mode 0777)" in ended.err
    assert night.changes == before


def test_a_run_beside_a_hostile_user_is_as_if_alone(night: AtLab, everyone: Path) -> None:
    night.edit('state = "snapall.state"', f'state = "{everyone}/snapall.state"')
    assert night("run").code == 0
    state = everyone / "snapall.state"
    assert not by_nobody('exec 9<>"$1/vol1.lock"', state)
    assert not by_nobody('ln -s /etc/passwd "$1/vol1.holder"', state)
    assert not by_nobody('cp /etc/passwd "$1/journals/vol1-29990101T000000Z-aaaa.jsonl"', state)
    assert not by_nobody('mv "$1" "$1.aside"', state)
    assert not by_nobody('echo x >> "$1"', night.config)
    assert not by_nobody('cat "$1/vc.secret"', night.lab.directory)
    assert night("run").code == 0
    night.assert_nothing_is_quiesced()
    assert len(night.ledger.captures) == 2


@pytest.mark.parametrize("link", ["ln -s", "ln"])
@pytest.mark.parametrize(("key", "says"), [("log", "SA-7104"), ("metrics", "")])
def test_a_link_in_place_of_log_or_metrics_is_not_followed(
    night: AtLab, in_sight: Path, everyone: Path, key: str, says: str, link: str
) -> None:
    victim = in_sight / "victim"
    victim.write_text("precious\n")
    victim.chmod(0o666 if link == "ln" else 0o644)  # Linux lets nobody link what he cannot write
    file = everyone / f"snapall.{key}"
    assert by_nobody(f'{link} "$1" "$2"', victim, file)
    old = 'log   = "snapall.log"'
    night.edit(old, f'log = "{file}"' if key == "log" else f'{old}\nmetrics = "{file}"')
    ended = night("run")
    assert ended.code == 0
    assert says in ended.err
    assert victim.read_text() == "precious\n"


@pytest.mark.parametrize("command", ["run", "recover", "doctor", "plan", "list", "audit", "status"])
def test_a_configuration_that_another_user_wrote_starts_no_program(night: AtLab, everyone: Path, command: str) -> None:
    text = night.config.read_text().replace("vcbsnapshot = [", f'vcbsnapshot = ["/usr/bin/touch", "{everyone}/ran", ')
    (everyone / "draft").write_text(text.replace('file = "vc.secret"', f'file = "{night.lab.directory}/vc.secret"'))
    assert by_nobody('cp "$1/draft" "$1/snapall.toml"', everyone)
    ended = snapall_command(night, command, cwd=everyone)
    assert ended.code == 2
    assert "SA-7100" in ended.err
    assert "belongs to user nobody, and this is root" in ended.err
    assert "chown root" in ended.err
    assert not (everyone / "ran").exists()
    assert night.changes == []


def test_a_hook_a_secret_or_host_keys_of_another_user_are_warned_of_by_run_recover_and_doctor_alike(
    night: AtLab, everyone: Path
) -> None:
    hook = everyone / "hook"
    assert by_nobody('printf "#!/bin/sh\\nexit 0\\n" > "$1"; chmod 755 "$1"', hook)
    night.config.write_text(f'{night.config.read_text()}\n[jobs.vol1.hooks]\nafter = ["{hook}"]\n')
    secret = night.lab.directory / "vc.secret"
    secret.chmod(0o666)
    ended = [night(command) for command in ("run", "recover", "doctor")]
    assert [one.code for one in ended] == [0, 0, 0]
    for one in ended:
        told = one.out + one.err
        assert f"{hook} belongs to user nobody" in told
        assert f"others can write {secret}" in told
        assert f"{secret} holds a secret, and not only its owner can read it" in told


# The service user


@pytest.fixture
def python() -> str:
    return python_for_all()


def of_a_service_user(night: AtLab, in_sight: Path, python: str) -> Path:
    """Let user nobody run the backup; the state folder, in a folder that only this user can write."""
    home = in_sight / "service"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    night.edit('state = "snapall.state"', f'state = "{home}/snapall.state"')
    night.edit('log   = "snapall.log"', f'log = "{home}/snapall.log"')
    old = next(line for line in night.config.read_text().splitlines() if line.startswith("vcbsnapshot"))
    night.edit(old, old.replace(night.program[0], python))
    os.chown(night.lab.directory / "vc.secret", NOBODY, NOBODY)
    return home / "snapall.state"


def owners(state: Path) -> set[int]:
    return {path.stat().st_uid for path in (state, *state.rglob("*"), state.parent / "snapall.log")}


def test_root_that_meets_a_service_users_state_becomes_that_user_and_says_so(
    night: AtLab, in_sight: Path, python: str
) -> None:
    state = of_a_service_user(night, in_sight, python)
    first = snapall_command(night, "run", python=python, user=NOBODY)
    assert (first.code, first.err.count("continuing as")) == (0, 0), first.err
    for command in ("recover", "run", "status"):
        ended = snapall_command(night, command, python=python)
        assert ended.code == 0, ended.err
        assert f"the state folder {state} belongs to user nobody: continuing as nobody" in ended.err
        assert owners(state) == {NOBODY}
    assert snapall_command(night, "run", python=python, user=NOBODY).code == 0
    night.assert_nothing_is_quiesced()


def test_recover_by_root_at_boot_settles_what_a_service_users_run_left(
    night: AtLab, in_sight: Path, python: str
) -> None:
    state = of_a_service_user(night, in_sight, python)
    lying_journal(night, in_sight / "planted")  # here it is true: that user may write it
    (in_sight / "planted").rename(state)
    given_to(NOBODY, state)
    assert snapall_command(night, "recover", python=python).code == 0
    assert len(removals(night)) == 1
    night.assert_nothing_is_quiesced()
    assert {path.stat().st_uid for path in (state, *state.rglob("*"))} == {NOBODY}


def test_what_the_service_user_cannot_read_is_named_with_the_user(night: AtLab, in_sight: Path, python: str) -> None:
    of_a_service_user(night, in_sight, python).mkdir()
    given_to(NOBODY, in_sight / "service")
    os.chown(night.lab.directory / "vc.secret", 0, 0)
    ended = snapall_command(night, "recover", python=python)
    assert ended.code == 2
    assert "vc.secret" in ended.err
    assert "let the user who runs snapall read it with `chown`" in ended.err
    assert "continuing as nobody, who has to read these files" in ended.err
    assert night.changes == []


def test_a_service_user_who_cannot_start_snapall_is_named(night: AtLab, in_sight: Path) -> None:
    (in_sight / "hidden").mkdir(mode=0o700)
    (in_sight / "hidden" / "python").symlink_to(sys.executable)
    of_a_service_user(night, in_sight, sys.executable).mkdir()
    given_to(NOBODY, in_sight / "service")
    ended = snapall_command(night, "recover", python=str(in_sight / "hidden" / "python"))
    assert ended.code == 5
    assert "SA-1525" in ended.err
    assert "user nobody, who owns the state folder, cannot read" in ended.err


def test_a_user_who_only_looks_believes_a_configuration_of_the_states_owner(
    night: AtLab, in_sight: Path, python: str
) -> None:
    of_a_service_user(night, in_sight, python).mkdir()
    given_to(NOBODY, in_sight / "service", night.config)
    ended = snapall_command(night, "status", python=python, user=1)
    assert "no run is on record" in ended.out, ended.err
    given_to(2, night.config)
    assert "SA-7100" in snapall_command(night, "status", python=python, user=1).err


# The rights of the configuration


@pytest.mark.parametrize(
    ("mode", "codes"),
    [
        (0o664, {"run": 2, "plan": 2, "doctor": 2, "recover": 0, "status": 0}),
        (0o646, dict.fromkeys(("run", "recover", "status"), 2)),
    ],
)
def test_a_configuration_that_others_can_write_is_refused_but_not_by_recover_for_a_group(
    night: AtLab, mode: int, codes: dict[str, int]
) -> None:
    share(night.config)
    night.config.chmod(mode)
    for command, code in codes.items():
        ended = night(command)
        assert ended.code == code, (command, ended.err)
        if (command, code) != ("status", 0):  # it only reads journals
            assert "SA-7101" in ended.err
            assert "chmod go-w" in ended.err
    assert night.changes == []


def test_a_batch_is_refused_for_the_overlay_beside_it(night: AtLab, in_sight: Path) -> None:
    batch = in_sight / "snapall.bat"
    batch.write_text("rem\n")
    overlay = in_sight / "snapall.bat.toml"
    overlay.write_text("")
    overlay.chmod(0o666)
    night.config = batch
    ended: Ended = night("plan")
    assert (ended.code, f"others can write {overlay}" in ended.err) == (2, True)
