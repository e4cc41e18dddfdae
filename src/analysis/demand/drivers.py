"""What is known in advance and moves demand: holidays, displays and mailers, prices.

Each function returns one row a period (and series), to be used as regressors. Nothing here is
measured from the demand it is to explain, the planned discount excepted, which says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from analysis.demand.calendar import Frequency, following
from analysis.demand.series import Level
from analysis.errors import NotApplicable, ParamsError
from analysis.tables.margin import NO_CATEGORY, UNKNOWN_PRODUCT

if TYPE_CHECKING:
    import pandas as pd

    from analysis.tables.engine import Tables


def holidays_in(
    periods: Sequence[date], *, country: str, frequency: Frequency = "week"
) -> pd.DataFrame:
    """Return the public holidays of each period, in English whatever the machine's language.

    One row a holiday: period_start, holiday, day.

    Parameters
    ----------
    periods
        First days of the periods, past or to come.
    country
        ISO code of the country, such as ``US``, or with a subdivision: ``DE-BY``.
    frequency
        Length of a period.

    Raises
    ------
    ParamsError
        If no calendar of that country is known.
    """
    import pandas as pd

    first, end = periods[0], following(periods[-1], frequency)
    calendar = _calendar(country, range(first.year, end.year + 1))
    edges = np.array([*periods, end], dtype="datetime64[D]")
    days = sorted(day for day in calendar if first <= day < end)
    at = np.searchsorted(edges, np.array(days, dtype="datetime64[D]"), side="right") - 1
    return pd.DataFrame(
        {
            "period_start": pd.to_datetime([periods[i] for i in at]).as_unit("us"),
            "holiday": pd.Series([calendar[day] for day in days], dtype="str"),
            "day": pd.to_datetime(days).as_unit("us"),
        }
    )


def _calendar(country: str, years: Sequence[int]) -> dict[date, str]:
    import holidays

    code, _, part = country.partition("-")
    try:
        found = holidays.country_holidays(code, subdiv=part or None, years=years, language="en_US")
    except NotImplementedError:
        raise ParamsError(f"There is no calendar of holidays for {country!r}") from None
    return dict(found)


def _check_names(names: Sequence[str], country: str, years: Sequence[int]) -> None:
    known = sorted(set(_calendar(country, years).values()))
    for name in names:
        if name not in known:
            raise ParamsError(f"{country} has no holiday {name!r}; there are {', '.join(known)}")


def holiday_dummies(
    periods: Sequence[date], *, country: str, names: Sequence[str], frequency: Frequency = "week"
) -> pd.DataFrame:
    """Return one row a period: 1 in the period that leads up to and holds each holiday named.

    A holiday on the first day of a week is shopped for in the week before, which is the one
    marked.

    Raises
    ------
    ParamsError
        If the country has no holiday of that name, in English.
    """
    import pandas as pd

    _check_names(names, country, range(periods[0].year, periods[-1].year + 1))
    length = 7 if frequency == "week" else 0
    extended = [*periods, following(periods[-1], frequency)]
    found = holidays_in(extended, country=country, frequency=frequency)
    shopped = found["day"] - pd.Timedelta(days=1) if length else found["day"]
    starts = np.array(periods, dtype="datetime64[D]")
    at = np.searchsorted(starts, shopped.to_numpy().astype("datetime64[D]"), side="right") - 1
    table = pd.DataFrame(0.0, index=range(len(periods)), columns=list(names))
    for name in names:
        table.loc[at[np.asarray(found["holiday"] == name) & (at >= 0)], name] = 1.0
    return table


def with_holidays(
    table: pd.DataFrame, *, country: str, holidays: Sequence[str] = ()
) -> pd.DataFrame:
    """Return ``table`` with a column holiday: the first that its week or the Monday after holds.

    Beside the public holidays the occasions that people shop for: Valentine's Day, Easter,
    Mother's Day (second Sunday of May) and Halloween.

    Parameters
    ----------
    table
        Any table with a column period_start of Mondays.
    country
        As in `holidays_in`.
    holidays
        Those that people shop for some weeks ahead: the two weeks before are named as well.
    """
    import pandas as pd

    if table.empty:
        return table.assign(holiday=pd.Series(dtype="str"))
    first, last = table["period_start"].min().date(), table["period_start"].max().date()
    weeks = [first + timedelta(days=7 * i) for i in range((last - first).days // 7 + 4)]
    public = holidays_in(weeks, country=country)[["holiday", "day"]]
    found = pd.concat([public, _occasions(range(first.year, last.year + 1))], ignore_index=True)
    shopped = found["day"] - pd.Timedelta(days=1)
    monday = shopped - pd.to_timedelta(shopped.dt.day_of_week, unit="D")
    found = found.assign(monday=monday).sort_values("day", kind="stable")
    found = pd.concat([found, *_weeks_before(found, holidays)], ignore_index=True)
    names = found.groupby("monday")["holiday"].first()
    return table.assign(holiday=table["period_start"].map(names).fillna("").astype("str"))


def _weeks_before(found: pd.DataFrame, holidays: Sequence[str]) -> list[pd.DataFrame]:
    import pandas as pd

    mine = found[found["holiday"].isin(list(holidays))]
    return [
        mine.assign(
            monday=mine["monday"] - pd.Timedelta(weeks=k), holiday="before " + mine["holiday"]
        )
        for k in (1, 2)
    ]


def _occasions(years: Sequence[int]) -> pd.DataFrame:
    import pandas as pd
    from dateutil.easter import easter

    days = {
        "Valentine's Day": [date(year, 2, 14) for year in years],
        "Easter": [easter(year) for year in years],
        "Mother's Day": [date(year, 5, 14 - date(year, 5, 7).isoweekday() % 7) for year in years],
        "Halloween": [date(year, 10, 31) for year in years],
    }
    rows = [(name, pd.Timestamp(day)) for name, found in days.items() for day in found]
    table = pd.DataFrame(rows, columns=["holiday", "day"])
    return table.assign(day=table["day"].dt.as_unit("us"))


def placements_by(tables: Tables, *, level: Level, periods: Sequence[date]) -> pd.DataFrame:
    """Return how much of each series was displayed and mailed, week by week.

    Parameters
    ----------
    tables
        A study's tables; needs placements and products.
    level
        Columns of products that make up the series: ``("department", "category")``.
    periods
        Mondays of the weeks looked at.

    Returns
    -------
    pandas.DataFrame
        The level's columns, period_start, displayed and mailed: products of the series on
        display (in the mailer) in a store, on average over the stores that placements know.

    Raises
    ------
    NotApplicable
        If the study has no placements.
    """
    import ibis

    tables.require("placements", "products")
    placed, products = tables.placements, tables.products
    known = products.select(
        "product_id",
        department=products.department,
        category=ibis.coalesce(products.category, NO_CATEGORY),
    )
    end = periods[-1] + timedelta(days=7)
    inside = placed.mutate(period_start=placed.week_start.cast("date"))
    inside = inside.filter(
        inside.period_start >= ibis.date(periods[0].isoformat()),
        inside.period_start < ibis.date(end.isoformat()),
    )
    joined = inside.left_join(known, "product_id").drop("product_id_right")
    joined = joined.mutate(department=ibis.coalesce(joined.department, UNKNOWN_PRODUCT))
    sums = joined.group_by(*level, "period_start").agg(
        displayed=joined.display.count(), mailed=joined.mailer.count()
    )
    stores = tables.connection.to_pandas(inside.agg(n=inside.store_id.nunique()))["n"].iloc[0]
    if not stores:
        raise NotApplicable("There are no placements in these weeks.")
    found = tables.connection.to_pandas(sums.order_by(*level, "period_start"))
    return found.assign(displayed=found["displayed"] / stores, mailed=found["mailed"] / stores)


def over(
    table: pd.DataFrame, key: dict[str, str], column: str, periods: Sequence[date]
) -> np.ndarray:
    """Return one series' column of `placements_by` over ``periods``; zero where it has no row."""
    import pandas as pd

    mine = table
    for name, value in key.items():
        mine = mine[mine[name] == value]
    starts = pd.to_datetime(mine["period_start"])
    laid = pd.Series(mine[column].to_numpy(dtype=float), index=starts)
    return laid.reindex(pd.to_datetime(list(periods)), fill_value=0.0).to_numpy()
