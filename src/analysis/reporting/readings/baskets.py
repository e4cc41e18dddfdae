"""What pairs, doubts and decisions say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from analysis.reporting import words

if TYPE_CHECKING:
    import pandas as pd

    from analysis.products.estimate import Support
    from analysis.products.pairs import Pairs
    from analysis.products.substitutes import Substitutes
    from analysis.products.switching import Switching

#: Fields of a finding, as `Report.finding` takes them.
Fields = dict[str, Any]

_WHY = {
    "size": "full trolleys",
    "size_store": "the store",
    "size_week": "the season",
    "customer": "the same customers",
}


def named(table: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    """Return rules with a, b and pair: what to call their sides and both."""
    a = table["antecedents"].map(lambda s: words.listing(names.get(i, i) for i in s))
    b = table["consequents"].map(lambda s: words.listing(names.get(i, i) for i in s))
    return flat(table.assign(a=a, b=b, pair=a + " – " + b, brief=_brief_pairs(a, b)))


def _brief_pairs(a: Iterable[str], b: Iterable[str]) -> list[str]:
    return [f"{brief(x)} – {brief(y)}" for x, y in zip(a, b, strict=True)]


def brief(name: str, most: int = 26) -> str:
    """Return a name cut to so many characters, a number that tells it from others kept."""
    plain, bracket, number = name.partition(" (")
    room = most - len(bracket + number)
    cut = plain if len(plain) <= room else plain[: room - 1].rstrip(" ,-") + "…"
    return cut + bracket + number


def strongest(table: pd.DataFrame) -> pd.DataFrame:
    """Return believed pairs, those first of which controls leave most."""
    return table.sort_values(["or_least_low", "pair"], ascending=[False, True]).reset_index(
        drop=True
    )


def why_not(table: pd.DataFrame) -> pd.DataFrame:
    """Return the pairs not to be believed, with why."""
    doubted = table[table["verdict"] != "holds"]
    reasons = [
        {"promotion": "a joint promotion", "fades": "chance: it fades later"}.get(
            v, _WHY.get(e, "")
        )
        for v, e in zip(doubted["verdict"], doubted["explained_by"], strict=True)
    ]
    return doubted.assign(why=reasons).reset_index(drop=True)


def items_of(*tables: pd.DataFrame) -> list[str]:
    """Return all items of rules."""
    columns = ("antecedents", "consequents")
    return sorted({i for t in tables for c in columns for s in t[c] for i in s})


def title(believed: pd.DataFrame, checked: pd.DataFrame) -> str:
    """Return the page's title."""
    share = f"{len(believed)} of the {len(checked)} strongest product pairs are real"
    if believed.empty:
        return "No strong product pair survives a second look"
    return f"{share}: {shorter(believed['pair'].iloc[0])} first of all"


def shorter(pair: str) -> str:
    """Return a pair without package sizes and numbers."""
    sides = [side.split(" (")[0].split(",")[0].strip() for side in pair.split(" – ")]
    return " and ".join([sides[0], sides[-1][:1].lower() + sides[-1][1:]])


def support(chosen: Support, tested: int, discovered: int, orders: int, fdr: float) -> str:
    """Say how the search was done."""
    return (
        f"Minimum support is {words.count(chosen.orders, 'order')} of {words.number(orders)} "
        f"({words.percent(chosen.share, 2)}). {chosen.reason}. Of {words.number(tested)} splits of "
        f"item sets that were looked at, {words.count(discovered, 'pair')} are together more often "
        f"than chance at a false discovery rate of {words.percent(fdr, 0)} over all of them."
    )


def lifts(pairs: Pairs) -> str:
    """Say how strong the pairs beyond chance are."""
    table = pairs.discovered
    strong = int((table["lift"] >= 3).sum())
    return (
        f"{words.count(len(table), 'pair')} of products sell together beyond chance, "
        f"{words.number(strong)} of them at least three times as often"
    )


def controlled(checked: pd.DataFrame) -> str:
    """Say what basket size, store, week and customer leave of the pairs."""
    shrunk = (checked["or_least"] / checked["or_raw"]).median()
    held = int((checked["verdict"] == "holds").sum())
    return (
        f"Basket size, store, week and customer explain much: the median pair keeps "
        f"{words.percent(shrunk, 0)} of its odds; {held} of {len(checked)} hold"
    )


def doubted(checked: pd.DataFrame) -> str:
    """Say how many pairs not to act on."""
    n = int((checked["verdict"] != "holds").sum())
    if n == 0:
        return "All of the checked pairs hold: none is made by size, store, season or promotion"
    return f"{words.count(n, 'pair')} with a high lift should not be acted on"


