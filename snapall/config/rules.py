"""The rules between the keys of a table, judged even where some key is faulty, so that all faults come at once.

A rule sees which keys the file gives, the values that are valid, and the reading; it yields faults.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from pydantic import AfterValidator, BeforeValidator, ValidationInfo
from pydantic_core import PydanticCustomError

from snapall.backup.model import DEVICE_NAME, Order, chain_names, volume_at
from snapall.config.conflicts import FOREIGN, Claim, conflicts_with
from snapall.config.shells import is_far, is_safe, shell_of
from snapall.config.tomlfile import dotted
from snapall.config.values import Reading, checked_name, reading_of
from snapall.escaping import quoted

# What a reading adds to a table, under keys that nobody writes.
NAME, GIVEN = "\0name", "\0given"
Faults = Iterator[tuple[str, str]]
"""Faults: the key, "" for the table itself, and what is wrong with it."""
Rule = Callable[[frozenset[str], Mapping[str, Any], Reading], Faults]


def ruled_by(*rules: Rule) -> AfterValidator:
    """Judge a table by rules, at its last key."""

    def judge(given: frozenset[str], info: ValidationInfo) -> frozenset[str]:
        faults = [fault for rule in rules for fault in rule(given, info.data, reading_of(info))]
        if faults:
            text = "; ".join(text for _, text in faults)
            raise PydanticCustomError("faults", "{text}", {"text": text, "faults": faults})
        return frozenset()

    return AfterValidator(judge)


def with_keys(table: object, marks: Mapping[str, str] | None = None) -> object:
    """Add to a table which of its keys the file gives."""
    return {**table, **(marks or {}), GIVEN: frozenset(table)} if isinstance(table, dict) else table


def named(kind: Literal["filers", "jobs"]) -> BeforeValidator:
    """Give every `[filers.NAME]` or `[jobs.NAME]` its name, and the reading all of these names."""

    def name(tables: object, info: ValidationInfo) -> object:
        if not isinstance(tables, dict):
            return tables
        reading_of(info).names[kind] = tuple(tables)
        return {name: with_keys(table, {NAME: name}) for name, table in tables.items()}

    return BeforeValidator(name)


def vcenter_rules(given: frozenset[str], valid: Mapping[str, Any], _reading: Reading) -> Faults:
    """Check the login, and what a shell would read again, on another machine or for a batch file of Windows."""
    both = "give both, or neither if VCB's own config.js supplies them"
    if "user" in given and "password" not in given:
        yield "password", f"is missing, though there is a user: {both}"
    if "password" in given and "user" not in given:
        yield "user", f"is missing, though there is a password: {both}"
    argv = valid.get("vcbsnapshot", ("",))
    if not (shell := shell_of(argv)):
        return
    if "password" in given:
        where = "remote command line of" if is_far(argv) else "command line of a shell behind"
        advice = f"leave out user and password, and use config.js{' on the proxy' if is_far(argv) else ''}"
        yield "password", f"would appear on the {where} {quoted(shell)}; {advice}"
    safe = f"passes through another shell behind {quoted(shell)}: only letters, digits and _ . : = @ - are safe"
    if not is_safe(valid.get("host", "x")):
        yield "host", safe
    yield from (("vcbsnapshot", f"{quoted(word)} {safe}") for word in argv[1:] if not is_safe(word))


def filer_rules(given: frozenset[str], valid: Mapping[str, Any], reading: Reading) -> Faults:
    """Check that the filer has the keys that its transport needs, and no other."""
    name, transport = str(valid["name"]), valid.get("transport")
    reading.hosts[name] = valid.get("host", name)
    yield from _name_faults(name, "filers", reading)
    if transport == "rsh":
        for key in sorted({"key_file", "known_hosts", "ssh_algorithms"} & given):
            yield key, 'is for ssh only: leave it out, or write transport = "ssh"'
        password = valid.get("password")
        if password is not None and not valid.get("user"):
            yield "user", "is missing, though there is a password"
        if password is not None and not password.reveal().isascii():
            yield "password", "holds a character outside ASCII, which rsh cannot send"
    if (restore := valid.get("restore")) is not None:
        yield from _restore_faults(restore, transport)
    if ":" in (valid.get("user") or ""):
        yield "user", "holds a colon, which no filer's user name does: write what follows it into `password`"
    if transport != "ssh":
        return
    if {"key_file", "password"} <= given:
        yield "password", "is given together with key_file: keep one of the two"
    if not {"key_file", "password"} & given:
        yield "key_file", "is missing: ssh needs a key_file or a password"
    if "known_hosts" not in given:
        yield "known_hosts", "is missing: name the file that holds the filer's host key (an empty file will do)"
    if "user" not in given:
        yield "user", "is missing: ssh needs the filer's user"
    for key in sorted({"local_user", "reserved_port"} & given):
        yield key, 'is for rsh only: leave it out, or write transport = "rsh"'


def _restore_faults(login: Any, transport: object) -> Faults:
    """Check that the login for restores has what the filer's transport needs."""
    if transport == "ssh" and (login.key_file is None) == (login.password is None):
        yield "restore", "must have either a key_file or a password for ssh"
    if transport == "rsh" and login.key_file is not None:
        yield "restore", 'has a key_file, which is for ssh only: leave it out, or write transport = "ssh"'
    if transport == "rsh" and login.password is not None and not login.password.reveal().isascii():
        yield "restore", "has a password with a character outside ASCII, which rsh cannot send"


