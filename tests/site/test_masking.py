"""Passwords are blotted out of foreign text, whole and in part, and ordinary text stays readable."""

from __future__ import annotations

import re
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapall.config.secret import Secret
from snapall.site.masking import Mask
from tests.secrets import parts_of

SIGNS = "@:/?#%&;={} \"'+"
# None of the letters occurs in the texts around it.
PASSWORDS = st.text(f"J8zK{SIGNS}", min_size=4, max_size=16)


@given(PASSWORDS, st.sampled_from(SIGNS))
def test_what_a_parser_leaves_of_a_password_is_masked_too(password: str, sign: str) -> None:
    mask = Mask(Secret(password))
    for place in (hit.start() for hit in re.finditer(re.escape(sign), password)):
        for left in (password[:place], password[: place + 1], password[place:], password[place + 1 :]):
            if len(left) > 3:
                assert not [part for part in parts_of(password) if part in mask(f"unknown host [{left}], gave up")]


@given(PASSWORDS)
def test_a_password_is_masked_as_it_is_and_as_others_write_it(password: str) -> None:
    mask = Mask(password)
    for written in (password, quote(password, safe=""), quote_plus(password), repr(password)[1:-1]):
        assert mask(f"no login with <{written}> here") == "no login with <***> here"


def test_a_short_password_is_masked_where_it_stands_alone_and_leaves_words_readable() -> None:
    mask = Mask(Secret("vc"))
    assert mask("vcbsnapshot -p vc: vc01 refused 'vc'") == "vcbsnapshot -p ***: vc01 refused '***'"


def test_a_password_that_is_a_word_is_masked_and_nothing_else() -> None:
    assert Mask("Snapshot2007")("Snapshot 12 of 2007: Snapshot2007") == "Snapshot 12 of 2007: ***"


@pytest.mark.parametrize("none", [None, "", Secret("")])
def test_without_a_password_a_text_stays_as_it_is(none: Secret | str | None) -> None:
    assert Mask(none)("as it is") == "as it is"


def test_several_passwords_are_masked_the_longest_first() -> None:
    assert Mask("secret", "secret/longer", None)("secret/longer secret") == "*** ***"


@given(PASSWORDS.filter(lambda one: len(set(one)) > 2), st.integers(4, 16))
def test_a_password_at_which_a_text_breaks_off_is_masked_as_far_as_it_is_there(password: str, length: int) -> None:
    begun = password[:length]
    assert Mask(password).broken_off(f"no login with <{begun}") == "no login with <***"
    assert Mask(password).broken_off(f"{password[-length:]}> was refused") == "***> was refused"


def test_a_text_that_breaks_off_elsewhere_stays_as_it_is() -> None:
    mask = Mask("Snapshot2007")
    assert mask.broken_off("the Snapshot\n") == "the Snapshot\n"
    assert mask.broken_off("the Sna") == "the Sna"
    assert mask.broken_off("") == ""
