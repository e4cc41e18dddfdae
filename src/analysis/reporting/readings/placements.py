"""What displays, mailers and discounts say. None of it is causal proof."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analysis.promotions.placements import DISPLAY, MAILER, PRICE
from analysis.reporting import words

if TYPE_CHECKING:
    import pandas as pd

    from analysis.promotions.placements import Placements

#: Fields of a finding, as `Report.finding` takes them.
Fields = dict[str, Any]

_PLACES = {
    "1": "store front", "2": "store rear", "3": "front end cap", "4": "mid-aisle end cap",
    "5": "rear end cap", "6": "side-aisle end cap", "7": "in aisle", "9": "secondary place",
    "A": "in shelf",
}  # fmt: skip
_PAGES = {
    "A": "inside page", "C": "inside line", "D": "front page", "F": "back page",
    "H": "wrap, front", "J": "wrap, coupon", "L": "wrap, back", "P": "inside coupon",
    "X": "free, inside", "Z": "free, front or back",
}  # fmt: skip
#: What a study's codes for places mean; other studies name their places.
_CODES = {"complete_journey": {DISPLAY: _PLACES, MAILER: _PAGES}}
_NAMES = {DISPLAY: "Display", MAILER: "Mailer", PRICE: "Discount"}


def place_findings(found: Placements) -> list[Fields]:
    """Return one finding for displays and one for mailers."""
    rows = found.table[found.table["term"].isin([DISPLAY, MAILER])]
    return [
        {
            "key": f"lift_{row['term']}",
            "sentence": f"more units where there is a {row['term']} (no causal proof)",
            "value": row["lift"],
            "low": row["low"],
            "high": row["high"],
            "unit": "%",
            "n": int(row["cells"]),
            "noun": "product-store-week",
            "decimals": 0,
        }
        for row in rows.to_dict("records")
    ]


def places(found: Placements) -> str:
    """Say what displays and mailers go with, and how price-sensitive the products are."""
    said = [
        f"{row['term']}s with {words.percent(abs(row['lift']), 0)} "
        f"{'more' if row['lift'] >= 0 else 'fewer'} units"
        for row in found.table[found.table["term"] != PRICE].to_dict("records")
    ]
    price = found.table[found.table["term"] == PRICE]
    if len(price):
        value = -float(price["lift"].iloc[0])
        said.append(f"a price 1 % lower with {words.number(value, 1)} % more")
    return f"What goes with what: {words.listing(said)}"


def incremental(found: Placements) -> str:
    """Say how many of the units sold at displays and in mailers would not have been sold."""
    said = [
        f"Of {words.number(row['units'])} units sold under a {row['term']}, "
        f"{words.number(row['incremental'])} "
        f"({words.interval(row['incremental_low'], row['incremental_high'], 0, '')}) would not "
        "have been sold without it."
        for row in found.table[found.table["term"] != PRICE].to_dict("records")
    ]
    return " ".join(
        [
            *said,
            f"Looked at: {words.count(found.products, 'product')} in "
            f"{words.count(found.stores, 'store')}, {words.number(found.cells)} "
            "product-store-weeks. Places go where sales are expected: no causal proof.",
        ]
    )


def elasticity(found: Placements) -> pd.DataFrame:
    """Return the rows of displays and mailers; the price has a unit of its own."""
    return found.table[found.table["term"] != PRICE]


def kinds(found: Placements, study: str) -> pd.DataFrame:
    """Return the kinds with a label as people say it, the strongest of each term first."""
    table = found.kinds
    labels = [_label(row["term"], str(row["kind"]), study) for row in table.to_dict("records")]
    order = table["term"].map({DISPLAY: 0, MAILER: 1, PRICE: 2})
    labelled = table.assign(label=labels, order=order)
    return labelled.sort_values(["order", "lift"], ascending=[True, False]).drop(columns="order")


def _label(term: str, kind: str, study: str) -> str:
    words_of = _CODES.get(study, {}).get(term, {})
    return f"{_NAMES[term]}: {words_of.get(kind, kind)}"


def best_kind(found: Placements, study: str) -> str:
    """Say which display and which mailer sell most."""
    said = []
    for term in (DISPLAY, MAILER):
        part = found.kinds[found.kinds["term"] == term]
        if len(part):
            row = part.loc[part["lift"].idxmax()]
            label = _label(term, str(row["kind"]), study)
            said.append(f"{label} {words.percent(row['lift'], 0, signed=True)}")
    return f"The strongest places: {words.listing(said)}"
