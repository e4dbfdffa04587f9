"""Database URLs: taken apart as SQLAlchemy does, and never so that a part of a password stands where it is shown."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import make_url

from snapall.config.complaints import faults_of
from snapall.config.dburl import url_of
from snapall.config.secret import Secret
from snapall.config.settings import Database
from tests.config.test_config import PLAIN, faults
from tests.secrets import parts_of

# None of these letters occurs in the rest of a URL here, so that what is found of a password is one.
PASSWORDS = st.text("JQzK@:/?#%&;={}[]+\\'\"!,$^|", min_size=4, max_size=16)
NO_HOST = "mssql+pyodbc://vc_user:{}"
FORMS = (
    "mssql+pyodbc://vc_user:{}@VirtualCenter",
    "mssql+pyodbc://vc_user:{}@vc01:1433/VCDB?driver=FreeTDS",
    "postgresql://vc_user:{}@[::1]/VCDB",
    "mssql+pyodbc://vc_user%3A{}@VirtualCenter",
    "mssql+pyodbc:///vc_user:{}@VirtualCenter",
    "mssql+pyodbc://DOMAIN/vc_user:{}@VirtualCenter",
    NO_HOST,
    "mssql+pyodbc://VirtualCenter/VCDB;PWD={}",
    "mssql+pyodbc://?odbc_connect=DSN=VirtualCenter;PWD={}",
    "mssql+pyodbc://vc_user@VirtualCenter?PWD={}",
    "sqlite+pysqlcipher://:{}@/VCDB",
)


def complaint(url: str) -> str:
    """What a refused URL is answered; "" when it is taken."""
    try:
        url_of(url)
    except ValueError as error:
        return str(error)
    return ""


def shown(url: str) -> str:
    """All that is shown of a URL, or of its refusal."""
    try:
        database = Database(url=url)
    except ValidationError as error:
        return f"{error} {faults_of(error)}"
    return f"{url_of(url).shown} {database!r} {database} {database.model_dump_json()} {url_of(url)!r}"


@given(st.sampled_from(FORMS), PASSWORDS)
def test_no_part_of_a_password_is_shown_wherever_it_stands_and_whatever_is_in_it(form: str, password: str) -> None:
    for written in (password, quote(password, safe=""), quote(quote(password, safe=""), safe="")):
        if form == NO_HOST and "@" in written:
            continue  # `USER:x@y` is a whole URL, with the host y: nothing tells that y is part of a password
        text = shown(form.format(written))
        assert not [part for part in parts_of(password) if part in text]


@given(st.sampled_from(FORMS[:3]), PASSWORDS)
def test_a_url_that_is_taken_has_the_password_that_was_meant(form: str, password: str) -> None:
    for written in (quote(password, safe=""), password.replace("%", "%25")):
        url = form.format(written)
        if complaint(url):
            assert written == password.replace("%", "%25")
            continue
        assert url_of(url).password == Secret(password)
        assert make_url(url).password == password


@given(st.text("ab:/?@%#[];=4 1", max_size=24).map("mssql+pyodbc://{}".format))
def test_what_is_taken_is_read_by_sqlalchemy_in_the_same_way(url: str) -> None:
    if complaint(url):
        return
    ours, theirs = url_of(url), make_url(url)
    assert (ours.password.reveal() if ours.password is not None else "") == (theirs.password or "")
    assert (theirs.host or "") in (ours.host, ours.host[1:-1])
    assert int(ours.port or 0) == (theirs.port or 0)
    assert (ours.user is None) == (theirs.username is None)
    assert (ours.database is None) == (theirs.database is None)


def test_every_refusal_says_what_to_write_instead() -> None:
    assert "write it into database.password" in complaint("mssql+pyodbc://vc_user:p@ss@VirtualCenter")
    assert "@ as %40" in complaint("mssql+pyodbc://vc_user%3Apass@VirtualCenter")
    assert complaint("VirtualCenter").startswith("must be a SQLAlchemy URL")


@pytest.mark.parametrize(
    "url",
    [
        "mssql+pyodbc://vc_user@VirtualCenter",
        "mssql+pyodbc://@VC",
        "mssql+pyodbc://DOMAIN%5Cvc_user@VirtualCenter",
        "mssql+pyodbc://vc_user%40example.edu@VirtualCenter",
        "mssql+pyodbc://vc_user@example:secret@VirtualCenter",
        "mssql+pyodbc://vc_user:p/ss?w#rd@VirtualCenter",
        "mssql+pymssql://u@vc01:1433/VCDB?tds_version=7.1",
        "mssql+pyodbc:///?odbc_connect=DSN%3DVirtualCenter%3BPWD%3Dp@ss",
        "postgresql://vc_user@[::1]:5432/VCDB",
        "postgresql:///VCDB?host=/run/postgresql",
        "sqlite://",
        "nosuchdb+nodriver:///file:/srv/vc.db?mode=ro",
        "sqlite:////srv/a@b:c/vc.db",
        "sqlite:///C:/lab/vc.db?mode=ro&uri=true",
    ],
)
def test_what_is_certain_is_taken(url: str) -> None:
    assert complaint(url) == ""


def test_a_url_without_its_password_is_the_same_database() -> None:
    url = url_of("mssql+pyodbc://vc_user:secret@vc01:1433/VCDB?driver=FreeTDS")
    assert url.without_password == "mssql+pyodbc://vc_user@vc01:1433/VCDB?driver=FreeTDS"
    assert url.shown == "mssql+pyodbc://vc_user:***@vc01:1433/VCDB"


def test_the_configuration_names_the_key_and_no_part_of_the_password(tmp_path: Path) -> None:
    (tmp_path / "id_rsa").write_text("a key\n")
    (fault,) = faults(tmp_path, PLAIN.replace("vc_user@", "vc_user:p@ss/word@"))
    assert fault.startswith("database.url: cannot be taken apart with certainty")
    assert not [part for part in parts_of("p@ss/word") if part in fault.replace("password", "")]


def test_a_password_in_the_place_of_a_variables_name_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "id_rsa").write_text("a key\n")
    (fault,) = faults(tmp_path, PLAIN.replace("VCPWORD", "p@ss/word"))
    assert fault == "vcenter.password: a variable whose name is not shown here is not set"
