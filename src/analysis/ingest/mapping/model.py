"""The mapping of a source's files to canonical tables: one YAML, checked before anything is read.

Every scalar in the file is read as text, so that ``No``, ``0123`` and ``12:30`` stay what they
are; the models below turn text into numbers and switches where they want them.

The ``source`` section of a study says which mapping reads which folder or database.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from analysis.errors import ParamsError
from analysis.ingest.bounded_yaml import TextLoader, in_words, read_yaml
from analysis.ingest.identity.pseudonyms import CustomerKey
from analysis.ingest.mapping.currencies import Currency
from analysis.ingest.mapping.file_mapping import FileSpec, Strict
from analysis.ingest.mapping.value_mapping import Condition, Value, checked_zone
from analysis.tables.schema import TABLES

#: What stands in a drafted mapping where only a person can say what belongs there.
UNANSWERED = "?"

IDENTITY_KEYS = ("crm_id", "card", "email", "phone", "name", "birth_date", "postcode")


class Drop(Strict):
    """Rows left out on purpose, with the name of the rule that the ledger shows."""

    rule: str
    when: Condition


class Reject(Strict):
    """Rows that are wrong, with the reason that the ledger shows."""

    reason: str
    when: Condition


class TableSpec(Strict):
    """How one canonical table is filled from one kind of file.

    ``once_per_key`` makes one row of the many that share the table's key, the last in the file
    winning column by column; ``returns`` makes the quantity and the amounts of rows negative. Of
    files that ``overlap`` in a column, the latest that holds a value says all rows of it. Rows in
    another ``currency`` than the study's are refused.
    """

    table: str
    origin: Annotated[str, Field(alias="from")]
    columns: dict[str, Value]
    timezone: str | None = None
    drop: tuple[Drop, ...] = ()
    reject: tuple[Reject, ...] = ()
    returns: Condition | None = None
    once_per_key: bool = False
    overlap: str | None = None
    currency: Currency = Currency()
    identity: dict[Literal[IDENTITY_KEYS], Value] = Field(  # type: ignore[valid-type]
        default_factory=dict
    )

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str | None) -> str | None:
        return checked_zone(value)

    @model_validator(mode="after")
    def _fits_the_schema(self) -> TableSpec:
        if self.table not in TABLES:
            raise ValueError(f"table {self.table!r} is none of {', '.join(TABLES)}")
        table = TABLES[self.table]
        known = [c.name for c in table.columns]
        for name in self.columns:
            if name not in known and not table.open_columns:
                raise ValueError(f"{self.table} has no column {name!r}; it has {', '.join(known)}")
        for name in table.required:
            if name not in self.columns:
                raise ValueError(f"{self.table} needs a column {name}, which columns: lacks")
        if self.once_per_key and not table.key:
            raise ValueError(f"{self.table} has no key, so once_per_key means nothing there")
        if self.overlap and (table.key or self.overlap not in self.columns):
            raise ValueError(
                "overlap names a mapped column, such as order_id, of a table without a key; of "
                "others the latest file counts anyway"
            )
        if self.identity and self.table != "customers":
            raise ValueError("identity belongs to the table customers")
        return self


class Ready(Strict):
    """What a mapping shipped with the project knows of the shop whose files it describes.

    It marks those that `analysis new` may copy. ``timezone`` and ``currency`` of the study;
    ``country`` and ``holidays`` of its calendar; ``without``: departments that are no goods.
    """

    timezone: str | None = None
    currency: str | None = None
    country: str | None = None
    holidays: str | None = None
    without: tuple[str, ...] = ()


class Mapping(Strict):
    """A whole mapping: its files and the canonical tables made of them.

    ``customer_key`` says what customer ids are: an ``email`` address, a ``phone`` number or a
    ``name``, which are replaced by pseudonyms; or an ``id`` that identifies nobody to a stranger,
    even if it looks like a phone number. ``auto`` looks at each value.
    """

    mapping: str
    about: str = ""
    customer_key: CustomerKey = "auto"
    files: dict[str, FileSpec]
    tables: Annotated[tuple[TableSpec, ...], Field(min_length=1)]
    ready: Ready | None = None

    @model_validator(mode="after")
    def _origins_exist(self) -> Mapping:
        for table in self.tables:
            if table.origin not in self.files:
                raise ValueError(
                    f"tables: {table.table} comes from {table.origin!r}, which is none of the "
                    f"files: {', '.join(self.files)}"
                )
        return self

    @model_validator(mode="after")
    def _lookups_exist(self) -> Mapping:
        for name, spec in self.files.items():
            for lookup in spec.lookup:
                if lookup.files not in self.files or lookup.files == name:
                    raise ValueError(
                        f"files.{name}: lookup in {lookup.files!r}, which is no other of the "
                        f"files: {', '.join(self.files)}"
                    )
        return self

    def reading(self, origin: str) -> list[TableSpec]:
        """Return the tables made of the files ``origin``."""
        return [t for t in self.tables if t.origin == origin]


def load(path: Path) -> Mapping:
    """Read and check a mapping.

    Raises
    ------
    ParamsError
        Naming file, key and what is allowed.
    """
    if not path.exists():
        known = ", ".join(sorted(p.stem for p in path.parent.glob("*.yaml"))) or "none"
        raise ParamsError(f"There is no mapping {path.stem} in params/sources/; there are: {known}")
    raw = read_yaml(path, TextLoader)
    if not isinstance(raw, dict) or raw.get("mapping") != path.stem:
        raise ParamsError(f"{path.name} must begin with mapping: {path.stem}")
    for key in _unanswered(raw):
        raise ParamsError(
            f"{path.name}: {key} still says {UNANSWERED}; answer the question beside it, marked "
            "UNSURE"
        )
    return parse(raw, path.name)


def _unanswered(raw: Any) -> Iterator[str]:
    """Yield the keys that a draft left for a person to answer."""
    if raw == UNANSWERED:
        yield ""
    named: Iterable[tuple[Any, Any]] = raw.items() if isinstance(raw, dict) else ()
    if isinstance(raw, list):
        named = ((e.get("table", i) if isinstance(e, dict) else i, e) for i, e in enumerate(raw))
    for key, value in named:
        yield from (f"{key}.{rest}".rstrip(".") for rest in _unanswered(value))


def parse(raw: dict[str, Any], where: str) -> Mapping:
    """Check a mapping given as keys and values; ParamsError names ``where`` and the key."""
    try:
        return Mapping.model_validate(raw)
    except ValidationError as error:
        raise ParamsError(in_words(error, where, Mapping)) from None


#: Identifiers that two sources give out on their own, so that equal ones mean nothing.
OWN_KEYS = ("customer_id", "order_id", "returned_order_id")


class LikelyOptions(Strict):
    """From which probability on records that share no key are one customer."""

    threshold: Annotated[float, Field(gt=0.5, lt=1)] = 0.95


class UnifyOptions(Strict):
    """Which customers of the sources are one: by equal keys, the surest first.

    ``likely`` switches on what finds those that no key connects; it is off by default.
    """

    keys: tuple[Literal[IDENTITY_KEYS], ...] = (  # type: ignore[valid-type]
        "crm_id",
        "card",
        "email",
        "phone",
    )
    phone_region: Annotated[str, Field(pattern="^[A-Z]{2}$")] = "US"
    shared_by_at_most: Annotated[int, Field(ge=2)] = 5
    likely: LikelyOptions | None = None


class OneSource(Strict):
    """One source of a study: a mapping, and the folder or the database it is applied to."""

    mapping: str
    folder: str | None = None
    url: str | None = None
    password_env: str | None = None
    own_keys: tuple[Literal[OWN_KEYS], ...] | None = None  # type: ignore[valid-type]

    @model_validator(mode="after")
    def _folder_or_url(self) -> OneSource:
        if (self.folder is None) == (self.url is None):
            raise ValueError("a source has either a folder or a url")
        return self


class FilesOptions(Strict):
    """The ``source`` section of a study of kind ``files``."""

    mapping: str | None = None
    folder: str | None = None
    url: str | None = None
    password_env: str | None = None
    sources: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], OneSource] = Field(
        default_factory=dict
    )
    unify: UnifyOptions | None = None

    @model_validator(mode="after")
    def _one_or_several(self) -> FilesOptions:
        if (self.mapping is None) == (not self.sources):
            raise ValueError("give either mapping with folder or url, or several sources")
        return self

    def named(self) -> dict[str, OneSource]:
        """Return the sources by name; a single one has none."""
        if self.sources:
            return self.sources
        fields = self.model_dump(include={"mapping", "folder", "url", "password_env"})
        return {"": OneSource.model_validate(fields)}
