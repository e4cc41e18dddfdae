"""What an ingest is asked for, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from analysis.ingest.sources import Source, SourceRequest, open_source
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
    engine: EngineSettings = field(default_factory=EngineSettings)
    seed: int = 0

    def open_source(self, root: Path) -> Source:
        """Return the adapter of this request's source."""
        options = {k: v for k, v in self.source.items() if k != "kind"}
        return open_source(
            str(self.source.get("kind")),
            SourceRequest(
                study=self.study,
                options=options,
                timezone=self.timezone,
                root=root,
                margin_rates=self.margin_rates,
                uncounted_departments=self.uncounted_departments,
                seed=self.seed,
                currency=self.currency,
            ),
        )


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
