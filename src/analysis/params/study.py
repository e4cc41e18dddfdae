"""A study: what to run, on which data."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator

from analysis.params.reports import REPORT_PARAMS, Strict
from analysis.tables.engine import EngineSettings
from analysis.tables.ingest import IngestRequest


class EngineParams(Strict):
    """Engine that row-level work runs in; fields as in ``EngineSettings``."""

    kind: Literal["duckdb", "spark"] = "duckdb"
    memory: Annotated[str, Field(pattern=r"^[1-9]\d*\s?[KMGT]B$")] = "4GB"
    threads: Annotated[int, Field(ge=1)] | None = None
    master: str = "local[*]"


class MarginParams(Strict):
    """Contribution margin rates, where costs are not known."""

    default: Annotated[float, Field(ge=-1, le=1)] = 0.25
    departments: dict[str, Annotated[float, Field(ge=-1, le=1)]] = Field(default_factory=dict)
    note: str = ""


class StudyParams(Strict):
    """A study: what to run, on which data."""

    study: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    title: str
    source: dict[str, Any]
    as_of: date
    timezone: str
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    seed: Annotated[int, Field(ge=0)] = 0
    keep: Annotated[int, Field(ge=1)] = 30
    publish: Literal["aggregates", "customers"] = "aggregates"
    engine: EngineParams = EngineParams()
    margins: MarginParams = MarginParams()
    uncounted_departments: tuple[str, ...] = ()
    reports: dict[str, dict[str, Any]] = Field(default_factory=dict)

    @field_validator("timezone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{value!r} is no IANA time zone, such as Europe/Berlin") from None
        return value

    @field_validator("source")
    @classmethod
    def _source_has_kind(cls, value: dict[str, Any]) -> dict[str, Any]:
        if not isinstance(value.get("kind"), str):
            raise ValueError("source needs a kind, such as kind: complete_journey")
        return value

    def section(self, report: str) -> Strict | None:
        """Return the checked parameters of ``report``, defaults filled in; None if it has none."""
        model = REPORT_PARAMS.get(report)
        return model.model_validate(self.reports.get(report, {})) if model else None

    def notebook_parameters(self, report: str) -> dict[str, Any]:
        """Return what Papermill injects into the notebook of ``report``."""
        section = self.section(report)
        shared = {"study": self.study, "as_of": self.as_of.isoformat(), "seed": self.seed}
        return {**shared, **(section.model_dump(mode="json") if section else {})}

    def engine_settings(self) -> EngineSettings:
        """Return the engine as the tables room wants it."""
        return EngineSettings(**self.engine.model_dump())

    def ingest_request(self) -> IngestRequest:
        """Return what the tables room needs to ingest this study."""
        return IngestRequest(
            study=self.study,
            title=self.title,
            source=self.source,
            timezone=self.timezone,
            currency=self.currency,
            default_margin_rate=self.margins.default,
            margin_rates=self.margins.departments,
            margin_note=self.margins.note,
            uncounted_departments=self.uncounted_departments,
            engine=self.engine_settings(),
            seed=self.seed,
        )
