"""Parameters of report 01."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from analysis.params.limits import Confidence, Days, Strict

NAME = "01_profiling"


class Params(Strict):
    """What the params of a study may set for this report, with their limits."""

    compare_days: Days = 182
    confidence: Confidence = 0.95
    minimum_group: Annotated[int, Field(ge=2)] = 30
    top: Annotated[int, Field(ge=1, le=100)] = 10
    fdr: Annotated[float, Field(gt=0, lt=1)] = 0.10
    stale_days: Days = 7
