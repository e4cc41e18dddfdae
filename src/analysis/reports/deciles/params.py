"""Parameters of report 03."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from analysis.params.limits import Confidence, Days, Share, Strict

NAME = "03_deciles"


class Params(Strict):
    """What the params of a study may set for this report, with their limits."""

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
    def _halves_fit(self) -> Params:
        if 2 * self.compare_days > self.window_days:
            raise ValueError(
                f"compare_days {self.compare_days} must fit twice into window_days "
                f"{self.window_days}"
            )
        return self
