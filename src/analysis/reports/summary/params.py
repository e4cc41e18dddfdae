"""Parameters of report 00."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, field_validator

from analysis.params.limits import Confidence, Strict
from analysis.reporting.briefing.strategy_scorecard import MEASURES, key_of

NAME = "00_summary"

_PERIOD = re.compile(r"\d{4}-(0[1-9]|1[0-2]|W(0[1-9]|[1-4]\d|5[0-3]))")


class Params(Strict):
    """What the params of a study may set for this report, with their limits."""

    confidence: Confidence = 0.95
    most_decisions: Annotated[int, Field(ge=1, le=20)] = 4
    plan: dict[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    targets: dict[str, float] = Field(default_factory=dict)
    owners: dict[str, str] = Field(default_factory=dict)

    @field_validator("plan")
    @classmethod
    def _periods_exist(cls, value: dict[str, float]) -> dict[str, float]:
        wrong = [period for period in value if not _PERIOD.fullmatch(period)]
        if wrong:
            raise ValueError(f"{wrong[0]!r} is no month as 2025-11 and no week as 2025-W52")
        return value

    @field_validator("targets")
    @classmethod
    def _aims_exist(cls, value: dict[str, float]) -> dict[str, float]:
        known = [key_of(measure.name) for measure in MEASURES]
        wrong = [aim for aim in value if aim not in known]
        if wrong:
            raise ValueError(f"{wrong[0]!r} is no aim; there are {', '.join(known)}")
        return value