def held_finding(checked: pd.DataFrame, confidence: float) -> Fields:
    """Return the finding of how many pairs hold."""
    from analysis.products.chance import wilson

    n, k = len(checked), int((checked["verdict"] == "holds").sum())
    low, high = wilson(k, n, confidence=confidence)
    return {
        "key": "pairs_that_hold",
        "sentence": "of the strongest product pairs hold in the second half and under all controls",
        "value": k / n,
        "low": float(low[0]),
        "high": float(high[0]),
        "unit": "%",
        "level": confidence,
        "n": n,
        "noun": "pair",
        "detail": "a raw lift alone would have called all of them real",
    }


def strongest_finding(believed: pd.DataFrame, confidence: float) -> Fields:
    """Return the finding of the pair that controls leave most of."""
    row = believed.iloc[0]
    return {
        "key": "strongest_pair",
        "sentence": f"times the odds: {shorter(row['pair'])} in one order, whatever its size, "
        "store, week and customer",
        "value": row["or_least"],
        "low": row["or_least_low"],
        "high": row["or_least_high"],
        "level": confidence,
        "n": int(row["first_both"] + row["second_both"]),
        "noun": "order",
        "decimals": 1,
    }


def lift_square(pairs: Pairs, names: dict[str, str], *, most: int = 10) -> pd.DataFrame:
    """Return the lifts between the most frequent items, as a square by name."""
    import numpy as np
    import pandas as pd

    items = pairs.first.items["item"].head(most).tolist()
    shares = dict(
        zip(pairs.itemsets.table["itemset"], pairs.itemsets.table["support"], strict=True)
    )
    square = [[_lift(shares, a, b) if a != b else np.nan for b in items] for a in items]
    labels = [names[i] for i in items]
    return pd.DataFrame(square, index=labels, columns=labels)


def _lift(shares: dict[tuple[str, ...], float], a: str, b: str) -> float:
    pair = tuple(sorted((a, b)))
    return shares.get(pair, float("nan")) / (shares[a,] * shares[b,])


def network_edges(believed: pd.DataFrame, *, most: int = 16) -> pd.DataFrame:
    """Return the strongest believed pairs as edges: a, b, weight."""
    import numpy as np

    table = believed.head(most)
    return table[["a", "b"]].assign(weight=np.log(table["or_least"].to_numpy(float)))


def substitutes(found: Substitutes) -> str:
    """Say how many pairs are bought instead of each other."""
    n = int(found.table["substitutes"].sum())
    return (
        f"{words.count(n, 'pair')} of {words.number(found.tested)} within a category are bought "
        "instead of each other, by the same customers"
    )


def substitutes_finding(found: Substitutes, names: dict[str, str]) -> Fields:
    """Return the finding of the surest substitutes."""
    n = int(found.table["substitutes"].sum())
    top = found.table.iloc[0]
    pair = f"{names.get(top['a'], top['a'])} or {names.get(top['b'], top['b'])}"
    return {
        "key": "substitutes",
        "sentence": "product pairs are bought instead of each other: promoting one takes from the "
        "other",
        "value": float(n),
        "decimals": 0,
        "n": found.tested,
        "noun": "pair",
        "detail": f"surest: {pair}" if n else "none beyond chance within stores and weeks",
    }


def loyal(found: Switching, by: str) -> str:
    """Say which brand keeps its buyers best, beyond its size."""
    table = found.loyalty[found.loyalty["purchases"] >= 100]
    if table.empty:
        return f"{found.group} is bought again too seldom to tell who stays"
    row = table.loc[(table["loyal"] - table["usual"]).idxmax()]
    return (
        f"{found.group}: after {by} {row['brand']}, {words.percent(row['loyal'], 0)} of next "
        f"purchases stay; its share alone would give {words.percent(row['usual'], 0)}"
    )


def bundle(table: pd.DataFrame, discount: float) -> str:
    """Say whether bundles pay."""
    off = words.percent(discount, 0)
    median = table["break_even"].median()
    return (
        f"At {off} off, the median bundle must sell {words.percent(median, 0)} more before it "
        "costs nothing"
    )


def both_named(table: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    """Return a table of items a and b with their names."""
    a, b = ([names.get(i, i) for i in table[side]] for side in ("a", "b"))
    pair = [f"{x} – {y}" for x, y in zip(a, b, strict=True)]
    return table.assign(a_name=a, b_name=b, pair=pair, brief=_brief_pairs(a, b))


def chosen_between(found: Substitutes, names: dict[str, str]) -> pd.DataFrame:
    """Return all tested pairs with their names, substitutes first."""
    return both_named(found.table, names)


def flat(rules: pd.DataFrame) -> pd.DataFrame:
    """Return rules with their sides as text, to be saved."""
    return rules.assign(
        antecedents=rules["antecedents"].map(" + ".join),
        consequents=rules["consequents"].map(" + ".join),
    )
