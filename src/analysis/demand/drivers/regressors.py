"""What is known in advance and moves demand: holidays, displays and mailers, prices.

Each function returns one row a period (and series), to be used as regressors. Nothing here is
measured from the demand it is to explain, the planned discount excepted, which says so.

What a product was offered at: when it was promoted, and what it cost.

Both are set by the retailer, and so are known for the weeks ahead as far as they are planned.
Prices are read off the till all the same, for a source seldom holds a list of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from analysis.demand.series.sales_series import Frequency, Level, following
from analysis.errors import NotApplicable, ParamsError
from analysis.tables.margin import NO_CATEGORY, UNKNOWN_PRODUCT, cents

if TYPE_CHECKING:
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


@cache  # every series of a report asks for the same years
def _calendar(country: str, years: range) -> dict[date, str]:
    import holidays

    code, _, part = country.partition("-")
    try:
        found = holidays.country_holidays(code, subdiv=part or None, years=years, language="en_US")
    except NotImplementedError:
        raise ParamsError(f"There is no calendar of holidays for {country!r}") from None
    return dict(found)


def _check_names(names: Sequence[str], country: str, years: range) -> None:
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
    mine = found[found["holiday"].isin(list(holidays))]
    return [
        mine.assign(
            monday=mine["monday"] - pd.Timedelta(weeks=k), holiday="before " + mine["holiday"]
        )
        for k in (1, 2)
    ]


def _occasions(years: Sequence[int]) -> pd.DataFrame:
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
    tables.require("placements", "products")
    products = tables.products
    known = products.select(
        "product_id",
        department=products.department,
        category=ibis.coalesce(products.category, NO_CATEGORY),
    )
    first, end = (ibis.date(d.isoformat()) for d in (periods[0], periods[-1] + timedelta(days=7)))
    during = (ibis._.period_start >= first) & (ibis._.period_start < end)
    sums = tables.once("placed_by_product", _by_product).filter(during)
    joined = sums.left_join(known, "product_id").drop("product_id_right")
    joined = joined.mutate(department=ibis.coalesce(joined.department, UNKNOWN_PRODUCT))
    joined = joined.group_by(*level, "period_start").agg(
        displayed=joined.displayed.sum().cast("int64"), mailed=joined.mailed.sum().cast("int64")
    )
    shops = tables.once("placed_by_store", _by_store).filter(during)
    stores = tables.connection.to_pandas(shops.agg(n=shops.store_id.nunique()))["n"].iloc[0]
    if not stores:
        raise NotApplicable("There are no placements in these weeks.")
    found = tables.connection.to_pandas(joined.order_by(*level, "period_start"))
    return found.assign(displayed=found["displayed"] / stores, mailed=found["mailed"] / stores)


def _by_product(tables: Tables) -> ibis.Table:
    """Return places of each product and week: tens of millions are counted once a report."""
    placed = tables.placements.mutate(period_start=tables.placements.week_start.cast("date"))
    weekly = placed.group_by("product_id", "period_start")
    return weekly.agg(displayed=placed.display.count(), mailed=placed.mailer.count())


def _by_store(tables: Tables) -> ibis.Table:
    placed = tables.placements
    return placed.select("store_id", period_start=placed.week_start.cast("date")).distinct()


def over(
    table: pd.DataFrame, key: dict[str, str], column: str, periods: Sequence[date]
) -> np.ndarray:
    """Return one series' column of `placements_by` over ``periods``; zero where it has no row."""
    mine = table
    for name, value in key.items():
        mine = mine[mine[name] == value]
    starts = pd.to_datetime(mine["period_start"])
    laid = pd.Series(mine[column].to_numpy(dtype=float), index=starts)
    return laid.reindex(pd.to_datetime(list(periods)), fill_value=0.0).to_numpy()


def promoted(tables: Tables, products: Sequence[str], periods: Sequence[date]) -> np.ndarray:
    """Return the share of each week's days on which each product was in a promotion.

    Parameters
    ----------
    tables
        A study's tables; without promotions and their products nothing was promoted.
    products
        One a row of the result.
    periods
        Mondays, one a column; promotions planned for weeks to come count there.
    """
    share = np.zeros((len(products), len(periods)))
    if not (tables.has("promotions") and tables.has("promotion_products")):
        return share
    for row, starts, ends in _spans(tables, products).itertuples(index=False):
        for column, monday in enumerate(periods):
            days = (min(ends, monday + timedelta(days=6)) - max(starts, monday)).days + 1
            share[row, column] = max(share[row, column], max(days, 0) / 7)
    return share


def _spans(tables: Tables, products: Sequence[str]) -> pd.DataFrame:
    """Return one row a product and promotion: row, starts_on, ends_on."""
    offers = tables.promotions.select("promotion_id", "starts_on", "ends_on")
    named = tables.promotion_products.select("promotion_id", "product_id").distinct()
    joined = named.inner_join(offers, "promotion_id")
    spans = joined.select("product_id", "starts_on", "ends_on").distinct()
    found = tables.connection.to_pandas(spans.order_by("product_id", "starts_on", "ends_on"))
    rows = pd.Series(np.arange(len(products)), index=list(products))
    found = found[found["product_id"].isin(rows.index)]
    days = {name: pd.to_datetime(found[name]).dt.date for name in ("starts_on", "ends_on")}
    return pd.DataFrame({"row": rows[found["product_id"]].to_numpy(), **days})


def prices(
    tables: Tables, products: Sequence[str], periods: Sequence[date]
) -> tuple[np.ndarray, np.ndarray]:
    """Return each product's shelf price and discount, week by week.

    Returns
    -------
    shelf : numpy.ndarray
        Products x weeks: list amount over quantity (net amount where there is no list amount);
        weeks without a sale keep the price before, the first ones that after; NaN for a product
        never sold.
    depth : numpy.ndarray
        Products x weeks: discount as a share of the list amount, zero in weeks without a sale.
    """
    found = tables.connection.to_pandas(_sums(tables.order_lines, periods))
    found = found[found["product_id"].isin(list(products))]
    rows = pd.Series(np.arange(len(products)), index=list(products))
    columns = pd.Series(np.arange(len(periods)), index=pd.to_datetime(list(periods)))
    at = (
        rows[found["product_id"]].to_numpy(),
        columns[pd.to_datetime(found["period_start"])].to_numpy(),
    )
    shelf = np.full((len(products), len(periods)), np.nan)
    depth = np.zeros(shelf.shape)
    shelf[at] = found["listed"] / found["quantity"] / 100
    depth[at] = 1 - (found["net"] / found["listed"]).clip(upper=1.0)
    laid = pd.DataFrame(shelf).ffill(axis=1).bfill(axis=1)
    return laid.to_numpy(), depth


def _sums(lines: ibis.Table, periods: Sequence[date]) -> ibis.Table:
    week = lines.ordered_at.truncate("W").date()
    listed = lines.list_amount if "list_amount" in lines.columns else lines.net_amount
    known = lines.mutate(period_start=week, listed=cents(listed), net=cents(lines.net_amount))
    end = periods[-1] + timedelta(days=7)
    inside = known.filter(
        known.ordered_at >= ibis.timestamp(periods[0].isoformat()),
        known.ordered_at < ibis.timestamp(end.isoformat()),
        known.quantity > 0,
        known.listed > 0,
    )
    return inside.group_by("product_id", "period_start").agg(
        listed=inside.listed.sum().cast("float64"),
        net=inside.net.sum().cast("float64"),
        quantity=inside.quantity.sum().cast("float64"),
    )
