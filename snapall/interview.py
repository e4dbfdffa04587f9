"""`snapall init`: what a first configuration needs is asked for, and each answer is tried as it is given."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar

from snapall.backup.model import FILER_NAME
from snapall.errors import ConfigError, SnapallError
from snapall.firstfile import Answers
from snapall.settings import Database, Filer, Secret, Vcenter

if TYPE_CHECKING:
    from snapall.backup.model import Vm

T = TypeVar("T")
_SETTLE, _TIMEOUT, _REMOVE = 960.0, 960.0, 14400.0  # as where the configuration leaves them out
_FILER_TIMEOUT = 120.0
_MOST_RETAINED = 250


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
            vcenter = self._until_it_holds(lambda: given.pop() if given else self._vcenter(), self._log_in(vms))
        filer = self._until_it_holds(self._filer, self._meet)
        volumes = self._volumes(filer)
        return Answers(
            vcenter=vcenter,
            database=database,
            filer=filer,
            job=self._ask("job", "Name of the job", volumes[0], _name),
            volumes=volumes,
            datastores=tuple(stores),
            named=", ".join(stores.values()) or "ids, or names",
            prefix=self._ask("prefix", "Prefix of the backups' names", "vmware", _name),
            retain=self._ask("retain", "How many are retained", "4", lambda text: _number(text, _MOST_RETAINED)),
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
                return read(value or "")
            except SnapallError as error:
                raise ConfigError(f"--{flag}: {error.message}", error.hint) from error
        while True:
            try:
                return read(self._person.ask(question, default, hidden).strip())
            except SnapallError as error:
                self._complain(error)

    def _until_it_holds(self, ask: Callable[[], T], look: Callable[[T], object]) -> T:
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
                self._given = {}  # what was given by flag is wrong, or goes with what is

    def _complain(self, error: SnapallError) -> None:
        self._tell(f"{error.message}\n  remedy: {error.hint}")

    def _tell(self, text: str) -> None:
        if self._person is not None:
            self._person.tell(text)

    def _secret(self, flag: str, question: str) -> Secret | None:
        """A password out of a file that is named, or typed; None: there is none."""
        file = self._given.get(flag)
        if file is not None:
            try:
                text = Path(file).read_text("utf-8-sig").rstrip("\r\n")
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigError(f"--{flag}: {file} cannot be read: {error}", "name a text file with it") from error
        else:
            text = self._person.ask(question, "", hidden=True) if self._person is not None else ""
        return Secret(text) if text else None

    def _vcenter(self) -> Vcenter:
        from snapall.site.vcb import program_of  # noqa: PLC0415 - where it is used

        def program(text: str) -> tuple[str, ...]:
            words = _words(text)
            if self._tries:
                self._tell(f"  vcbsnapshot is {program_of(words[0])}")
            return words

        host = self._ask("vcenter", "VirtualCenter's host", None, _filled)
        words = self._ask("vcbsnapshot", "The program vcbsnapshot, with its first arguments", "vcbsnapshot", program)
        user = self._ask("vcenter-user", "VirtualCenter's user; empty: VCB's own config.js has it", "", str) or None
        password = self._secret("vcenter-password-file", f"Password of {user}") if user is not None else None
        return Vcenter(host, user, password, words, _TIMEOUT, _REMOVE, _SETTLE, 4)

    def _log_in(self, vms: Sequence[Vm]) -> Callable[[Vcenter], None]:
        from snapall.site.vcb import Vcb  # noqa: PLC0415 - where it is used

        return lambda vcenter: self._tell(f"  vcbsnapshot: {Vcb(vcenter).looked(vms[0])}")

    def _database(self) -> tuple[Database, dict[int | str, str], tuple[Vm, ...]]:
        """The database, the chosen datastores with their names, and the VMs on them."""
        from snapall.site.virtualcenter import VirtualCenter  # noqa: PLC0415 - sqlalchemy

        def login(url: str) -> Database:
            # Asked anew with each URL: it may be the password that was wrong.
            ask = "Password of the database's login; empty: none"
            file = _filled(url).startswith("sqlite")
            password = None if file else self._secret("database-password-file", ask)
            made = Database(url, password, self._given.get("owner"))
            if self._tries:
                VirtualCenter(made).find_owner()
            return made

        question = "The database, as mssql+pyodbc://USER@DSN"
        database = self._ask("database", question, None, login)
        if not self._tries:
            chosen = self._ask("datastores", "Datastores, by id or name, with commas", None, _listed)
            return database, dict.fromkeys((_id(one) for one in chosen), ""), ()
        virtualcenter = VirtualCenter(database)
        there = virtualcenter.inventory()
        for one in there:
            self._tell(f"  {one.id:>6}  {one.name}  {one.vms} VMs")

        def choose(text: str) -> tuple[int, ...]:
            return virtualcenter.datastore_ids([_id(part) for part in _listed(text)])

        ids = self._ask("datastores", "Datastores to back up, by id or name, with commas", None, choose)
        names = {one.id: one.name for one in there}
        missing = [one for one in ids if one not in names]
        if missing:
            raise ConfigError(f"datastore {missing[0]} is not there", "choose from the list of `snapall datastores`")
        return database, {one: names[one] for one in ids}, virtualcenter.vms(ids).vms

    def _filer(self) -> Filer:
        host = self._ask("filer", "The filer's host", None, _filled)
        transport = self._ask("transport", "ssh or rsh", "ssh", _transport)
        port = self._ask("port", "Its port", "22" if transport == "ssh" else "514", _number)
        name = host.partition(".")[0] if not host[:1].isdigit() else "filer1"
        if transport == "rsh":
            local = self._ask("local-user", "Who we say we are; empty: the login name", "", str) or None
            reserved = self._given.get("reserved-port") != "no"
            return Filer(name, host, "rsh", port, None, None, None, None, _FILER_TIMEOUT, local, reserved)
        user = self._ask("filer-user", "The filer's user", "root", _filled)
        key = self._ask("key-file", "Private RSA key; empty: a password", "", str)
        password = self._secret("filer-password-file", f"Password of {user}") if not key else None
        known = self._folder / (self._given.get("known-hosts") or "known_hosts")
        file = self._folder / Path(key).expanduser() if key else None
        return Filer(name, host, "ssh", port, user, file, password, known, _FILER_TIMEOUT, None, reserved_port=True)

    def _meet(self, filer: Filer) -> None:
        """The filer's host key is shown and, when it is confirmed, written down; then the login is tried."""
        from snapall.site.ssh import Ssh  # noqa: PLC0415 - paramiko

        known = filer.known_hosts
        if known is None:
            return  # rsh knows of no keys
        if not known.exists() or filer.host not in known.read_text("utf-8", "replace"):
            key = Ssh(filer).host_key()
            self._tell(f"  the filer shows {key.told}; compare it over a way that you trust")
            self._ask("host-key", "Its fingerprint again, or yes", None, lambda said: _confirmed(said, key.fingerprint))
            with known.open("a", encoding="utf-8") as file:
                file.write(f"{key.line}\n")
        Ssh(filer).greet()
        self._tell("  the filer lets us in")

    def _volumes(self, filer: Filer) -> tuple[str, ...]:
        from snapall.site import transport_to  # noqa: PLC0415 - paramiko
        from snapall.site.filer import FilerSystem, require_7mode  # noqa: PLC0415
        from snapall.site.volumes import Volumes  # noqa: PLC0415

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
            names = [_name(one) for one in _listed(text)]
            for name in names if self._tries else ():
                FilerSystem(transport, filer.name).listing(name)
            return tuple(names)

        return self._ask("volumes", "Volumes under these datastores, with commas", None, choose)


