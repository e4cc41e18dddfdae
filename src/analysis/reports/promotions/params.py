"""Parameters of report 06."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from analysis.params.limits import Confidence, Strict

NAME = "06_promotions"


class Params(Strict):
    """What the params of a study may set for this report, with their limits."""

    before_days: Annotated[int, Field(ge=14, le=1_820)] = 182
    after_days: Annotated[int, Field(ge=7, le=364)] = 56
    primary: Annotated[str, Field(pattern="^(margin|net|orders|units)$")] = "margin"
    confidence: Confidence = 0.95
    power: Annotated[float, Field(ge=0.5, lt=1)] = 0.8
    sample_ratio_alpha: Annotated[float, Field(gt=0, lt=0.05)] = 0.001
    planned_shares: dict[str, dict[str, float]] = Field(default_factory=dict)
    winsor: Annotated[float, Field(gt=0.5, le=1)] = 0.99
    fdr: Annotated[float, Field(gt=0, lt=1)] = 0.10
    worth_finding: Annotated[float, Field(gt=0, le=1)] = 0.15
    plan_weeks: Annotated[int, Field(ge=1, le=52)] = 4
    next_share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    campaigns: Annotated[int, Field(ge=1, le=50)] = 10
    contact_cost: Annotated[float | None, Field(ge=0)] = None
    fixed_cost: Annotated[float, Field(ge=0)] = 0.0
    resamples: Annotated[int, Field(ge=200, le=100_000)] = 1_000
