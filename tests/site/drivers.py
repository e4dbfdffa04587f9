"""Stand-ins for pyodbc, pymssql and pg8000: DB-API 2.0 modules before a server, each with errors of its own shape."""

from __future__ import annotations

import re
import sqlite3
from types import ModuleType
from typing import Any

from tests.site.servers import Server, ServerError


class Driver(ModuleType):
    """A DB-API 2.0 module before one server; its kinds differ in parameters, autocommit and the shape of errors."""

    paramstyle = "qmark"
    apilevel = "2.0"
    threadsafety = 1

    class Error(Exception):
        """The DB-API's tree of errors, as each driver has its own."""

    class InterfaceError(Error): ...

    class DatabaseError(Error): ...

    class OperationalError(DatabaseError): ...

    class ProgrammingError(DatabaseError): ...

    class NotSupportedError(DatabaseError): ...

    def __init__(self, server: Server) -> None:
        super().__init__(type(self).__name__.lower())
        self.server = server
        self.arguments: list[tuple[tuple[object, ...], dict[str, Any]]] = []

    def connect(self, *args: object, **arguments: Any) -> StandInConnection:
        """Log in."""
        self.arguments.append((args, arguments))
        try:
            return self.connection(self.server.start())
        except ServerError as said:
            raise self.dressed(said) from said

    def connection(self, db: sqlite3.Connection) -> StandInConnection:
        return StandInConnection(self, db)

    def values(self, statement: str, parameters: Any) -> tuple[str, tuple[object, ...]]:
        """The statement as SQLite takes it, and its values."""
        return statement, tuple(parameters)

    def dressed(self, said: ServerError) -> Exception:
        """The error as this driver raises it."""
        raise NotImplementedError


class StandInConnection:
    """A connection in which a transaction begins with a statement unless autocommit is on (PEP 249)."""

    autocommit: Any = False

    def __init__(self, driver: Driver, db: sqlite3.Connection) -> None:
        self.driver = driver
        self.db = db
        self.transaction: list[str] = []

    @property
    def is_autocommit(self) -> bool:
        return bool(self.autocommit)

    def cursor(self) -> StandInCursor:
        return StandInCursor(self)

    def commit(self) -> None:
        self.transaction.clear()

    def rollback(self) -> None:
        self.transaction.clear()

    def close(self) -> None:
        self.driver.server.in_transactions += self.transaction
        self.driver.server.open_now -= 1
        self.db.close()


class StandInCursor:
    def __init__(self, connection: StandInConnection) -> None:
        self._connection = connection
        self._cursor = connection.db.cursor()

    def execute(self, statement: str, parameters: Any = ()) -> None:
        driver, server = self._connection.driver, self._connection.driver.server
        translated, values = driver.values(statement, parameters)
        server.statements.append((statement, values))
        if not self._connection.is_autocommit:
            self._connection.transaction.append(statement)
        try:
            server.execute(self._cursor, translated, values)
        except ServerError as said:
            raise driver.dressed(said) from said

    def setinputsizes(self, *sizes: object) -> None: ...

    def nextset(self) -> None: ...

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)


class Pyodbc(Driver):
    """pyodbc 5 above FreeTDS: `(SQLSTATE, '[SQLSTATE] [FreeTDS][SQL Server]text (number) (SQLExecDirectW)')`."""

    version = "5.2.0"
    NUMBER = float
    Cursor = StandInCursor
    can_bound = True
    pooling = True  # asked of the driver manager at the first connect

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self.bounds: list[object] = []
        self.pooled: list[bool] = []

    def connection(self, db: sqlite3.Connection) -> StandInConnection:
        self.pooled.append(self.pooling)
        return PyodbcConnection(self, db)

    def dressed(self, said: ServerError) -> Exception:
        if not said.state:
            return self.OperationalError("08001", said.text)
        kinds = {"42": self.ProgrammingError, "28": self.InterfaceError, "IM": self.InterfaceError}
        kind = kinds.get(said.state[:2], self.OperationalError)
        return kind(said.state, f"[{said.state}] [FreeTDS][SQL Server]{said.text} ({said.number}) (SQLExecDirectW)")


class PyodbcConnection(StandInConnection):
    def __setattr__(self, name: str, value: object) -> None:
        if name == "timeout":
            driver = self.driver
            assert isinstance(driver, Pyodbc)
            if not driver.can_bound:
                raise driver.Error("HYC00", "[HYC00] [FreeTDS][SQL Server]Optional feature not implemented (0)")
            driver.bounds.append(value)
        super().__setattr__(name, value)

    def add_output_converter(self, kind: int, converter: object) -> None: ...


class Pymssql(Driver):
    """pymssql 2: named parameters, `autocommit(bool)`, and `((number, b'text...DB-Lib error message...'),)`."""

    __version__ = "2.3.1"
    paramstyle = "pyformat"

    def connection(self, db: sqlite3.Connection) -> StandInConnection:
        return PymssqlConnection(self, db)

    def values(self, statement: str, parameters: Any) -> tuple[str, tuple[object, ...]]:
        names = re.findall(r"%\((\w+)\)s", statement)
        return re.sub(r"%\(\w+\)s", "?", statement), tuple(parameters[name] for name in names)

    def dressed(self, said: ServerError) -> Exception:
        text = f"{said.text}DB-Lib error message 20018, severity 16:\nGeneral SQL Server error: Check messages from the"
        kind = self.OperationalError if said.number in (18456, 0) else self.ProgrammingError
        return kind((said.number, f"{text} SQL Server\n".encode()))


class PymssqlConnection(StandInConnection):
    _on = False

    def __init__(self, driver: Driver, db: sqlite3.Connection) -> None:
        super().__init__(driver, db)
        self.autocommit = self._switch

    def _switch(self, on: bool) -> None:
        self._on = on

    @property
    def is_autocommit(self) -> bool:
        return self._on


class Pg8000(Driver):
    """pg8000 1.31: `%s::INTEGER` for parameters, and an error is the dictionary of PostgreSQL's fields."""

    __version__ = "1.31.2"
    paramstyle = "format"

    def connection(self, db: sqlite3.Connection) -> StandInConnection:
        made = StandInConnection(self, db)
        made.py_types = {str: 1043}  # type: ignore[attr-defined]
        made.register_in_adapter = lambda *_: None  # type: ignore[attr-defined]
        return made

    def values(self, statement: str, parameters: Any) -> tuple[str, tuple[object, ...]]:
        return statement.replace("%s::INTEGER", "?"), tuple(parameters)

    def dressed(self, said: ServerError) -> Exception:
        return self.DatabaseError({"S": "ERROR", "C": said.state, "M": said.text})
