"""What moves single products, what plans for them would bring, and which ran out of stock.

What trends, shifts, launches and levers say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.demand.series.product_lifecycle import RISEN
from analysis.reporting.charts.forest import LONGEST
from analysis.reporting.notebook import words

if TYPE_CHECKING:
    from analysis.demand.drivers.what_if import ProductPlan, Scenario

#: Fields of a finding, as `Report.finding` takes them.
Fields = dict[str, Any]

_KINDS = {
    "promotion": "promotions",
    "discount": "the depth of discounts",
    "price": "the average price paid",
    "holiday": "the run-up to a holiday",
}

#: Weeks within which a shift must be dated to be called sudden.
_SUDDEN = 4


def moved(table: pd.DataFrame) -> str:
    """Say how many products each kind of influence moves."""
    parts = []
    for kind, called in _KINDS.items():
        mine = table[table["kind"] == kind]
        found = mine.loc[mine["found"], "name"].nunique()
        if found:
            searched = words.number(mine["name"].nunique())
            parts.append(f"{called} with {found} of {searched}")
    if table.empty:
        return "No product has had promotions, prices or holidays enough to tell what they do"
    if not parts:
        tried = [called for kind, called in _KINDS.items() if (table["kind"] == kind).any()]
        return f"No product's sales go significantly with {' or '.join(tried)}"
    return f"Significant associations: {words.listing(parts)} products that had any"


def surest(table: pd.DataFrame, *, count: int) -> pd.DataFrame:
    """Return the surest effects with what each is of, strongest first.

    Of the weeks before one holiday only the one that moves a product most is taken.

    Returns
    -------
    pandas.DataFrame
        Rows of `influences.Influences.table` with label: product and ``promotion``,
        ``price +10 %``, ``20 % off`` or ``Christmas Day``.
    """
    found = table[table["found"]]
    what = [_what(*row) for row in found[["kind", "regressor", "step"]].itertuples(index=False)]
    told = found.assign(what=what, strength=found["coefficient"].abs() * found["step"])
    order = ["strength", "name", "what"]
    told = told.sort_values(order, ascending=[False, True, True])
    told = told.drop_duplicates(["name", "what"]).nsmallest(count, "p")
    label = [
        f"{_short(str(name), LONGEST - 2 - len(text))}, {text}"
        for name, text in told[["name", "what"]].itertuples(index=False)
    ]
    told = told.assign(label=label)
    return told.sort_values(["effect", "label"], ascending=[False, True], ignore_index=True)


def _short(name: str, room: int) -> str:
    """Return a name that fits; a product's key at its end is kept."""
    if len(name) <= room:
        return name
    head, _, key = name.rpartition(" ")
    kept = f"… {key}" if key.isdigit() else "…"
    return f"{(head if key.isdigit() else name)[: room - len(kept)].strip()}{kept}"


def _what(kind: str, regressor: str, step: float) -> str:
    if kind == "price":
        return f"price {words.percent(float(np.expm1(step)), 0, signed=True)}"
    if kind == "discount":
        return f"{words.percent(float(-np.expm1(-step)), 0)} off"
    return "promotion" if kind == "promotion" else regressor.partition(",")[0]


def plan(compared: ProductPlan, what: str, horizon: int, currency: str) -> str:
    """Say what a plan for a product would bring."""
    units, net = (row for _, row in compared.totals.iterrows())
    gain = words.number(units["difference"], 0, signed=True)
    ends = words.interval(units["low"], units["high"], 0, "")
    money = words.money(net["difference"], 0, currency, signed=True)
    return (
        f"{compared.name}, {what}: {gain} units ({ends}) and {money} net sales over {horizon} weeks"
    )


def plan_note(compared: ProductPlan, currency: str) -> str:
    """Say how many units to order with and without the plan, and how sure the money is."""
    units, net = (row for _, row in compared.totals.iterrows())
    without = round(units["without"])
    text = (
        f"{words.number(without + round(units['difference']))} units with the plan, "
        f"{words.number(without)} without it, if it does what has gone with its like so far. Net "
        f"sales change by {words.interval(net['low'], net['high'], 0, currency)}; what other "
        "products gain or lose by it is not counted."
    )
    if not compared.seen:
        text += " Such a price has not been charged before: the answer is extrapolated."
    return text


def stock(gaps: pd.DataFrame) -> str:
    """Say whether products seem to have been out of stock."""
    if gaps.empty:
        return "No week without a sale looks like an empty shelf"
    products = words.count(gaps["name"].nunique(), "product")
    return f"{words.count(len(gaps), 'silent week')} of {products} look like an empty shelf"


