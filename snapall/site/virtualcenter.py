"""The VirtualCenter database, asked and never written: the VMs of datastores, their snapshots, datastores by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import exc, select

from snapall.backup.model import Vm, VmSnapshot
from snapall.errors import SiteError, SnapallError
from snapall.site import vmrows
from snapall.site.bounded import Bounded, DriverFault, Late
from snapall.site.datastores import DatastoreVms, Inventory, Placed, bytes_of, ids_of
from snapall.site.dbdrivers import (
    Trouble,
    bound_statements,
    connect_timeout,
    masked,
    suit_old_sql_servers,
    utc,
    with_port,
    without_a_pool,
)
from snapall.site.excerpt import one_line
from snapall.site.grouping import queried
from snapall.site.masking import Mask
from snapall.site.neededhosts import server_of
from snapall.site.tables import Question, discovered_owner, driver_text, id_of, snapshot_ids, trouble_in

if TYPE_CHECKING:
    from snapall.config.settings import Database


class VirtualCenter:
    """The database of one VirtualCenter.

    Every question opens a connection of its own and closes it, so that nothing is held while the VMs are quiesced. All
    of them raise SiteError with a remedy when the database cannot answer.
    """

    def __init__(self, settings: Database) -> None:
        self._settings = settings
        self._owner = settings.owner

    def prepare(self) -> None:
        """Load the driver; nobody is contacted. SiteError: there is none."""
        try:
            _ = self._engine
        except (exc.SQLAlchemyError, ImportError) as error:
            raise self._site_error(Trouble.DRIVER, str(error)) from None

    @property
    def display_url(self) -> str:
        """The URL without its password and its options."""
        return self._url.set(query={}).render_as_string(hide_password=True)

    @property
    def host(self) -> str:
        """The server's name, or its DSN's, as the URL gives it; "" where it gives none."""
        options = self._url.query.get("odbc_connect", "")
        return self._url.host or server_of(options if isinstance(options, str) else options[0])

    def find_owner(self) -> str:
        """Log in, and tell who owns the tables; "" where there are no owners."""
        with self._asking():
            return self._owner or ""

    def clock(self) -> datetime | None:
        """The database's own time; None: this kind of database is not asked for it."""
        with self._asking() as ask:
            match ask.dialect:
                case "mssql":
                    now: sa.ColumnElement[Any] = sa.func.getutcdate()
                case "postgresql":
                    now = sa.func.timezone(sa.literal_column("'utc'"), sa.func.now())
                case "sqlite":
                    now = sa.func.datetime(sa.literal_column("'now'"))
                case _:
                    return None
            return utc(ask.rows(select(now))[0][0])

    def vms(self, datastores: Sequence[int], query: str = "", *, allow_empty: bool = False) -> DatastoreVms:
        """The VMs of these datastores, and those that the query names, each once, without templates.

        Refused: the query answers something other than VMs; or no row, unless `allow_empty`.
        """
        with self._asking() as ask:
            chosen = queried(ask, query, allow_empty=allow_empty) if query else frozenset[int]()
            on = vmrows.assigned(ask, on=datastores)
            of_query = vmrows.assigned(ask, of=chosen) if chosen else {}
            own = sorted({*on, *chosen})
            vms, names_readable, hosts_readable = vmrows.named(ask, own)
            stores = {one: frozenset({*on.get(one, ()), *of_query.get(one, ())}) for one in own}
            where, beside = vmrows.whereabouts(ask, tuple(datastores), stores)
        filled = frozenset(store for found in on.values() for store in found)
        mine, where = tuple(vms[one] for one in own), replace(where, queried=chosen)
        return DatastoreVms(mine, filled, names_readable, hosts_readable, where, beside)

    def datastores(self) -> dict[int, str]:
        """The names of all datastores that VirtualCenter knows, by id."""
        with self._asking() as ask:
            table = ask.table("VPX_DATASTORE")
            rows = ask.rows(select(table.c.ID, table.c.NAME))
        return dict(sorted((id_of(one), vmrows.name_of(name)) for one, name in rows))

    def inventory(self) -> tuple[Inventory, ...]:
        """All datastores with their VMs and their space, by ascending id; what may not be read is None."""
        with self._asking() as ask:
            store, at, vm = (ask.table(name) for name in ("VPX_DATASTORE", "VPX_DS_ASSIGNMENT", "VPX_VM"))
            stores = ask.rows(select(store.c.ID, store.c.NAME))
            on = at.join(vm, vm.c.ID == at.c.ENTITY_ID)
            # As for `vms`: neither templates nor hosts, and a VM with two rows counts once.
            placed = select(at.c.DS_ID, vm.c.ID).select_from(on).where(vmrows.no_template(vm)).distinct()
            counted = Counter(id_of(one) for one, _ in ask.rows(placed))
            # Two questions, since a login may have the right to one column alone.
            sizes, free = (
                {id_of(one): bytes_of(value) for one, value in ask.if_allowed(select(store.c.ID, column)) or ()}
                for column in (store.c.CAPACITY, store.c.FREE_SPACE)
            )
        ids = sorted((id_of(one), vmrows.name_of(name)) for one, name in stores)
        return tuple(Inventory(one, name, counted[one], sizes.get(one), free.get(one)) for one, name in ids)

    def placements(self) -> tuple[Placed, ...]:
        """Every VM of this VirtualCenter with its datastores, by ascending id, without templates."""
        with self._asking() as ask:
            on = vmrows.assigned(ask)
            vms, _, _ = vmrows.named(ask, sorted(on))
            places, _, _ = vmrows.places(ask, on, None)
        return tuple(Placed(vms[one], places[one].datastores, places[one].whole) for one in sorted(on))

    def everyone(self) -> tuple[Vm, ...]:
        """Every VM that it knows, templates too, by ascending id; without its name where that may not be read."""
        with self._asking() as ask:
            vm = ask.table("VPX_VM")
            ids = sorted({id_of(one) for (one,) in ask.rows(select(vm.c.ID))})
            found, _, _ = vmrows.named(ask, ids)
        return tuple(found[one] for one in ids)

    def storage(self) -> Mapping[int, str]:
        """What is below each datastore, where that can be read; two datastores may have the same."""
        with self._asking() as ask:
            return vmrows.datastores(ask)[1]

    def queried(self, query: str, *, allow_empty: bool = False) -> frozenset[int]:
        """The VMs that a job's query names, as for `vms`."""
        with self._asking() as ask:
            return queried(ask, query, allow_empty=allow_empty)

    def datastore_ids(self, names: Sequence[int | str]) -> tuple[int, ...]:
        """The ids of datastores given by id or by name, each once. Raises Refused for a name of none, or of several.

        Ids pass as they are, so that a login without SELECT on VPX_DATASTORE will do.
        """
        return ids_of(names, self.datastores() if any(isinstance(name, str) for name in names) else {})

    def snapshots(self, vm_ids: Sequence[int], ssids: Sequence[str] = ()) -> tuple[VmSnapshot, ...]:
        """All snapshots of these VMs and, of whatever VM, those of these ids; each once, by ascending id.

        Names are compared by the caller, in Python: to SQL Server `quiesce` and `Quiesce ` are the same as `Quiesce`.
        """
        with self._asking() as ask:
            table = ask.table("VPX_SNAPSHOT")
            query = select(table.c.ID, table.c.VM_ID, table.c.SNAPSHOT_NAME, table.c.CREATE_TIME)
            found = ask.rows(query, (table.c.VM_ID, vm_ids), (table.c.ID, snapshot_ids(ssids)))
        rows = sorted({id_of(row[0]): row[1:] for row in found}.items())
        return tuple(
            VmSnapshot(f"snapshot-{n}", id_of(vm), vmrows.name_of(name), utc(at)) for n, (vm, name, at) in rows
        )

    def registered(self, vm_ids: Sequence[int]) -> dict[int, str | None]:
        """Those of these VMs that VirtualCenter knows, each with its host; None where that may not be read.

        An unregistered VM goes from VPX_VM, and comes back under a new id; one that moves to another host keeps its
        row.
        """
        with self._asking() as ask:
            vm, host = ask.table("VPX_VM"), ask.table("VPX_HOST")
            ids = ask.rows(select(vm.c.ID), (vm.c.ID, vm_ids))
            hosted = select(vm.c.ID, host.c.DNS_NAME).select_from(vm.join(host, host.c.ID == vm.c.HOST_ID))
            hosts = ask.if_allowed(hosted, (vm.c.ID, vm_ids))
        host_of = {id_of(vm_id): str(name) for vm_id, name in hosts or () if name is not None}
        return {id_of(vm_id): host_of.get(id_of(vm_id)) for (vm_id,) in ids}

    def running(self, vm_ids: Sequence[int]) -> dict[int, bool | None]:
        """Whether each of these VMs runs, by POWER_STATE: 0 is off, as published; None: it cannot be told."""
        with self._asking() as ask:
            vm = ask.table("VPX_VM")
            rows = ask.optional(select(vm.c.ID, vm.c.POWER_STATE), (vm.c.ID, vm_ids)) or ()
        found = {id_of(vm_id): None if state is None else int(state) != 0 for vm_id, state in rows}
        return {one: found.get(one) for one in vm_ids}

    def vmx_places(self, vm_ids: Sequence[int]) -> dict[int, vmrows.VmxPlace]:
        """Where the .vmx of each of these VMs lies now; a VM that is no longer registered has no place."""
        with self._asking() as ask:
            files = vmrows.vmx_files(ask, vm_ids)
        return {one: vmrows.VmxPlace(host, files.get(one)) for one, host in self.registered(vm_ids).items()}

    @contextmanager
    def _asking(self) -> Iterator[Question]:
        connected = False
        bounded, opened = Bounded(self._settings.timeout + _GRACE, _EXPECTED), ExitStack()
        try:
            connection = bounded(lambda: self._connected(opened))
            connected = True
            if self._owner is None and connection.dialect.name != "sqlite":
                self._owner = bounded(lambda: discovered_owner(connection))
            yield Question(connection, self._owner, bounded)
        # Without its cause: the driver's own text may quote the connection string, password and all.
        except (exc.SQLAlchemyError, DriverFault) as error:
            raise self._site_error(trouble_in(error, connected=connected), driver_text(error)) from None
        except Late as late:
            self.__dict__.pop("_engine", None)  # a first connect that hangs holds a lock of it
            raise self._site_error(Trouble.LATE if connected else Trouble.UNREACHABLE, str(late)) from None
        except ImportError as error:
            raise self._site_error(Trouble.DRIVER, str(error)) from None
        finally:
            bounded.end(opened.close)

    def _connected(self, opened: ExitStack) -> sa.Connection:
        connection = opened.enter_context(self._engine.connect())
        bound_statements(connection, self._settings.timeout)
        return connection

    @cached_property
    def _url(self) -> sa.URL:
        try:
            self._settings.url.encode()  # a batch file's bytes that are no text would fail wherever it is shown
            url = sa.make_url(self._settings.url)
        except (exc.ArgumentError, ValueError):
            raise SiteError("database.url is not a SQLAlchemy URL", Trouble.OTHER.hint, "SA-2001") from None
        if self._settings.password is None or url.password is not None:
            return url
        return url.set(password=self._settings.password.reveal())

    @cached_property
    def _engine(self) -> sa.Engine:
        if self._url.get_backend_name() == "sqlite":
            self._refuse_a_missing_file()
        try:
            engine = sa.create_engine(
                with_port(self._url),
                # Nothing stays open between two questions, and an open transaction hides the true error of a failed
                # statement on old servers (measured; FreeTDS with TDS 7.1 needs autocommit at all).
                poolclass=sa.NullPool,
                isolation_level="AUTOCOMMIT",
                connect_args=connect_timeout(self._url.get_driver_name(), self._settings.timeout),
            )
        except ValueError as error:
            raise self._site_error(Trouble.OTHER, str(error)) from None
        without_a_pool(engine.dialect)
        if engine.dialect.name == "mssql":
            suit_old_sql_servers(engine.dialect)
        return engine

    def _refuse_a_missing_file(self) -> None:
        """SQLite would make a new, empty database."""
        name = self._url.database
        if name and name != ":memory:" and not name.startswith("file:") and not Path(name).is_file():
            raise self._site_error(
                Trouble.UNREACHABLE, f"unable to open {Path(name).absolute()}: there is no such file"
            )

    def _site_error(self, trouble: Trouble, output: str) -> SiteError:
        own = "" if self._settings.password is None else self._settings.password.reveal()
        text = one_line(masked(output, own, str(self._url.password or "")))
        url = Mask(own)(self.display_url)  # a password may stand where it does not belong, as the host
        hint = trouble.remedy(self._url, output)
        return SiteError(f"the VirtualCenter database {url}: {trouble.what}: {text}", hint, trouble.code)


_GRACE = 5.0
"""Seconds beyond the timeout in which the server or the driver can say that it has passed, for they say why."""
_EXPECTED = (exc.SQLAlchemyError, ImportError, SnapallError)
