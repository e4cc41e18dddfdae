"""Pairs of products that say no more than their categories do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from analysis.products.baskets import Baskets
    from analysis.products.itemsets import Itemsets


def beyond_categories(
    rules: pd.DataFrame, products: Baskets, categories: Itemsets, *, factor: float = 1.1
) -> pd.DataFrame:
    """Return the rules with what their categories alone would give.

    Parameters
    ----------
    rules
        Rules between single products, with lift and lift_low.
    products
        Baskets of products, whose items know their category.
    categories
        Frequent itemsets of the categories, in the same orders.
    factor
        How far a lift must pass that of the categories to say something of its own.

    Returns
    -------
    pandas.DataFrame
        The rules with category_a, category_b, same_category, category_lift (NaN within a category
        and where the categories are together too seldom to be frequent), beyond (lift_low passes
        factor x category_lift, or there is none to pass).

    Notes
    -----
    Srikant and Agrawal (1995), Mining generalized association rules, section 2: a rule is
    interesting if its support is more than ``factor`` times what its ancestors lead to expect.
    """
    category = dict(zip(products.items["item"], products.items["category"], strict=True))
    shares = dict(zip(categories.table["itemset"], categories.table["support"], strict=True))
    a = rules["antecedents"].map(lambda s: category.get(s[0], ""))
    b = rules["consequents"].map(lambda s: category.get(s[0], ""))
    lifts = [_lift(shares, x, y) for x, y in zip(a, b, strict=True)]
    found = rules.assign(category_a=a, category_b=b, same_category=a == b, category_lift=lifts)
    passed = ~(found["lift_low"] <= factor * found["category_lift"])
    return found.assign(beyond=passed)


def _lift(shares: dict[tuple[str, ...], float], a: str, b: str) -> float:
    pair = tuple(sorted((a, b)))
    if a == b or pair not in shares:
        return float("nan")
    return shares[pair] / (shares[a,] * shares[b,])
