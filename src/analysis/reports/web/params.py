"""Parameters of report 12."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from analysis.params.limits import Confidence, Days, Strict

NAME = "12_web"


class Params(Strict):
    """What the params of a study may set for this report, with their limits."""

    window_days: Days = 182
    session_minutes: Annotated[float, Field(gt=0, le=1_440)] = 30.0
    midnight: bool = False
    campaign: bool = False
    robot_pace: Annotated[float, Field(ge=0, le=60)] = 2.0
    robot_views: Annotated[int, Field(ge=10)] = 1_000
    slow_ms: Annotated[int, Field(ge=100, le=60_000)] = 3_000
    funnel_days: list[int] = Field(default_factory=lambda: [1, 7, 30], min_length=1)
    basket_days: Annotated[int, Field(ge=1, le=90)] = 14
    confidence: Confidence = 0.95

    @model_validator(mode="after")
    def _fits(self) -> Params:
        if self.funnel_days != sorted(set(self.funnel_days)) or self.funnel_days[0] < 1:
            raise ValueError(f"funnel_days {self.funnel_days} must rise, from 1")
        return self
