"""The doctor and the login for restores: what it lacks is a warning, and the nightly login is tried, too."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from snapall.lab.faults import Fault, FaultKind
from snapall.lab.lunsites import LabLun, igroups_of
from snapall.lab.sites import SiteSpec
from tests.lab.atlab import AtLab
from tests.lab.sites import batch

Make = Callable[..., AtLab]
DENIED = "user restorer denied access - missing required capability: 'cli-x'"
LOGIN = {
    "rsh": '\n[filers.filer1.restore]\nuser = "restorer"\n',
    "ssh": '\n[filers.filer1.restore]\nuser = "snapall"\nkey_file = "id_rsa"\n',
}


def site() -> SiteSpec:
    """A VM with a LUN of its own, and the paper's initiator groups."""
    return replace(
        batch(),
        luns=(LabLun("/vol/vmvol1/sql01", (("esx", 0),)),),
        igroups=igroups_of(((11, "esx01.example.edu"),)),
    )


def with_login(at_lab: Make, transport: str = "rsh", spec: SiteSpec | None = None) -> AtLab:
    night = at_lab(site=spec or site(), transport=transport)
    night.config.write_text(night.config.read_text() + LOGIN[transport])
    return night


def checks(night: AtLab) -> dict[str, list[dict[str, str]]]:
    """The results by check, of those that concern a login."""
    ended = night("doctor", "--json")
    assert ended.code == 0, ended.out
    links = [one for one in json.loads(ended.out)["links"] if one["link"] in {"restore login", "nightly login"}]
    return {name: [one for one in links if one["link"] == name] for name in ("restore login", "nightly login")}


@pytest.mark.parametrize("transport", ["ssh", "rsh"])
def test_a_login_that_can_do_what_restores_need_passes_and_nothing_is_changed(at_lab: Make, transport: str) -> None:
    night = with_login(at_lab, transport)
    ((found,),) = [checks(night)["restore login"]]
    assert (found["mark"], found["text"]) == ("ok", "vmvol1: 1 LUNs in 1 maps")
    assert all(entry.effect is None for entry in night.ledger)


def test_each_login_is_sent_only_what_it_is_for(at_lab: Make) -> None:
    night = with_login(at_lab)
    checks(night)
    sent = {(entry.user, entry.command) for entry in night.ledger if entry.command}
    by_restorer = {command for user, command in sent if user == "restorer"}
    assert {"lun show -v", "lun show -m", "igroup show", "snap restore", "version"} <= by_restorer
    others = {command for user, command in sent if user != "restorer"}
    assert not {command for command in others if command.startswith(("lun", "igroup"))}


def test_a_nightly_run_needs_no_lun_command(at_lab: Make) -> None:
    night = with_login(at_lab)
    night.world.add_faults(*(Fault(verb, FaultKind.FAIL, times=0, text=DENIED) for verb in ("lun", "igroup")))
    assert night("run").code == 0
    assert not any(entry.command.startswith(("lun", "igroup")) for entry in night.ledger)
    assert "restorer" not in {entry.user for entry in night.ledger}


@pytest.mark.parametrize(
    ("luns", "fault", "mark", "text"),
    [
        (True, (), "ok", "it will have 1 LUNs"),
        (False, (), "ok", "it will have no LUN"),
        (True, (Fault("lun", FaultKind.FAIL, times=0, text=DENIED),), "warn", "the run-book of job vol1 lacks"),
    ],
)
def test_what_a_run_book_will_lack_is_said(
    at_lab: Make, luns: bool, fault: tuple[Fault, ...], mark: str, text: str
) -> None:
    night = at_lab(site=site() if luns else batch(), runbook=True)
    night.world.add_faults(*fault)
    (found,) = [one for one in json.loads(night("doctor", "--json").out)["links"] if one["link"] == "run-book"]
    assert found["mark"] == mark
    assert found["text"].startswith(text)


def test_without_a_login_for_restores_nothing_of_restores_is_checked(at_lab: Make) -> None:
    night = at_lab(site=site())
    assert checks(night) == {"restore login": [], "nightly login": []}
    assert not any(entry.command.startswith(("lun", "igroup", "snap restore")) for entry in night.ledger)


@pytest.mark.parametrize(
    ("verb", "code"), [("version", "SA-4160"), ("igroup show", "SA-4304"), ("lun show", "SA-4304")]
)
def test_a_right_that_the_restore_login_lacks_is_a_warning_with_its_remedy(at_lab: Make, verb: str, code: str) -> None:
    night = with_login(at_lab)
    # The nightly login asks for the version first, and must get it: twice, for the connection and for its check.
    night.world.add_faults(Fault(verb, FaultKind.FAIL, nth=3 if verb == "version" else 1, times=1, text=DENIED))
    (found,) = checks(night)["restore login"]
    assert (found["mark"], found["code"]) == ("warn", code)
    assert found["remedy"]
    assert "mount and restore will fail" in found["text"]


def test_a_restore_login_that_is_rejected_is_a_warning_and_no_failure(at_lab: Make) -> None:
    night = at_lab(site=site(), transport="ssh")
    login = '\n[filers.filer1.restore]\nuser = "nobody"\nkey_file = "id_rsa"\n'
    night.config.write_text(night.config.read_text() + login)
    (found,) = checks(night)["restore login"]
    assert (found["mark"], bool(found["remedy"])) == ("warn", True)
    assert "refused the ssh login of nobody" in found["text"]


def test_a_restore_login_without_snap_restore_can_only_mount_and_swap(at_lab: Make) -> None:
    night = with_login(at_lab)
    night.world.add_faults(Fault("snap restore", FaultKind.FAIL, text=DENIED))
    *_, found = checks(night)["restore login"]
    assert (found["mark"], found["code"]) == ("warn", "SA-4308")
    assert "cli-snap*" in found["remedy"]


def test_a_nightly_login_that_can_revert_a_volume_is_warned_of(at_lab: Make) -> None:
    (found,) = checks(with_login(at_lab))["nightly login"]
    assert (found["mark"], found["code"]) == ("warn", "SA-4307")


def test_a_nightly_login_that_cannot_revert_a_volume_is_as_it_should_be(at_lab: Make) -> None:
    night = with_login(at_lab)
    night.world.add_faults(Fault("snap restore", FaultKind.FAIL, nth=2, text=DENIED))
    (found,) = checks(night)["nightly login"]
    assert found["mark"] == "ok"


def test_a_filer_without_luns_or_groups_is_named(at_lab: Make) -> None:
    night = with_login(at_lab, spec=batch())
    (found,) = checks(night)["restore login"]
    assert (found["mark"], found["code"]) == ("warn", "SA-4301")
