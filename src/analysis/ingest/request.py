"""What an ingest is asked for, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from analysis.tables.engine import EngineSettings
from analysis.tables.manifest import Manifest


@dataclass(frozen=True)
class IngestRequest:
    """What to ingest; the params file says it.

    Parameters
    ----------
    study, title
        Key and readable name of the study.
    source
        Kind of source and its options.
    timezone, currency
        Zone of canonical timestamps; ISO 4217 code of money.
    default_margin_rate, margin_rates, margin_note
        Contribution margin rate in general and by department, and what to say about them.
    uncounted_departments
        Departments whose quantities do not count units.
    not_merchandise
        Departments that hold coupons, fees or supplies: in the sums, in no finding on goods.
    engine
        Engine to ingest with.
    seed
        Seed of the study.
    """

    study: str
    title: str
    source: Mapping[str, Any]
    timezone: str
    currency: str
    default_margin_rate: float
    margin_rates: Mapping[str, float] = field(default_factory=dict)
    margin_note: str = ""
    uncounted_departments: tuple[str, ...] = ()
    not_merchandise: tuple[str, ...] = ()
    engine: EngineSettings = field(default_factory=EngineSettings)
    seed: int = 0

    @property
    def options(self) -> dict[str, Any]:
        """Options of the source, without its kind."""
        return {k: v for k, v in self.source.items() if k != "kind"}


@dataclass(frozen=True)
class IngestResult:
    """What ingest did.

    Parameters
    ----------
    manifest
        The current manifest.
    skipped
        The tables were there already.
    seconds
        How long it took.
    news
        Which delivered files changed since the last ingest.
    mended
        What was found damaged and made again, a sentence each.
    """

    manifest: Manifest
    skipped: bool
    seconds: float
    news: tuple[str, ...] = ()
    mended: tuple[str, ...] = ()
