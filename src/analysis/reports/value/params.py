"""Parameters of report 07."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from analysis.params.limits import Confidence, Days, Strict

NAME = "07_value"

#: What a question of one's own may be about; all but the last name something.
_KINDS = ("category", "department", "channel", "top_spend")
_LABEL = ("kind", "name", "days", "share")


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
    label: dict[str, str | int | float] | None = None
    groups: list[str] | None = None

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

    @model_validator(mode="after")
    def _asks(self) -> Params:
        if self.label is None:
            return self
        for key in self.label:
            if key not in _LABEL:
                raise ValueError(f"label.{key}: no such key; allowed are {', '.join(_LABEL)}")
        self._asks_about(self.label)
        days, most = self.label.get("days"), self.horizon_days - self.gap_days
        if not isinstance(days, int) or not 1 <= days <= most:
            raise ValueError(
                f"label.days must be a whole number from 1 to {most}, horizon_days less gap_days, "
                f"so that what is learnt from ends before the next cut-off (given: {days!r})"
            )
        return self

    def _asks_about(self, label: dict[str, str | int | float]) -> None:
        kind, name, share = label.get("kind"), label.get("name"), label.get("share", 0.1)
        if kind not in _KINDS:
            raise ValueError(f"label.kind must be one of {', '.join(_KINDS)} (given: {kind!r})")
        if kind == "top_spend":
            if name is not None:
                raise ValueError("label.name: the kind top_spend names nothing; leave it out")
            if isinstance(share, str) or not 0 < share <= 0.5:
                raise ValueError(
                    f"label.share must be above 0 and at most 0.5, a share (given: {share!r})"
                )
            return
        if not isinstance(name, str) or not name:
            raise ValueError(f"label.name must be the name of a {kind} (given: {name!r})")
        if "share" in label:
            raise ValueError("label.share: only the kind top_spend has one; leave it out")
