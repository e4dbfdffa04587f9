"""What must hold between the keys of snapall.toml, judged even where single keys are faulty: all is said at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from snapall.backup.model import chain_names
from snapall.config import values
from snapall.config.schema import ConfigFault
from snapall.config.tomlfile import dotted
from snapall.escaping import quoted

Table = Mapping[str, object]
"""A table as the file has it, nothing of it checked yet."""

# Called through one of these, vcbsnapshot's arguments are read once more by a shell on the far side.
_FAR_SHELLS = ("ssh", "plink")

OTHERS = re.compile(
    r"(hourly|nightly|weekly)\..*|sv_.*|snapmirror.*|snapvault.*|snapshot_for_backup\..*|mirror_resync.*|exchsnap__.*|cg.*",
    re.IGNORECASE,
)
"""Names that Data ONTAP's schedules, SnapMirror, SnapVault and other products give (Data ONTAP 7-Mode documents)."""


_MOST = 6  # names that a fault lists


class _Claim(BaseModel):
    """Which filer snapshots a job calls its own, read apart, so that a fault in another key hides no conflict."""

    model_config = ConfigDict(strict=True, frozen=True, hide_input_in_errors=True)

    filer: str
    volumes: values.Volumes
    prefix: values.Name = "vmware"
    retain: Annotated[int, Field(ge=1, le=250)] = 4
    chain: values.Chain | None = None

    def names(self) -> tuple[str, ...]:
        return tuple(self.chain) if self.chain else chain_names(self.prefix, self.retain)

    @property
    def temporary(self) -> str:
        """How each of its temporary names begins; the run's stamp follows."""
        return f"{self.prefix}_new_"

    def may_bear_temporary_of(self, other: _Claim) -> bool:
        """Whether one of its names could be taken for a temporary one of the other job."""
        start = other.temporary.lower()
        return any(name.lower().startswith(start) for name in (*self.names(), self.temporary))

    def in_common(self, other: _Claim) -> tuple[str, ...]:
        """The names that the other job calls its own too, retained ones first; `*` stands for a run's stamp."""
        own = {name.lower() for name in other.names()}
        retained = tuple(name for name in self.names() if name.lower() in own)
        pairs = ((self, other), (other, self))
        temporary = {one.temporary.lower(): f"{one.temporary}*" for one, by in pairs if by.may_bear_temporary_of(one)}
        return (*retained, *temporary.values())


@dataclass(frozen=True, slots=True)
class _Claimed:
    job: str
    filer: str
    claim: _Claim


def faults_between(raw: Table) -> Iterator[ConfigFault]:
    """Every contradiction of two or more keys."""
    filers, jobs = _tables(raw, "filers"), _tables(raw, "jobs")
    yield from _vcenter(_table(raw.get("vcenter")))
    for name, filer in filers.items():
        yield from (ConfigFault(("filers", name, key), text) for key, text in _filer(filer))
    for name, job in jobs.items():
        yield from (ConfigFault(("jobs", name, key), text) for key, text in _job(job, filers))
    yield from _same_names(filers, "filers")
    yield from _same_names(jobs, "jobs")
    yield from _overlaps(list(_claims(filers, jobs)))


def _table(value: object) -> Table:
    return value if isinstance(value, dict) else {}


def _tables(raw: Table, key: str) -> Mapping[str, Table]:
    return {name: _table(value) for name, value in _table(raw.get(key)).items()}


def _vcenter(vcenter: Table) -> Iterator[ConfigFault]:
    user, password = "user" in vcenter, "password" in vcenter
    both = "give both, or neither when VCB's own config.js supplies them"
    if user and not password:
        yield ConfigFault(("vcenter", "password"), f"is missing, though there is a user: {both}")
    if password and not user:
        yield ConfigFault(("vcenter", "user"), f"is missing, though there is a password: {both}")
    match vcenter.get("vcbsnapshot"):
        case [str(program), *_] if re.split(r"[/\\]", program)[-1].lower().removesuffix(".exe") in _FAR_SHELLS:
            yield from _over_a_far_shell(vcenter, program)
        case _:
            pass


