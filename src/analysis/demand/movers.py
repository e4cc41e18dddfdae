"""What grew and what shrank: departments, categories, products or stores, two periods compared.

Sums and sums of squares over customers are taken in the engine, so that no customer's lines ever
leave it, and from them follow the uncertainty of a group's change, its growth and its share.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.discoveries import normal_quantile, q_values, selected_confidence, two_sided_p
from analysis.tables.comparison import in_either
from analysis.tables.margin import lines_with_margin

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from analysis.tables.comparison import Comparison
    from analysis.tables.engine import Tables

#: What is summed over customers: a and b are a customer's net amount in the group before and
#: now, ta and tb in total. Money in cents, products of cents in decimals of 38 digits.
_PRODUCTS = ("aa", "bb", "ab", "ata", "atb", "bta", "btb")
_OF_TOTALS = ("aa", "bb", "ab")


@dataclass(frozen=True)
class Movers:
    """How every group of one kind changed.

    Parameters
    ----------
    table
        One row a group bought by at least ``minimum_group`` customers, largest net amount first:
        group; customers (who bought it in either period; each guest order counts as one);
        net_before, net_now, change with change_low and change_high (currency); growth
        (now / before - 1) with growth_low and growth_high; share_before, share_now (of all net
        amount), share_change with share_low and share_high; p and q of the change, share_p and
        share_q of the share's change; status (``continued``, ``launched``: nothing before, or
        ``delisted``: nothing now).
    withheld
        Groups left out for having fewer customers.
    withheld_change
        Change of their net amount.
    """

    table: pd.DataFrame
    withheld: int
    withheld_change: float

    def discoveries(self, *, fdr: float) -> pd.DataFrame:
        """Return the groups whose change is real at false discovery rate ``fdr``."""
        return self.table[self.table["q"] <= fdr]


def changes(
    tables: Tables,
    compared: Comparison,
    *,
    by: str,
    minimum_group: int = 30,
    confidence: float = 0.95,
) -> Movers:
    """Compare the net amount of every group between the two periods.

    Parameters
    ----------
    tables
        A study's tables; needs order_lines and products.
    compared
        The two periods.
    by
        Column that groups the lines: ``department``, ``category``, ``product_id``,
        ``store_id``, ``channel`` or ``brand``.
    minimum_group
        Groups bought by fewer customers are withheld: a few customers' habits are no trend.
    confidence
        Coverage of the intervals.

    Notes
    -----
    The customer is what varies independently. With d = b - a a customer's change in the group,
    the variance of the sum of d over n customers is sum d^2 - (sum d)^2 / n, the paired
    comparison of whole customers. Growth has the interval of the logarithm of a ratio of totals,
    share that of a difference of ratios, both linearised (Särndal, Swensson and Wretman 1992,
    Model Assisted Survey Sampling, section 5.5). P-values are two-sided and normal; each family
    searched is controlled by Benjamini and Hochberg's q.

    Raises
    ------
    NotApplicable
        If the data do not cover both periods, or lines do not say what ``by`` asks for.
    """
    from analysis.errors import NotApplicable

    compared.check()
    lines = in_either(lines_with_margin(tables), compared)
    if by not in lines.columns:
        raise NotApplicable(f"This study's order lines have no {by}, so none can be compared.")
    pairs, totals = _pairs(lines, by), _totals(lines)
    groups = _group_sums(pairs, totals).to_pandas()
    whole = _whole_sums(totals).to_pandas().iloc[0]
    few = groups["customers"] < minimum_group
    table = _estimates(groups[~few], whole, confidence)
    withheld = (groups.loc[few, "b"] - groups.loc[few, "a"]).sum() / 100
    return Movers(table, int(few.sum()), round(float(withheld), 2))


def top_movers(movers: Movers, *, top: int, fdr: float, confidence: float) -> pd.DataFrame:
    """Return the largest rises and falls among the real ones.

    Returns
    -------
    pandas.DataFrame
        The ``top`` largest rises and the ``top`` largest falls with q of at most ``fdr``, largest
        rise first, with the columns of `Movers.table`. change_low and change_high are redrawn to
        hold although the rows were picked for being large: see
        `discoveries.selected_confidence`.
    """
    import pandas as pd

    found = movers.discoveries(fdr=fdr).sort_values(
        ["change", "group"], ascending=[False, True], kind="stable"
    )
    risen, fallen = found[found["change"] > 0].head(top), found[found["change"] < 0].tail(top)
    picked = pd.concat([risen, fallen], ignore_index=True)
    level = selected_confidence(movers.table["q"], fdr=fdr)
    widen = normal_quantile(level) / normal_quantile(confidence)
    reach = (picked["change_high"] - picked["change"]) * widen
    return picked.assign(change_low=picked["change"] - reach, change_high=picked["change"] + reach)


def name_products(table: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """Return ``table``, whose groups are products, with their department and readable name.

    Adds name (the product's name, else its subcategory, else its category) and department.
    """
    products = tables.products
    named = [c for c in ("name", "subcategory", "category") if c in products.columns]
    chosen = products[named[0]].coalesce(*(products[c] for c in named[1:]), "(no name)")
    wanted = products.filter(products.product_id.isin(table["group"].tolist()))
    words = wanted.select(group="product_id", name=chosen, department="department").to_pandas()
    joined = table.merge(words, on="group", how="left", validate="many_to_one")
    return joined.fillna({"name": "(not in the catalogue)", "department": "(unknown)"})


def _unit(lines: ibis.Table) -> ibis.Value:
    """Return who varies independently: a customer, or a single guest order."""
    import ibis

    guest = ibis.literal("guest order ") + lines.order_id
    return ibis.coalesce(ibis.literal("customer ") + lines.customer_id, guest)


def _pairs(lines: ibis.Table, by: str) -> ibis.Table:
    """Return one row a customer and group: unit, group, a, b."""
    cents = (lines.net_amount * 100).cast("int64")
    return lines.group_by(unit=_unit(lines), group=lines[by].coalesce("(not stated)")).agg(
        a=lines.now.ifelse(0, cents).sum().cast("int64"),
        b=lines.now.ifelse(cents, 0).sum().cast("int64"),
        lines_a=lines.now.ifelse(0, 1).sum(),
        lines_b=lines.now.ifelse(1, 0).sum(),
    )


def _totals(lines: ibis.Table) -> ibis.Table:
    """Return one row a customer: unit, ta, tb."""
    cents = (lines.net_amount * 100).cast("int64")
    return lines.group_by(unit=_unit(lines)).agg(
        ta=lines.now.ifelse(0, cents).sum().cast("int64"),
        tb=lines.now.ifelse(cents, 0).sum().cast("int64"),
    )


def _product(x: ibis.Value, y: ibis.Value) -> ibis.Value:
    """Return the exact sum of products of cents, as a float."""
    return (x * y).cast("decimal(38, 0)").sum().cast("float64")


def _group_sums(pairs: ibis.Table, totals: ibis.Table) -> ibis.Table:
    joined = pairs.inner_join(totals, "unit")
    columns = {"a": joined.a, "b": joined.b, "ta": joined.ta, "tb": joined.tb}
    products = {name: _product(*(columns[c] for c in _factors(name))) for name in _PRODUCTS}
    return joined.group_by("group").agg(
        customers=joined.count(),
        a=joined.a.sum().cast("float64"),
        b=joined.b.sum().cast("float64"),
        lines_a=joined.lines_a.sum(),
        lines_b=joined.lines_b.sum(),
        **products,
    )


def _whole_sums(totals: ibis.Table) -> ibis.Table:
    columns = {"a": totals.ta, "b": totals.tb}
    products = {name: _product(*(columns[c] for c in _factors(name))) for name in _OF_TOTALS}
    return totals.agg(
        n=totals.count(),
        a=totals.ta.sum().cast("float64"),
        b=totals.tb.sum().cast("float64"),
        **products,
    )


def _factors(name: str) -> tuple[str, str]:
    """Split the name of a product of columns: ``atb`` is a times tb."""
    return name[0], name[1:]


def _estimates(groups: pd.DataFrame, whole: pd.Series, confidence: float) -> pd.DataFrame:
    import pandas as pd

    reach = normal_quantile(confidence)
    change, change_sd = groups["b"] - groups["a"], _change_sd(groups, whole)
    share_before, share_now = _share(groups["a"], whole["a"]), _share(groups["b"], whole["b"])
    share_change, share_sd = share_now - share_before, _share_sd(groups, whole)
    growth, log_sd = _growth(groups)
    p, share_p = _p(change, change_sd), _p(share_change, share_sd)
    table = pd.DataFrame(
        {
            "group": groups["group"],
            "customers": groups["customers"].astype("int64"),
            "net_before": groups["a"] / 100,
            "net_now": groups["b"] / 100,
            "change": change / 100,
            "change_low": (change - reach * change_sd) / 100,
            "change_high": (change + reach * change_sd) / 100,
            "growth": growth - 1,
            "growth_low": growth * np.exp(-reach * log_sd) - 1,
            "growth_high": growth * np.exp(reach * log_sd) - 1,
            "share_before": share_before,
            "share_now": share_now,
            "share_change": share_change,
            "share_low": share_change - reach * share_sd,
            "share_high": share_change + reach * share_sd,
            "p": p,
            "q": q_values(p),
            "share_p": share_p,
            "share_q": q_values(share_p),
            "status": _status(groups),
        }
    )
    order = ["net_now", "net_before", "group"]
    return table.sort_values(order, ascending=[False, False, True], ignore_index=True)


def _change_sd(groups: pd.DataFrame, whole: pd.Series) -> pd.Series:
    squares = groups["aa"] + groups["bb"] - 2 * groups["ab"]
    return (squares - (groups["b"] - groups["a"]) ** 2 / whole["n"]).clip(lower=0) ** 0.5


def _growth(groups: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Return now / before and the standard error of its logarithm; NaN unless both sell."""
    sold = (groups["a"] > 0) & (groups["b"] > 0)
    a, b = groups["a"].where(sold), groups["b"].where(sold)
    variance = groups["bb"] / b**2 - 2 * groups["ab"] / (a * b) + groups["aa"] / a**2
    return b / a, variance.clip(lower=0) ** 0.5


def _share(part: pd.Series, total: float) -> pd.Series:
    return part / (total if total > 0 else np.nan)


def _share_sd(groups: pd.DataFrame, whole: pd.Series) -> pd.Series:
    """Return the standard error of the change of share.

    A customer moves it by (b - s1 tb) / B - (a - s0 ta) / A; the squares of that are summed.
    """
    s0, s1 = _share(groups["a"], whole["a"]), _share(groups["b"], whole["b"])
    now = groups["bb"] - 2 * s1 * groups["btb"] + s1**2 * whole["bb"]
    before = groups["aa"] - 2 * s0 * groups["ata"] + s0**2 * whole["aa"]
    both = groups["ab"] - s0 * groups["bta"] - s1 * groups["atb"] + s0 * s1 * whole["ab"]
    variance = now / whole["b"] ** 2 + before / whole["a"] ** 2
    return (variance - 2 * both / (whole["a"] * whole["b"])).clip(lower=0) ** 0.5


def _p(estimate: pd.Series, sd: pd.Series) -> np.ndarray:
    """Return two-sided p-values; an estimate that cannot vary is not searched."""
    return two_sided_p(estimate / sd.where(sd > 0))


def _status(groups: pd.DataFrame) -> np.ndarray:
    conditions = [groups["lines_a"] == 0, groups["lines_b"] == 0]
    return np.select(conditions, ["launched", "delisted"], default="continued")
