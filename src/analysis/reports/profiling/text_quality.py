"""What the profiling report says about the data themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from analysis.quality.date_coverage import LIMIT
from analysis.quality.reconciliation import gathered
from analysis.reporting.notebook import words
from analysis.reports.profiling.text import Fields

if TYPE_CHECKING:
    from analysis.demand.change.revenue_tree import RevenueTree
    from analysis.quality.drift import Drift
    from analysis.reporting.notebook.report import TrustLine
    from analysis.tables.comparison import Comparison


def ledger_headline(ledger: pd.DataFrame) -> str:
    """State that every row is accounted for, and how many were left out."""
    own = ledger[~gathered(ledger)]
    rows = own.groupby("outcome")["rows"].sum()
    out = int(rows.get("rejected", 0) + rows.get("dropped", 0))
    left = f"{words.number(out)} left out, each by a named rule" if out else "none was left out"
    return f"All {words.number(int(rows.get('read', 0)))} rows are accounted for; {left}"


def ledger_paragraph(ledger: pd.DataFrame) -> str:
    """Name every rule that left rows out, and the tables gathered from rows of others."""
    of_others = gathered(ledger)
    own = ledger[~of_others & ledger["outcome"].isin(["rejected", "dropped"])]
    named = [
        f"{rows:,} of {source} {outcome} ({rule})"
        for rows, source, outcome, rule in zip(
            own["rows"], own["source"], own["outcome"], own["rule"], strict=True
        )
    ]
    left_out = f"{words.listing(named)}." if named else "Every source row is in a canonical table."
    taken = ledger[of_others & (ledger["outcome"] == "accepted")]
    tables = taken.groupby("table", sort=False)["rows"].sum()
    if tables.empty:
        return left_out
    each = words.listing(f"{rows:,} {name}" for name, rows in tables.items())
    return f"{left_out} {each} were gathered from the same rows, one row of each key."


def checks_headline(found: pd.DataFrame) -> str:
    """State how many checks need a decision and how many something to know."""
    counts = found["severity"].value_counts()
    decide, know = int(counts.get("decide", 0)), int(counts.get("know", 0))
    verb = "needs" if decide == 1 else "need"
    needs = f"{words.count(decide, 'check')} of {len(found)} {verb} a decision"
    first = needs if decide else f"None of {words.count(len(found), 'check')} blocks the analysis"
    return f"{first}; {words.count(know, 'thing')} to know"


def checks_list(found: pd.DataFrame, currency: str) -> str:
    """Return the checks that found something, as a Markdown list."""
    shown = found[found["severity"] != "fine"]
    columns = ("severity", "check", "rows", "amount", "what_to_do")
    rows = zip(*(shown[name] for name in columns), strict=True)
    return "\n".join(
        f"- {'**Decide.** ' if severity == 'decide' else ''}**{check}:** "
        f"{_found(count, amount, currency)}. {advice}"
        for severity, check, count, amount, advice in rows
    )


def _found(count: int, amount: float, currency: str) -> str:
    if not count:
        return "none"
    stake = f" ({words.money(amount, 0, currency)})" if amount == amount else ""
    return f"{words.number(count)}{stake}"


def checks(found: pd.DataFrame) -> Fields:
    """Return the finding on the state of the data."""
    counts = found["severity"].value_counts()
    decide = int(counts.get("decide", 0))
    named = found.loc[found["severity"] == "decide", "check"].str.lower().head(3)
    return {
        "key": "checks",
        "sentence": f"of {len(found)} data checks {'needs' if decide == 1 else 'need'} a decision.",
        "value": decide,
        "direction": "up_bad",
        "alert": decide > 0,
        "otherwise": "every report counts these rows as they stand",
        "detail": words.listing(named)
        if decide
        else f"{words.count(int(counts.get('know', 0)), 'thing')} to know",
    }


def days_headline(calendar: pd.DataFrame, limit: float) -> str:
    """State the missing days and those far from usual."""
    missing, odd = int(calendar["missing"].sum()), int((calendar["score"].abs() > limit).sum())
    gap = "No day is missing" if not missing else f"{words.count(missing, 'day')} without an order"
    return f"{gap}; {words.count(odd, 'day')} far from what their weekday usually sells"


def store_days_headline(gaps: pd.DataFrame, currency: str) -> str:
    """State where one store sold nothing while others did."""
    if gaps.empty:
        return "No store is without orders on a day on which it should have had many"
    first = gaps.iloc[0]
    stores = gaps["store_id"].nunique()
    net = words.money(float(gaps["expected_net"].sum()), 0, currency)
    since = "on" if first["days"] == 1 else "from"
    largest = f"store {first['store_id']} {since} {words.day(first['first_day'])}"
    where = largest if len(gaps) == 1 else f"{words.count(stores, 'store')}, first {largest}"
    total = words.count(int(gaps["days"].sum()), "day")
    return f"{total} without any order while others sold, about {net}: {where}"


def returns_headline(rates: pd.DataFrame) -> str:
    """State which products come back far more often than others of their kind."""
    faulty = named(rates[rates["faulty"]])
    if faulty.empty:
        return (
            f"None of {words.count(len(rates), 'product')} comes back far more often than is usual "
            "in its department"
        )
    first = faulty.iloc[0]
    several = words.count(len(faulty), "product")
    return (
        f"{several} of {len(rates)} far above what is usual in the department: {first['short']} "
        f"comes back from {words.percent(first['rate'], 1)} of its orders"
    )


def returned_product(rates: pd.DataFrame) -> Fields:
    """Return the finding on the product that comes back most."""
    first = named(rates[rates["faulty"]]).iloc[0]
    return {
        "key": "returned_product", "sentence": f"of the orders with {first['short']} come back.",
        "value": float(first["rate"]), "low": float(first["low"]), "high": float(first["high"]),
        "unit": "%", "n": int(first["sold"]), "noun": "order", "direction": "up_bad", "alert": True,
        "detail": f"Usual in {first['department']}: {words.percent(first['usual'], 1)}. A fault of "
        "the product, of its description or of a delivery? Look at a few.",
    }  # fmt: skip


def named(rates: pd.DataFrame) -> pd.DataFrame:
    """Return products with a short name: their own, or their number."""
    names = rates["name"] if "name" in rates else rates["product_id"]
    return rates.assign(short=names.fillna(rates["product_id"]))


def fill_headline(table: pd.DataFrame) -> str:
    """State the emptiest column and what the study does not have."""
    there = table[table["present"]]
    absent = int((~table["present"]).sum())
    gaps = there[there["share_filled"] < 1]
    if gaps.empty:
        return f"Every column is full; {words.count(absent, 'optional column')} not given"
    least = gaps.sort_values("share_filled").iloc[0]
    return (
        f"{len(gaps)} of {len(there)} columns {'has' if len(gaps) == 1 else 'have'} gaps, "
        f"{least['table']}.{least['column']} most: "
        f"{words.percent(least['share_filled'], 0)} filled"
    )


def absent_columns(table: pd.DataFrame) -> str:
    """Name the optional columns that the study does not have."""
    absent = table.loc[~table["present"], ["table", "column"]].agg(".".join, axis=1)
    if absent.empty:
        return "The study has every optional column."
    return f"Not in this study, so not reported: {words.listing(absent)}."


def fill_alt(table: pd.DataFrame) -> str:
    """Describe the chart of columns that are not full."""
    gaps = table[table["present"] & (table["share_filled"] < 1)].sort_values("share_filled")
    parts = [
        f"{column} {words.percent(share, 0)}"
        for column, share in zip(gaps["column"], gaps["share_filled"], strict=True)
    ]
    return f"Bar chart of the share of rows with a value: {', '.join(parts) or 'no gaps'}"


def extremes_headline(limits: pd.DataFrame) -> str:
    """State how many quantities, prices and baskets are far from usual."""
    beyond = limits.assign(out=limits["below"] + limits["above"]).groupby("measure")["out"].sum()
    if not beyond.sum():
        return "No quantity, price or basket is far from usual"
    parts = [
        words.count(int(beyond[measure]), noun, nouns)
        for measure, noun, nouns in (
            ("quantity", "quantity", "quantities"),
            ("price", "price", "prices"),
            ("basket", "basket", "baskets"),
        )
        if beyond.get(measure, 0)
    ]
    are = "is" if beyond.sum() == 1 else "are"
    return f"{words.listing(parts)} {are} far from usual"


def extremes_paragraph(limits: pd.DataFrame, currency: str) -> str:
    """Say what far means, and what the outliers amount to."""
    amounts = limits.groupby("measure")["net_amount"].sum()
    worth = [
        f"{plural} {words.money(amounts.get(measure, 0.0), 0, currency)}"
        for measure, plural in (
            ("quantity", "quantities"),
            ("price", "prices"),
            ("basket", "baskets"),
        )
    ]
    return (
        f"Far means more than {LIMIT:g} robust standard deviations of the logarithm from the "
        "middle of the department, or of all baskets. Net sales of these rows: "
        f"{words.listing(worth)}. "
        "They are kept: only somebody who knows the shelf can tell a fault from a bargain."
    )


def drift_headline(found: Drift) -> str:
    """State which mixes moved significantly."""
    real = found.dimensions[found.dimensions["sure"]]
    if real.empty:
        return "The mix of orders is what it was, up to the ups and downs of weeks"
    first = real.iloc[0]
    return (
        f"{len(real)} of {len(found.dimensions)} mixes moved significantly; furthest beyond "
        f"chance by {_mix(first)}, {words.percent(first['moved'])}"
    )


def _mix(dimension: pd.Series) -> str:
    return str(dimension["dimension"]).lower().removesuffix(" (lines)")


def drift_alt(found: Drift) -> str:
    """Describe the chart of drift."""
    rows = found.dimensions
    parts = [
        f"{name} {words.percent(moved)} against {words.percent(limit)}"
        for name, moved, limit in zip(rows["dimension"], rows["moved"], rows["limit"], strict=True)
    ]
    return f"Dots: share that moved, against what chance reaches: {', '.join(parts)}"


def drift(found: Drift) -> Fields:
    """Return the finding on the largest shift of a mix."""
    first = found.dimensions.iloc[0]
    real = first["sure"]
    what, name = ("order lines" if "lines" in first["dimension"] else "orders"), _mix(first)
    return {
        "key": "drift",
        "sentence": f"of {what} would have to change {name} for the mix to be what it was; that is "
        + ("more than weeks differ by chance." if real else "no more than weeks differ by chance."),
        "value": first["moved"],
        "unit": "%",
        "detail": f"chance reaches {words.percent(first['limit'])}",
    }


def trust(
    compared: Comparison,
    ledger: pd.DataFrame,
    found: pd.DataFrame,
    tree: RevenueTree | None,
    known: pd.DataFrame | None,
) -> list[TrustLine]:
    """Return the lines of the panel that says how far to trust the report."""
    decide = int((found["severity"] == "decide").sum())
    own = ledger[~gathered(ledger)]
    read = words.number(int(own.loc[own["outcome"] == "read", "rows"].sum()))
    lines: list[TrustLine] = [
        ("Rows", True, f"{read} rows read, every one accepted, rejected or dropped by a rule"),
        ("Checks", decide == 0, _decisions(decide)),
        _returns(found),
    ]
    if tree is None:
        lines.append(("Comparison", None, compared.reason or "The change cannot be taken apart"))
    else:
        off = abs(tree.factors["contribution"].sum() - tree.change)
        lines += [
            (
                "Adds up",
                bool(off < 0.005),
                "Factors and customer groups add to the change to the cent",
            ),
            _season(compared),
        ]
    if known is not None:
        share = known["share"].iloc[0]
        told = f"Attributes are known of {words.percent(share, 0)} of customers"
        lines.append(("Portrait", bool(share >= 0.5), told))
    return lines


def _decisions(decide: int) -> str:
    if not decide:
        return "None needs a decision"
    return f"{decide} {'needs' if decide == 1 else 'need'} a decision; see the list of checks"


def _returns(found: pd.DataFrame) -> TrustLine:
    returns = found[found["topic"] == "returns"]["rows"].sum()
    if returns:
        return ("Returns", True, f"{words.count(int(returns), 'line')}, netted against sales")
    return ("Returns", False, "There are none, which no retailer has: net sales may be overstated")


def _season(compared: Comparison) -> TrustLine:
    if compared.whole_years:
        return ("Season", True, "Both periods span whole years")
    return (
        "Season",
        False,
        f"{compared.current} and {compared.previous} lie in different seasons; a difference "
        "between them is not yet a trend",
    )
