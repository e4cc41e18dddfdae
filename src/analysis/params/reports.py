"""Parameters of each report, with their limits."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0, le=1)]
Confidence = Annotated[float, Field(gt=0.5, lt=1)]
Days = Annotated[int, Field(ge=1, le=36_500)]


class Strict(BaseModel):
    """A model that takes no unknown key and no wrong type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ProfilingParams(Strict):
    """Section of report 01."""

    compare_days: Days = 182
    confidence: Confidence = 0.95
    minimum_group: Annotated[int, Field(ge=2)] = 30
    top: Annotated[int, Field(ge=1, le=100)] = 10
    fdr: Annotated[float, Field(gt=0, lt=1)] = 0.10
    stale_days: Days = 7


class SegmentationParams(Strict):
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


class DecilesParams(Strict):
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


class ForecastParams(Strict):
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


class BasketsParams(Strict):
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


class PromotionParams(Strict):
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


class ValueParams(Strict):
    """Section of report 07."""

    history_days: Days = 365
    horizon_days: Annotated[int, Field(ge=28, le=364, multiple_of=7)] = 91
    gap_days: Annotated[int, Field(ge=0, le=90)] = 14
    months: Annotated[list[int], Field(min_length=1)] = [3, 12, 36]
    main_months: Annotated[int, Field(ge=1, le=60)] = 12
    discount: Annotated[float, Field(ge=0, lt=1)] = 0.10
    confidence: Confidence = 0.80
    draws: Annotated[int, Field(ge=50, le=2_000)] = 200
    contact_cost: Annotated[float, Field(gt=0)] = 2.0
    incentive: Annotated[float, Field(ge=0)] = 5.0

    @model_validator(mode="after")
    def _fits(self) -> ValueParams:
        if self.main_months not in self.months:
            raise ValueError(f"main_months {self.main_months} must be one of months {self.months}")
        if self.months != sorted(set(self.months)) or not 1 <= self.months[0] < 61:
            raise ValueError(f"months {self.months} must rise, from 1 to 60")
        if self.gap_days >= self.horizon_days:
            raise ValueError(
                f"gap_days {self.gap_days} must be below horizon_days {self.horizon_days}"
            )
        return self


#: Parameter model by report; a notebook's parameters cell declares the same names and types.
REPORT_PARAMS: dict[str, type[Strict]] = {
    "01_profiling": ProfilingParams,
    "02_segmentation": SegmentationParams,
    "03_deciles": DecilesParams,
    "04_forecast": ForecastParams,
    "05_baskets": BasketsParams,
    "06_promotions": PromotionParams,
    "07_value": ValueParams,
}
