"""docs/configuration.md is what the settings say."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from tests.docs.configuration import FILE, TABLES, fields_of, page


def test_the_page_is_made_from_the_settings_as_they_are() -> None:
    assert FILE.read_text(encoding="utf-8") == page()


@pytest.mark.parametrize("model", [model for _, model in TABLES], ids=lambda model: model.__name__)
def test_every_key_says_what_it_is_for(model: type[BaseModel]) -> None:
    assert all(field.description for field in fields_of(model).values())
