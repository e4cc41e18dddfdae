"""How far to trust pairs and follow-ups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.products.believable import MOSTLY
from analysis.reporting import words
from analysis.reporting.sections import continued

if TYPE_CHECKING:
    from analysis.products.following import Following
    from analysis.products.pairs import Pairs
    from analysis.reporting.report import TrustLine
    from analysis.reporting.sections import Missing


def lines(
    products: Pairs, categories: Pairs | Missing, followed: Following | Missing, margin_basis: str
) -> list[TrustLine]:
    """Return the lines of the panel, as far as there is something to trust."""
    searched = ("Multiplicity", True, _searched(products, categories))
    found: list[TrustLine] = [searched, _alike(products)]
    for line in (_second, _promotion):
        with continued():
            found.append(line(products))
    with continued():
        said = "What was bought with A on the same day never counts as next."
        found += [_matching(followed), ("Same orders", True, said), _later(followed)]
    return [*found, ("Margin", None, margin_basis)]


def _searched(products: Pairs, categories: Pairs | Missing) -> str:
    total = products.rules.tested + (categories.rules.tested if categories else 0)
    return (
        f"P-values over all {words.number(total)} splits that were looked at, not only those shown."
    )


def _alike(products: Pairs) -> TrustLine:
    known = products.orders.known("customer")
    text = f"{words.percent(known, 0)} of orders have a known customer."
    if known < MOSTLY:
        return (
            "Same customers",
            False,
            f"Only {text} The others are taken as strangers: intervals are rather too narrow, and "
            "the customer is no control.",
        )
    return ("Same customers", True, f"{text} Intervals and tests of pairs take customers as whole.")


def _second(products: Pairs) -> TrustLine:
    held, n = int(products.checked["holds"].sum()), len(products.checked)
    return (
        "Second period",
        held >= 0.8 * n,
        f"{held} of {n} checked pairs are beyond chance again in the second half.",
    )


def _promotion(products: Pairs) -> TrustLine:
    known = products.checked["or_promotion"].notna()
    if not known.any():
        return ("Promotions", None, "The study knows no offers: pairs made by one are not told.")
    made = int(products.checked["promotion_made"].sum())
    return (
        "Promotions",
        True,
        f"{words.count(made, 'checked pair')} vanish among weeks in which both, one or neither "
        "product was on offer.",
    )


def _matching(followed: Following | Missing) -> TrustLine:
    table = followed.table
    share = float(table["matched"].sum() / table["buyers"].sum())
    return (
        "Matching",
        share >= 0.5,
        f"{words.percent(share, 0)} of first buyers could be followed and matched; those who took "
        "the second along at once, or had no like, are left out.",
    )


def _later(followed: Following | Missing) -> TrustLine:
    table = followed.table
    sure, least = ((table[c] > 0).sum() for c in ("difference_low", "difference_least_low"))
    return (
        "Later buyers",
        bool(least == sure) if sure else None,
        "Matched customers leave the comparison when they buy A themselves. Followed past it, "
        f"charged with what A brings, {least} of {sure} sure differences remain.",
    )
