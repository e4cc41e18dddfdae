"""What the profiling report says about growth, and about customers won, lost and kept.

What the profiling report says about departments, stores and products.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.reporting.charts.forest import shortened
from analysis.reporting.notebook import words
from analysis.reports.profiling.charts import FACTOR_WORDS

if TYPE_CHECKING:
    from analysis.demand.change.contribution import Movers
    from analysis.demand.change.price_index import PriceIndex
    from analysis.demand.change.revenue_tree import RevenueTree
    from analysis.tables.comparison import Comparison
    from analysis.tables.manifest import Manifest

#: Fields of a finding, as `Report.finding` takes them.
Fields = dict[str, Any]

_MAYBE = ", not significant"

_ALONE = ", of one customer alone, so that chance cannot be told"


def _surely(low: float, high: float) -> str:
    """Return what an interval adds to a sentence: nothing where it leaves out zero."""
    if not math.isfinite(low):
        return _ALONE
    return "" if low > 0 or high < 0 else _MAYBE


def scope(manifest: Manifest, compared: Comparison) -> str:
    """Say what data these are and which two periods are compared."""
    rows = words.count(manifest.rows.get("order_lines", 0), "order line")
    told = f"{rows} from {words.day(compared.first_day)} to {words.day(compared.last_day)}"
    against = f"**{compared.current}** is compared with **{compared.previous}**, just before it."
    simulated = "These rows come from a simulator. " if manifest.simulated else ""
    notes = " ".join(manifest.notes)
    return f"{simulated}{told}. {compared.reason or against} {notes}".strip()


def title(tree: RevenueTree | None) -> str:
    """Return the page's title: did sales grow, and through what."""
    if tree is None:
        return "Who buys what, and whether the data can be believed"
    change, low, high = tree.growth
    risen, fallen = (_listed(names) for names in _sure(tree))
    parts = [f"{risen} rose"] * bool(risen) + [f"{fallen} fell"] * bool(fallen)
    because = f": {', '.join(parts)}" if parts else ""
    if low > 0 or high < 0 or not math.isfinite(low):
        return f"Sales {'grew' if change > 0 else 'fell'} {words.percent(abs(change))}{because}"
    return f"Net sales did not change significantly{because}"


def tree_headline(tree: RevenueTree, currency: str) -> str:
    """State the change of net sales and the factor behind most of it."""
    if not tree.change and not tree.factors["contribution"].any():
        return "Net sales are what they were, to the cent, and so is what they are made of"
    change = words.money(tree.change, 0, currency, signed=True)
    driver = tree.driver
    part = words.money(driver["contribution"], 0, currency, signed=True)
    sure, whole = _surely(driver["low"], driver["high"]), _surely(tree.low, tree.high)
    return (
        f"Net sales changed by {change}{whole}; {_lower(driver['factor'])} contributed most, "
        f"{part}{sure}"
    )


def tree_paragraph(tree: RevenueTree, currency: str, confidence: float) -> str:
    """Say how large the change is, and how sure."""
    change, low, high = tree.growth
    span = words.interval(low, high, 1)
    sure = _surely(low, high).removeprefix(", ") or "significant"
    given = f" ({words.percent(confidence, 0)} interval {span})" if math.isfinite(low) else ""
    return (
        f"Net sales went from {words.money(tree.before, 0, currency)} to "
        f"{words.money(tree.now, 0, currency)}: {words.percent(change, signed=True)}"
        f"{given}, {sure}. The parts add up to the change "
        "to the cent. Grey bars cannot be told from no contribution. Net per item moves with "
        "prices, discounts and with what is bought; a quantity that counts no units, such as "
        "litres of fuel, is one item."
    )


def prices(index: PriceIndex, confidence: float) -> str:
    """Say how prices of the same products changed, so that mix is not taken for price."""
    span = words.interval(index.low, index.high, 1)
    return (
        f"Prices paid for the same {words.count(index.products, 'product')} "
        f"({words.percent(index.covered, 0)} of net sales by the piece) changed by "
        f"{words.percent(index.change, 1, signed=True)} "
        f"({words.percent(confidence, 0)} interval {span}; Törnqvist index). What else net per "
        "item moved by is mix: other products, other sizes, launches and delistings."
    )


def tree_table(tree: RevenueTree) -> pd.DataFrame:
    """Return the factors with a readable ``label``."""
    return tree.factors.assign(label=tree.factors["factor"].map(FACTOR_WORDS))


