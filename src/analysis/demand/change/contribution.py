"""What grew and what shrank: departments, categories, products or stores, two periods compared.

The uncertainty of a group's change follows from sums over customers, and sums of products, taken
in the engine, so that no customer's lines ever leave it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.stats.multiplicity import normal_quantile, q_values, selected_confidence, two_sided_p
from analysis.stats.sizes import too_small
from analysis.stats.types import Floats
from analysis.tables.comparison import in_either
from analysis.tables.engine import hash64, kind_of
from analysis.tables.lines import by_part
from analysis.tables.margin import cents, lines_with_margin

if TYPE_CHECKING:
    from analysis.tables.comparison import Comparison
    from analysis.tables.engine import Tables


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
        share_q of the share's change; sure (q is at most ``fdr``); status (``continued``,
        ``launched``: nothing before, or ``delisted``: nothing now).
    withheld
        Groups left out for having fewer customers, or because one that has could be had by
        taking the others from the total.
    withheld_change
        Change of their net amount.
    minimum_group, confidence, fdr
        As given to `changes`.
    """

    table: pd.DataFrame
    withheld: int
    withheld_change: float
    minimum_group: int
    confidence: float
    fdr: float

    @property
    def sure(self) -> pd.DataFrame:
        """The groups that surely changed."""
        return self.table[self.table["sure"]]


