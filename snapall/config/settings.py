"""The settings: the tables and keys of snapall.toml with their defaults; the rules between keys are in rules.py.

A text below a key explains it to users: docs/configuration.md and the JSON schema are made from these models.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator, model_validator
from pydantic.json_schema import SkipJsonSchema

from snapall.backup.model import Grade, Job, Order, Policies, chain_names
from snapall.config import rules, values
from snapall.config.dburl import url_of
from snapall.config.login import RestoreLogin
from snapall.config.logname import dated
from snapall.config.notify import Channels
from snapall.config.replicate import Replicate
from snapall.config.secret import Secret, secret_words
from snapall.config.table import ConfigTable as _Table
from snapall.config.table import Given as _Given
from snapall.config.vmx import VmxCopies

_PORTS = {"ssh": 22, "rsh": 514}
_GRADES = {"any": Grade.CRASH_CONSISTENT, "partial": Grade.PARTIAL, "whole": Grade.WHOLE}
DEFAULT_PUBLISH = {Order.SAFE: Grade.PARTIAL, Order.PAPER: Grade.CRASH_CONSISTENT}
"""The least grade that each order publishes where the file names none."""


class Vcenter(_Table):
    """[vcenter]: how vcbsnapshot is called."""

    host: values.Word
    """The VirtualCenter that vcbsnapshot connects to (`-h`)."""
    user: values.Line | None = None
    """Its user. Without user and password VCB's own config.js supplies both, and no command line shows them."""
    password: values.Password | None = None
    """Text, `{ file = "PATH" }` or `{ env = "VARIABLE" }`. It appears on vcbsnapshot's command line."""
    vcbsnapshot: Annotated[values.Command, Field(min_length=1)] = ("vcbsnapshot",)
    """The program and its leading arguments; `["ssh", "proxy", "vcbsnapshot"]` for a VCB proxy."""
    timeout: values.Seconds = 960
    """Seconds for one create; VirtualCenter itself gives up after 900."""
    remove_timeout: values.Seconds = 14400
    """Seconds for one removal: committing a large delta takes its time."""
    settle: values.SecondsOrNone = 960
    """Seconds for which a create without an answer may still act."""
    parallel: Annotated[int, Field(ge=1, le=64)] = 4
    """Calls at a time, creates and removals alike; 1 is the batch's pace."""
    given: Annotated[_Given, rules.ruled_by(rules.vcenter_rules)] = frozenset()


class Database(_Table):
    """[database]: VirtualCenter's database."""

    url: values.Url
    """Any SQLAlchemy URL: `mssql+pyodbc://USER@DSN`."""
    password: values.Password | None = None
    """As in [vcenter]; not used if the URL has one."""
    owner: str | None = None
    """The schema that owns the VPX_ tables; `""` for none; left out: snapall finds it, and two are an error."""
    timeout: values.Seconds = 30
    """Seconds for each connect and each statement, waits for locks included; then snapall goes on without an answer."""


