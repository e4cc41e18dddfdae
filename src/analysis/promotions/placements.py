"""What displays, mailers and discounts do to the units sold where they are.

Every product in a store is compared with itself in other weeks, and every week of a department
with its other products and stores. Retailers place what they expect to sell, which no panel can
take out: without places drawn by lot it is no causal proof.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from analysis.errors import NotApplicable
from analysis.promotions import fixed_effects
from analysis.promotions.fixed_effects import Fit

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

DISPLAY, MAILER, PRICE = "display", "mailer", "price"

#: Fewest cells in which a kind of place must occur to be looked at by itself.
FEWEST_CELLS = 200

#: Products below which clusters are products in stores.
FEWEST_CLUSTERS = 20

#: Edges of discount depths, as shares of list.
DEPTHS = (0.05, 0.15, 0.25, 0.35, 0.45)


@dataclass(frozen=True)
class Placements:
    """Lifts of places and discounts.

    Parameters
    ----------
    table
        One row for display, mailer and price: term, lift (share more units; for the price the
        elasticity: change of units in per cent for one per cent of price), low, high, p, cells
        (where it applies), units (sold there), incremental, incremental_low, incremental_high
        (of those units; NaN for the price).
    kinds
        One row a kind of display, of mailer, and a depth of discount: term, kind, lift, low, high,
        p, cells.
    cells, products, stores
        Cells looked at, and of how many products and stores.
    clusters
        What errors may be shared within: ``product`` or ``product in a store``.
    """

    table: pd.DataFrame
    kinds: pd.DataFrame
    cells: int
    products: int
    stores: int
    clusters: str


def measure(panel: pd.DataFrame, *, confidence: float = 0.95) -> Placements:
    """Measure places and discounts on a panel of product, store and week.

    Parameters
    ----------
    panel
        As `shelf_panel.fetch`.
    confidence
        Coverage of intervals.

    Raises
    ------
    NotApplicable
        If nothing varies enough to be compared.
    """
    import pandas as pd

    product = pd.factorize(panel["product_id"])[0]
    pair = pd.factorize(pd.MultiIndex.from_frame(panel[["product_id", "store_id"]]))[0]
    week = pd.factorize(pd.MultiIndex.from_frame(panel[["department", "week_start"]]))[0]
    few = product.max(initial=0) + 1 < FEWEST_CLUSTERS
    codes = (pair, week, pair if few else product)
    return Placements(
        table=_main(panel, codes, confidence),
        kinds=_kinds(panel, codes, confidence),
        cells=len(panel),
        products=int(panel["product_id"].nunique()),
        stores=int(panel["store_id"].nunique()),
        clusters="product in a store" if few else "product",
    )


Codes = tuple["NDArray[np.int64]", "NDArray[np.int64]", "NDArray[np.int64]"]


def _main(panel: pd.DataFrame, codes: Codes, confidence: float) -> pd.DataFrame:
    """Return one row for any display, any mailer and the price."""
    import pandas as pd

    units = panel["units"].to_numpy(float)
    terms = {
        DISPLAY: (panel["display"] != "").to_numpy(float),
        MAILER: (panel["mailer"] != "").to_numpy(float),
        PRICE: np.log1p(-panel["depth"].to_numpy(float)),
    }
    fit, names = _fitted(units, terms, codes)
    rows = []
    for name, coefficient, low, high, p in _ends(fit, names, confidence):
        there = terms[name] != 0
        sold = float(units[there].sum())
        row = {"term": name, "cells": int(there.sum()), "units": sold, "p": p}
        if name == PRICE:
            row |= {"lift": coefficient, "low": low, "high": high}
        else:
            row |= _incremental(sold, coefficient, low, high)
        rows.append(row)
    columns = ["term", "lift", "low", "high", "p", "cells", "units", "incremental"]
    ends = ["incremental_low", "incremental_high"]
    return pd.DataFrame(rows).reindex(columns=[*columns, *ends])


def _incremental(units: float, coefficient: float, low: float, high: float) -> dict[str, float]:
    """Return the lift, and how many of the units sold there would not have been sold without."""
    names = ("", "_low", "_high")
    found = {}
    for suffix, end in zip(names, (coefficient, low, high), strict=True):
        found["lift" if not suffix else suffix[1:]] = float(np.expm1(end))
        found["incremental" + suffix] = units * float(-np.expm1(-end))
    return found


def _kinds(panel: pd.DataFrame, codes: Codes, confidence: float) -> pd.DataFrame:
    """Return one row a kind of display, a kind of mailer and a depth of discount."""
    import pandas as pd

    terms: dict[str, Floats] = {}
    labels: dict[str, tuple[str, str]] = {}
    for column in (DISPLAY, MAILER):
        counts = panel.loc[panel[column] != "", column].value_counts()
        for kind in sorted(counts.index[counts >= FEWEST_CELLS]):
            labels[f"{column} {kind}"] = (column, str(kind))
            terms[f"{column} {kind}"] = (panel[column] == kind).to_numpy(float)
        rest = ~panel[column].isin(["", *counts.index[counts >= FEWEST_CELLS]])
        terms[f"{column} (rare kinds)"] = rest.to_numpy(float)
    depth = np.digitize(panel["depth"], DEPTHS)
    for at, kind in enumerate(_depth_words(), start=1):
        if (depth == at).sum() >= FEWEST_CELLS:
            labels[f"{PRICE} {kind}"] = (PRICE, kind)
        terms[f"{PRICE} {kind}"] = (depth == at).astype(float)
    fit, names = _fitted(panel["units"].to_numpy(float), terms, codes)
    rows = [
        (*labels[name], np.expm1(c), np.expm1(low), np.expm1(high), p, int(terms[name].sum()))
        for name, c, low, high, p in _ends(fit, names, confidence)
        if name in labels
    ]
    return pd.DataFrame(rows, columns=["term", "kind", "lift", "low", "high", "p", "cells"])


def _depth_words() -> list[str]:
    ends = [f"{100 * low:.0f} to {100 * high:.0f} % off" for low, high in pairwise(DEPTHS)]
    return [*ends, f"over {100 * DEPTHS[-1]:.0f} % off"]


def _fitted(units: Floats, terms: dict[str, Floats], codes: Codes) -> tuple[Fit, list[str]]:
    names = [name for name, values in terms.items() if np.ptp(values) > 0]
    if not names:
        raise NotApplicable("Nothing was displayed, mailed or discounted in these weeks.")
    columns = np.column_stack([terms[name] for name in names])
    return fixed_effects.poisson(units, columns, *codes), names


def _ends(
    fit: Fit, names: list[str], confidence: float
) -> list[tuple[str, float, float, float, float]]:
    from scipy.stats import t

    reach = fit.quantile(confidence) * fit.errors
    p = 2 * t.sf(np.abs(fit.coefficients / fit.errors), max(fit.clusters - 1, 1))
    low, high = fit.coefficients - reach, fit.coefficients + reach
    ends = zip(names, fit.coefficients, low, high, p, strict=True)
    return [(name, float(c), float(a), float(b), float(q)) for name, c, a, b, q in ends]
