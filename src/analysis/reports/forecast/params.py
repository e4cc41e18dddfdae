"""Parameters of report 04."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from analysis.params.limits import Strict

NAME = "04_forecast"


class Params(Strict):
    """What the params of a study may set for this report, with their limits."""

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
