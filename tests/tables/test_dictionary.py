"""The data dictionary in data/README.md is the schema's."""

from __future__ import annotations

from analysis.tables import dictionary
from analysis.tables.schema import TABLES
from tests.conftest import REPOSITORY


def test_the_dictionary_is_printed_from_the_schema() -> None:
    text = (REPOSITORY / "data" / "README.md").read_text("utf-8")
    assert dictionary.updated(text) == text, "run `make dictionary`"


def test_every_table_and_column_is_in_it() -> None:
    text = dictionary.markdown()
    for table in TABLES.values():
        assert f"### {table.name}\n" in text
        assert all(f"| {column.name} | " in text for column in table.columns)
