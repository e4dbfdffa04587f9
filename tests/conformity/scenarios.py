"""The lab in the state of a recorded scenario: what the recording's setting says, in the lab's own terms.

What the batch had and snapall has not is stood for by what comes nearest: osql's output file that is missing, stale or
full of error text by a database that does not answer, another program's lock on the log by one that cannot be written.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from snapall.lab.faults import CREATE, REMOVE, Fault, FaultKind
from snapall.lab.sites import LabVm, SiteSpec
from tests.conformity.recordings import recording
from tests.lab import external_actors
from tests.lab.atlab import AtLab
from tests.lab.sites import batch

ACCESS_VIOLATION = 0xC0000005
CRASH = ACCESS_VIOLATION if sys.platform == "win32" else 5  # its lowest byte, all that other systems keep of it
ERR = "{}: operation failed (stub-injected filer error)"
ABSENT = "a-folder-that-is-not-there/vcbsnapshot"
PLACEHOLDERS = {
    'host      = "127.0.0.1"': 'host      = "replace this text with the DNS name of your NetApp filer"',
    '["vmvol1"]': '["replace this text with the NetApp name of the target flexvol"]',
    'host        = "vc01"': 'host        = "replace this text with the DNS name of your Virtual Center server"',
}

# Of several nights and of two instances only the name shows what differs.
NAMED: Mapping[str, Mapping[str, Any]] = {
    "a_happy_strict_4nights": {},
    "b_filer_create_fails_4nights": {"control": {"rsh.create": "err"}},
    "d_osql_fails_4nights": {"control": {"osql.all": "nofile"}},
    "g_two_instances_same_moment": {"two": True},
    "g_two_instances_staggered": {"two": True},
}


def setting_of(scenario: str) -> Mapping[str, Any]:
    """What differs from the plain case."""
    return recording(scenario).setting or NAMED.get(scenario, {})


def site_of(scenario: str) -> SiteSpec:
    """The site before the first night."""
    setting = setting_of(scenario)
    password = "vcpw"
    if setting.get("vals"):
        password = setting["vals"]["vcpword"].replace("%%", "%")  # as the script's own language writes a per cent sign
    site = batch().having(vc_user="vcbackup", vc_password=password, log_lines=False)
    if "vms" in setting:
        vms = tuple(LabVm(id_, f"vm{id_}", 11, (store,), template=bool(tmpl)) for id_, store, tmpl in setting["vms"])
        site = replace(site, vms=vms)
    if "snaps" in setting:
        site = replace(site, vm_snapshots=tuple((int(id_), int(vm), name) for id_, vm, name in setting["snaps"]))
    if "filer" in setting:
        assert setting["filer"] == []
        site = replace(site, volumes=(replace(site.volumes[0], snapshots=()),))
    if setting.get("two"):
        more = tuple(LabVm(id_, f"ora{id_ - 2000:02d}", 11, (689,)) for id_ in (2001, 2002, 2003))
        vms = (*(vm for vm in site.vms if 688 in vm.datastores), *more)
        site = replace(site, vms=vms, volumes=(site.volumes[0], replace(site.volumes[0], name="vmvol2")))
    return site


def prepare(lab: AtLab, scenario: str) -> None:
    """Bring the lab that `site_of` began into the state of the scenario."""
    lab.edit('host        = "vc01.lab"', 'host        = "vc01"')
    for key, what in setting_of(scenario).items():
        SETTINGS[key](lab, what)


def _nothing(lab: AtLab, what: object) -> None:
    """Of the site, or of how the run is started; or snapall has no such thing as this (`%vc_user%`)."""


def _control(lab: AtLab, faults: Mapping[str, Any]) -> None:
    for what, how in faults.items():
        match what.split("."):
            case ["vcb", "strict"]:
                pass  # the lab's vcbsnapshot always is
            case ["vcb", verb, vm]:
                lab.fault(vcb_fault(verb, vm, how))
            case ["rsh", *call]:
                lab.fault(filer_fault(call, how))
            case ["osql", which]:
                _osql(lab, which, how)
            case _:
                raise AssertionError(what)


def vcb_fault(verb: str, vm: str, how: str, crash: int = CRASH) -> Fault:
    """What happens to a call of vcbsnapshot for a VM, or for any (`*`), by the words of the recordings."""
    fault = Fault(CREATE if verb == "create" else REMOVE, FaultKind.FAIL, times=0, text=how)
    if how.startswith("exit:"):
        code = int(how.removeprefix("exit:"))
        fault = replace(fault, kind=FaultKind.DROP, text="", exit=code if code > 0 else crash)
    return fault if vm == "*" else replace(fault, vm=int(vm))


def filer_fault(call: list[str], how: str) -> Fault:
    """What happens to a command to the filer, by the words of the recordings."""
    if call == ["all"]:
        return Fault("login", FaultKind.REFUSE, times=0)
    if how == "refused":
        return Fault(f"snap {call[0]}", FaultKind.REFUSE, times=0)
    # `rename.vmware_previous` is the rename of that name, not the one to it.
    match = f"vmvol1 {call[1]}" if len(call) > 1 else ""
    return Fault(f"snap {call[0]}", FaultKind.FAIL, times=0, match=match, text=ERR.format(f"snap {call[0]}"))


def _osql(lab: AtLab, which: str, how: str) -> None:
    match which, how:
        case "2", _:
            lab.fault(Fault("snap create", FaultKind.DATABASE_DOWN))
        case "1", _:
            external_actors.set_database(lab.world, up=False)
            lab.fault(Fault("filer", FaultKind.DATABASE_UP))
        case "all", "empty":
            external_actors.forget_datastore(lab.world, 688)
        case "all", "badtable":
            lab.edit('owner = ""', 'owner = "vc_user"')  # no such owner in the lab: the table is not found
        case _:
            external_actors.set_database(lab.world, up=False)


def _missing(lab: AtLab, programs: list[str]) -> None:
    if "vcbsnapshot" in programs:
        _program(lab)
    if "osql" in programs:  # the way to the database that is not installed
        url = next(line for line in lab.config.read_text().splitlines() if line.startswith("url"))
        lab.edit(url, 'url   = "mssql+pymssql://vc_user@VirtualCenter"')


def _program(lab: AtLab, what: object = None) -> None:
    line = next(line for line in lab.config.read_text().splitlines() if line.startswith("vcbsnapshot"))
    lab.edit(line, f'vcbsnapshot = ["{ABSENT}"]')


def _files(lab: AtLab, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (lab.lab.directory / name).write_text(text)


def _lock(lab: AtLab, how: Mapping[str, int]) -> None:
    if (lab.lab.directory / "snapall.log").is_file():
        return  # on Windows another program holds it already
    if how["share"] == 0:
        (lab.lab.directory / "snapall.log").mkdir()
    else:
        lab.edit('log   = "snapall.log"', 'log   = "a-folder-that-is-not-there/snapall.log"')


def _owner(lab: AtLab, pairs: list[tuple[str, str]]) -> None:
    assert [pair[0] for pair in pairs] == ["vc_user"]
    lab.edit('owner = ""', 'owner = "main"')  # what SQLite calls the owner of all tables


def _values(lab: AtLab, values: Mapping[str, str] | None) -> None:
    if values is None:
        for own, placeholder in PLACEHOLDERS.items():
            lab.edit(own, placeholder)


def _blanks(lab: AtLab, strip: bool) -> None:
    assert not strip
    lab.config.write_text("".join(f"{line} \n" for line in lab.config.read_text().splitlines()))


def _two(lab: AtLab, two: bool) -> None:
    text = lab.config.read_text()
    job = text[text.index("[jobs.vol1]") :]
    second = job.replace("[jobs.vol1]", "[jobs.vol2]").replace('"vmvol1"', '"vmvol2"').replace("[688]", "[689]")
    lab.config.write_text(f"{text}\n{second}")


SETTINGS: Mapping[str, Callable[[AtLab, Any], None]] = {
    "control": _control,
    "missing_exe": _missing,
    "no_vcb_dir": _program,
    "files": _files,
    "lock": _lock,
    "subst": _owner,
    "vals": _values,
    "strip": _blanks,
    "two": _two,
    "vms": _nothing,
    "snaps": _nothing,
    "filer": _nothing,
    "env": _nothing,
    "elsewhere": _nothing,
}