def stock_weeks(gaps: pd.DataFrame) -> str:
    """Say which products and weeks these are, largest loss first."""
    if gaps.empty:
        return "Chance may explain every week without a sale, by the product's usual sales."
    parts = []
    for name, mine in list(gaps.groupby("name", sort=False))[:5]:
        weeks = words.listing([words.day(day) for day in sorted(mine["period_start"])])
        usual = words.number(float(mine["usual"].median()))
        parts.append(f"{name}, usually {usual} a week, sold nothing in the weeks of {weeks}.")
    left = gaps["name"].nunique() - len(parts)
    more = f" {words.count(left, 'more product')} in the download." if left else ""
    return f"{' '.join(parts)}{more} These weeks are left out of what is learnt here."


def falling(table: pd.DataFrame) -> pd.DataFrame:
    """Return the products whose sales fall, the largest first."""
    found = table[table["direction"] == "falling"]
    return found.sort_values(["size", "name"], ascending=[False, True], ignore_index=True)


def trend_counts(table: pd.DataFrame) -> str:
    """Say how many products rise and fall."""
    up, down = (int((table["direction"] == way).sum()) for way in ("rising", "falling"))
    searched = words.count(int(table["p"].notna().sum()), "product")
    if table["p"].isna().all():
        return "No product sold all the time and ever more or less, so that none has a trend"
    if not up and not down:
        return f"Of {searched} sold all the time none rises or falls significantly"
    return f"Of {searched} sold all the time {_ways(up, down)}"


def _ways(up: int, down: int) -> str:
    rise, fall = (f"{v}s" if n == 1 else v for v, n in (("rise", up), ("fall", down)))
    return f"{words.number(up)} {rise} and {words.number(down)} {fall} significantly"


