"""`snapall init`: what a first configuration needs is asked for, and each answer is tried as it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from snapall.app import init_answers
from snapall.config.firstfile import FILER_SECRET, SQL_SECRET, VC_SECRET, Answers, refuse_another, write_down
from snapall.config.settings import Database, Filer, Secret, Vcenter
from snapall.errors import ConfigError, SnapallError
from snapall.site import transport_to
from snapall.site.filer import FilerSystem, require_7mode
from snapall.site.vcb import Vcb, program_of
from snapall.site.volumes import Volumes

if TYPE_CHECKING:
    from snapall.backup.model import Vm

T = TypeVar("T")
_SETTLE, _TIMEOUT, _REMOVE = 960.0, 960.0, 14400.0  # as where the configuration leaves them out
_FILER_TIMEOUT = 120.0
_MOST_RETAINED = 250
# What belongs together is asked for again when it does not hold; what was given besides stays as it is.
_OF_VCENTER = ("vcenter", "vcbsnapshot", "vcenter-user", "vcenter-password-file")
_OF_FILER = (
    *("filer", "transport", "port", "filer-user", "key-file", "filer-password-file"),
    *("host-key", "local-user"),
)


class Person(Protocol):
    """Who answers."""

    def ask(self, question: str, default: str | None, hidden: bool) -> str:
        """One answer; `hidden`: it is a password, and not shown."""
        ...

    def tell(self, text: str) -> None:
        """Something that the person should know."""
        ...


class Interview:
    """One interview. `given` are the answers by flag; without a `person` a missing one is an error."""

    def __init__(self, given: Mapping[str, str | None], person: Person | None, folder: Path, *, tries: bool) -> None:
        self._given = given
        self._person = person
        self._folder = folder
        self._tries = tries

    def answers(self) -> Answers:
        """Ask for everything, in the order in which a run needs it. ConfigError: an answer is missing, or wrong."""
        vcenter = self._vcenter()
        database, stores, vms = self._database()
        if vms:
            given = [vcenter]  # tried only now: a find needs a VM
            again = lambda: given.pop() if given else self._vcenter()  # noqa: E731 - as below
            vcenter = self._until_it_holds(again, self._log_in(vms), _OF_VCENTER)
        filer = self._until_it_holds(self._filer, self._meet, _OF_FILER)
        volumes = self._volumes(filer)
        return Answers(
            vcenter=vcenter,
            database=database,
            filer=filer,
            job=self._ask("job", "Name of the job", volumes[0], init_answers.name),
            volumes=volumes,
            datastores=tuple(stores),
            named=", ".join(filter(None, stores.values())) or "ids, or names",
            prefix=self._ask("prefix", "Prefix of the backups' names", "vmware", init_answers.name),
            retain=self._ask(
                "retain", "How many are retained", "4", lambda text: init_answers.number(text, _MOST_RETAINED)
            ),
        )

    def _ask(
        self, flag: str, question: str, default: str | None, read: Callable[[str], T], *, hidden: bool = False
    ) -> T:
        """An answer that `read` accepts: by flag, else asked for until it is one. `read` raises SnapallError."""
        value = self._given.get(flag)
        if value is None and self._person is None:
            if default is None:
                raise ConfigError(f"--{flag} is missing, and nobody is there to be asked", f"give --{flag}: {question}")
            value = default
        if value is not None or self._person is None:
            try:
                return read((value or "").strip())
            except SnapallError as error:
                raise ConfigError(f"--{flag}: {error.message}", error.hint) from error
        while True:
            try:
                return read(self._person.ask(question, default, hidden).strip())
            except SnapallError as error:
                self._complain(error)

    def _until_it_holds(self, ask: Callable[[], T], look: Callable[[T], object], flags: Sequence[str]) -> T:
        """Answers that belong together, and are tried together: a person is asked for all of them again."""
        while True:
            made = ask()
            try:
                if self._tries:
                    look(made)
                return made
            except SnapallError as error:
                if self._person is None:
                    raise
                self._complain(error)
                self._given = {flag: value for flag, value in self._given.items() if flag not in flags}

    def _complain(self, error: SnapallError) -> None:
        self._tell(f"{error.message}\n  remedy: {error.hint}")

    def _tell(self, text: str) -> None:
        if self._person is not None:
            self._person.tell(text)

    def _secret(self, flag: str, question: str, kept: str) -> Secret | None:
        """A password out of a file that is named, or typed; None: there is none. It will be `kept` in a file."""
        file = self._given.get(flag)
        if file is not None:
            try:
                text = Path(file).read_text("utf-8-sig").rstrip("\r\n")
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigError(f"--{flag}: {file} cannot be read: {error}", "name a text file with it") from error
        else:
            text = self._person.ask(question, "", hidden=True) if self._person is not None else ""
        if not text:
            return None
        refuse_another(self._folder / kept, Secret(text))
        return Secret(text)

    def _vcenter(self) -> Vcenter:
        def program(text: str) -> tuple[str, ...]:
            words = init_answers.words(text)
            if self._tries:
                self._tell(f"  vcbsnapshot is {program_of(words[0])}")
            return words

        host = self._ask("vcenter", "VirtualCenter's host", None, init_answers.filled)
        words = self._ask("vcbsnapshot", "The program vcbsnapshot, with its first arguments", "vcbsnapshot", program)
        user = self._ask("vcenter-user", "VirtualCenter's user; empty: VCB's own config.js has it", "", str) or None
        password = self._secret("vcenter-password-file", f"Password of {user}", VC_SECRET) if user is not None else None
        return Vcenter(host, user, password, words, _TIMEOUT, _REMOVE, _SETTLE, 4)

    def _log_in(self, vms: Sequence[Vm]) -> Callable[[Vcenter], None]:
        return lambda vcenter: self._tell(f"  vcbsnapshot: {Vcb(vcenter).looked(vms[0])}")

    def _database(self) -> tuple[Database, dict[int | str, str], tuple[Vm, ...]]:
        """The database, the chosen datastores with their names, and the VMs on them."""
        from snapall.site.virtualcenter import VirtualCenter  # noqa: PLC0415 - sqlalchemy

        def login(url: str) -> Database:
            # Asked anew with each URL: it may be the password that was wrong.
            ask = "Password of the database's login; empty: none"
            file = init_answers.url(url).startswith("sqlite")
            password = None if file else self._secret("database-password-file", ask, SQL_SECRET)
            made = Database(url, password, self._given.get("owner"))
            if self._tries:
                VirtualCenter(made).find_owner()
            return made

        question = "The database, as mssql+pyodbc://USER@DSN"
        database = self._ask("database", question, None, login)
        if not self._tries:
            chosen = self._ask("datastores", "Datastores, by id or name, with commas", None, init_answers.listed)
            return database, dict.fromkeys((init_answers.id_or_name(one) for one in chosen), ""), ()
        virtualcenter = VirtualCenter(database)
        there = virtualcenter.inventory()
        for one in there:
            self._tell(f"  {one.id:>6}  {one.name}  {one.vms} VMs")

        names = {one.id: one.name for one in there}

        def choose(text: str) -> tuple[int, ...]:
            ids = virtualcenter.datastore_ids([init_answers.id_or_name(part) for part in init_answers.listed(text)])
            missing = [one for one in ids if one not in names]
            if missing:
                raise ConfigError(f"datastore {missing[0]} is not there", "choose from those of `snapall datastores`")
            return ids

        ids = self._ask("datastores", "Datastores to back up, by id or name, with commas", None, choose)
        return database, {one: names[one] for one in ids}, virtualcenter.vms(ids).vms

    def _filer(self) -> Filer:
        host = self._ask("filer", "The filer's host", None, init_answers.filled)
        transport = self._ask("transport", "ssh or rsh", "ssh", init_answers.transport)
        port = self._ask("port", "Its port", "22" if transport == "ssh" else "514", init_answers.number)
        name = host.partition(".")[0] if not host[:1].isdigit() else "filer1"
        if transport == "rsh":
            local = self._ask("local-user", "Who we say we are; empty: the login name", "", str) or None
            reserved = self._given.get("reserved-port") != "no"
            return Filer(name, host, "rsh", port, None, None, None, None, _FILER_TIMEOUT, local, reserved)
        user = self._ask("filer-user", "The filer's user", "root", init_answers.filled)
        key = self._ask("key-file", "Private RSA key; empty: a password", "", init_answers.path)
        password = self._secret("filer-password-file", f"Password of {user}", FILER_SECRET) if key is None else None
        known = self._folder / (self._given.get("known-hosts") or "known_hosts")
        file = self._folder / key if key is not None else None
        return Filer(name, host, "ssh", port, user, file, password, known, _FILER_TIMEOUT, None, reserved_port=True)

    def _meet(self, filer: Filer) -> None:
        """The filer's host key is shown and, when it is confirmed, written down; then the login is tried."""
        from snapall.site.ssh import Ssh  # noqa: PLC0415 - paramiko
        from snapall.site.sshkeys import KnownHosts, name_in_file  # noqa: PLC0415 - paramiko

        known = filer.known_hosts
        if known is None:  # rsh knows of no keys
            FilerSystem(transport_to(filer), filer.name).version()
            return
        if not known.exists() or KnownHosts(filer).read().lookup(name_in_file(filer)) is None:
            key = Ssh(filer).host_key()
            self._tell(f"  the filer shows {key.label}; compare it over a way that you trust")
            self._ask(
                "host-key",
                "Its fingerprint again, or yes",
                None,
                lambda output: init_answers.confirmed(output, key.fingerprint),
            )
            write_down(known, key.line)
        Ssh(filer).greet()
        self._tell("  the filer lets us in")

    def _volumes(self, filer: Filer) -> tuple[str, ...]:
        transport = transport_to(filer)
        volumes = Volumes(transport, filer.name)
        if self._tries:
            version = FilerSystem(transport, filer.name).version()
            require_7mode(version)
            self._tell(f"  {version}")
            try:
                self._tell("  its volumes: " + ", ".join(one.name for one in volumes.all()))
            except SnapallError as error:
                self._tell(f"  its volumes cannot be listed: {error.message}")

        def choose(text: str) -> tuple[str, ...]:
            names = [init_answers.name(one) for one in init_answers.listed(text)]
            for name in names if self._tries else ():
                FilerSystem(transport, filer.name).listing(name)
            return tuple(names)

        return self._ask("volumes", "Volumes under these datastores, with commas", None, choose)
