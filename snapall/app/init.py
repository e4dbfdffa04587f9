"""`snapall init`: asks for what a first configuration needs, and checks each answer at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from snapall.app import init_answers
from snapall.config.complaints import checked
from snapall.config.init import FILER_SECRET, SQL_SECRET, VC_SECRET, Answers, refuse_another, write_down
from snapall.config.secret import Secret
from snapall.config.settings import Database, Filer, JobSettings, Vcenter
from snapall.config.textfile import text_in
from snapall.errors import ConfigError, SnapallError, reason_of
from snapall.site import transport_to
from snapall.site.filer import FilerSystem
from snapall.site.vcb import Vcb, program_of
from snapall.site.version import require_7mode
from snapall.site.volumes import Volumes

if TYPE_CHECKING:
    from snapall.backup.model import Vm
    from snapall.site.virtualcenter import VirtualCenter

T = TypeVar("T")
# Answers that are checked together, and asked for again together.
_OF_VCENTER = ("vcenter", "vcbsnapshot", "vcenter-user", "vcenter-password-file")
_OF_FILER = (
    *("filer", "transport", "port", "filer-user", "key-file", "filer-password-file", "host-key", "local-user"),
)


class Interview:
    """One interview. `given` has the answers from options; without a `person` a missing answer is an error."""

    def __init__(
        self, given: Mapping[str, str | None], person: init_answers.Person | None, folder: Path, *, checks: bool
    ) -> None:
        """`folder`: of the configuration. `checks`: try the answers on the site."""
        self._given = given
        self._person = person
        self._folder = folder
        self._checks = checks

    def answers(self) -> Answers:
        """Ask for everything, in the order in which a run needs it. ConfigError: an answer is missing, or wrong."""
        vcenter = self._ask_until_it_works(self._vcenter, None, _OF_VCENTER)
        database, stores, vms = self._database()
        if vms:  # checked only now, since the check needs a VM
            vcenter = self._ask_until_it_works(
                self._vcenter,
                lambda one: self._show(f"  vcbsnapshot: {Vcb(one).try_login(vms[0])}"),
                _OF_VCENTER,
                vcenter,
            )
        filer = self._ask_until_it_works(self._filer, self._check_filer, _OF_FILER)
        job = self._job(filer, tuple(stores))
        return Answers(vcenter, database, filer, job, ", ".join(filter(None, stores.values())) or "ids or names")

    def _job(self, filer: Filer, stores: tuple[int | str, ...]) -> JobSettings:
        volumes = self._volumes(filer)
        name = self._ask("job", "Name of the job", volumes[0], init_answers.name)
        prefix = self._ask("prefix", "Prefix of the backups' names", "vmware", init_answers.name)
        retain = self._ask("retain", "How many backups to retain", "4", init_answers.retain)
        made = {"filer": filer.name, "volumes": volumes, "datastores": stores, "prefix": prefix, "retain": retain}
        return checked(lambda: JobSettings.model_validate({"name": name, **made}))

    def _ask(self, flag: str, question: str, default: str | None, read: Callable[[str], T]) -> T:
        """Return the first answer that `read` accepts: the option's, else the person's. `read` raises SnapallError."""
        value = self._given.get(flag)
        while value is None and self._person is not None:
            try:
                return read(self._person.ask(question, default, hidden=False).strip())
            except SnapallError as error:
                self._show_error(error)
        value = default if value is None else value
        if value is None:
            raise ConfigError(
                f"--{flag} is missing, and there is no terminal to prompt on",
                f"add `--{flag} VALUE` ({question}), or run `snapall init` in a terminal",
                "SA-7009",
            )
        try:
            return read(value.strip())
        except SnapallError as error:
            raise ConfigError(f"--{flag}: {error.message}", error.hint, error.code) from error

    def _ask_until_it_works(
        self, ask: Callable[[], T], check: Callable[[T], object] | None, flags: Sequence[str], first: T | None = None
    ) -> T:
        """Ask for answers that belong together and check them; if the check fails, ask the person again for all."""
        while True:
            try:
                made = ask() if first is None else first
                if self._checks and check is not None:
                    check(made)
                return made
            except SnapallError as error:
                if self._person is None:
                    raise
                self._show_error(error)
                first = None
                self._given = {flag: value for flag, value in self._given.items() if flag not in flags}

    def _show_error(self, error: SnapallError) -> None:
        self._show(f"{error.message}\n  remedy: {error.hint}")

    def _show(self, text: str) -> None:
        if self._person is not None:
            self._person.show(text)

    def _secret(self, flag: str, question: str, file_name: str) -> Secret | None:
        """Read a password from the file that the option names, or ask for it; it will be written to `file_name`."""
        file = self._given.get(flag)
        if file is not None:
            try:
                text = text_in(Path(file)).rstrip("\n")
            except (OSError, ValueError) as error:
                reason = reason_of(error) if isinstance(error, OSError) else f"it {error}"
                raise ConfigError(
                    f"--{flag}: {file} cannot be read: {reason}",
                    "name a text file that contains the password",
                    "SA-7010",
                ) from error
        else:
            text = self._person.ask(question, "", hidden=True) if self._person is not None else ""
        if not text:
            return None
        refuse_another(self._folder / file_name, Secret(text))
        return Secret(text)

    def _vcenter(self) -> Vcenter:
        def program(text: str) -> tuple[str, ...]:
            argv = init_answers.arguments(text)
            if self._checks:
                self._show(f"  vcbsnapshot is {program_of(argv[0])}")
            return argv

        host = self._ask("vcenter", "VirtualCenter's host", None, init_answers.filled)
        argv = self._ask("vcbsnapshot", "The vcbsnapshot program and its leading arguments", "vcbsnapshot", program)
        user = self._ask("vcenter-user", "VirtualCenter's user; empty: VCB's config.js supplies it", "", str) or None
        password = self._secret("vcenter-password-file", f"Password of {user}", VC_SECRET) if user is not None else None
        return checked(lambda: Vcenter(host=host, user=user, password=password, vcbsnapshot=argv))

    def _database(self) -> tuple[Database, dict[int | str, str], tuple[Vm, ...]]:
        """Ask for the database and the datastores; return it, them with their names, and the VMs on them."""
        from snapall.site.virtualcenter import VirtualCenter  # noqa: PLC0415 - sqlalchemy

        def login(url: str) -> Database:
            # Asked again with each URL, since the password may be what was wrong.
            question = "Password of the database login; empty: none"
            file = init_answers.url(url).startswith("sqlite")
            password = None if file else self._secret("database-password-file", question, SQL_SECRET)
            made = checked(lambda: Database(url=url, password=password, owner=self._given.get("owner")))
            if self._checks:
                VirtualCenter(made).find_owner()
            return made

        question = "The database, for example mssql+pyodbc://USER@DSN"
        database = self._ask("database", question, None, login)
        if self._checks:
            return database, *self._listed_datastores(VirtualCenter(database))
        chosen = self._ask("datastores", "Datastores, ids or names, separated by commas", None, init_answers.listed)
        return database, dict.fromkeys((init_answers.id_or_name(one) for one in chosen), ""), ()

    def _listed_datastores(self, database: VirtualCenter) -> tuple[dict[int | str, str], tuple[Vm, ...]]:
        """Show the datastores and ask which ones to back up; return them with their names, and the VMs on them."""
        inventory = database.inventory()
        for one in inventory:
            self._show(f"  {one.id:>6}  {one.name}  {one.vms} VMs")
        names = {one.id: one.name for one in inventory}

        def choose(text: str) -> tuple[int, ...]:
            ids = database.datastore_ids([init_answers.id_or_name(part) for part in init_answers.listed(text)])
            missing = [one for one in ids if one not in names]
            if missing:
                raise ConfigError(
                    f"there is no datastore {missing[0]}",
                    "choose from those that `snapall datastores` lists",
                    "SA-7011",
                )
            return ids

        ids = self._ask("datastores", "Datastores to back up, ids or names, separated by commas", None, choose)
        return {one: names[one] for one in ids}, database.vms(ids).vms

    def _filer(self) -> Filer:
        host = self._ask("filer", "The filer's host", None, init_answers.filled)
        transport = self._ask("transport", "ssh or rsh", "ssh", init_answers.transport)
        port = self._ask("port", "Its port", "22" if transport == "ssh" else "514", init_answers.number)
        name = host.partition(".")[0] if not host[:1].isdigit() else "filer1"
        made: dict[str, object] = {"name": name, "host": host, "transport": transport, "port": port}
        if transport == "rsh":
            made["local_user"] = (
                self._ask("local-user", "Local user name to send; empty: the login name", "", str) or None
            )
            made["reserved_port"] = self._given.get("reserved-port") != "no"
        else:
            made["user"] = user = self._ask("filer-user", "The filer's user", "root", init_answers.filled)
            key = self._ask("key-file", "Private RSA key file; empty: a password", "", init_answers.path)
            made["key_file"] = key and self._folder / key
            made["password"] = (
                self._secret("filer-password-file", f"Password of {user}", FILER_SECRET) if key is None else None
            )
            made["known_hosts"] = self._folder / (self._given.get("known-hosts") or "known_hosts")
        return checked(lambda: Filer.model_validate(made))

    def _check_filer(self, filer: Filer) -> None:
        """Show the filer's host key and, once it is confirmed, add it to known_hosts; then try the login."""
        from snapall.site.ssh import Ssh  # noqa: PLC0415 - paramiko
        from snapall.site.sshkeys import KnownHosts  # noqa: PLC0415 - paramiko

        known = filer.known_hosts
        if known is None:  # rsh has no keys
            FilerSystem(transport_to(filer), filer.name, filer.host).version()
            return
        if not known.exists() or not KnownHosts(filer).read().kinds:
            key = Ssh(filer).host_key()
            self._show(f"  the filer's host key is {key.label}; verify it through a channel you trust")
            question = "Enter yes or the fingerprint to confirm it"
            self._ask("host-key", question, None, lambda answer: init_answers.confirmed(answer, key.fingerprint))
            write_down(known, key.line)
        Ssh(filer).greet()
        self._show("  the filer accepted the login")

    def _volumes(self, filer: Filer) -> tuple[str, ...]:
        transport = transport_to(filer)
        system = FilerSystem(transport, filer.name, filer.host)
        if self._checks:
            version = system.version()
            require_7mode(version, filer.name)
            self._show(f"  {version}")
            try:
                listed = ", ".join(one.name for one in Volumes(transport, filer.name).all())
                self._show(f"  its volumes: {listed}")
            except SnapallError as error:
                self._show(f"  its volumes cannot be listed: {error.message}")

        def choose(text: str) -> tuple[str, ...]:
            names = tuple(init_answers.name(one) for one in init_answers.listed(text))
            for name in names if self._checks else ():
                system.listing(name)
            return names

        return self._ask("volumes", "Volumes of these datastores, separated by commas", None, choose)
