"""Parameters of report 11."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from analysis.params.limits import Confidence, Days, Strict

NAME = "11_channels"


class Params(Strict):
    """What the params of a study may set for this report, with their limits."""

    window_days: Days = 182
    history_days: Days = 728
    response_days: Annotated[int, Field(ge=1, le=90)] = 7
    recent_days: Annotated[int, Field(ge=1, le=90)] = 28
    lookback_days: Annotated[int, Field(ge=1, le=365)] = 30
    half_life_days: Annotated[float, Field(gt=0)] = 7.0
    random_variants: list[str] = Field(default_factory=list)
    segment: str = ""
    payback_months: Annotated[int, Field(ge=1, le=60)] = 12
    confidence: Confidence = 0.95
    bootstrap: Annotated[int, Field(ge=100, le=10_000)] = 500

    @model_validator(mode="after")
    def _fits(self) -> Params:
        if self.window_days > self.history_days:
            raise ValueError(
                f"window_days {self.window_days} must not exceed history_days {self.history_days}"
            )
        return self
