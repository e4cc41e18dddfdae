"""What follow-ups, sequences, rhythms and recommendations say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analysis.reporting import words

if TYPE_CHECKING:
    import pandas as pd

    from analysis.products.follow_ups import FollowUps
    from analysis.products.following import Following
    from analysis.products.recommend_evaluation import Evaluation
    from analysis.products.replenishment import Replenishment

Fields = dict[str, Any]


def named(table: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    """Return follow-ups with a label: first, then; and the day to write where more follow."""
    label = [
        f"{names.get(a, a)} → {names.get(b, b)}"
        for a, b in zip(table["first"], table["then"], strict=True)
    ]
    sure = table["difference_low"] > 0
    return table.assign(label=label, write_on=table["best_day"].where(sure))


def most(table: pd.DataFrame, days: int) -> str:
    """Say what follows most surely."""
    row = table.iloc[0]
    told = "" if row["difference_low"] > 0 else ": not told apart"
    return (
        f"{row['label']}: {words.percent(row['share'], 0)} within {days} days, against "
        f"{words.percent(row['control'], 0)} of matched customers{told}"
    )


def sure(table: pd.DataFrame) -> str:
    """Say after how many first purchases more follow than among matched customers."""
    n = int((table["difference_low"] > 0).sum())
    if n == 0:
        return f"None of the {len(table)} surest first purchases is seen to bring the next"
    return f"{n} of the {len(table)} surest first purchases bring more of the next than others buy"


def bounds(table: pd.DataFrame) -> str:
    """Say what the first row's others would be if those who buy A later were taken otherwise."""
    row = table.iloc[0]
    least, most = (words.percent(row[c]) for c in ("control_least", "control_most"))
    return (
        f"If matched customers who buy A later never bought B, they would reach {least}; followed "
        f"past it, {most}."
    )


def screening(screened: FollowUps, window: int, fdr: float, items: str) -> str:
    """Say how many pairs were looked at."""
    searched, found = screened.searched, int((screened.table["q"] <= fdr).sum())
    return (
        f"Of {words.count(searched, 'ordered pair')} of {items}, {words.number(found)} follow "
        f"within {window} days more or less often than the customers' rhythm would give, at a "
        f"false discovery rate of {words.percent(fdr, 0)}. The surest are followed day by day, "
        "against customers who came in the same week with the same rhythm and had, or had not, "
        "bought the second before."
    )


def findings(followed: Following, table: pd.DataFrame, days: int) -> list[Fields]:
    """Return the finding of the largest difference; none whose interval holds no difference."""
    row = table.iloc[0]
    if not row["difference_low"] > 0:
        return []
    found = {
        "key": "next_purchase",
        "sentence": f"more first buyers go on within {days} days than matched customers: "
        f"{row['label']}",
        "value": row["difference"],
        "low": row["difference_low"],
        "high": row["difference_high"],
        "unit": "points",
        "level": followed.confidence,
        "n": int(row["matched"]),
        "noun": "buyer",
        "detail": row["reason"] or f"half of them by day {words.number(row['median_days'])}",
    }
    return [found]


def pattern_label(pattern: tuple[tuple[str, ...], ...], names: dict[str, str]) -> str:
    """Return a sequence as it is read."""
    return " → ".join(" + ".join(names.get(i, i) for i in visit) for visit in pattern)


def labelled(table: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    """Return sequences with a label, the most beyond shuffled visits first."""
    labels = [pattern_label(p, names) for p in table["pattern"]]
    ordered = table.assign(label=labels).sort_values(["ratio", "label"], ascending=[False, True])
    written = ordered["label"].where(ordered["label"] != "", "–")
    return ordered.assign(label=written, pattern=written).reset_index(drop=True)


def order(table: pd.DataFrame, fdr: float) -> str:
    """Say whether order matters."""
    n, more = len(table), int((table["q"] <= fdr).sum())
    if more == 0:
        return f"None of the {n} most common sequences needs its order: any order shows as many"
    top = table["ratio"].max()
    return (
        f"Order matters for {more} of {n} sequences, but little: at most "
        f"{words.number(top, 2)} times what visits in any order would show"
    )


def rhythm(found: Replenishment, names: dict[str, str]) -> str:
    """Say what is bought most regularly."""
    row = found.items.iloc[0]
    return (
        f"{names.get(row['item'], row['item'])}: bought again after "
        f"{words.count(row['median_days'], 'day')} (median)"
    )


def with_due(found: Replenishment, names: dict[str, str], *, days: int = 7) -> pd.DataFrame:
    """Return the items with their name and how many customers are due within ``days``."""
    soon = found.due[(found.due["overdue_days"] >= -days) & (found.due["overdue_days"] < 14)]
    counts = soon.groupby("item").size()
    table = found.items
    return table.assign(
        name=[names.get(i, i) for i in table["item"]],
        due_soon=table["item"].map(counts).fillna(0).astype("int64"),
    )


def calibrated(table: pd.DataFrame, days: int) -> str:
    """Say whether who is due buys."""
    best = table.loc[table["share"].idxmax()]
    least = table.loc[table["share"].idxmin()]
    return (
        f"Who was due bought: {words.percent(best['share'], 0)} within {days} days at the best "
        f"moment, {words.percent(least['share'], 0)} at the worst"
    )


def recommender(found: Evaluation) -> str:
    """Say which recommender is best, and by how much."""
    rows = found.table.set_index("recommender")
    best, rest = rows.loc[found.best], rows.drop(found.best)
    second = rest["recall"].idxmax()
    what = "new products" if found.new_only else "the next baskets"
    return (
        f"For {what}, “{found.best}”, best in the month before, names "
        f"{words.percent(best['recall'])} of what was bought with ten products; “{second}” "
        f"{words.percent(rest['recall'].max())}"
    )


def recommender_finding(found: Evaluation, confidence: float, days: int) -> Fields:
    """Return the finding of the chosen recommender."""
    row = found.table.set_index("recommender").loc[found.best]
    return {
        "key": "recommendation_recall_new" if found.new_only else "recommendation_recall",
        "sentence": f"of the products that customers bought anew in {days} days were on their list "
        f"of ten (“{found.best}”)",
        "value": row["recall"],
        "low": row["recall_low"],
        "high": row["recall_high"],
        "unit": "%",
        "level": confidence,
        "n": int(row["customers"]),
        "noun": "customer",
        "direction": "up_good",
    }


def reasons(table: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    """Return recommendations with readable products and reasons."""
    rows = zip(table["reason"], table["because"], table["every_days"], strict=True)
    why = [
        f"{reason} {names.get(because, because)}"
        if because
        else f"you buy it about every {words.count(days, 'day')}"
        if days == days
        else reason
        for reason, because, days in rows
    ]
    return table.assign(item_name=[names.get(i, i) for i in table["item"]], why=why)
