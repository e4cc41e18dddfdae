"""Parameters of report 02."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from analysis.params.limits import Confidence, Days, Share, Strict

NAME = "02_segmentation"


class Params(Strict):
    """What the params of a study may set for this report, with their limits."""

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
    tier_months: Annotated[int, Field(ge=1, le=60)] = 12
    uplift: Annotated[float, Field(gt=0, le=1)] = 0.05
    discount_threshold: Annotated[float | None, Field(ge=0, le=1)] = None
    certainty: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    at_risk: Annotated[float, Field(gt=0, lt=0.5)] = 0.10
    lapsed: Annotated[float, Field(gt=0, lt=0.5)] = 0.02
    most_clusters: Annotated[int, Field(ge=2, le=20)] = 8
    resamples: Annotated[int, Field(ge=20, le=1_000)] = 50
    fdr: Annotated[float, Field(gt=0, lt=1)] = 0.05
    compare: Annotated[list[str], Field(min_length=2, max_length=2)] = Field(
        default_factory=lambda: ["Champions", "At risk"]
    )

    @model_validator(mode="after")
    def _fits(self) -> Params:
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
