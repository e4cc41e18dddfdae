"""The ``source`` section of a study that reads files or databases."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from analysis.ingest.mapping import model

#: Identifiers that two sources give out on their own, so that equal ones mean nothing.
OWN_KEYS = ("customer_id", "order_id", "returned_order_id")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LikelyOptions(_Strict):
    """From which probability on records that share no key are one customer."""

    threshold: Annotated[float, Field(gt=0.5, lt=1)] = 0.95


class UnifyOptions(_Strict):
    """Which customers of the sources are one: by equal keys, the surest first.

    ``likely`` switches on what finds those that no key connects; it is off by default.
    """

    keys: tuple[Literal[model.IDENTITY_KEYS], ...] = (  # type: ignore[valid-type]
        "crm_id",
        "card",
        "email",
        "phone",
    )
    phone_region: Annotated[str, Field(pattern="^[A-Z]{2}$")] = "US"
    shared_by_at_most: Annotated[int, Field(ge=2)] = 5
    likely: LikelyOptions | None = None


class OneSource(_Strict):
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


class FilesOptions(_Strict):
    """The ``source`` section of a study of kind ``files``."""

    mapping: str | None = None
    folder: str | None = None
    url: str | None = None
    password_env: str | None = None
    sources: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], OneSource] = {}
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
