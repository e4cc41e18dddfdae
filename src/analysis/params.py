"""One YAML a study, checked before anything runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from analysis.errors import ParamsError
from analysis.tables.engine import EngineSettings, find_root
from analysis.tables.ingest import IngestRequest

Share = Annotated[float, Field(ge=0, le=1)]
Confidence = Annotated[float, Field(gt=0.5, lt=1)]
Days = Annotated[int, Field(ge=1, le=36_500)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class EngineParams(_Strict):
    """Engine that row-level work runs in; fields as in ``EngineSettings``."""

    kind: Literal["duckdb", "spark"] = "duckdb"
    memory: Annotated[str, Field(pattern=r"^[1-9]\d*\s?[KMGT]B$")] = "4GB"
    threads: Annotated[int, Field(ge=1)] | None = None
    master: str = "local[*]"


class MarginParams(_Strict):
    """Contribution margin rates, where costs are not known."""

    default: Annotated[float, Field(ge=-1, le=1)] = 0.25
    departments: dict[str, Annotated[float, Field(ge=-1, le=1)]] = {}
    note: str = ""


class ProfilingParams(_Strict):
    """Section of report 01."""

    compare_days: Days = 182
    confidence: Confidence = 0.95
    minimum_group: Annotated[int, Field(ge=2)] = 30
    top: Annotated[int, Field(ge=1, le=100)] = 10
    fdr: Annotated[float, Field(gt=0, lt=1)] = 0.10
    stale_days: Days = 7


class SegmentationParams(_Strict):
    """Section of report 02."""

    window_days: Days = 365
    holdout_days: Annotated[int, Field(ge=28, le=728)] = 91
    half_days: Annotated[int, Field(ge=28, le=1820, multiple_of=7)] = 182
    confidence: Confidence = 0.95
    bins: Annotated[int, Field(ge=2, le=20)] = 5
    score_cuts: dict[str, list[float]] | None = None
    segment_rules: list[str] | None = None
    new_days: Days = 90
    tier_method: Annotated[str, Field(pattern="^(share|breaks)$")] = "share"
    high_share: Share = 0.5
    medium_share: Share = 0.8
    uplift: Annotated[float, Field(gt=0, le=1)] = 0.05
    discount_threshold: Annotated[float | None, Field(ge=0, le=1)] = None
    certainty: Annotated[float, Field(gt=0.5, lt=1)] = 0.8
    at_risk: Annotated[float, Field(gt=0, lt=0.5)] = 0.10
    lapsed: Annotated[float, Field(gt=0, lt=0.5)] = 0.02
    most_clusters: Annotated[int, Field(ge=2, le=20)] = 8
    resamples: Annotated[int, Field(ge=20, le=1_000)] = 50
    fdr: Annotated[float, Field(gt=0, lt=1)] = 0.05
    compare: Annotated[list[str], Field(min_length=2, max_length=2)] = ["Champions", "At risk"]

    @model_validator(mode="after")
    def _fits(self) -> SegmentationParams:
        unknown = set(self.score_cuts or {}) - {"recency", "frequency", "monetary"}
        if unknown:
            raise ValueError(
                f"score_cuts knows recency, frequency and monetary, not {min(unknown)}"
            )
        if self.lapsed >= self.at_risk:
            raise ValueError(f"lapsed {self.lapsed} must be below at_risk {self.at_risk}")
        if self.high_share >= self.medium_share:
            raise ValueError(
                f"high_share {self.high_share} must be below medium_share {self.medium_share}"
            )
        return self


class DecilesParams(_Strict):
    """Section of report 03."""

    window_days: Days = 365
    compare_days: Annotated[int, Field(ge=7, le=36_498, multiple_of=7)] = 182
    groups: Annotated[int, Field(ge=2, le=100)] = 10
    confidence: Confidence = 0.95
    bootstrap: Annotated[int, Field(ge=200, le=100_000)] = 2_000
    contact_cost: Annotated[float, Field(ge=0)] = 2.0
    recovery_rate: Share = 0.15
    horizon_days: Days = 182
    fading_drop: Share = 0.30

    @model_validator(mode="after")
    def _halves_fit(self) -> DecilesParams:
        if 2 * self.compare_days > self.window_days:
            raise ValueError(
                f"compare_days {self.compare_days} must fit twice into window_days "
                f"{self.window_days}"
            )
        return self


class ForecastParams(_Strict):
    """Section of report 04."""

    horizon: Annotated[int, Field(ge=1, le=52)] = 8
    origins: Annotated[int, Field(ge=5, le=104)] = 24
    season: Annotated[int, Field(ge=1, le=53)] = 52
    trend_weeks: Annotated[int, Field(ge=4, le=52)] = 13
    fdr: Annotated[float, Field(gt=0, lt=1)] = 0.10
    products: Annotated[int, Field(ge=10, le=20_000)] = 1_000
    levers: Annotated[int, Field(ge=1, le=200)] = 25
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")] = "US"
    holidays: str = "Thanksgiving Day, Christmas Day"
    plan_weeks: Annotated[int, Field(ge=1, le=52)] = 2
    plan_discount: Annotated[float, Field(gt=0, lt=0.9)] = 0.20
    plan_price: Annotated[float, Field(gt=-0.9, lt=1)] = -0.10


class BasketsParams(_Strict):
    """Section of report 05."""

    half_days: Days = 182
    without: list[str] = []
    support: Share = 0.0
    fdr: Annotated[float, Field(gt=0, lt=1)] = 0.05
    confidence: Confidence = 0.95
    checked: Annotated[int, Field(ge=10, le=1_000)] = 60
    target: str = ""
    switching_category: str = ""
    switching_by: str = "brand"
    bundle_discount: Share = 0.10
    window: Days = 28
    quiet_days: Annotated[int, Field(ge=0)] = 84
    shuffles: Annotated[int, Field(ge=19, le=9_999)] = 99
    min_customers: Annotated[int, Field(ge=10)] = 100
    held_out_days: Days = 28


class PromotionParams(_Strict):
    """Section of report 06."""

    before_days: Annotated[int, Field(ge=14, le=1_820)] = 182
    after_days: Annotated[int, Field(ge=7, le=364)] = 56
    primary: Annotated[str, Field(pattern="^(margin|net|orders|units)$")] = "margin"
    confidence: Confidence = 0.95
    power: Annotated[float, Field(ge=0.5, lt=1)] = 0.8
    sample_ratio_alpha: Annotated[float, Field(gt=0, lt=0.05)] = 0.001
    planned_shares: dict[str, dict[str, float]] = {}
    winsor: Annotated[float, Field(gt=0.5, le=1)] = 0.99
    fdr: Annotated[float, Field(gt=0, lt=1)] = 0.10
    worth_finding: Annotated[float, Field(gt=0, le=1)] = 0.15
    plan_weeks: Annotated[int, Field(ge=1, le=52)] = 4
    next_share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    campaigns: Annotated[int, Field(ge=1, le=50)] = 10
    contact_cost: Annotated[float, Field(ge=0)] = 0.50
    fixed_cost: Annotated[float, Field(ge=0)] = 0.0
    resamples: Annotated[int, Field(ge=200, le=100_000)] = 1_000


#: Parameter model by report; a notebook's parameters cell declares the same names and types.
REPORT_PARAMS: dict[str, type[_Strict]] = {
    "01_profiling": ProfilingParams,
    "02_segmentation": SegmentationParams,
    "03_deciles": DecilesParams,
    "04_forecast": ForecastParams,
    "05_baskets": BasketsParams,
    "06_promotions": PromotionParams,
}


class StudyParams(_Strict):
    """A study: what to run, on which data."""

    study: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    title: str
    source: dict[str, Any]
    as_of: date
    timezone: str
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    seed: Annotated[int, Field(ge=0)] = 0
    keep: Annotated[int, Field(ge=1)] = 30
    engine: EngineParams = EngineParams()
    margins: MarginParams = MarginParams()
    uncounted_departments: tuple[str, ...] = ()
    reports: dict[str, dict[str, Any]] = {}

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

    def section(self, report: str) -> _Strict | None:
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


def load(
    study: str,
    overrides: Sequence[str] = (),
    *,
    root: Path | None = None,
    today: date | None = None,
) -> StudyParams:
    """Read and check the params of a study.

    Parameters
    ----------
    study
        Key of the study: ``params/<study>.yaml``.
    overrides
        ``key=value`` pairs, the key dotted (``reports.03_deciles.groups=20``) and the value
        read as YAML.
    root
        Project root; None looks upwards from the working directory.
    today
        The day that words such as ``last-complete-week`` are counted from; given by the
        command line, the only place that reads the clock.

    Raises
    ------
    ParamsError
        Naming file, key and what is allowed.
    """
    path = (root or find_root()) / "params" / f"{study}.yaml"
    raw = _read(path)
    for override in overrides:
        _apply(raw, override)
    if raw.get("study") != study:
        raise ParamsError(f"{path.name}: study is {raw.get('study')!r} but the file says {study!r}")
    if "as_of" in raw:
        raw["as_of"] = resolve_day(raw["as_of"], today=today, where=path.name)
    return _checked(raw, path.name)


def engine_of(study: str, *, root: Path) -> EngineSettings:
    """Return the engine that the params of a study ask for; the default where there are none.

    For an analyst who opens a study in JupyterLab, where no run has checked the params.
    """
    path = root / "params" / f"{study}.yaml"
    section = _read(path).get("engine", {}) if path.exists() else {}
    try:
        return EngineSettings(**EngineParams.model_validate(section).model_dump())
    except ValidationError as error:
        raise ParamsError(_in_words(error, path.name, "engine.", EngineParams)) from None


def resolve_day(value: Any, *, today: date | None, where: str) -> date:
    """Return the day that ``value`` names: a date, or a word counted back from ``today``."""
    if isinstance(value, date):
        return value
    words = {
        "today": lambda day: day,
        "last-complete-week": lambda day: day - timedelta(days=day.weekday()),
        "last-complete-month": lambda day: day.replace(day=1),
    }
    if value in words:
        if today is None:
            raise ParamsError(f"{where}: as_of: {value} needs a run to count from; give a date")
        return words[value](today)
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise ParamsError(
            f"{where}: as_of: {value!r} is neither a date that exists (YYYY-MM-DD) nor one of "
            + ", ".join(words)
        ) from None


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        known = ", ".join(sorted(p.stem for p in path.parent.glob("*.yaml"))) or "none"
        raise ParamsError(f"There is no {path.name} in params/; studies there: {known}")
    try:
        raw = yaml.load(path.read_text("utf-8"), Loader=_UniqueKeys)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ParamsError(
            f"{path.name} is not valid YAML: {' '.join(str(error).split())}"
        ) from None
    except ValueError as error:
        raise ParamsError(f"{path.name}: {error}; write dates as YYYY-MM-DD") from None
    if not isinstance(raw, dict):
        raise ParamsError(f"{path.name} must hold keys and values, study: first")
    return raw


class _UniqueKeys(yaml.SafeLoader):
    """A safe loader that refuses a key given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=deep)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key!r} is given twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def _apply(raw: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise ParamsError(f"--set {override}: write it as key=value")
    *parents, last = key.split(".")
    target = raw
    for parent in parents:
        target = target.setdefault(parent, {})
        if not isinstance(target, dict):
            raise ParamsError(f"--set {override}: {parent} is a value, not a section")
    try:
        target[last] = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:
        raise ParamsError(f"--set {override}: {error}") from None


def _checked(raw: dict[str, Any], where: str) -> StudyParams:
    try:
        params = StudyParams.model_validate(_tuples(raw))
        for report in params.reports:
            if report not in REPORT_PARAMS:
                known = ", ".join(REPORT_PARAMS)
                raise ParamsError(f"{where}: reports.{report}: no such report; there are {known}")
            _section(params, report, where)
    except ValidationError as error:
        raise ParamsError(_in_words(error, where, "", StudyParams)) from None
    return params


def _section(params: StudyParams, report: str, where: str) -> None:
    try:
        params.section(report)
    except ValidationError as error:
        model = REPORT_PARAMS[report]
        raise ParamsError(_in_words(error, where, f"reports.{report}.", model)) from None


def _tuples(raw: dict[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in raw.items()}


def _in_words(error: ValidationError, where: str, prefix: str, model: type[BaseModel]) -> str:
    first = error.errors()[0]
    key = prefix + ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        owner = _owner(model, first["loc"][:-1])
        return f"{where}: {key}: no such key; allowed are {', '.join(owner.model_fields)}"
    if first["type"] == "missing":
        return f"{where}: {key} is missing"
    message = first["msg"].removeprefix("Value error, ")
    given = "" if first["type"] == "value_error" else f" (given: {first['input']!r})"
    return f"{where}: {key.rstrip('.')}: {message}{given}"


def _owner(model: type[BaseModel], path: tuple[int | str, ...]) -> type[BaseModel]:
    for part in path:
        annotation = model.model_fields[str(part)].annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            model = annotation
    return model
