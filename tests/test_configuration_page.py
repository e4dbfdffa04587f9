"""docs/configuration.md is what the schema says."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from tests.configuration import FILE, INNER, TABLES, page, texts


def test_the_page_is_made_from_the_schema_as_it_is() -> None:
    assert FILE.read_text(encoding="utf-8") == page()


@pytest.mark.parametrize("model", [model for _, model in TABLES], ids=lambda model: model.__name__)
def test_every_key_says_what_it_is_for(model: type[BaseModel]) -> None:
    assert set(model.model_fields) - set(texts(model)) - INNER == set()