def _filled(text: str) -> str:
    if not text:
        raise ConfigError("an answer is needed", "it cannot be left empty")
    return text


def _words(text: str) -> tuple[str, ...]:
    try:
        words = tuple(shlex.split(_filled(text)))
    except ValueError as error:
        raise ConfigError(f"{text!r} is no command: {error}", "close the quotes") from error
    return words


def _listed(text: str) -> list[str]:
    return [_filled(part.strip()) for part in text.split(",")]


def _id(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else text


def _name(text: str) -> str:
    if FILER_NAME.fullmatch(text) is None:
        remedy = "use letters, digits, `_`, `.` and `-`, and begin with a letter or a digit"
        raise ConfigError(f"{text!r} cannot be part of a filer's command", remedy)
    return text


def _number(text: str, most: int = (1 << 16) - 1) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text[:9]) <= most):
        raise ConfigError(f"{text!r} is not a number from 1 to {most}", "write digits")
    return int(text)


def _transport(text: str) -> Literal["ssh", "rsh"]:
    match text:
        case "ssh" | "rsh":
            return text
        case _:
            raise ConfigError(f"{text!r} is neither ssh nor rsh", "write one of the two")


def _confirmed(said: str, fingerprint: str) -> None:
    if said not in {"yes", fingerprint}:
        raise ConfigError(
            f"the host key {fingerprint} is not confirmed",
            "answer yes only when you have compared it over a way that you trust; --host-key takes the fingerprint",
        )