class Filer(_Table):
    """[filers.NAME]: one 7-Mode filer and how it is reached."""

    host: values.Word
    """Name or address."""
    transport: Literal["ssh", "rsh"] = "ssh"
    """`"ssh"` or `"rsh"`."""
    port: Annotated[int, Field(ge=1, le=65535)] = Field(default=None, validate_default=True)
    """Left out: 22 for ssh, 514 for rsh."""
    user: values.Word | None = None
    """The filer's user; required for ssh. Left out for rsh: the login name. `USER:PASSWORD` (`rsh -l`) is split."""
    key_file: values.SecretFile | None = None
    """ssh: a private RSA key without a passphrase."""
    password: values.Password | None = None
    """As in [vcenter]. ssh: instead of a key. rsh: if the filer wants one; it is sent in clear text."""
    known_hosts: values.Location | None = None
    """Required for ssh: the file that holds the filer's host key."""
    ssh_algorithms: values.SshChoice = "any"
    """ssh: `"any"` offers modern ones first and old ones last, `"modern"` no old ones, a list only those in it."""
    timeout: values.Seconds = 120
    """Seconds for each command."""
    local_user: values.Word | None = None
    """rsh: the local user to announce; left out: the login name."""
    reserved_port: bool = True
    """rsh: whether to use a privileged source port, as a real filer requires; that needs root or the capability."""
    restore: RestoreLogin | None = None
    """The login for mount, restore and verify; left out: the filer's own."""
    name: SkipJsonSchema[str] = Field(validation_alias=rules.NAME)
    given: Annotated[_Given, rules.ruled_by(rules.filer_rules)] = frozenset()

    @property
    def for_restore(self) -> Filer:
        """The same filer, reached by the login for restores if it has one."""
        own = self.restore
        login = {} if own is None else {"user": own.user, "key_file": own.key_file, "password": own.password}
        return self.model_copy(update=login)

    @property
    def label(self) -> str:
        """The filer as messages name it."""
        return f"the filer {self.host}"

    @model_validator(mode="before")
    @classmethod
    def _split_login(cls, table: object) -> object:
        """Take the password out of `user = "USER:PASSWORD"` of rsh, so that nothing shows it."""
        if not isinstance(table, dict) or table.get("transport") != "rsh" or "password" in table:
            return table
        user, colon, password = table["user"].partition(":") if isinstance(table.get("user"), str) else ("", "", "")
        return {**table, "user": user, "password": password} if colon else table

    @field_validator("port", mode="before")
    @classmethod
    def _of_transport(cls, port: object, info: ValidationInfo) -> object:
        return _PORTS[info.data.get("transport", "ssh")] if port is None else port


class Hooks(_Table):
    """[jobs.NAME.hooks]: commands as words, without a shell."""

    before: values.Command = ()
    """A command that runs before anything begins; if it fails there is no backup."""
    required: bool = True
    """Whether `before` has to succeed; with false, its failure is a warning, and the backup is taken."""
    after: values.Command = ()
    """A command that runs when everything is over and written, whatever the outcome."""
    on_failure: values.Command = ()
    """A command that runs whenever the exit code is not 0."""
    timeout: values.Seconds = 60
    """Seconds for each of them."""

    @property
    def commands(self) -> Mapping[str, tuple[str, ...]]:
        """Each command that there is, by its key."""
        given = {"before": self.before, "after": self.after, "on_failure": self.on_failure}
        return {when: argv for when, argv in given.items() if argv}

    @property
    def programs(self) -> Mapping[str, str]:
        """The first word of each command that there is, by its key."""
        return {when: argv[0] for when, argv in self.commands.items()}


class Verify(_Table):
    """[jobs.NAME.verify]: how it is proved, again and again, that the job's backups can be read."""

    every: values.Period = Field(default="7d", validate_default=True)
    """How often `snapall verify --due` checks some VMs: `"7d"`, `"12h"`, `"90m"`."""
    sample: Annotated[int, Field(ge=1, le=1000)] = 3
    """How many VMs it checks each time, those first that were checked the longest ago."""
    igroup: values.Name
    """The initiator group that the clones of LUNs are mapped to: that of a machine without any of the originals."""
    device: values.Line = ""
    """The device as which this machine sees a LUN, `"/dev/disk/by-id/scsi-360a98000{hex}"` for example. `{serial}` is
    the LUN's serial, with _ for each /; `{hex}` the serial in hexadecimal, `{id}` its LUN id. A `helper` may do
    without."""
    rescan: values.Command = ()
    """A command, as words, that makes new LUNs visible."""
    helper: values.Command = ()
    """A command, as words, that checks a LUN instead of snapall, on another machine for example; exit code 0: it can be
    read. `{serial}`, `{hex}`, `{id}` and `{device}` are replaced."""
    timeout: values.Seconds = 600
    """Seconds for each command, for a device to appear, and for each read."""
    given: Annotated[_Given, rules.ruled_by(rules.verify_rules)] = frozenset()


