"""A study: what to run, on which data, and when somebody is told (alerts)."""

from __future__ import annotations

import difflib
from datetime import date
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from analysis.ingest.request import IngestRequest
from analysis.params.credentials import names_secret
from analysis.params.limits import Strict
from analysis.params.report_params import report_params
from analysis.tables.engine import EngineSettings

Kind = Literal["failed", "late", "threshold", "changed", "decision"]


class AlertRule(Strict):
    """One rule.

    Parameters
    ----------
    when
        ``failed``: a report failed or is incomplete. ``late``: no order in the last ``days``
        before the day of the report. ``threshold``: a finding is ``above`` or ``below`` a value.
        ``changed``: a finding differs significantly from what it was when last told.
        ``decision``: a finding asks for a decision.
    finding
        Which findings, as ``report/key``; ``*`` stands for anything.
    above, below
        The threshold, in the finding's own unit, a share as a fraction.
    days
        Days without orders that are one too many.
    """

    when: Kind
    finding: str = "*"
    above: float | None = None
    below: float | None = None
    days: Annotated[int, Field(ge=1, le=365)] = 3

    @model_validator(mode="after")
    def _threshold_given(self) -> AlertRule:
        given = [end for end in (self.above, self.below) if end is not None]
        if (self.when == "threshold") != (len(given) == 1):
            raise ValueError("a rule with a threshold, and no other, has either above or below")
        return self


def usual_rules() -> list[AlertRule]:
    """Return what is told where a study has no rules of its own."""
    usual: tuple[Kind, ...] = ("failed", "late", "changed", "decision")
    return [AlertRule(when=kind) for kind in usual]


class AlertParams(Strict):
    """The alerts of a study.

    Parameters
    ----------
    rules
        What is told; see `AlertRule`.
    most_a_day
        Alerts told a day; the others wait for the next.
    fdr
        Share of the changes told in one run that may be chance.
    """

    rules: list[AlertRule] = Field(default_factory=usual_rules)
    most_a_day: Annotated[int, Field(ge=1, le=100)] = 5
    fdr: Annotated[float, Field(gt=0, lt=0.5)] = 0.05


#: ISO 4217, list one (currencies in use), without metals, funds and codes for testing.
_IN_USE = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN "
    "BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP "
    "GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS "
    "KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR "
    "MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD "
    "RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP "
    "TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG"
)

#: Withdrawn since 2010; orders of before are counted in them.
_WITHDRAWN = "ANG BGN BYR CUC EEK HRK LTL LVL MRO SLL STD VEF ZMK ZWL"

CURRENCIES = frozenset(f"{_IN_USE} {_WITHDRAWN}".split())

#: Units of memory in bytes.
_UNITS = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
LEAST_MEMORY, MOST_MEMORY = "100MB", "100TB"
#: What every generator of random numbers takes as its seed: 32 bits.
LARGEST_SEED = 2**32 - 1


class EngineParams(Strict):
    """Engine that row-level work runs in; fields as in ``EngineSettings``."""

    kind: Literal["duckdb", "spark"] = "duckdb"
    memory: Annotated[str, Field(pattern=r"^[1-9]\d{0,14}\s?[KMGT]B$")] = "4GB"
    threads: Annotated[int, Field(ge=1, le=1024)] | None = None
    master: str = "local[*]"
    options: dict[str, str | int | float | bool] = Field(default_factory=dict)

    @field_validator("options")
    @classmethod
    def _properties_of_spark(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name in value:
            if not name.startswith("spark."):
                raise ValueError(f"{name} is no property of Spark, such as spark.executor.memory")
            if any(map(names_secret, name.split("."))):
                raise ValueError(
                    f"{name} looks like a secret, and params are published with the reports; give "
                    "it to Spark in the spark-defaults.conf of the folder that SPARK_CONF_DIR names"
                )
        return {n: str(v).lower() if isinstance(v, bool) else str(v) for n, v in value.items()}

    @field_validator("memory")
    @classmethod
    def _enough_memory(cls, value: str) -> str:
        if not _bytes(LEAST_MEMORY) <= _bytes(value) <= _bytes(MOST_MEMORY):
            raise ValueError(
                f"{value} is not between {LEAST_MEMORY}, the least that the engine can work in, "
                f"and {MOST_MEMORY}"
            )
        return value


def _bytes(memory: str) -> int:
    return int(memory[:-2]) * _UNITS[memory[-2:]]


class MarginParams(Strict):
    """Contribution margin rates, where costs are not known."""

    default: Annotated[float, Field(ge=-1, le=1)] = 0.25
    departments: dict[str, Annotated[float, Field(ge=-1, le=1)]] = Field(default_factory=dict)
    note: str = ""


class StudyParams(Strict):
    """A study: what to run, on which data, and when somebody is told (alerts)."""

    study: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    title: str
    source: dict[str, Any]
    as_of: date
    timezone: str
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    seed: Annotated[int, Field(ge=0, le=LARGEST_SEED)] = 0
    keep: Annotated[int, Field(ge=1)] = 30
    publish: Literal["aggregates", "customers"] = "aggregates"
    engine: EngineParams = EngineParams()
    margins: MarginParams = MarginParams()
    alerts: AlertParams = AlertParams()
    uncounted_departments: tuple[str, ...] = ()
    not_merchandise: tuple[str, ...] = ()
    reports: dict[str, dict[str, Any]] = Field(default_factory=dict)

    @field_validator("timezone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{value!r} is no IANA time zone, such as Europe/Berlin") from None
        return value

    @field_validator("currency")
    @classmethod
    def _currency_exists(cls, value: str) -> str:
        if value not in CURRENCIES:
            alike = difflib.get_close_matches(value, sorted(CURRENCIES), n=3, cutoff=0.6)
            meant = f"; did you mean {' or '.join(alike)}?" if alike else ""
            raise ValueError(f"{value!r} is no currency of ISO 4217, such as USD or EUR{meant}")
        return value

    @field_validator("source")
    @classmethod
    def _source_has_kind(cls, value: dict[str, Any]) -> dict[str, Any]:
        if not isinstance(value.get("kind"), str):
            raise ValueError("source needs a kind, such as kind: complete_journey")
        return value

    def section(self, report: str) -> Strict | None:
        """Return the checked parameters of ``report``, defaults filled in; None if it has none."""
        model = report_params().get(report)
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
            not_merchandise=self.not_merchandise,
            engine=self.engine_settings(),
            seed=self.seed,
        )
