"""Whole runs whose VirtualCenter keeps its tables in a real PostgreSQL, which fails in the middle of them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from snapall.errors import Exit
from snapall.lab.config_file import database_url, string
from tests.lab.atlab import AtLab
from tests.operate.guardians import EVER, Make, end_of_guardians, running
from tests.real import mirrored_vcbsnapshot
from tests.real.machine import missing
from tests.real.postgresql import LOCK, PASSWORD, Postgresql
from tests.waiting import PATIENCE, until

pytestmark = pytest.mark.real
Strike = Callable[[], object]
REVOKE = "REVOKE SELECT (ID, VM_ID, SNAPSHOT_NAME, CREATE_TIME) ON vc.VPX_SNAPSHOT FROM snapall;"


class Answers:
    """A lab whose database is PostgreSQL's, asked with a limit of two seconds."""

    def __init__(self, at_lab: Make, postgresql: Postgresql, folder: Path, **options: object) -> None:
        if find_spec("psycopg") is None:
            missing("psycopg is not installed (pip install 'snapall[postgresql]')")
        self.postgresql = postgresql
        self.folder = folder
        self.lab = at_lab(**options)
        database = self.lab.lab.directory / "virtualcenter.db"
        postgresql.fill_from(database)
        program = self.lab.program
        words = [
            sys.executable,
            "-I",
            "-S",
            mirrored_vcbsnapshot.__file__,
            str(folder),
            str(database),
            *postgresql.psql(),
        ]
        self.lab.edit(f"[{', '.join(map(string, program))}]", f"[{', '.join(map(string, [*words, '--', *program]))}]")
        settings = postgresql.settings("psycopg", 2)
        self.lab.edit(
            f'url   = {string(database_url(self.lab.lab.directory))}\nowner = ""',
            f'url = "{settings.url}"\npassword = "{PASSWORD}"\ntimeout = 2\nowner = "vc"',
        )

    @contextmanager
    def struck(self, strike: Strike) -> Iterator[Future[None]]:
        """The strike comes when a VM is quiesced and the next one is asked for."""

        def act() -> None:
            until((self.folder / "reached").exists, "the second create")
            strike()
            (self.folder / "go").touch()

        with ThreadPoolExecutor(1) as pool:
            done = pool.submit(act)
            yield done
            done.result(PATIENCE)


@pytest.fixture
def night(at_lab: Make, postgresql: Postgresql, tmp_path: Path) -> Answers:
    return Answers(at_lab, postgresql, tmp_path)


def assert_backed_up_without_a_vm_left(lab: AtLab) -> None:
    lab.assert_nothing_is_quiesced()
    lab.assert_shifted_by_one()
    (capture,) = lab.ledger.captures
    assert set(capture.quiesced) >= {108, 110, 1226}


def test_a_run_on_postgresql_is_a_whole_success(night: Answers) -> None:
    with night.struck(lambda: None):
        ended = night.lab("run")
    assert ended.code == Exit.OK, ended.err
    assert_backed_up_without_a_vm_left(night.lab)


def test_a_plan_ends_while_the_snapshots_are_locked(night: Answers) -> None:
    with night.postgresql.session(LOCK):
        ended = night.lab("plan")
    assert ended.code == Exit.FAILED
    assert "SA-2108" in ended.err
    assert "the server did not answer in time" in ended.err


@pytest.mark.parametrize("what", ["locked", "frozen", "stopped", "revoked"])
def test_a_run_releases_every_vm_while_the_database_does_not_answer(night: Answers, what: str) -> None:
    postgresql = night.postgresql
    with ExitStack() as until_the_command_has_ended:
        strikes: dict[str, Strike] = {
            "locked": lambda: until_the_command_has_ended.enter_context(postgresql.session(LOCK)),
            "frozen": lambda: until_the_command_has_ended.enter_context(postgresql.frozen()),
            "stopped": lambda: until_the_command_has_ended.enter_context(postgresql.stopped()),
            "revoked": lambda: postgresql.sql(REVOKE),
        }
        with night.struck(strikes[what]):
            ended = night.lab("run")
    assert ended.code == Exit.PARTIAL, ended.err
    assert_backed_up_without_a_vm_left(night.lab)
    assert "Traceback" not in ended.err


def test_a_server_that_restarts_in_the_middle_of_a_run_costs_nothing(night: Answers) -> None:
    def restart() -> None:
        night.postgresql.stop()
        night.postgresql.start()

    with night.struck(restart):
        ended = night.lab("run")
    assert ended.code == Exit.OK, ended.err
    assert_backed_up_without_a_vm_left(night.lab)


def test_the_guardian_of_a_killed_run_releases_its_vms_while_the_snapshots_are_locked(
    at_lab: Make, postgresql: Postgresql, tmp_path: Path
) -> None:
    night = Answers(at_lab, postgresql, tmp_path, guardian=True)
    with ExitStack() as locked, running(night.lab, EVER, EVER) as run:
        until((tmp_path / "reached").exists, "the second create")
        locked.enter_context(postgresql.session(LOCK))
        run.kill()
        run.wait(PATIENCE)
        (tmp_path / "go").touch()
        end_of_guardians(night.lab)
    assert 108 not in night.lab.world.quiesced()
    # The create that was under way is known to nobody but the database, which VirtualCenter brings up to date.
    postgresql.fill_from(night.lab.lab.directory / "virtualcenter.db")
    assert night.lab("recover").code == Exit.OK
    night.lab.assert_nothing_is_quiesced()
