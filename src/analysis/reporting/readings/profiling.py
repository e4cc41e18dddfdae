"""What the profiling report says about growth, and about customers won, lost and kept."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from analysis.reporting import words
from analysis.reporting.charts.profiling import FACTOR_WORDS

if TYPE_CHECKING:
    import pandas as pd

    from analysis.demand.growth import RevenueTree
    from analysis.tables.comparison import Comparison
    from analysis.tables.manifest import Manifest

#: Fields of a finding, as `Report.finding` takes them.
Fields = dict[str, Any]

_MAYBE = ", no more than chance can make"

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
    return f"Sales are level{because}"


def tree_headline(tree: RevenueTree, currency: str) -> str:
    """State the change of net sales and the factor behind most of it."""
    if not tree.change and not tree.factors["contribution"].any():
        return "Net sales are what they were, to the cent, and so is what they are made of"
    change = words.money(tree.change, 0, currency, signed=True)
    driver = tree.driver
    part = words.money(driver["contribution"], 0, currency, signed=True)
    return f"Net sales changed by {change}; {_lower(driver['factor'])} alone made {part}"


def tree_paragraph(tree: RevenueTree, currency: str, confidence: float) -> str:
    """Say how large the change is, and how sure."""
    change, low, high = tree.growth
    span = words.interval(low, high, 1)
    sure = _surely(low, high).removeprefix(", ") or "more than chance"
    given = f" ({words.percent(confidence, 0)} interval {span})" if math.isfinite(low) else ""
    return (
        f"Net sales went from {words.money(tree.before, 0, currency)} to "
        f"{words.money(tree.now, 0, currency)}: {words.percent(change, signed=True)}"
        f"{given}, {sure}. The parts add up to the change "
        "to the cent. Grey bars cannot be told from no contribution. Net per item moves with "
        "prices, discounts and with what is bought; a quantity that counts no units, such as "
        "litres of fuel, is one item."
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
        "value": change,
        "low": low,
        "high": high,
        "unit": "%",
        "n": tree.customers,
        "noun": "customer",
        "direction": "up_good",
        "alert": high < 0,
        "level": confidence,
    }


def driver(tree: RevenueTree, currency: str, confidence: float) -> Fields:
    """Return the finding on the factor that changed sales most, of those that surely did."""
    factors = tree.factors[tree.factors["factor"] != "guests"]
    clear = factors[(factors["low"] > 0) | (factors["high"] < 0)]
    chosen = (clear if len(clear) else factors).sort_values("contribution", key=abs).iloc[-1]
    part = words.money(chosen["contribution"], 0, currency, signed=True)
    sure = _surely(chosen["low"], chosen["high"])
    verb = "rise" if chosen["growth"] > 0 else "change"
    return {
        "key": "driver",
        "sentence": f"{verb} of {_lower(chosen['factor'])}, worth {part}{sure}.",
        "value": chosen["growth"],
        "low": chosen["growth_low"],
        "high": chosen["growth_high"],
        "unit": "%",
        "n": tree.customers,
        "noun": "customer",
        "direction": "up_good",
        "level": confidence,
    }


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
    told = f"; {words.percent(noise, 0)} of that is week-to-week noise" if noise == noise else ""
    if noise >= 1:
        told = "; week-to-week noise alone makes as many"
    return f"Kept customers make {words.percent(share, 0)} of the ups and downs{told}"


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
        return new
    real, chance = kept["change"].abs().sum(), kept["by_chance"].abs().sum()
    return (
        f"{new} Kept customers' ups and downs come to {words.money(real, 0, currency)}. The same "
        f"customers differ by {words.money(chance, 0, currency)} between odd and even weeks, when "
        "nothing but weeks differs (black marks): that much of what looks like growing and fading "
        "customers means nothing."
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
    noise = _noise(row, currency)
    return {
        "key": "bought_less",
        "sentence": "came from kept customers who bought less than in the period before.",
        "value": row["change"],
        "low": row["low"],
        "high": row["high"],
        "unit": currency,
        "n": row["customers"],
        "noun": "customer",
        "direction": "up_good",
        "level": confidence,
        "detail": noise,
    }


def _noise(row: pd.Series, currency: str) -> str | None:
    """Say how much of a change the same customers show between odd and even weeks."""
    if not math.isfinite(row["by_chance"]):
        return None
    if abs(row["by_chance"]) >= abs(row["change"]):
        return "week-to-week noise alone makes as much"
    return f"{words.money(abs(row['by_chance']), 0, currency)} of it is week-to-week noise"


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
