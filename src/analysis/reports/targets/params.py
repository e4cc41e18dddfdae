"""Parameters of report 08."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, model_validator

from analysis.params.limits import Confidence, Days, Share, Strict

NAME = "08_targets"

Hour = Annotated[int, Field(ge=0, le=23)]
Money = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]

#: Occasions there are; ``care_list.KIND_OF`` says what kind of message each is.
OCCASIONS: tuple[str, ...] = (
    "after-sale",
    "points expiring",
    "birthday",
    "anniversary",
    "near tier",
    "replenishment",
    "win-back",
    "festival",
)

_CHANGES = {"budget", "contact_cost", "depth", "holdout"}


class Params(Strict):
    """What the params of a study may set for this report, with their limits."""

    window_days: Days = 365
    recent_days: Annotated[int, Field(ge=7, le=364)] = 91
    after_days: Annotated[int, Field(ge=0, le=364)] = 56
    effect_measure: Annotated[str, Field(pattern="^(margin|category)_to_date$")] = "margin_to_date"
    assumed_effect: Share = 0.05
    channel_costs: dict[str, float] = Field(
        default_factory=lambda: {"email": 0.05, "sms": 0.10, "app": 0.02, "phone": 2.0},
        min_length=1,
    )
    consent_assumed: list[str] = Field(default_factory=list)
    rest_days: Count = 7
    caps: dict[str, int] = Field(default_factory=dict)
    cap_total: Count = 8
    cap_days: Days = 28
    complaint_days: Days = 90
    minimum_margin: float = 0.0
    programme: Annotated[str, Field(min_length=1)] = "programme"
    control_share: Annotated[float, Field(ge=0, lt=1)] = 0.05
    rotate_days: Days = 182
    depths: list[float] = Field(default_factory=lambda: [0.0, 0.1, 0.2], min_length=1)
    redemption: Share = 0.10
    fatigue: Annotated[float, Field(gt=0, le=1)] = 0.95
    quiet_from: Hour = 20
    quiet_to: Hour = 8
    fallback_hour: Hour = 10
    budget: Money = 500.0
    capacity: dict[str, int] = Field(default_factory=dict)
    contacts: int | None = None
    quota: dict[str, int] = Field(default_factory=dict)
    holdout: Annotated[float, Field(ge=0, le=0.5)] = 0.10
    scenarios: dict[str, dict[str, float]] = Field(
        default_factory=lambda: {
            "half the budget": {"budget": 0.5},
            "no discounts": {"depth": 0.0},
            "a third held out": {"holdout": 0.33},
        }
    )
    list_days: Days = 28
    care_days: Days = 7
    care_holdout: dict[str, float] = Field(
        default_factory=lambda: {
            "after-sale": 0.1,
            "points expiring": 0.1,
            "birthday": 0.1,
            "anniversary": 0.1,
            "near tier": 0.1,
            "replenishment": 0.1,
            "win-back": 0.2,
            "festival": 0.1,
        }
    )
    care_rest: Days = 90
    care_most: Annotated[int, Field(ge=1)] = 10_000
    festivals: dict[str, str] = Field(default_factory=dict)
    flows: dict[str, dict[str, str | float]] = Field(default_factory=dict)
    confidence: Confidence = 0.95

    @model_validator(mode="after")
    def _care_can_be(self) -> Params:
        unknown = [o for o in self.care_holdout if o not in OCCASIONS]
        if unknown:
            raise ValueError(
                f"care_holdout names {unknown[0]!r}, which is none of {', '.join(OCCASIONS)}"
            )
        for occasion, share in self.care_holdout.items():
            if not 0 <= share < 1:
                raise ValueError(f"care_holdout of {occasion} is {share}, no share below 1")
        for festival, day in self.festivals.items():
            if not re.fullmatch(r"(\d{4}-)?\d{2}-\d{2}", day):
                raise ValueError(f"festivals: {festival} is on {day!r}; write MM-DD or YYYY-MM-DD")
        return self

    @model_validator(mode="after")
    def _flows_can_be(self) -> Params:
        if not self.flows:
            return self
        from analysis.errors import ParamsError
        from analysis.promotions.planning.due_occasions import Flow

        for name, spec in self.flows.items():
            try:
                Flow.of(name, spec, OCCASIONS)
            except ParamsError as error:
                raise ValueError(str(error)) from None
        return self

    @model_validator(mode="after")
    def _fits(self) -> Params:
        for key in ("consent_assumed", "caps", "capacity"):
            unknown = [c for c in getattr(self, key) if c not in self.channel_costs]
            if unknown:
                raise ValueError(
                    f"{key} names the channel {unknown[0]}, which is none of channel_costs: "
                    f"{', '.join(self.channel_costs)}"
                )
        if (
            self.depths != sorted(set(self.depths))
            or not 0 <= self.depths[0] <= self.depths[-1] < 1
        ):
            raise ValueError(f"depths {self.depths} must rise, from 0 to below 1")
        if unknown := [d for d in self.quota if _number(d) not in self.depths]:
            raise ValueError(
                f"quota names the discount {unknown[0]!r}, which is none of depths: {self.depths}"
            )
        for key in ("channel_costs", "caps", "capacity", "quota"):
            below = [c for c, value in getattr(self, key).items() if value < 0]
            if below:
                raise ValueError(f"{key} of {below[0]} is below 0")
        quiet = self.quiet_from != self.quiet_to and _quiet(
            self.fallback_hour, self.quiet_from, self.quiet_to
        )
        if quiet:
            raise ValueError(
                f"fallback_hour {self.fallback_hour} lies in the quiet hours, "
                f"{self.quiet_from} to {self.quiet_to}"
            )
        for name, change in self.scenarios.items():
            if unknown := sorted(set(change) - _CHANGES):
                raise ValueError(
                    f"scenario {name!r} changes {unknown[0]!r}; it may change "
                    f"{', '.join(sorted(_CHANGES))}"
                )
        return self


def _number(said: str) -> float | None:
    try:
        return float(said)
    except ValueError:
        return None


def _quiet(hour: int, start: int, end: int) -> bool:
    return start <= hour < end if start < end else hour >= start or hour < end