def _over_a_far_shell(vcenter: Table, program: str) -> Iterator[ConfigFault]:
    if "password" in vcenter:
        text = f"would stand on the far command line of {quoted(program)}"
        yield ConfigFault(
            ("vcenter", "password"), f"{text}; leave out user and password, and use config.js on the proxy"
        )
    host = vcenter.get("host")
    if isinstance(host, str) and re.fullmatch(r"[A-Za-z0-9_.:=@-]*", host) is None:
        text = f"is read again by a shell behind {quoted(program)}: only letters, digits and _ . : = @ - are safe"
        yield ConfigFault(("vcenter", "host"), text)


def _filer(filer: Table) -> Iterator[tuple[str, str]]:
    transport = filer.get("transport", "ssh")
    if transport == "ssh":
        yield from _ssh(filer)
    if transport == "rsh":
        for key in sorted({"key_file", "password", "known_hosts"} & filer.keys()):
            yield key, 'is for ssh only: leave it out, or write transport = "ssh"'


def _ssh(filer: Table) -> Iterator[tuple[str, str]]:
    ways = {"key_file", "password"} & filer.keys()
    if len(ways) == 2:
        yield "password", "is given together with key_file: keep one of the two"
    if not ways:
        yield "key_file", "is missing: ssh needs a key_file or a password"
    if "known_hosts" not in filer:
        yield "known_hosts", "is missing: name the file that holds the filer's host key (an empty one will do)"
    if "user" not in filer:
        yield "user", "is missing: ssh needs the filer's user"
    for key in sorted({"local_user", "reserved_port"} & filer.keys()):
        yield key, 'is for rsh only: leave it out, or write transport = "rsh"'


def _job(job: Table, filers: Mapping[str, Table]) -> Iterator[tuple[str, str]]:
    filer = job.get("filer")
    if isinstance(filer, str) and filer not in filers:
        known = f"defined are {', '.join(map(quoted, filers))}" if filers else "none is defined"
        yield "filer", f"there is no table [{dotted(('filers', filer))}]; {known}"
    if "retain" in job and "chain" in job:
        yield "retain", "is given together with chain: a chain says by itself how many are kept"
    if job.get("order") == "paper" and job.get("publish", "any") != "any":
        yield "publish", _PAPER_PUBLISHES_ANY
    yield from _belonging_to_others(job)


_PAPER_PUBLISHES_ANY = 'must be "any" with order = "paper", which rotates before it knows the grade; leave it out'


def _belonging_to_others(job: Table) -> Iterator[tuple[str, str]]:
    chain, prefix = job.get("chain"), job.get("prefix")
    names = [name for name in chain if isinstance(name, str)] if isinstance(chain, list) else []
    alien = "may not be ours: schedules, SnapMirror, SnapVault or other products give such names; take another"
    for name in filter(OTHERS.fullmatch, names):
        yield "chain", f"{quoted(name)} {alien}"
    if isinstance(prefix, str) and OTHERS.fullmatch(f"{prefix}_recent"):
        yield "prefix", f"{quoted(prefix)} {alien}"


def _same_names(tables: Mapping[str, Table], kind: str) -> Iterator[ConfigFault]:
    for one, other in combinations(tables, 2):
        if one.lower() == other.lower():
            yield ConfigFault(
                (kind, other), f"differs from {quoted(one)} in capital letters only; give it another name"
            )


def _claims(filers: Mapping[str, Table], jobs: Mapping[str, Table]) -> Iterator[_Claimed]:
    for name, job in jobs.items():
        try:
            claim = _Claim.model_validate(job)
        except ValidationError:
            continue  # the schema has said what is wrong
        # Two tables may name one filer: once by ssh, once by rsh.
        host = filers.get(claim.filer, {}).get("host", claim.filer)
        yield _Claimed(name, str(host).lower(), claim)


def _overlaps(claims: list[_Claimed]) -> Iterator[ConfigFault]:
    for one, other in combinations(claims, 2):
        if one.filer != other.filer:
            continue
        theirs = {volume.lower() for volume in one.claim.volumes}
        volumes = [volume for volume in other.claim.volumes if volume.lower() in theirs]
        names = other.claim.in_common(one.claim)
        if volumes and names:
            key = "chain" if other.claim.chain and names[0] in other.claim.chain else "prefix"
            text = f"job {quoted(one.job)} gives the same names on {_listed(volumes)}: {_listed(names)}"
            yield ConfigFault(("jobs", other.job, key), f"{text}; give one of the two jobs another prefix or chain")


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return ", ".join(map(quoted, names[:_MOST])) + more