def syslog_rules(given: frozenset[str], valid: Mapping[str, Any], _: Reading) -> Faults:
    """Check that the address suits the protocol and this system."""
    if not valid.get("address", "").startswith("/"):
        return
    if "protocol" in given:
        yield "protocol", "is for HOST:PORT only: leave it out"
    if sys.platform == "win32":
        yield "address", "must be HOST:PORT on Windows, which has no such socket"


def eventlog_rules(_given: frozenset[str], _valid: Mapping[str, Any], _: Reading) -> Faults:
    """Check that this system has an event log."""
    yield from () if sys.platform == "win32" else (("", "is for Windows only: write [notify.syslog] in its place"),)


def mail_rules(given: frozenset[str], valid: Mapping[str, Any], _: Reading) -> Faults:
    """Check that a login is complete, encrypted, and of characters that SMTP's login takes."""
    for key, other in (("user", "password"), ("password", "user")):
        if other in given and key not in given:
            yield key, f"is missing, though there is a {other}: give both, or neither"
    if "password" in given and valid.get("tls") == "none":
        yield "password", 'would cross the network unencrypted: set tls to "starttls" or "tls", or leave it out'
    if "ca_file" in given and valid.get("tls") == "none":
        yield "ca_file", 'is for an encrypted connection only: leave it out, or set tls to "starttls" or "tls"'
    password = valid.get("password")
    if not (valid.get("user") or "").isascii() or (password is not None and not password.reveal().isascii()):
        yield "password", "cannot be sent: user and password must be ASCII"


def vmx_rules(given: frozenset[str], _valid: Mapping[str, Any], _reading: Reading) -> Faults:
    """Check that there is exactly one proof of who we are."""
    if {"key_file", "password"} <= given:
        yield "password", "is given together with key_file: keep one of the two"
    if not {"key_file", "password"} & given:
        yield "key_file", "is missing: ssh needs a key_file or a password"


def verify_rules(given: frozenset[str], valid: Mapping[str, Any], _: Reading) -> Faults:
    """Check that there is a way to read a LUN, and that its device differs from LUN to LUN."""
    if not {"device", "helper"} & given:
        yield "device", "is missing: name the device of a LUN on this machine, or a `helper` command that checks it"
    device, helper = valid.get("device", ""), " ".join(valid.get("helper", ()))
    if device and not any(one in device for one in _OF_A_LUN):
        yield "device", f"must contain one of {', '.join(_OF_A_LUN)}, or every LUN would be the same device"
    if helper and not any(one in helper for one in (*_OF_A_LUN, "{device}")):
        yield "helper", f"must contain one of {', '.join((*_OF_A_LUN, '{device}'))}, or it cannot know the LUN"
    if "{device}" in helper and not device:
        yield "device", "is missing, though `helper` contains {device}"


_OF_A_LUN = ("{serial}", "{hex}", "{id}")