class JobSettings(_Table):
    """[jobs.NAME]: what is backed up together, and by which rules."""

    filer: str
    """The NAME of a [filers.NAME]."""
    volumes: values.Volumes
    """The flexible volumes under the datastores; all are captured, or none is published."""
    datastores: values.Datastores = ()
    """Ids (VPX_DATASTORE.ID) or names; `snapall datastores` lists them. A job needs these, a `query`, or both."""
    query: values.Query | None = None
    """One SELECT whose first column returns ids of VMs (VPX_VM.ID); they are backed up together with those of
    `datastores`. It is sent as it stands, and can only read; `sql/examples/` has examples."""
    prefix: values.Name = "vmware"
    """Of the retained and the temporary names: `vmware_recent`, `vmware_previous`, `vmware_snap3` and so on."""
    retain: Annotated[int, Field(ge=1, le=250)] = 4
    """How many backups are retained."""
    chain: values.Chain | None = None
    """The names themselves, newest first, instead of `retain`."""
    vm_snapshot: values.VmSnapshotName = "Quiesce"
    """Name of the VM snapshots; in safe order the run appends its stamp."""
    order: values.OrderName = Order.SAFE
    """`"safe"`: rotate after the new backup is confirmed. `"paper"`: before the capture, as the batch does."""
    publish: Literal["any", "partial", "whole"] | None = None
    """Least grade that is published: `"any"`, `"partial"` (some VM quiesced), `"whole"`.
    Left out: `"partial"`, and `"any"` in paper order."""
    max_quiesced: values.Seconds = 900
    """Seconds from the first quiesce until the capture is taken with the VMs that are quiesced by then."""
    busy_wait: values.SecondsOrNone = 600
    """Seconds that a rotation waits for a name that the filer has tagged, busy for example."""
    allow_empty: bool = False
    """Whether a datastore without a VM is allowed."""
    guardian: bool = True
    """Whether a guardian watches over each run."""
    max_age: values.Hours = 26
    """Hours; `snapall status` warns of an older newest backup, and is critical from twice that age on."""
    vms: dict[values.Line, values.VmPolicyName] = Field(default_factory=dict)
    """`"must"`, `"try"` or `"skip"` by name, pattern or moref: `{ "test-*" = "skip", "sql01" = "must" }`."""
    luns: dict[values.Line, values.LunPaths] = Field(default_factory=dict)
    """The LUNs of a VM by its name or moref, where their names do not say it: `{ "sql01" = ["/vol/vmvol1/data7"] }`.
    A VM without an entry has the LUNs called as it is, or by its name and then `.`, `-` or `_`."""
    runbook: bool | None = None
    """Whether each run writes a run-book of its backup into `state`: the commands that restore it by hand. Left out: in
    safe order it does; in paper order the filer gets the batch's commands and no others."""
    hooks: Hooks = Field(default_factory=Hooks)
    """Commands that run before and after the backup: [jobs.NAME.hooks]."""
    vmx: Annotated[VmxCopies | None, BeforeValidator(rules.with_keys)] = None
    """Copies of the VMs' vmx files from the consoles of the ESX hosts, after each backup: [jobs.NAME.vmx]."""
    verify: Annotated[Verify, BeforeValidator(rules.with_keys)] | None = None
    """How it is proved that the backups can be read: [jobs.NAME.verify]. Left out: `status` counts no proofs."""
    replicate: Replicate = Field(default_factory=Replicate)
    """Where SnapMirror and SnapVault take a published backup: [jobs.NAME.replicate]."""
    name: SkipJsonSchema[str] = Field(validation_alias=rules.NAME)
    given: Annotated[
        _Given, rules.ruled_by(rules.job_rules, rules.lun_rules, rules.replication_rules, rules.unclaimed)
    ] = frozenset()

    @property
    def replicated_from(self) -> Grade:
        """The least grade of a backup that is replicated."""
        return _GRADES[self.replicate.grade]

    def core(self) -> Job:
        """Give the job as backup/ knows it, which may not import this module: times in seconds, names worked out."""
        same = {one.name: getattr(self, one.name) for one in fields(Job) if one.name in type(self).model_fields}
        derived = {
            "chain": self.chain or chain_names(self.prefix, self.retain),
            "publish": _GRADES[self.publish] if self.publish else DEFAULT_PUBLISH[self.order],
            "publish_given": self.publish is not None,
            "max_age": self.max_age * 3600,
            "query": self.query or "",
            "policies": Policies(tuple(self.vms.items())),
        }
        return Job(**same | derived)