def tree_alt(tree: RevenueTree, currency: str) -> str:
    """Describe the chart of contributions."""
    parts = [
        f"{_lower(name)} {_signed(value, currency)}"
        for name, value in zip(tree.factors["factor"], tree.factors["contribution"], strict=True)
    ]
    return f"Bar chart of contributions to the change of net sales: {', '.join(parts)}"


def net_change(tree: RevenueTree, compared: Comparison, confidence: float) -> Fields:
    """Return the finding on the growth of net sales."""
    change, low, high = tree.growth
    return {
        "key": "net_change",
        "sentence": f"{'growth' if change > 0 else 'change'} of net sales on the "
        f"{compared.previous.days} days before{_surely(low, high)}.",
        "value": change, "low": low, "high": high, "unit": "%", "n": tree.customers,
        "noun": "customer", "direction": "up_good", "alert": high < 0, "at_stake": tree.change,
        "otherwise": "each such period brings that much less, if nothing else changes",
        "level": confidence,
    }  # fmt: skip


def driver(tree: RevenueTree, currency: str, confidence: float) -> Fields:
    """Return the finding on the factor that changed sales most, of those that surely did."""
    factors = tree.factors[tree.factors["factor"] != "guests"]
    clear = factors[(factors["low"] > 0) | (factors["high"] < 0)]
    chosen = (clear if len(clear) else factors).sort_values("contribution", key=abs).iloc[-1]
    part = words.money(chosen["contribution"], 0, currency, signed=True)
    sure = _surely(chosen["low"], chosen["high"])
    verb = "rise" if chosen["growth"] > 0 else "change"
    return {
        "key": "driver", "sentence": f"{verb} of {_lower(chosen['factor'])}, worth {part}{sure}.",
        "value": chosen["growth"], "low": chosen["growth_low"], "high": chosen["growth_high"],
        "unit": "%", "n": tree.customers, "noun": "customer", "direction": "up_good",
        "level": confidence,
    }  # fmt: skip


def bridge_headline(bridge: pd.DataFrame, currency: str) -> str:
    """State whose ups and downs the change is made of, and how much of them is noise."""
    swing = bridge["change"].abs().sum()
    kept = bridge[bridge["group"].isin(["buying less", "buying more"])]
    share = kept["change"].abs().sum() / swing if swing else 0.0
    if share < 0.5:
        largest = bridge.sort_values("change", key=abs).iloc[-1]
        return f"The largest part of the change: {largest['group']}, " + _signed(
            largest["change"], currency
        )
    noise = kept["by_chance"].abs().sum(min_count=1) / kept["change"].abs().sum()
    told = (
        f"; {words.percent(noise, 0)} of that is week-to-week variation" if noise == noise else ""
    )
    if noise >= 1:
        told = "; week-to-week variation alone makes as many"
    return f"Kept customers make {words.percent(share, 0)} of the ups and downs{told}"


#: What the group of the lost is: said, for who bought nothing for a while may come back.
_LOST = "Lost means no purchase in this period; they may come back."


def bridge_paragraph(bridge: pd.DataFrame, compared: Comparison, currency: str) -> str:
    """Say what new means on these data, and how much of the ups and downs is chance."""
    reach = (compared.previous.start - compared.first_day).days
    new = (
        "New customers had never bought before; those who came back had, but not in the period "
        "before."
        if reach >= compared.current.days
        else "New means not seen in the period before: the data do not reach back far enough to "
        "tell a new customer from one who came back."
    )
    kept = bridge.dropna(subset="by_chance")
    if kept.empty:
        return f"{new} {_LOST}"
    real, chance = kept["change"].abs().sum(), kept["by_chance"].abs().sum()
    return (
        f"{new} {_LOST} Kept customers' ups and downs come to {words.money(real, 0, currency)}. "
        f"The same customers differ by {words.money(chance, 0, currency)} between odd and even "
        "weeks, when nothing but weeks differs (black marks): that much of what looks like growing "
        "and declining customers means nothing."
    )


def bridge_alt(bridge: pd.DataFrame, currency: str) -> str:
    """Describe the chart of the bridge."""
    parts = [
        f"{group} {_signed(change, currency)}"
        for group, change in zip(bridge["group"], bridge["change"], strict=True)
    ]
    total = _signed(bridge["change"].sum(), currency)
    return f"Waterfall from the period before to this one: {', '.join(parts)}; in all {total}"


