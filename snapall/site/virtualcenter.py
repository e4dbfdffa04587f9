"""The VirtualCenter database, asked and never written: the VMs of datastores, their snapshots, datastores by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import Column, Select, Table, exc, select
from sqlalchemy.sql import quoted_name
from sqlalchemy.types import NullType, TypeEngine

from snapall.backup.model import Vm, VmSnapshot, decode_name
from snapall.errors import Refused, SiteError
from snapall.site.datastores import Datastore, ids_of
from snapall.site.dbdrivers import (
    Trouble,
    bound_statements,
    connect_timeout,
    masked,
    suit_old_sql_servers,
    trouble_of,
    utc,
)
from snapall.site.said import one_line

if TYPE_CHECKING:
    from snapall.config import Database

_CHUNK = 500
"""Values in one IN list; SQL Server takes 2,100 parameters at most."""

_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "VPX_VM": ("ID", "HOST_ID", "IS_TEMPLATE"),
    "VPX_DS_ASSIGNMENT": ("DS_ID", "ENTITY_ID"),
    "VPX_ENTITY": ("ID", "NAME"),
    "VPX_HOST": ("ID", "DNS_NAME"),
    "VPX_DATASTORE": ("ID", "NAME"),
    "VPX_SNAPSHOT": ("ID", "VM_ID", "SNAPSHOT_NAME", "CREATE_TIME"),
}
"""What snapall reads, and nothing else, for VPX_HOST keeps passwords too. The columns are those of the paper's queries
and of others published for VirtualCenter 2.x; the vendor never published the tables."""

_NUMBERS = {"ID", "HOST_ID", "IS_TEMPLATE", "DS_ID", "ENTITY_ID", "VM_ID"}


@dataclass(frozen=True, slots=True)
class Found:
    """The VMs of the datastores by ascending id, and whether the login may read their names and their hosts."""

    vms: tuple[Vm, ...]
    names_readable: bool
    hosts_readable: bool


class VirtualCenter:
    """The database of one VirtualCenter.

    Every question opens a connection of its own and closes it, so that nothing is held while the VMs are quiesced. All
    of them raise SiteError with a remedy when the database cannot answer.
    """

    def __init__(self, settings: Database, timeout: float = 30) -> None:
        """`timeout`, in seconds, bounds each connect and each statement where the driver can do that."""
        self._settings = settings
        self._timeout = timeout
        self._owner = settings.owner

    def vms(self, datastores: Sequence[int]) -> Found:
        """The VMs with a disk on one of these datastores, each once, without templates.

        The join with VPX_VM drops what else VPX_DS_ASSIGNMENT lists, hosts by all appearances (the paper, section 2.1).
        """
        with self._asking() as ask:
            vm, at = ask.table("VPX_VM"), ask.table("VPX_DS_ASSIGNMENT")
            on = vm.join(at, vm.c.ID == at.c.ENTITY_ID)
            # A template cannot be snapshot; the batch asked for it all the same.
            kept = sa.func.coalesce(vm.c.IS_TEMPLATE, 0) == 0
            plain = select(vm.c.ID).select_from(on).where(kept).distinct().order_by(vm.c.ID)
            ids = ask.rows(plain, at.c.DS_ID, datastores)
            entity, host = ask.table("VPX_ENTITY"), ask.table("VPX_HOST")
            named = select(vm.c.ID, entity.c.NAME).select_from(on.join(entity, entity.c.ID == vm.c.ID)).where(kept)
            hosted = select(vm.c.ID, host.c.DNS_NAME).select_from(on.join(host, host.c.ID == vm.c.HOST_ID)).where(kept)
            names = ask.rows_if_allowed(named, at.c.DS_ID, datastores)
            hosts = ask.rows_if_allowed(hosted, at.c.DS_ID, datastores)
        name_of = {int(vm_id): decode_name(name) for vm_id, name in names or () if name is not None}
        host_of = {int(vm_id): str(name) for vm_id, name in hosts or () if name is not None}
        found = tuple(Vm(one, name_of.get(one), host_of.get(one)) for one in sorted({int(row[0]) for row in ids}))
        return Found(found, names is not None, hosts is not None)

    def datastores(self) -> tuple[Datastore, ...]:
        """All datastores that VirtualCenter knows, by ascending id."""
        with self._asking() as ask:
            table = ask.table("VPX_DATASTORE")
            rows = ask.all_rows(select(table.c.ID, table.c.NAME))
        named = (Datastore(int(one), "" if name is None else decode_name(name)) for one, name in rows)
        return tuple(sorted(named, key=lambda one: one.id))

    def datastore_ids(self, names: Sequence[int | str]) -> tuple[int, ...]:
        """The ids of datastores given by id or by name, each once. Raises Refused for a name of none, or of several.

        Ids pass as they are, so that a login without SELECT on VPX_DATASTORE will do.
        """
        return ids_of(names, self.datastores() if any(isinstance(name, str) for name in names) else ())

    def snapshots(self, vm_ids: Sequence[int]) -> tuple[VmSnapshot, ...]:
        """All snapshots of these VMs, whatever their names, by ascending id.

        Names are compared by the caller, in Python: to SQL Server `quiesce` and `Quiesce ` are the same as `Quiesce`.
        """
        with self._asking() as ask:
            table = ask.table("VPX_SNAPSHOT")
            columns = (table.c.ID, table.c.VM_ID, table.c.SNAPSHOT_NAME, table.c.CREATE_TIME)
            rows = sorted(ask.rows(select(*columns), table.c.VM_ID, vm_ids), key=lambda row: int(row[0]))
        return tuple(VmSnapshot(f"snapshot-{int(one)}", int(vm), name or "", utc(when)) for one, vm, name, when in rows)

    @contextmanager
    def _asking(self) -> Iterator[_Question]:
        try:
            with self._engine.connect() as connection:
                bound_statements(connection.dialect, connection.connection.dbapi_connection, self._timeout)
                if self._owner is None and connection.dialect.name != "sqlite":
                    self._owner = _discovered_owner(connection)
                yield _Question(connection, self._owner)
        # Without its cause: the driver's own text may quote the connection string, password and all.
        except exc.SQLAlchemyError as error:
            raise self._site_error(trouble_of(_said(error)), _said(error)) from None
        except ImportError as error:
            raise self._site_error(Trouble.DRIVER, str(error)) from None

    @cached_property
    def _url(self) -> sa.URL:
        try:
            url = sa.make_url(self._settings.url)
        except (exc.ArgumentError, ValueError):
            raise SiteError("database.url is not a SQLAlchemy URL", Trouble.OTHER.hint) from None
        if self._settings.password is None or url.password is not None:
            return url
        return url.set(password=self._settings.password.reveal())

    @cached_property
    def _engine(self) -> sa.Engine:
        if self._url.get_backend_name() == "sqlite":
            self._refuse_a_missing_file()
        try:
            engine = sa.create_engine(
                self._url,
                # Nothing stays open between two questions, and an open transaction hides the true error of a failed
                # statement on old servers (measured; FreeTDS with TDS 7.1 needs autocommit at all).
                poolclass=sa.NullPool,
                isolation_level="AUTOCOMMIT",
                connect_args=connect_timeout(self._url.get_driver_name(), self._timeout),
            )
        except ValueError as error:
            raise self._site_error(Trouble.OTHER, str(error)) from None
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

    def _site_error(self, trouble: Trouble, said: str) -> SiteError:
        own = "" if self._settings.password is None else self._settings.password.reveal()
        text = one_line(masked(said, own, str(self._url.password or "")))
        shown = self._url.set(query={}).render_as_string(hide_password=True)
        return SiteError(f"the VirtualCenter database {shown}: {trouble.what}: {text}", trouble.hint)


class _Question:
    """What is asked through one connection. Values are bound, never written into a statement."""

    def __init__(self, connection: sa.Connection, owner: str | None) -> None:
        self._connection = connection
        self._owner = owner or None
        self._tables = sa.MetaData()

    def table(self, name: str) -> Table:
        """One of the VPX_ tables. Names go unquoted, so that each engine folds them to its own case."""
        columns = (Column(quoted_name(one, quote=False), _type_of(one)) for one in _COLUMNS[name])
        return Table(quoted_name(name, quote=False), self._tables, *columns, schema=self._owner)

    def all_rows(self, statement: Select[Any]) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self._connection.execute(statement)]

    def rows(
        self, statement: Select[Any], column: sa.ColumnElement[Any], values: Sequence[int]
    ) -> list[tuple[Any, ...]]:
        """The rows whose column holds one of the values, however many these are."""
        wanted = sorted(set(values))
        chunks = (wanted[at : at + _CHUNK] for at in range(0, len(wanted), _CHUNK))
        return [row for chunk in chunks for row in self.all_rows(statement.where(column.in_(chunk)))]

    def rows_if_allowed(
        self, statement: Select[Any], column: sa.ColumnElement[Any], values: Sequence[int]
    ) -> list[tuple[Any, ...]] | None:
        """The rows; None if the login may not read a table of the statement, or there is none."""
        try:
            return self.rows(statement, column, values)
        except exc.DBAPIError as error:
            if trouble_of(_said(error)) in {Trouble.RIGHT, Trouble.TABLE, Trouble.COLUMN}:
                return None
            raise


def _type_of(column: str) -> TypeEngine[Any]:
    # Times and names are taken as the driver gives them: SQLite has text for a time, others a datetime.
    return sa.Integer() if column in _NUMBERS else NullType()


def _discovered_owner(connection: sa.Connection) -> str:
    """The schema of the VPX_ tables. Raises Refused if there are two, for one of them may be a copy."""
    columns = (Column(quoted_name(name, quote=False), NullType()) for name in ("TABLE_SCHEMA", "TABLE_NAME"))
    schema = quoted_name("INFORMATION_SCHEMA", quote=False)
    tables = Table(quoted_name("TABLES", quote=False), sa.MetaData(), *columns, schema=schema)
    rows = connection.execute(select(*tables.c))
    match sorted({str(owner) for owner, name in rows if str(name).upper() == "VPX_VM"}):
        case [owner]:
            # Quoted as it is: an owner may be `DOMAIN\\vc.user`.
            return quoted_name(owner, quote=True)
        case []:
            raise SiteError(
                "the database has no table VPX_VM that this login may see",
                "look at database.url and the login's rights, or name the owner of the tables in database.owner",
            )
        case owners:
            raise Refused(
                f"the database has several tables VPX_VM, of the owners {', '.join(owners)}",
                "name the one that VirtualCenter uses in database.owner",
            )


def _said(error: exc.SQLAlchemyError) -> str:
    return str(error.orig if isinstance(error, exc.DBAPIError) else error)