def job_rules(given: frozenset[str], valid: Mapping[str, Any], reading: Reading) -> Faults:
    """Check a job's filer, its names, and what its order allows."""
    yield from _name_faults(valid["name"], "jobs", reading)
    filers = reading.names.get("filers", ())
    if "filer" in valid and valid["filer"] not in filers:
        known = f"defined are {', '.join(map(quoted, filers))}" if filers else "none is defined"
        yield "filer", f"there is no table [{dotted(('filers', valid['filer']))}]; {known}"
    if not {"datastores", "query"} & given:
        yield "datastores", "is missing: name datastores by id or name, or write a `query` that returns VM ids"
    if {"retain", "chain"} <= given:
        yield "retain", "is given together with chain: the length of the chain is the number retained"
    if valid.get("order") is Order.PAPER and valid.get("publish", "any") not in ("any", None):
        yield "publish", 'must be "any" with order = "paper", which rotates before it knows the grade; leave it out'
    taken = "is reserved for schedules, SnapMirror, SnapVault or other products; choose another"
    for name in filter(FOREIGN.fullmatch, valid.get("chain") or ()):
        yield "chain", f"{quoted(name)} {taken}"
    if FOREIGN.fullmatch(f"{valid.get('prefix', '')}_recent"):
        yield "prefix", f"{quoted(valid['prefix'])} {taken}"


def replication_rules(_given: frozenset[str], valid: Mapping[str, Any], reading: Reading) -> Faults:
    """Check that each relation names a filer, and starts at a volume of the job."""
    replicate, filers = valid.get("replicate"), reading.names.get("filers", ())
    for one in (*replicate.mirrors, *replicate.vaults) if replicate is not None else ():
        if one.filer not in filers:
            yield "replicate", f"there is no table [{dotted(('filers', one.filer))}]"
    for one in replicate.mirrors if replicate is not None and "volumes" in valid else ():
        if volume_at(one.source) not in valid["volumes"]:
            yield "replicate", f"{quoted(one.source)} is no volume of this job"


def lun_rules(_given: frozenset[str], valid: Mapping[str, Any], _reading: Reading) -> Faults:
    """Check that each LUN of `luns` lies on a volume of the job, and is one VM's."""
    owner: dict[str, str] = {}
    for vm, paths in valid.get("luns", {}).items():
        for path in paths:
            volume = path.split("/")[2]
            if volume not in valid.get("volumes", (volume,)):
                yield "luns", f"{path} of {quoted(vm)} is on no volume of the job: correct it, or add {volume}"
            if owner.setdefault(path, vm) != vm:
                yield "luns", f"{path} is given to {quoted(owner[path])} and to {quoted(vm)}: keep one"


def unclaimed(_given: frozenset[str], valid: Mapping[str, Any], reading: Reading) -> Faults:
    """Check that no earlier job of the file claims a name of this one, even where other keys of this job are faulty."""
    if {"filer", "volumes", "prefix", "retain", "chain"} <= valid.keys():
        names = valid["chain"] or chain_names(valid["prefix"], valid["retain"])
        host = reading.hosts.get(valid["filer"], valid["filer"])
        claim = Claim(host, valid["volumes"], names, valid["prefix"], by_chain=bool(valid["chain"]))
        yield from conflicts_with(claim, reading.claims)
        reading.claims[valid["name"]] = claim


def _file_name_faults(name: str) -> Iterator[str]:
    """Check a name that files and folders are called by, also on a Windows to which the state may move."""
    if DEVICE_NAME.fullmatch(name):
        yield f"{quoted(name)} is a device on Windows, where no file can be called so; give it another name"
    if name.endswith("."):
        yield f"{quoted(name)} ends in a dot, which Windows drops from a folder's name; give it another name"


def _name_faults(name: str, kind: str, reading: Reading) -> Faults:
    try:
        checked_name(name)
    except ValueError as error:
        yield "", str(error)
    if kind == "jobs":
        yield from (("", fault) for fault in _file_name_faults(name))
    names = reading.names.get(kind, ())
    for other in names[: names.index(name)] if name in names else ():
        if other.lower() == name.lower():
            yield "", f"differs from {quoted(other)} in case only; give it another name"
