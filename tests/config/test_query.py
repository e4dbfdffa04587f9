"""A job's query: what is taken for one SELECT that only reads, and what is refused before anything is contacted."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from snapall.config.load import parse
from snapall.config.query import query_fault
from snapall.config.settings import Config
from snapall.errors import ConfigError
from tests.config.json_schema import accepts
from tests.config.test_config import ENVIRON, PLAIN
from tests.config.test_json_schema import SCHEMA

EXAMPLES = sorted((Path(__file__).parents[2] / "sql" / "examples").glob("*.sql"))


def by_query(written: str) -> str:
    """A file whose job has a query in place of its datastores."""
    return PLAIN.replace("datastores = [688]", f"query = {written}")


def read(folder: Path, text: str) -> Config:
    return parse(text, folder / "snapall.toml", ENVIRON)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "id_rsa").write_text("a key")
    return tmp_path


@pytest.mark.parametrize(
    "query",
    [
        *(path.read_text(encoding="utf-8") for path in EXAMPLES),
        "select id from vpx_vm",
        "SELECT ID FROM VPX_VM UNION ALL SELECT VM_ID FROM VPX_SNAPSHOT",
        "SELECT ID FROM VPX_VM WHERE ID IN (SELECT VM_ID FROM VPX_SNAPSHOT) ORDER BY 1",
        "SELECT ID FROM VPX_VM WITH (NOLOCK) WHERE NAME = 'drop; delete' -- update\n",
        "SELECT \"SET\", [UPDATE] FROM VPX_VM /* ; DELETE */ WHERE UPDATE_KEY = 2 AND N = N'it''s'",
        "SELECT ID FROM VPX_VM WHERE CREATE_TIME > '12:30' AND NAME LIKE '50%' AND ID::integer > 2",
    ],
)
def test_a_query_that_reads_is_taken_as_it_stands(folder: Path, query: str) -> None:
    assert query_fault(query) == ""
    assert read(folder, by_query(f"'''{query}'''")).jobs["vol1"].query == query.removeprefix("\n")


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("", "must not be empty"),
        ("  \n", "must not be empty"),
        ("DELETE FROM VPX_VM", "must begin with SELECT"),
        ("WITH x AS (DELETE FROM VPX_VM RETURNING ID) SELECT ID FROM x", "must begin with SELECT"),
        ("(SELECT 1)", "must begin with SELECT"),
        ("SELECT 1; DROP TABLE VPX_VM", "must be one statement, without a semicolon"),
        ("SELECT 1;", "must be one statement, without a semicolon"),
        ("SELECT 1 DELETE FROM VPX_VM", "holds DELETE: it must be one SELECT that only reads"),
        ("SELECT 1 SELECT 2", "holds a second SELECT"),
        ("SELECT * INTO copy FROM VPX_VM", "holds INTO"),
        ("SELECT ID FROM VPX_VM FOR UPDATE", "holds UPDATE"),
        ("SELECT ID FROM VPX_VM WITH (TABLOCKX)", "holds TABLOCKX"),
        ("SELECT 1 exec sp_who", "holds EXEC"),
        ("SELECT 'a", "has a text whose quotation mark is not closed"),
        ("SELECT E'\\' DELETE --'", "holds E'...'"),
        ("SELECT $$a$$", "holds $ outside of a text"),
        ("SELECT 1 /*! DELETE */", "must not hold /*! ... */, which some databases execute"),
        ("SELECT 1 /* /* */ DELETE */", "holds a comment in a comment"),
        ("SELECT (1", "has a parenthesis without its partner"),
        ("SELECT 1\x1b", "must not hold control characters"),
    ],
)
def test_what_may_change_something_is_refused_by_its_key(folder: Path, query: str, fault: str) -> None:
    written = '"' + query.replace("\\", "\\\\").replace("\n", "\\n").replace("\x1b", "\\u001b") + '"'
    with pytest.raises(ConfigError) as caught:
        read(folder, by_query(written))
    assert f"jobs.vol1.query: {fault}" in caught.value.message


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1 /* /* */ ' */ ; DELETE FROM VPX_VM -- '",  # SQL Server and PostgreSQL nest comments
        "SELECT 1 --\r; DELETE FROM VPX_VM",  # PostgreSQL ends a comment here
        "SELECT 1 --\x85 ' \n ; DELETE FROM VPX_VM -- '",
        "SELECT ARRAY['] ' ] ; DELETE FROM VPX_VM -- '",  # no name for PostgreSQL, but a text in an array
        "SELECT ARRAY[$$] ' $$] ; DELETE FROM VPX_VM -- '",
        "SELECT [a]] ' ] ; DELETE FROM VPX_VM -- '",  # ]] is a bracket in a name of SQL Server's
        "SELECT x@$$ ' $$ ; DELETE FROM VPX_VM -- '",  # a text between $$ for PostgreSQL
        "SELECT '\\'' ; DELETE FROM VPX_VM -- '",  # PostgreSQL before 9.1, and MySQL
    ],
)
def test_a_query_that_databases_take_apart_differently_is_refused(query: str) -> None:
    assert query_fault(query) != ""


@pytest.mark.parametrize(
    "query",
    [
        "SELECT ID FROM VPX_VM FOR SHARE",
        "SELECT pg_terminate_backend(7)",
        "SELECT dblink_exec('dbname=vc', 'DELETE FROM VPX_VM')",
        "SELECT setval('s', 1)",
        "SELECT load_extension('evil')",
        "SELECT 1 DUMP TRANSACTION vc",
    ],
)
def test_a_query_that_acts_by_a_function_or_an_old_statement_is_refused(query: str) -> None:
    assert "must be one SELECT that only reads" in query_fault(query)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT [VC-DB].dbo.VPX_VM.ID FROM [VC-DB].dbo.VPX_VM -- the DBA's view\r\nWHERE 1 = 1",
        "SELECT \"a$b\", [a b] FROM VPX_VM /* two\r\nlines,\ta tab */ WHERE NAME = 'a$b [x] -- /* y'",
    ],
)
def test_names_and_comments_that_every_database_reads_alike_are_taken(query: str) -> None:
    assert query_fault(query) == ""


def test_a_job_needs_datastores_or_a_query_and_may_have_both(folder: Path) -> None:
    written = by_query("'SELECT ID FROM VPX_VM'")
    assert read(folder, written).jobs["vol1"].datastores == ()
    both = read(folder, written.replace("query =", "datastores = [688]\nquery =")).jobs["vol1"]
    assert (both.datastores, both.query) == ((688,), "SELECT ID FROM VPX_VM")
    assert both.scope == "datastore 688 and its query"
    with pytest.raises(
        ConfigError, match=r"jobs\.vol1\.datastores: is missing: name datastores .*, or write a `query`"
    ):
        read(folder, PLAIN.replace("datastores = [688]", ""))


def test_the_schema_takes_a_job_by_query() -> None:
    assert accepts(SCHEMA, tomllib.loads(by_query("'SELECT ID FROM VPX_VM'")))
    assert not accepts(SCHEMA, tomllib.loads(by_query("3")))
