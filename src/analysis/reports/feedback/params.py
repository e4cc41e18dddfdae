"""Parameters of report 10."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from analysis.params.limits import Confidence, Days, Strict

NAME = "10_feedback"


class Params(Strict):
    """What the params of a study may set for this report, with their limits."""

    window_days: Days = 365
    min_group: Annotated[int, Field(ge=10)] = 20
    landmark_days: Annotated[int, Field(ge=1, le=90)] = 7
    follow_days: Annotated[int, Field(ge=14, le=364)] = 91
    confidence: Confidence = 0.95