class Config(_Table):
    """A whole configuration; all paths are absolute."""

    model_config = ConfigDict(populate_by_name=False)

    state: values.Location = Field(default="snapall.state", validate_default=True)
    """Folder for journals and locks."""
    log: values.Location = Field(default="snapall.log", validate_default=True)
    """The log, appended to in the batch's words. `{date}` in the file's name is the local date on which the command
    starts: `"logs/snapall-{date}.log"`. A run past midnight, its guardian included, stays in one file."""
    log_date: values.LogDate = "%Y-%m-%d"
    """How `{date}` in `log` is written (strftime). It may write only what can be part of a file's name."""
    log_time: values.LogTime = "%m/%d/%Y %I:%M %p"
    """How the log writes a time (strftime). On Windows `%Z` is written as `%z`, the offset from UTC."""
    metrics: values.Location | None = None
    """A file for Prometheus; left out: none is written."""
    keep_journals: Annotated[int, Field(ge=1, le=1_000_000)] = 400
    """How many journals are kept for each job; one with outstanding work is always kept."""
    readers: values.Group | None = None
    """A group that may read `state`, so that a monitoring system can run `snapall status` as another user.
    Whoever runs snapall must be a member of it. Left out: only the owner can read it."""
    notify: Channels = Field(default_factory=Channels)
    """Who is notified when a run has ended: [notify.syslog], [notify.eventlog] and [notify.mail]."""
    vcenter: Annotated[Vcenter, BeforeValidator(rules.with_keys)]
    database: Database
    filers: Annotated[dict[str, Filer], Field(min_length=1), rules.named("filers")]
    job_tables: Annotated[dict[str, JobSettings], Field(min_length=1), rules.named("jobs")] = Field(
        validation_alias="jobs"
    )
    path: SkipJsonSchema[Path] = Field(validation_alias=rules.NAME)

    @cached_property
    def jobs(self) -> Mapping[str, Job]:
        """The jobs by name, as backup/ knows them."""
        return {name: table.core() for name, table in self.job_tables.items()}

    @cached_property
    def hooks(self) -> Mapping[str, Hooks]:
        """The hooks by job."""
        return {name: table.hooks for name, table in self.job_tables.items()}

    @cached_property
    def verify(self) -> Mapping[str, Verify]:
        """How backups are proved, by job; jobs without the table are not in it."""
        return {name: table.verify for name, table in self.job_tables.items() if table.verify is not None}

    def log_at(self, moment: datetime) -> Path:
        """The log of a command that starts at this moment."""
        return dated(self.log, self.log_date, moment)

    def started_at(self, moment: datetime) -> Config:
        """The same configuration for a command that started then: whatever it starts later writes the same log."""
        return self.model_copy(update={"log": self.log_at(moment)})

    @property
    def logins(self) -> tuple[Filer, ...]:
        """Every filer, by its own login and by that for restores."""
        return tuple(login for one in self.filers.values() for login in (one, one.for_restore))

    @property
    def vmx(self) -> Mapping[str, VmxCopies]:
        """The copies of vmx files by job, of those that have any."""
        return {name: table.vmx for name, table in self.job_tables.items() if table.vmx is not None}

    @property
    def secret_files(self) -> tuple[Path, ...]:
        """Every file with a password or a key in it, the configuration among them if a password stands there."""
        found = [self.path if one.inline else one.file for one in self.passwords]
        found += [self.path] if url_of(self.database.url).holds_password else []
        found += [one.key_file for one in self.logins]
        found += [one.key_file for one in self.vmx.values()]
        return tuple(dict.fromkeys(one for one in found if one is not None))

    @property
    def secret_variables(self) -> frozenset[str]:
        """The variables of the environment that hold passwords."""
        return frozenset(one.variable for one in self.passwords if one.variable)

    @property
    def passwords(self) -> tuple[Secret, ...]:
        """Every password, those in the database's URL and among vcbsnapshot's leading arguments too."""
        filers = [one.password for one in self.logins] + [one.password for one in self.vmx.values()]
        mail = self.notify.mail.password if self.notify.mail is not None else None
        known = (self.vcenter.password, self.database.password, url_of(self.database.url).password, *filers, mail)
        leading = secret_words(self.vcenter.vcbsnapshot).values()
        return (*(one for one in known if one is not None), *leading)
