"""Parameters of report 09."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from analysis.params.limits import Confidence, Days, Share, Strict

NAME = "09_loyalty"


class Params(Strict):
    """What the params of a study may set for this report, with their limits."""

    window_days: Days = 364
    outcome_days: Annotated[int, Field(ge=28, le=364)] = 182
    point_value: Annotated[float, Field(gt=0)] = 0.01
    point_cost: Annotated[float, Field(gt=0)] = 0.01
    funded: Share = 0.0
    tier_points: dict[str, float] = Field(default_factory=dict)
    near_tier: Annotated[float, Field(gt=0, le=0.5)] = 0.15
    occasion_days: Annotated[int, Field(ge=1, le=180)] = 30
    confidence: Confidence = 0.95
    draws: Annotated[int, Field(ge=99, le=9_999)] = 999
