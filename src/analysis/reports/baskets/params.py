"""Parameters of report 05."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from analysis.params.limits import Confidence, Days, Share, Strict

NAME = "05_baskets"


class Params(Strict):
    """What the params of a study may set for this report, with their limits."""

    half_days: Days = 182
    without: list[str] = Field(default_factory=list)
    support: Share = 0.0
    fdr: Annotated[float, Field(gt=0, lt=1)] = 0.05
    confidence: Confidence = 0.95
    checked: Annotated[int, Field(ge=10, le=1_000)] = 60
    least_odds: Annotated[float, Field(ge=1)] = 2.0
    target: str = ""
    switching_category: str = ""
    switching_by: str = "brand"
    bundle_discount: Share = 0.10
    window: Days = 28
    quiet_days: Annotated[int, Field(ge=0)] = 84
    shuffles: Annotated[int, Field(ge=19, le=9_999)] = 99
    min_customers: Annotated[int, Field(ge=10)] = 100
    held_out_days: Days = 28
