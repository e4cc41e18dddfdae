"""What is missing: days without orders, days far from usual, columns and how full they are."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from analysis.quality.check_record import Record, record
from analysis.stats.sizes import FEWEST_OF_A_WEEKDAY
from analysis.tables.comparison import daily_sales
from analysis.tables.engine import Tables
from analysis.tables.schema import TABLES

#: Modified z-score beyond which a value is an outlier: Iglewicz and Hoaglin (1993), p. 12.
LIMIT = 3.5


def calendar(tables: Tables, *, as_of: date) -> pd.DataFrame:
    """Return every day from the first order to the last one before ``as_of``.

    Returns
    -------
    pandas.DataFrame
        day, lines, orders, net_amount (0 on days without an order), missing (no line on a
        weekday that has orders), usual (median net amount of that weekday) and score: how many
        robust standard deviations log net amount is from its weekday's median. It is NaN where
        nothing was sold, or where fewer than eight such weekdays make a median.
    """
    sold = daily_sales(tables, end=as_of).set_index("day")
    every = pd.date_range(sold.index[0], sold.index[-1], unit="us", name="day")
    days = sold.reindex(every, fill_value=0)
    weekday = every.day_of_week
    trading = set(weekday[days["orders"] > 0])
    days["missing"] = (days["lines"] == 0) & weekday.isin(trading)
    amount = days["net_amount"].where(days["net_amount"] > 0)
    days["usual"] = amount.groupby(weekday).transform("median")
    days["score"] = _score(amount, weekday)
    return days.reset_index()


def _score(amount: pd.Series, weekday: pd.Index) -> pd.Series:
    logs = np.log(amount)
    by_day = logs.groupby(weekday)
    deviation = logs - by_day.transform("median")
    spread = 1.4826 * deviation.abs().groupby(weekday).transform("median")
    enough = by_day.transform("count") >= FEWEST_OF_A_WEEKDAY
    return (deviation / spread.where((spread > 0) & enough)).rename("score")


def records(tables: Tables, *, as_of: date, stale_days: int) -> list[Record]:
    """Return the rows that days add to the table of checks."""
    days = calendar(tables, as_of=as_of)
    return [_freshness(days, as_of, stale_days), _gaps(days), _edges(days), _unusual(days)]


def _freshness(days: pd.DataFrame, as_of: date, stale_days: int) -> Record:
    silent = (as_of - days["day"].iloc[-1].date()).days - 1
    stale = silent > stale_days
    return record(
        "Days without an order before the report date",
        "freshness",
        rows=silent,
        of_rows=len(days) + silent,
        severity="decide" if stale else "know" if silent else "fine",
        advice=f"The data are stale (more than {stale_days} days): ask for the missing delivery."
        if stale
        else "The data end shortly before the report date; growth is understated by that."
        if silent
        else "Nothing to do.",
    )


def _gaps(days: pd.DataFrame) -> Record:
    missing = days.loc[days["missing"], "day"]
    once = missing[~_every_year(missing, days["day"])]
    named = ", ".join(f"{day.day} {day:%b %Y}" for day in missing.head(5))
    more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
    yearly = "closed every year." if once.empty else "a closed day, or a lost delivery?"
    return record(
        "Day without any order between the first and the last",
        "gaps",
        rows=len(missing),
        of_rows=len(days),
        severity="fine" if missing.empty else "know" if len(once) <= 3 else "decide",
        advice=f"{named}{more}: {yearly}" if len(missing) else "Nothing to do.",
    )


def _every_year(missing: pd.Series, days: pd.Series) -> pd.Series:
    """Tell the days that are missing in each of several years: by date, or as far from Easter."""
    from dateutil.easter import easter

    first, last, gone = days.iloc[0], days.iloc[-1], set(missing)
    years = range(first.year, last.year + 1)
    feasts = {year: pd.Timestamp(easter(year)) for year in years}

    def yearly(day: pd.Timestamp) -> bool:
        same = {feasts[year].replace(month=day.month, day=min(day.day, 28)) for year in years}
        same = {each + pd.Timedelta(days=day.day - each.day) for each in same}
        moved = {feasts[year] + (day - feasts[day.year]) for year in years}
        inside = [{each for each in dates if first <= each <= last} for dates in (same, moved)]
        return any(len(dates) > 1 and dates <= gone for dates in inside)

    return missing.map(yearly).astype(bool)


def _edges(days: pd.DataFrame) -> Record:
    first, last = days["day"].iloc[0], days["day"].iloc[-1]
    short = [
        f"the {name} week has {held} of 7 days"
        for name, held in (("first", 7 - first.weekday()), ("last", last.weekday() + 1))
        if held < 7
    ]
    return record(
        "Broken week (Monday to Sunday) at an end of the data",
        "gaps",
        rows=len(short),
        of_rows=2,
        severity="know" if short else "fine",
        advice=f"{' and '.join(short).capitalize()}: weekly figures leave it out."
        if short
        else "Nothing to do.",
    )


def _unusual(days: pd.DataFrame) -> Record:
    odd = days[days["score"].abs() > LIMIT]
    named = ", ".join(f"{day.day} {day:%b}" for day in odd["day"].head(6))
    named += f" and {len(odd) - 6} more" if len(odd) > 6 else ""
    return record(
        "Day whose sales are far from its weekday's usual",
        "outliers",
        rows=len(odd),
        of_rows=int(days["score"].notna().sum()),
        amount=float((odd["net_amount"] - odd["usual"]).abs().sum()),
        severity="know" if len(odd) else "fine",
        advice=f"{named}: holidays and the days before them, or a fault? The amount is how far "
        "they are from it, above or below."
        if len(odd)
        else "Nothing to do.",
    )


#: The tables that every analysis of sales rests on.
SALES_TABLES = ("order_lines", "products", "customers")


def completeness(tables: Tables, *, names: tuple[str, ...] = SALES_TABLES) -> pd.DataFrame:
    """Count the values of every column, those that the schema knows but the study lacks included.

    Returns
    -------
    pandas.DataFrame
        table, column, meaning, present (the study has the column), rows, filled, missing and
        share_filled (NaN for a column that is absent or a table without rows).
    """
    parts = [_filled(tables, name) for name in names if name in tables]
    columns = ["table", "column", "meaning", "present", "rows", "filled"]
    table = pd.DataFrame([row for part in parts for row in part], columns=columns)
    share = table["filled"] / table["rows"].where(table["present"] & (table["rows"] > 0))
    return table.assign(missing=table["rows"] - table["filled"], share_filled=share)


def _filled(tables: Tables, name: str) -> list[tuple[str, str, str, bool, int, int]]:
    rows = getattr(tables, name)
    counts = {f"n_{i}": rows[column].count() for i, column in enumerate(rows.columns)}
    counted = rows.agg(total=rows.count(), **counts).to_pandas().iloc[0]
    total = int(counted["total"])
    meanings = {column.name: column.doc for column in TABLES[name].columns}
    there = [
        (name, column, meanings.get(column, "As the source gives it"), True, total, int(n))
        for column, n in zip(rows.columns, counted.drop("total"), strict=True)
    ]
    absent = [
        (name, column, meaning, False, total, 0)
        for column, meaning in meanings.items()
        if column not in rows.columns
    ]
    return there + absent