def bought_less(bridge: pd.DataFrame, currency: str, confidence: float) -> Fields:
    """Return the finding on kept customers who bought less."""
    rows = bridge[bridge["group"] == "buying less"]
    if rows.empty:
        sentence = "came from kept customers: none bought less than in the period before."
        return {"key": "bought_less", "sentence": sentence, "value": 0.0, "unit": currency}
    row = rows.iloc[0]
    parts = [_noise(row, currency), _bought_more(bridge, currency)]
    real = "" if parts[0] else ", which week-to-week variation alone makes as well"
    return {
        "key": "bought_less",
        "sentence": f"came from kept customers who bought less than in the period before{real}.",
        "value": row["change"], "low": row["low"], "high": row["high"], "unit": currency,
        "n": row["customers"], "noun": "customer", "direction": "up_good", "level": confidence,
        "detail": "; ".join(part for part in parts if part) or None,
    }  # fmt: skip


def _bought_more(bridge: pd.DataFrame, currency: str) -> str | None:
    """Say what those who bought more added: the one figure without the other misleads."""
    rows = bridge[bridge["group"] == "buying more"]
    if rows.empty:
        return None
    added = words.money(rows["change"].iloc[0], 0, currency, signed=True)
    return f"kept customers who bought more brought {added}"


def _noise(row: pd.Series, currency: str) -> str | None:
    """Say how much of a change the same customers show between odd and even weeks; None: all."""
    if not math.isfinite(row["by_chance"]):
        return "how much of it is week-to-week variation is not known"
    if abs(row["by_chance"]) >= abs(row["change"]):
        return None
    return f"{words.money(abs(row['by_chance']), 0, currency)} of it is week-to-week variation"


def _sure(tree: RevenueTree) -> tuple[list[str], list[str]]:
    """Return the factors that surely rose and those that surely fell, the largest first."""
    ranked = tree.factors.sort_values("contribution", key=abs, ascending=False)
    risen = ranked.loc[ranked["low"] > 0, "factor"]
    fallen = ranked.loc[ranked["high"] < 0, "factor"]
    return [_lower(name) for name in risen], [_lower(name) for name in fallen]


def _listed(names: list[str]) -> str:
    return words.listing(names) if names else ""


def _lower(factor: object) -> str:
    return FACTOR_WORDS[str(factor)].lower()


def _signed(value: float, currency: str) -> str:
    return words.money(value, 0, currency, signed=True)


def groups_headline(
    found: Movers, currency: str, *, noun: str, nouns: str, apart: Collection[str] = ()
) -> str:
    """State how many groups of a kind changed significantly, and which by most money.

    Those that are ``apart``, for being no merchandise, are not named.
    """
    real = found.sure
    if found.table.empty:
        return f"No {noun} has {found.minimum_group} customers, so that none is compared"
    if real.empty:
        return f"No {noun} changed significantly"
    continued = real[real["growth"].notna() & ~real["group"].isin(list(apart))]
    new = int((real["status"] == "launched").sum())
    count = f"{len(real)} of {words.count(len(found.table), noun, nouns)} changed significantly"
    count += f", {new} of them new" if new else ""
    if continued.empty:
        return count
    largest = continued.sort_values("change", key=abs).iloc[-1]
    name = largest["group"] if noun == "department" else f"{noun} {largest['group']}"
    most = "of the others most money" if new else "most money"
    grown = words.percent(largest["growth"], 0, signed=True)
    return f"{count}; {most} in {name}, {_signed(largest['change'], currency)} ({grown})"


def growth_alt(found: Movers, *, top: int) -> str:
    """Describe the chart of growth by group."""
    drawn = found.table.head(top)
    parts = [
        f"{group} {words.percent(growth, 0, signed=True)}"
        for group, growth in zip(drawn["group"], drawn["growth"], strict=True)
    ]
    return f"Dots with intervals, growth of net sales: {', '.join(parts)}"


def withheld(found: Movers, currency: str, *, nouns: str) -> str:
    """Say what the table of groups leaves out."""
    if not found.withheld:
        return f"All {nouns} have at least {found.minimum_group} customers."
    change = words.money(found.withheld_change, 0, currency, signed=True)
    count = words.count(found.withheld, nouns.removesuffix("s"), nouns)
    one = found.withheld == 1
    return (
        f"{count} {'is' if one else 'are'} withheld, {too_few(found.minimum_group)}; "
        f"{'it' if one else 'together they'} changed by {change}."
    )


