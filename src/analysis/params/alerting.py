"""When somebody is told: the rules of a study's alerts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from analysis.params.limits import Strict

Kind = Literal["failed", "late", "threshold", "changed", "decision"]


class AlertRule(Strict):
    """One rule.

    Parameters
    ----------
    when
        ``failed``: a report failed or is incomplete. ``late``: no order in the last ``days``
        before the day of the report. ``threshold``: a finding is ``above`` or ``below`` a value.
        ``changed``: a finding differs significantly from what it was when last told.
        ``decision``: a finding asks for a decision.
    finding
        Which findings, as ``report/key``; ``*`` stands for anything.
    above, below
        The threshold, in the finding's own unit, a share as a fraction.
    days
        Days without orders that are one too many.
    """

    when: Kind
    finding: str = "*"
    above: float | None = None
    below: float | None = None
    days: Annotated[int, Field(ge=1, le=365)] = 3

    @model_validator(mode="after")
    def _threshold_given(self) -> AlertRule:
        given = [end for end in (self.above, self.below) if end is not None]
        if (self.when == "threshold") != (len(given) == 1):
            raise ValueError("a rule with a threshold, and no other, has either above or below")
        return self


class AlertParams(Strict):
    """The alerts of a study.

    Parameters
    ----------
    rules
        What is told; see `AlertRule`.
    most_a_day
        Alerts told a day; the others wait for the next.
    fdr
        Share of the changes told in one run that may be chance.
    """

    rules: tuple[AlertRule, ...] = (
        AlertRule(when="failed"),
        AlertRule(when="late"),
        AlertRule(when="changed"),
        AlertRule(when="decision"),
    )
    most_a_day: Annotated[int, Field(ge=1, le=100)] = 5
    fdr: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
