"""How far to trust pairs and follow-ups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.reporting import words

if TYPE_CHECKING:
    from analysis.products.following import Following
    from analysis.products.pairs import Pairs
    from analysis.reporting.report import TrustLine


#: With fewer orders of known customers, intervals say little about how alike orders are.
_MOSTLY = 0.5


def lines(
    products: Pairs, categories: Pairs, followed: Following, margin_basis: str
) -> list[TrustLine]:
    """Return the lines of the panel."""
    return [
        ("Multiplicity", True, _searched(products, categories)),
        _alike(products),
        _second(products),
        _promotion(products),
        ("Same orders", True, "What was bought with A on the same day never counts as next."),
        _matching(followed),
        ("Margin", None, margin_basis),
    ]


def _searched(products: Pairs, categories: Pairs) -> str:
    total = products.rules.tested + categories.rules.tested
    return (
        f"Exact p-values over all {words.number(total)} splits that were looked at, not only "
        "those shown."
    )


def _alike(products: Pairs) -> TrustLine:
    known = float((products.orders.facts["customer"] >= 0).mean())
    text = f"{words.percent(known, 0)} of orders have a known customer."
    if known < _MOSTLY:
        return (
            "Same customers",
            False,
            f"Only {text} The others are taken as strangers: intervals are rather too narrow.",
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


def _matching(followed: Following) -> TrustLine:
    table = followed.table
    share = float(table["matched"].sum() / table["buyers"].sum())
    return (
        "Matching",
        share >= 0.5,
        f"{words.percent(share, 0)} of first buyers could be followed and matched; those who took "
        "the second along at once, or had no like, are left out.",
    )