def too_few(minimum_group: int) -> str:
    """Say why groups are withheld: too few customers, and none to be had by subtraction."""
    return (
        f"with fewer than {minimum_group} customers or so that none of those can be had by "
        "subtraction"
    )


def movers_headline(found: Movers) -> str:
    """State how many products moved significantly."""
    real = found.sure
    if found.table.empty:
        return f"No product has {found.minimum_group} customers, so that none is searched"
    if real.empty:
        return "No product moved significantly"
    up = int((real["change"] > 0).sum())
    return (
        f"{words.count(up, 'product')} rose and {words.number(len(real) - up)} fell significantly, "
        f"of {words.number(len(found.table))} searched"
    )


def movers_paragraph(found: Movers, compared: Comparison, currency: str) -> str:
    """Say what the search guards against, and what it cannot tell."""
    if found.table.empty:
        return withheld(found, currency, nouns="products")
    if found.sure.empty:
        return (
            f"None of {words.count(len(found.table), 'product')} moved by more than searching so "
            f"many would bring about by chance. {withheld(found, currency, nouns='products')}"
        )
    launched, gone = ((found.sure["status"] == s).sum() for s in ("launched", "delisted"))
    share = words.number(int((found.table["share_q"] <= found.fdr).sum()))
    return (
        f"Of the products called risen or fallen, at most {words.percent(found.fdr, 0)} are "
        "expected to be chance, and as many of the intervals to miss. "
        f"{words.number(launched)} had no sales before (new), {words.number(gone)} have none now "
        f"(gone). {_season(compared)}By share of all sales, {share} moved. "
        f"{withheld(found, currency, nouns='products')}"
    )


def _season(compared: Comparison) -> str:
    """Say that products move with the season, where the periods do not span whole years."""
    if compared.whole_years:
        return ""
    return (
        "The two periods lie in different seasons, and seasonal goods move every year; a share of "
        "all sales takes out the season of the total, not that of the product. "
    )


def moved_products(found: Movers, compared: Comparison) -> Fields:
    """Return the finding on products that moved significantly."""
    real = found.sure
    season = "" if compared.whole_years or real.empty else "; the periods differ in season, too"
    return {
        "key": "moved_products",
        "sentence": f"products rose or fell significantly, of "
        f"{words.number(len(found.table))} searched{season}.",
        "value": len(real),
        "detail": f"at most {words.percent(found.fdr, 0)} of them are expected to be chance"
        if len(real)
        else None
        if len(found.table)
        else f"none has {found.minimum_group} customers",
    }


def name_stores(table: pd.DataFrame) -> pd.DataFrame:
    """Return ``table``, whose groups are stores, with a ``name``."""
    return table.assign(name="Store " + table["group"].astype("str"))


def like_for_like(same: pd.DataFrame) -> str:
    """Say how the stores that sold in both periods did, taken together."""
    row = same.iloc[0]
    growth = words.percent(row["growth"], 1, signed=True)
    ends = words.interval(row["growth_low"], row["growth_high"])
    return (
        f"Like for like, the {words.number(row['stores'])} stores with enough customers that sold "
        f"in both periods: {growth} ({ends}); {words.number(row['left_out'])} left out, opened, "
        "closed or with too few."
    )


def label_products(table: pd.DataFrame) -> pd.DataFrame:
    """Return ``table`` with ``short``, the name cut to fit, and ``label``, shorter with number."""
    name = table["name"].astype("str").str.capitalize()
    number = table["group"].astype("str")
    return table.assign(
        short=[shortened(text, 26) for text in name],
        label=[f"{shortened(t, 18)} {n}" for t, n in zip(name, number, strict=True)],
    )


def movers_alt(largest: pd.DataFrame, currency: str) -> str:
    """Describe the chart of the largest movers."""
    if largest.empty:
        return "An empty chart: nothing moved significantly"
    first, last = largest.iloc[0], largest.iloc[-1]
    if len(largest) == 1:
        change = words.money(first["change"], 0, currency, signed=True)
        return f"Bar chart of one change, of {first['name']} ({change})"
    return (
        f"Bar chart of the {len(largest)} largest changes, from {first['name']} "
        f"({words.money(first['change'], 0, currency, signed=True)}) to {last['name']} "
        f"({words.money(last['change'], 0, currency, signed=True)})"
    )