def sudden(steps: pd.DataFrame, replaced: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the products whose level changed at once: dated within a few weeks.

    Those that replaced another or were replaced, and those that sold next to nothing before, did
    not change their demand: they came or went.
    """
    width = (steps["latest"] - steps["earliest"]) / pd.Timedelta(weeks=1)
    sure = (steps["change_low"] > 0) | (steps["change_high"] < 0)
    other = steps["name"].isin(_exchanged(replaced)) | (steps["change"] >= RISEN)
    found = steps[steps["shifted"] & sure & (width <= _SUDDEN) & ~other]
    return found.sort_values(["size", "name"], ascending=[False, True], ignore_index=True)


def _exchanged(replaced: pd.DataFrame | None) -> list[str]:
    if replaced is None:
        return []
    found = replaced[replaced["found"]]
    return [*found["name"], *found["predecessor"]]


def surges(freaks: pd.DataFrame) -> pd.DataFrame:
    """Return the weeks far above the usual; silent ones are for `stock`, returns for report 01."""
    return freaks[freaks["value"] > freaks["usual"]].reset_index(drop=True)


def odd_weeks(freaks: pd.DataFrame) -> str:
    """Say in how many single weeks a product sold far above its usual, and name the farthest."""
    if freaks.empty:
        return "No product has a week that stands out beyond promotions, prices and holidays"
    first = freaks.iloc[0]
    whole = words.count(len(freaks), "week")
    if not first["usual"] > 0:
        return f"{whole} of single products stand out beyond promotions, prices and holidays"
    times = words.number(first["value"] / first["usual"], 1)
    return (
        f"{whole} of single products {'stands' if len(freaks) == 1 else 'stand'} out beyond "
        f"promotions, prices and holidays; by its own ups and downs the farthest, {first['name']}, "
        f"{times} times its usual in the week of {words.day(first['period_start'])}"
    )


def sudden_counts(steps: pd.DataFrame, replaced: pd.DataFrame | None = None) -> str:
    """Say how many products changed their level at once, and how many with their price."""
    found = sudden(steps, replaced)
    if found.empty:
        return "No product changed its level at once"
    priced = int(found["price_change"].notna().sum())
    with_price = f", {priced} of them when their price changed" if priced else ""
    if len(found) == 1:
        with_price = ", when its price changed" if priced else ""
    return (
        f"{words.count(len(found), 'product')} changed level from one week to the next{with_price}"
    )


#: Why there is nothing to search for a trend.
_UNSEARCHED = "each is too short, never varies, or came or went"


def rhythm(strength: dict[str, float]) -> str:
    """Say how much of the daily ups and downs the day of the week explains."""
    return (
        f"The day of the week explains {words.percent(strength['weekly'], 0)} of the daily ups "
        "and downs that trend does not"
    )


def category_trend_counts(table: pd.DataFrame) -> str:
    """Say how many categories rise and fall."""
    up = int((table["direction"] == "rising").sum())
    down = int((table["direction"] == "falling").sum())
    searched = int(table["p"].notna().sum())
    if not searched:
        return f"No series is searched for a trend: {_UNSEARCHED}"
    if not up and not down:
        return f"None of {words.number(searched)} series searched rises or falls significantly"
    return f"{_ways(up, down)}, of {words.number(searched)} searched"


def trend_finding(table: pd.DataFrame, fdr: float) -> Fields:
    """Return how many series have a trend."""
    found = table[table["direction"].isin(["rising", "falling"])]
    top = found.sort_values("size", ascending=False).head(2)["name"]
    names = words.listing([str(n).rsplit(" / ", 1)[-1] for n in top])
    searched = int(table["p"].notna().sum())
    nothing = "nothing rises or falls significantly" if searched else _UNSEARCHED
    return {
        "key": "trends",
        "sentence": "series with a significant trend",
        "value": float(len(found)),
        "n": searched,
        "detail": f"of these sell most: {names}; {words.percent(fdr, 0)} at most are false"
        if len(found)
        else nothing,
        "decimals": 0,
    }


def shift_counts(table: pd.DataFrame) -> str:
    """Say how many series moved to another level, and name the largest."""
    moved = table[table["shifted"]]
    if moved.empty:
        return "No series moved to another level"
    largest = moved.sort_values("size", ascending=False).iloc[0]
    name = str(largest["name"]).rsplit(" / ", 1)[-1]
    risen = largest["change"] >= RISEN
    change = "from next to nothing" if risen else words.percent(largest["change"], 0, signed=True)
    when = words.day(largest["period_start"])
    others = words.count(len(moved), "series", "series")
    return f"{others} moved to another level; the largest, {name}, {change} from {when}"


def stood_out(table: pd.DataFrame) -> str:
    """Say how many single weeks stood out, and how many of them lead up to an occasion."""
    if table.empty:
        return "No week of a series stood out alone"
    told = int((table["holiday"] != "").sum())
    weeks = words.count(len(table), "week")
    if len(table) == 1:
        before = f"{'' if told else 'not '}in or before the week of a holiday or occasion"
    else:
        before = f"{told or 'none'} of them in or before the week of a holiday or occasion"
    return f"{weeks} of a series stood out alone, {before}"


def came_and_went(table: pd.DataFrame, replaced: pd.DataFrame | None = None) -> str:
    """Say how many products were launched and ended, and how many of them replace another."""
    pairs = 0 if replaced is None else int(replaced["found"].sum())
    instead = f", {pairs} of them in place of another" if pairs else ""
    launched = int(table["status"].str.contains("launched").sum())
    ended = int(table["status"].str.contains("ended").sum())
    rare = int((table["status"] == "too rare to tell").sum())
    if rare == len(table):
        return "No product sells often enough to tell whether it came or went"
    if not launched and not ended:
        told = "Of {} none significantly came or went".format(
            words.count(len(table), "best seller")
        )
        return f"{told}; {words.number(rare)} sell too rarely to tell" if rare else told
    return (
        f"Of the {words.number(len(table))} best sellers {launched} came and {ended} went"
        f"{instead}: not trends, and left out of them"
    )


def came(table: pd.DataFrame, replaced: pd.DataFrame | None) -> pd.DataFrame:
    """Return the products that came or went, with the one that each replaces."""
    gone = table[~table["status"].isin(["continuing", "too rare to tell"])]
    pairs = {} if replaced is None else replaced[replaced["found"]].set_index("name")["predecessor"]
    return gone.assign(replaces=gone["name"].map(pairs).astype(object).fillna(""))


def lever_counts(table: pd.DataFrame) -> str:
    """Say where displays and mailers show an effect."""
    found = table[table["found"]]
    searched = words.number(table["name"].nunique())
    if found.empty:
        return f"Sales of none of {searched} large categories go with displays or mailers"
    names = found["name"].nunique()
    go = "goes" if names == 1 else "go"
    return (
        f"Sales of {names} of {searched} large categories {go} significantly with displays or "
        "mailers"
    )


def placement_plan(compared: Scenario, row: pd.Series, horizon: int, currency: str) -> str:
    """Say what the plan would bring."""
    name = str(row["name"]).rsplit(" / ", 1)[-1]
    what = "mailer places" if row["regressor"] == "mailed" else "displays"
    extra = words.money(compared.difference, 0, currency, signed=True)
    ends = words.interval(compared.low, compared.high, 0, currency)
    return (
        f"Twice the {what} for {name} over {horizon} weeks go with {extra} ({ends}), which proves "
        "no cause"
    )
