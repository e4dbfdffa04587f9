"""snapall before a real PostgreSQL, through each driver: rights, locks, restarts, a frozen server, thousands of VMs."""

from __future__ import annotations

import gc
import socket
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib.util import find_spec

import pytest

from snapall.errors import SiteError
from snapall.site.virtualcenter import VirtualCenter
from tests.real.machine import missing
from tests.real.postgresql import LOCK, SQL, Postgresql
from tests.waiting import PATIENCE, until

# Where pg8000 fails to connect, it does not close its socket.
pytestmark = [pytest.mark.real, pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")]
SNAPSHOT = (1228, 611, "Quiesce", "2007-03-22 03:00:00")
LATE, AWAY = "the server did not answer in time", "the server cannot be reached"


@pytest.fixture(params=["psycopg", "psycopg2", "pg8000"])
def driver(request: pytest.FixtureRequest) -> Iterator[str]:
    name = str(request.param)
    if find_spec(name) is None:
        missing(f"{name} is not installed (pip install 'snapall[test]')")
    yield name
    gc.collect()  # so that no later test hears of it


def complaint(act: Callable[[], object]) -> SiteError:
    with pytest.raises(SiteError) as caught:
        act()
    assert "CHANGE-ME" not in caught.value.message
    return caught.value


def test_with_the_granted_rights_alone_every_question_is_answered(postgresql: Postgresql, driver: str) -> None:
    postgresql.fill("VPX_VM", [(611, 9, 0), (112, 9, 1)])
    postgresql.fill("VPX_DS_ASSIGNMENT", [(688, 611), (688, 112), (688, 9)])
    postgresql.fill("VPX_ENTITY", [(611, "sql%2f01")])
    postgresql.fill("VPX_HOST", [(9, "esx01")])
    postgresql.fill("VPX_DATASTORE", [(688, "vol1", 53687091200, None)])
    postgresql.fill("VPX_SNAPSHOT", [SNAPSHOT])
    vc = VirtualCenter(postgresql.settings(driver, PATIENCE))
    (vm,) = vc.vms([688]).vms
    assert (vm.id, vm.name, vm.host) == (611, "sql/01", "esx01")
    (row,) = vc.snapshots([611], ["snapshot-1228"])
    assert (row.ssid, row.created) == ("snapshot-1228", datetime(2007, 3, 22, 3, tzinfo=UTC))
    assert vc.registered([611, 7]) == {611: "esx01"}
    assert vc.inventory()[0].capacity == 53687091200
    assert vc.placements()[0].datastores == (688,)
    assert vc.clock() is not None
    assert postgresql.sessions() == 0


def test_two_thousand_vms_are_found_with_their_snapshots(postgresql: Postgresql, driver: str) -> None:
    ids = range(1000, 3000)
    postgresql.fill("VPX_VM", [(one, 9, 0) for one in ids])
    postgresql.fill("VPX_DS_ASSIGNMENT", [(688, one) for one in ids])
    postgresql.fill("VPX_SNAPSHOT", [(one + 10_000, one, "Quiesce", SNAPSHOT[3]) for one in ids])
    vc = VirtualCenter(postgresql.settings(driver, PATIENCE))
    found = [vm.id for vm in vc.vms([688]).vms]
    assert found == list(ids)
    ssids = [f"snapshot-{one + 10_000}" for one in ids]
    assert [row.ssid for row in vc.snapshots(found, ssids)] == ssids


def test_a_lock_on_the_snapshots_ends_the_question_and_its_session(postgresql: Postgresql, driver: str) -> None:
    asked = VirtualCenter(postgresql.settings(driver, 1))
    with postgresql.session(LOCK):
        said = complaint(lambda: asked.snapshots([611]))
        until(lambda: postgresql.sessions() == 0, "the server ends what nobody waits for any more")
    assert LATE in said.message
    assert "what locks the VPX_ tables" in said.hint


def test_a_server_that_freezes_in_the_middle_of_a_statement_is_given_up(postgresql: Postgresql, driver: str) -> None:
    """Its own limit stands still with it; only the client's is left."""
    asked = VirtualCenter(postgresql.settings(driver, 3))
    with postgresql.session(LOCK), ThreadPoolExecutor(1) as pool:
        question = pool.submit(complaint, lambda: asked.snapshots([611]))
        until(lambda: postgresql.waiting() or question.done(), "the question waits for the lock")
        with postgresql.frozen(postgresql.waiting()):
            assert LATE in question.result(PATIENCE).message
    until(lambda: postgresql.sessions() == 0, "what was left behind ends")


def test_a_frozen_server_is_given_up_and_the_next_question_finds_it_thawed(postgresql: Postgresql, driver: str) -> None:
    asked = VirtualCenter(postgresql.settings(driver, 2))
    with postgresql.frozen():
        assert AWAY in complaint(lambda: asked.snapshots([611])).message
    assert VirtualCenter(postgresql.settings(driver, PATIENCE)).snapshots([611]) == ()


def test_a_server_that_is_stopped_cannot_be_reached_until_it_runs_again(postgresql: Postgresql, driver: str) -> None:
    asked = VirtualCenter(postgresql.settings(driver, PATIENCE))
    assert asked.snapshots([611]) == ()
    with postgresql.stopped():
        said = complaint(lambda: asked.snapshots([611]))
    assert AWAY in said.message
    assert "whether PostgreSQL runs" in said.hint
    assert asked.snapshots([611]) == ()


def test_a_server_that_stops_in_the_middle_of_a_statement_cannot_be_reached(
    postgresql: Postgresql, driver: str
) -> None:
    asked = VirtualCenter(postgresql.settings(driver, PATIENCE))
    with postgresql.session(LOCK), ThreadPoolExecutor(1) as pool:
        question = pool.submit(complaint, lambda: asked.snapshots([611]))
        until(postgresql.waiting, "the question waits for the lock")
        with postgresql.stopped():
            assert AWAY in question.result(PATIENCE).message


def test_a_right_that_was_dropped_is_named_with_postgresqls_grants(postgresql: Postgresql, driver: str) -> None:
    asked = VirtualCenter(postgresql.settings(driver, PATIENCE))
    assert asked.snapshots([611]) == ()
    postgresql.sql("REVOKE SELECT (ID, VM_ID, SNAPSHOT_NAME, CREATE_TIME) ON vc.VPX_SNAPSHOT FROM snapall;")
    said = complaint(lambda: asked.snapshots([611]))
    assert "the login may not read these tables" in said.message
    assert "sql/grants-postgresql.sql" in said.hint


def test_a_wrong_password_is_a_refused_login(postgresql: Postgresql, driver: str) -> None:
    said = complaint(lambda: VirtualCenter(postgresql.settings(driver, PATIENCE, "hunter2")).snapshots([611]))
    assert "the login was refused" in said.message
    assert "pg_hba.conf" in said.hint
    assert "hunter2" not in said.message


def test_something_else_that_listens_there_is_named(postgresql: Postgresql, driver: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        settings = postgresql.settings(driver, PATIENCE)
        url = settings.url.replace(f":{postgresql.port}/", f":{listener.getsockname()[1]}/")
        question = pool.submit(complaint, VirtualCenter(settings.model_copy(update={"url": url})).clock)
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            connection.shutdown(socket.SHUT_WR)
            said = question.result(PATIENCE)
    assert said.code == ("SA-2107" if driver == "pg8000" else "SA-2106")  # pg8000 sees no more than an end
    assert "check host" in said.hint


def test_the_grants_need_a_superuser_as_they_say(server: Postgresql) -> None:
    server.fresh()
    grants = (SQL / "grants-postgresql.sql").read_text()
    assert "run it as a superuser" in grants
    server.sql("CREATE ROLE roles LOGIN CREATEROLE;", database="postgres")
    try:
        for other, refusal in (
            ("vc", "permission denied to create role"),
            ("roles", "permission denied for schema vc"),
        ):
            words = server.psql("--single-transaction", "-f", "-", user=other)
            done = subprocess.run(words, input=grants, capture_output=True, text=True, check=False)
            assert refusal in done.stderr
    finally:
        server.sql("DROP ROLE roles;", database="postgres")
    subprocess.run(server.psql("--single-transaction", "-f", "-"), input=grants, text=True, check=True)


def test_the_statements_run_as_they_stand(postgresql: Postgresql) -> None:
    postgresql.fill("VPX_SNAPSHOT", [(1228, 7, "Quiesce", SNAPSHOT[3]), (9, 108, "Quiesce", SNAPSHOT[3])])
    answered = postgresql.sql((SQL / "statements" / "postgresql.sql").read_text(), user="snapall").splitlines()
    assert answered.count("9|108|Quiesce|2007-03-22 03:00:00") == 2
    assert answered.count("1228|7|Quiesce|2007-03-22 03:00:00") == 1
