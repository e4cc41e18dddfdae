"""How a mapping describes a kind of file."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator


class Strict(BaseModel):
    """A model that knows its keys and nothing else."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def as_list(value: Any) -> Any:
    """Return a single text as a list of it."""
    return [value] if isinstance(value, str) else value


DELIMITERS = {"tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}

Names = Annotated[tuple[str, ...], Field(min_length=1)]


class Carry(Strict):
    """Fill values that an export writes only on the first row of each group."""

    by: str
    columns: Names


class Totals(Strict):
    """Add columns up over the rows of each group, as ``totals.Column``."""

    by: str
    columns: Names


class Lookup(Strict):
    """Bring columns of another kind of file along, as ``files.Column``.

    The row of ``files`` whose ``key`` equals this file's ``match`` is the one looked up; of
    several, the last delivered.
    """

    files: str
    match: str
    key: str


class FileSpec(Strict):
    """How one kind of file is written.

    ``paths`` are globs relative to the source's folder; ``header`` is the number of the line that
    holds the names (0: none, then ``names`` says them); ``missing`` are words that mean nothing;
    ``aliases`` are other headers for a column; columns that a file ``may_lack`` are then missing
    in every row; of format ``baskets``, each line is a basket and each of its cells a row with the
    column ``item``; ``optional`` files may not be there at all. Of a database's table, only rows
    whose ``watermark`` is above those read before are read. Of JSON, every element of the array
    ``each`` is a row, which has the names around it too.
    """

    paths: Names
    format: Literal["auto", "csv", "excel", "parquet", "jsonl", "baskets"] = "auto"
    encoding: str = "auto"
    delimiter: str = "auto"
    header: Annotated[int, Field(ge=0, le=1000)] = 1
    names: tuple[str, ...] = ()
    sheet: str = "first"
    missing: tuple[str, ...] = ()
    carry: Carry | None = None
    totals: Totals | None = None
    lookup: tuple[Lookup, ...] = ()
    aliases: dict[str, Names] = {}
    may_lack: tuple[str, ...] = ()
    optional: bool = False
    watermark: str | None = None
    each: str = ""

    _lists = field_validator("paths", "names", "missing", "may_lack", mode="before")(as_list)

    @field_validator("aliases", mode="before")
    @classmethod
    def _alias_lists(cls, value: Any) -> Any:
        return {k: as_list(v) for k, v in value.items()} if isinstance(value, dict) else value

    @field_validator("delimiter")
    @classmethod
    def _one_character(cls, value: str) -> str:
        value = DELIMITERS.get(value, value)
        if value not in {"auto", "whitespace"} and (len(value) != 1 or value in '"\r\n'):
            raise ValueError(
                "delimiter must be auto, whitespace, tab, comma, semicolon, pipe or one character"
            )
        return value

    @model_validator(mode="after")
    def _names_without_header(self) -> FileSpec:
        if self.header == 0 and not self.names and self.format not in {"parquet", "baskets"}:
            raise ValueError("header: 0 says there is no header, so names must list the columns")
        return self