def changes(
    tables: Tables,
    compared: Comparison,
    *,
    by: str,
    minimum_group: int = 30,
    confidence: float = 0.95,
    fdr: float = 0.10,
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
        Groups bought by fewer customers are withheld, and cannot be had by subtraction
        (`sizes.too_small`): a few customers' habits are no trend.
    confidence
        Coverage of the intervals.
    fdr
        Share of what is called sure that may be chance.

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
    if by not in lines_with_margin(tables).columns:
        raise NotApplicable(f"This study's order lines have no {by}, so none can be compared.")
    groups, whole = customer_sums(tables, lambda part: in_either(part, compared), by=by)
    few = too_small(groups["customers"], minimum_group)
    table = _estimates(groups[~few], whole, confidence)
    table = table.assign(sure=table["q"] <= fdr)
    withheld = (groups.loc[few, "b"] - groups.loc[few, "a"]).sum() / 100
    change = round(float(withheld), 2)
    return Movers(table, int(few.sum()), change, minimum_group, confidence, fdr)


def like_for_like(
    tables: Tables, compared: Comparison, stores: Movers, *, minimum: int = 2
) -> pd.DataFrame:
    """Compare the net amount of the stores that sold in both periods, taken together.

    Parameters
    ----------
    tables
        A study's tables; needs order_lines and products.
    compared
        The two periods.
    stores
        `changes` by ``store_id``.
    minimum
        Stores that are needed.

    Returns
    -------
    pandas.DataFrame
        One row: stores, left_out (opened or closed since, or with too few customers), net_before,
        net_now, growth with growth_low and growth_high, whole customers varying as in `changes`.

    Raises
    ------
    NotApplicable
        If too few stores sold in both periods.
    """
    from analysis.errors import NotApplicable

    both = stores.table.loc[stores.table["status"] == "continued", "group"]
    if len(both) < minimum:
        raise NotApplicable(f"Fewer than {minimum} stores sold in both periods.")

    def in_both(part: Tables) -> ibis.Table:
        lines = in_either(part, compared)
        return lines.filter(lines.store_id.isin(both.tolist())).mutate(kept=ibis.literal("kept"))

    groups, _ = customer_sums(tables, in_both, by="kept")
    growth = _growth(groups, normal_quantile(stores.confidence))
    left_out = len(stores.table) - len(both) + stores.withheld
    sums = {"net_before": groups["a"] / 100, "net_now": groups["b"] / 100}
    counts = {"stores": len(both), "left_out": left_out}
    return pd.concat([pd.DataFrame({**counts, **sums}), growth], axis=1)


def top_movers(movers: Movers, *, top: int) -> pd.DataFrame:
    """Return the largest rises and falls among the sure ones.

    Returns
    -------
    pandas.DataFrame
        The ``top`` largest rises and the ``top`` largest falls, largest rise first, with the
        columns of `Movers.table`. change_low and change_high are redrawn to hold although the
        rows were picked for being large: see `discoveries.selected_confidence`.
    """
    found = movers.sure.sort_values(["change", "group"], ascending=[False, True], kind="stable")
    risen, fallen = found[found["change"] > 0].head(top), found[found["change"] < 0].tail(top)
    picked = pd.concat([risen, fallen], ignore_index=True)
    level = selected_confidence(movers.table["q"], fdr=movers.fdr)
    widen = normal_quantile(level) / normal_quantile(movers.confidence)
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


def _estimates(groups: pd.DataFrame, whole: pd.Series, confidence: float) -> pd.DataFrame:
    amounts = {
        "group": groups["group"],
        "customers": groups["customers"].astype("int64"),
        "net_before": groups["a"] / 100,
        "net_now": groups["b"] / 100,
    }
    reach = normal_quantile(confidence)
    parts = [_changes(groups, whole, reach), _growth(groups, reach), _shares(groups, whole, reach)]
    table = pd.concat([pd.DataFrame(amounts), *parts], axis=1).assign(status=_status(groups))
    order = ["net_now", "net_before", "group"]
    return table.sort_values(order, ascending=[False, False, True], ignore_index=True)


def _changes(groups: pd.DataFrame, whole: pd.Series, reach: float) -> pd.DataFrame:
    change = groups["b"] - groups["a"]
    squares = groups["aa"] + groups["bb"] - 2 * groups["ab"]
    sd = (squares - change**2 / whole["n"]).clip(lower=0) ** 0.5
    low, high, p = (change - reach * sd) / 100, (change + reach * sd) / 100, _p(change, sd)
    columns = {"change": change / 100, "change_low": low, "change_high": high}
    return pd.DataFrame({**columns, "p": p, "q": q_values(p)}, index=groups.index)


def _growth(groups: pd.DataFrame, reach: float) -> pd.DataFrame:
    """Return growth with its interval, that of the logarithm of a ratio; NaN unless both sell."""
    sold = (groups["a"] > 0) & (groups["b"] > 0)
    a, b = groups["a"].where(sold), groups["b"].where(sold)
    variance = groups["bb"] / b**2 - 2 * groups["ab"] / (a * b) + groups["aa"] / a**2
    spread = np.exp(reach * variance.clip(lower=0) ** 0.5)
    growth = {"growth": b / a, "growth_low": b / a / spread, "growth_high": b / a * spread}
    return pd.DataFrame(growth) - 1


def _shares(groups: pd.DataFrame, whole: pd.Series, reach: float) -> pd.DataFrame:
    """Return shares and their change.

    A customer moves a share by (b - s1 tb) / B - (a - s0 ta) / A; the squares of that are summed.
    """
    s0, s1 = _share(groups["a"], whole["a"]), _share(groups["b"], whole["b"])
    now = groups["bb"] - 2 * s1 * groups["btb"] + s1**2 * whole["bb"]
    before = groups["aa"] - 2 * s0 * groups["ata"] + s0**2 * whole["aa"]
    both = groups["ab"] - s0 * groups["bta"] - s1 * groups["atb"] + s0 * s1 * whole["ab"]
    variance = now / whole["b"] ** 2 + before / whole["a"] ** 2
    variance = variance - 2 * both / (whole["a"] * whole["b"])
    sd, change = variance.clip(lower=0) ** 0.5, s1 - s0
    p = _p(change, sd)
    columns = {"share_before": s0, "share_now": s1, "share_change": change}
    ends = {"share_low": change - reach * sd, "share_high": change + reach * sd}
    return pd.DataFrame({**columns, **ends, "share_p": p, "share_q": q_values(p)})


def _share(part: pd.Series, total: float) -> pd.Series:
    return part / (total if total > 0 else float("nan"))


def _p(estimate: pd.Series, sd: pd.Series) -> Floats:
    """Return two-sided p-values; an estimate that cannot vary is not searched."""
    return two_sided_p(estimate / sd.where(sd > 0))


def _status(groups: pd.DataFrame) -> npt.NDArray[np.str_]:
    conditions = [groups["lines_a"] == 0, groups["lines_b"] == 0]
    return np.select(conditions, ["launched", "delisted"], default="continued")


#: What is summed over customers: a and b are a customer's net amount in the group before and
#: now, ta and tb in total. Money in cents, products of cents in decimals of 38 digits.
_PRODUCTS = ("aa", "bb", "ab", "ata", "atb", "bta", "btb")


def customer_sums(
    tables: Tables, chosen: Callable[[Tables], ibis.Table], *, by: str
) -> tuple[pd.DataFrame, pd.Series]:
    """Sum net amount and its products over customers.

    Parameters
    ----------
    tables
        A study's tables.
    chosen
        Makes of them the order lines, with ``now`` (true in the current period).
    by
        Column that groups them.

    Returns
    -------
    groups : pandas.DataFrame
        One row a group: group, customers (with a line in it; each guest order counts as one), a
        and b (net amount before and now, in cents), lines_a, lines_b, and the sums over customers
        of the products aa, bb, ab, ata, atb, bta, btb, where ta and tb are a customer's net
        amount in all groups.
    whole : pandas.Series
        n (customers), a, b, aa, bb, ab over all groups.
    """

    def summed(part: Tables) -> ibis.Table:
        pairs = _pairs(chosen(part), by)
        totals = _totals(pairs)
        return _group_sums(pairs.union(totals), totals)

    sums = _added(by_part(tables, summed)).to_pandas()
    whole = sums["group"].isna()
    of_all = sums[whole].rename(columns={"customers": "n"}).iloc[0]
    return sums[~whole].reset_index(drop=True), of_all


def _added(parts: ibis.Table) -> ibis.Table:
    """Add up the exact sums of the parts; money and its products become floats at last."""
    counts = ("customers", "lines_a", "lines_b")
    sums = {name: parts[name].sum() for name in parts.columns if name != "group"}
    return parts.group_by("group").agg(
        **{n: s.cast("int64" if n in counts else "float64") for n, s in sums.items()}
    )


def _unit(lines: ibis.Table) -> ibis.Value:
    """Return who varies independently: a customer, or a single guest order."""
    guest = ibis.literal("guest order ") + lines.order_id
    if kind_of(lines.get_backend()) == "duckdb":  # a number takes a third of the room of the name
        return ibis.ifelse(lines.customer_id.isnull(), hash64(guest), hash64(lines.customer_id))
    return ibis.coalesce(ibis.literal("customer ") + lines.customer_id, guest)


def _pairs(lines: ibis.Table, by: str) -> ibis.Table:
    """Return one row a customer and group: unit, group, a, b."""
    net = cents(lines.net_amount)
    return lines.group_by(unit=_unit(lines), group=lines[by].coalesce("(not stated)")).agg(
        a=lines.now.ifelse(0, net).sum().cast("int64"),
        b=lines.now.ifelse(net, 0).sum().cast("int64"),
        lines_a=lines.now.ifelse(0, 1).sum(),
        lines_b=lines.now.ifelse(1, 0).sum(),
    )


def _totals(pairs: ibis.Table) -> ibis.Table:
    """Return the pairs of each customer with all groups, which is the group without a name."""
    sums = {name: pairs[name].sum() for name in ("a", "b", "lines_a", "lines_b")}
    return (
        pairs.group_by("unit").agg(**sums).mutate(group=ibis.null("string")).select(*pairs.columns)
    )


def _product(x: ibis.Value, y: ibis.Value) -> ibis.Value:
    """Return the exact sum of products of cents."""
    return (x * y).cast("decimal(38, 0)").sum()


def _group_sums(pairs: ibis.Table, totals: ibis.Table) -> ibis.Table:
    joined = pairs.inner_join(totals.select("unit", ta="a", tb="b"), "unit")
    products = {name: _product(*(joined[c] for c in _factors(name))) for name in _PRODUCTS}
    return joined.group_by("group").agg(
        customers=joined.count(),
        a=joined.a.sum(),
        b=joined.b.sum(),
        lines_a=joined.lines_a.sum(),
        lines_b=joined.lines_b.sum(),
        **products,
    )


def _factors(name: str) -> tuple[str, str]:
    """Split the name of a product of columns: ``atb`` is a times tb."""
    return name[0], name[1:]
