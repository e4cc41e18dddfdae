"""Price index: what prices of the same products did, apart from what was bought.

Net per item rises when prices rise and when dearer products are bought. The Törnqvist index
compares each product's average price paid in two periods and weighs it by the product's share of
net sales in both, so that it holds prices alone; the rest of the change of net per item is mix.

References
----------
Törnqvist (1936), Bank of Finland Monthly Bulletin 10, 1-8.
Diewert (1976), Exact and superlative index numbers, Journal of Econometrics 4, 115-145, section 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from analysis.errors import NotApplicable
from analysis.stats.resampling import percentile_interval, resampled_totals
from analysis.stats.sizes import FEWEST_PRODUCTS
from analysis.tables.comparison import in_either
from analysis.tables.margin import cents

if TYPE_CHECKING:
    from analysis.tables.comparison import Comparison
    from analysis.tables.engine import Tables


@dataclass(frozen=True)
class PriceIndex:
    """How prices of the same products changed between two periods.

    Parameters
    ----------
    change, low, high
        Change of prices as a fraction, with its interval over products.
    products
        Products sold in both periods, in units.
    covered
        Their share of the net sales of both periods that are sold in units.
    """

    change: float
    low: float
    high: float
    products: int
    covered: float

    @property
    def table(self) -> pd.DataFrame:
        """The index as one row: change, low, high, products, covered."""
        return pd.DataFrame([vars(self)])


def price_index(
    tables: Tables, compared: Comparison, *, confidence: float, seed: int
) -> PriceIndex:
    """Return the Törnqvist index of prices paid, from the period before to this one.

    Parameters
    ----------
    tables
        A study's tables; needs order_lines.
    compared
        The two periods.
    confidence
        Coverage of the interval, which comes from resampling whole products.
    seed
        Seed of the resampling.

    Raises
    ------
    NotApplicable
        If the data do not cover both periods, or too few products were sold in both.
    """
    compared.check()
    sold = _sold(tables, compared)
    total = sold[["net_before", "net_now"]].to_numpy().sum()
    both = sold[(sold > 0).all(axis=1)]
    if len(both) < FEWEST_PRODUCTS:
        raise NotApplicable(
            f"Prices are not compared: {len(both)} products were sold in units in both periods, "
            f"fewer than {FEWEST_PRODUCTS}."
        )
    parts = _parts(both)
    drawn = resampled_totals(parts, seed=seed)
    low, high = percentile_interval(_index(drawn)[:, None], confidence=confidence)
    observed = _index(parts.sum(axis=0)[None])
    covered = both[["net_before", "net_now"]].to_numpy().sum() / total
    return PriceIndex(observed.item(), low.item(), high.item(), len(both), float(covered))


def _sold(tables: Tables, compared: Comparison) -> pd.DataFrame:
    """Return by product the net amount and the units of both periods, counted units alone."""
    lines = in_either(tables, compared)
    lines = lines.filter(lines.counted, lines.quantity > 0, lines.net_amount > 0)
    when = {"before": ~lines.now, "now": lines.now}
    sums = {  # whole numbers, so that a sum is the same in whatever order rows come
        f"{name}_{period}": chosen.ifelse(value, 0).sum()
        for name, value in (("net", cents(lines.net_amount)), ("units", _thousandths(lines)))
        for period, chosen in when.items()
    }
    products = lines.group_by("product_id").agg(**sums).order_by("product_id")
    return products.to_pandas().set_index("product_id").astype("float64")


def _thousandths(lines: ibis.Table) -> ibis.Value:
    """Return the units of each line in thousandths: grams of a kilogram."""
    return (lines.quantity.cast("float64") * 1000).round().cast("int64")


def _parts(both: pd.DataFrame) -> np.ndarray:
    """Return by product the four sums that the index is a function of."""
    ratio = np.log(
        (both["net_now"] / both["units_now"]) / (both["net_before"] / both["units_before"])
    )
    before, now = both["net_before"], both["net_now"]
    return np.column_stack([before * ratio, before, now * ratio, now])


def _index(sums: np.ndarray) -> np.ndarray:
    """Return the change of prices from the sums over products."""
    with np.errstate(invalid="ignore", divide="ignore"):
        logs = 0.5 * (sums[:, 0] / sums[:, 1] + sums[:, 2] / sums[:, 3])
    return np.expm1(logs)
