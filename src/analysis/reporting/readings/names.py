"""What pairs and sets of items are called on a page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from analysis.reporting import words

if TYPE_CHECKING:
    import pandas as pd


def named(table: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    """Return rules with a, b and pair: what to call their sides and both; brief and short: cut."""
    a = table["antecedents"].map(lambda s: words.listing(names.get(i, i) for i in s))
    b = table["consequents"].map(lambda s: words.listing(names.get(i, i) for i in s))
    return flat(
        table.assign(
            a=a, b=b, pair=a + " – " + b, brief=_brief_pairs(a, b), short=_brief_pairs(a, b, 15)
        )
    )


def _brief_pairs(a: Iterable[str], b: Iterable[str], most: int = 26) -> list[str]:
    return [f"{brief(x, most)} – {brief(y, most)}" for x, y in zip(a, b, strict=True)]


def brief(name: str, most: int = 26) -> str:
    """Return a name cut to so many characters, a number that tells it from others kept."""
    plain, bracket, number = name.partition(" (")
    room = most - len(bracket + number)
    cut = plain if len(plain) <= room else plain[: room - 1].rstrip(" ,-") + "…"
    return cut + bracket + number


def items_of(*tables: pd.DataFrame) -> list[str]:
    """Return all items of rules."""
    columns = ("antecedents", "consequents")
    return sorted({i for t in tables for c in columns for s in t[c] for i in s})


def shorter(pair: str) -> str:
    """Return a pair without package sizes and numbers, but for those that tell its sides apart."""
    whole = pair.split(" – ")
    sides = [side.split(" (")[0].split(",")[0].strip() for side in whole]
    if len(whole) > 1 and sides[0] == sides[-1]:
        sides = whole
    return " and ".join([sides[0], sides[-1][:1].lower() + sides[-1][1:]])


def both_named(table: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    """Return a table of items a and b with their names."""
    a, b = ([names.get(i, i) for i in table[side]] for side in ("a", "b"))
    pair = [f"{x} – {y}" for x, y in zip(a, b, strict=True)]
    return table.assign(a_name=a, b_name=b, pair=pair, brief=_brief_pairs(a, b))


def flat(rules: pd.DataFrame) -> pd.DataFrame:
    """Return rules with their sides as text, to be saved."""
    return rules.assign(
        antecedents=rules["antecedents"].map(" + ".join),
        consequents=rules["consequents"].map(" + ".join),
    )
