"""Parameters of report 07."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from analysis.params.limits import Confidence, Days, Strict

NAME = "07_value"


class Params(Strict):
    """What the params of a study may set for this report, with their limits."""

    history_days: Days = 365
    horizon_days: Annotated[int, Field(ge=28, le=364, multiple_of=7)] = 91
    gap_days: Annotated[int, Field(ge=0, le=90)] = 14
    months: list[int] = Field(default_factory=lambda: [3, 12, 36], min_length=1)
    main_months: Annotated[int, Field(ge=1, le=60)] = 12
    discount: Annotated[float, Field(ge=0, lt=1)] = 0.10
    confidence: Confidence = 0.80
    draws: Annotated[int, Field(ge=50, le=2_000)] = 200
    contact_cost: Annotated[float, Field(gt=0)] = 2.0
    incentive: Annotated[float, Field(ge=0)] = 5.0

    @model_validator(mode="after")
    def _fits(self) -> Params:
        if self.main_months not in self.months:
            raise ValueError(f"main_months {self.main_months} must be one of months {self.months}")
        if self.months != sorted(set(self.months)) or not 1 <= self.months[0] < 61:
            raise ValueError(f"months {self.months} must rise, from 1 to 60")
        if self.gap_days >= self.horizon_days:
            raise ValueError(
                f"gap_days {self.gap_days} must be below horizon_days {self.horizon_days}"
            )
        return self
