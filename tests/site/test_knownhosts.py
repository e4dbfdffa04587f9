"""known_hosts as OpenSSH reads it. `tests/real/test_knownhosts.py` asks OpenSSH itself."""

from __future__ import annotations

import base64

from hypothesis import given
from hypothesis import strategies as st

from snapall.site.knownhosts import HostKeys
from tests.site.knownhosts import CASES

BLOB, OTHER = b"\0\0\0\x07ssh-rsa" + b"a" * 64, b"\0\0\0\x07ssh-rsa" + b"b" * 64
KEY, OTHER_KEY = (f"ssh-rsa {base64.b64encode(blob).decode()}" for blob in (BLOB, OTHER))


def test_every_case_is_judged_as_openssh_judges_it() -> None:
    for name, case in CASES.items():
        keys = HostKeys(case.text(KEY, OTHER_KEY, "127.0.0.1", 2222), "[127.0.0.1]:2222", "127.0.0.1")
        assert (keys.known(BLOB) and not keys.revoked(BLOB)) is case.accepted, name


def test_a_revoked_key_is_revoked_wherever_its_line_stands() -> None:
    for lines in ((f"filer1 {KEY}", f"@revoked filer1 {KEY}"), (f"@revoked filer1 {KEY}", f"filer1 {KEY}")):
        assert HostKeys("\n".join(lines), "filer1").revoked(BLOB)


@given(st.text(), st.text())
def test_no_text_around_a_line_breaks_it_and_none_without_the_key_lets_anybody_in(before: str, after: str) -> None:
    line = f"filer1 {KEY}"
    keys = HostKeys(f"{before}\n{line}\n{after}", "filer1")
    assert keys.known(BLOB)
    assert keys.kinds == {"ssh-rsa"}
    assert not HostKeys(f"{before}\n{after}", "filer1").known(BLOB)


@given(st.text("*?ab.", max_size=8), st.text("ab.", max_size=6))
def test_a_pattern_without_stars_matches_its_own_length_alone(pattern: str, host: str) -> None:
    if "*" not in pattern and len(pattern) != len(host):
        assert not HostKeys(f"x,{pattern} {KEY}", host).known(BLOB)
