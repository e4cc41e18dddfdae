"""What value segments say, each in a sentence that a store manager would say aloud."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.customers.value.rfm_segments import COME_BACK, STAY_AWAY
from analysis.reporting.notebook import words
from analysis.stats.sizes import FEWEST_CUSTOMERS, too_small

if TYPE_CHECKING:
    from analysis.customers.value.tiers import TierValues
    from analysis.tables.periods import Period

#: Fields of a finding, as `Report.finding` takes them.
Fields = dict[str, Any]

Meaning = Mapping[str, tuple[str, str]]


def sentences(table: pd.DataFrame, meaning: Meaning, currency: str) -> str:
    """Return one bullet per segment: who they are and what they bring.

    Parameters
    ----------
    table
        ``worth.worth``.
    meaning
        Segment to who they are and what practice tries.
    """
    meant = {group: who for group, (who, _) in meaning.items()}
    meant |= {row["group"]: _each(row, meaning) for _, row in table.iterrows() if _members(row)}
    bullets = "\n".join(_bullet(row, meant, currency) for row in table.to_dict("records"))
    return f"{bullets}\n\n{RULED_ELSEWHERE}"


def hypotheses(table: pd.DataFrame, meaning: Meaning) -> str:
    """Return what practice tries with each segment, as things to test; empty for none."""
    tried = [(group, meaning.get(group, ("", ""))[1]) for group in table["group"]]
    bullets = "\n".join(
        f"- **{group}**: {what[0].lower()}{what[1:]}" for group, what in tried if what
    )
    return f"{HYPOTHESES}\n\n{bullets}" if bullets else ""


def _each(row: Mapping[Any, Any], meaning: Meaning) -> str:
    """Return who the segments are that are shown together, or how many customers each has."""
    if not row["group"].startswith(f"{_members(row)[0]} "):
        return f"{str(row['reason']).removeprefix(_TOGETHER).strip()}."
    named = [(one, meaning[one][0]) for one in _members(row) if one in meaning]
    return " ".join(f"{one}: {who[0].lower()}{who[1:]}" for one, who in named)


def _members(row: Mapping[Any, Any]) -> list[str]:
    """Return the segments that a row shows together; none where it shows one."""
    said = str(row.get("reason", ""))
    return _MEMBER.findall(said.removeprefix(_TOGETHER)) if said.startswith(_TOGETHER) else []


def _bullet(row: Mapping[str, Any], meant: Mapping[str, str], currency: str) -> str:
    who = meant.get(row["group"], "")
    size = f"{words.count(row['customers'], 'customer')} ({words.percent(row['share'])})"
    brings = "brings" if row["customers"] == 1 else "bring"
    if row["net_share"] != row["net_share"]:
        return f"- **{row['group']}**: {size}. {who} {WITHHELD}"
    each = ""
    if row["basket_value"] == row["basket_value"]:
        each = (
            f" {words.number(row['orders_per_customer'], 1)} orders per customer, "
            f"{words.money(row['basket_value'], 0, currency)} a basket"
        )
        seen = "day" if row["recency_days"] == 1 else "days"
        known = row["recency_days"] == row["recency_days"]
        each += (
            f", last seen {words.number(row['recency_days'])} {seen} ago (median)."
            if known
            else "."
        )
    return (
        f"- **{row['group']}**: {size} {brings} {words.percent(row['net_share'])} of sales. "
        f"{who}{each}"
    )


#: Said of a segment whose figures are withheld.
WITHHELD = (
    f"What they bring is withheld: fewer than {FEWEST_CUSTOMERS} customers, or to be had by "
    "subtraction with such a segment."
)

#: Why a row of several segments has no interval, before their names with their customers.
_TOGETHER = "several segments shown together: "
_MEMBER = re.compile(r"(?:^|\), |\) and )(.+?) \([\d,]+(?=\))")

#: Segments shown together that are called by their names; of more only the number is said.
_CALLED = 2


def enough(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of segments in which none is shown that rests on too few customers.

    What a small segment brings, and the smallest other one where it could be had by subtraction,
    stands in one row together; where all are small, their figures are withheld.

    Parameters
    ----------
    table
        ``group_summary.worth``, or ``group_summary.what_next``, where only what was spent on
        average tells, with all that is known from other tables, what a small segment spent.
    """
    few = too_small(table["customers"], FEWEST_CUSTOMERS)
    if not few.any():
        return table
    if few.all() or "net_share" not in table:
        small = few if "net_share" in table else table["customers"] < FEWEST_CUSTOMERS
        figures = table.select_dtypes("number").columns.difference(["customers", "share"])
        hidden = {c: few if c.startswith(_SPENT) else small for c in figures}
        return table.assign(**{c: table[c].astype("float64").mask(hidden[c]) for c in figures})
    columns = table.columns.union(["reason"], sort=False)
    together = pd.DataFrame([_together(table[few])]).reindex(columns=columns)
    return pd.concat([table[~few], together], ignore_index=True)


def _together(rows: pd.DataFrame) -> dict[str, Any]:
    """Return the figures of several segments as of one, as far as they follow from theirs."""
    sums, means = ([c for c in kind if c in rows] for kind in (_ADDED, _MEANS))
    named = [f"{row.group} ({words.number(row.customers)})" for row in rows.itertuples()]
    called = words.listing(named) if len(named) <= _CALLED else f"{len(named)} others together"
    found: dict[str, Any] = {"group": called, "customers": rows["customers"].sum()}
    found["reason"] = f"{_TOGETHER}{words.listing(named)}"
    found |= {name: float(rows[name].sum()) for name in sums}
    found |= {name: float(np.average(rows[name], weights=rows["customers"])) for name in means}
    if {"basket_value", "orders_per_customer", "net_per_customer"} <= set(rows):
        found["basket_value"] = found["net_per_customer"] / found["orders_per_customer"]
    return found


def brought(table: pd.DataFrame, groups: Collection[str], column: str) -> float:
    """Return what some segments bring together; NaN where that would tell of too few customers."""
    known = 0.0
    for row in enough(table).to_dict("records"):
        inside = {name in groups for name in _members(row) or [row["group"]]}
        if inside != {False}:
            known += row[column] if inside == {True} else float("nan")
    return known


def best(table: pd.DataFrame) -> pd.Series:
    """Return the segment that brings most, of those large enough to be shown; NaN if none is."""
    known = enough(table)
    return known.loc[known["net_share"].fillna(-1.0).idxmax()]


#: Columns of segments that add up, and those that are means by customer.
_ADDED = ("share", "net_amount", "net_share", "margin_amount", "margin_share", "expected_share")
_MEANS = (
    "net_per_customer", "margin_per_customer", "orders_per_customer", "expected_per_customer",
)  # fmt: skip

#: Columns of `group_summary.what_next` that, times customers, add up to what all spent.
_SPENT = ("net_", "margin_")


def only_returned(customers: int, amount: float, currency: str) -> str:
    """Return the sentence on those who are no buyers, to follow another; empty if all are."""
    if not customers:
        return ""
    return (
        f" {words.count(customers, 'more customer', 'more customers')} only returned goods, for "
        f"{words.money(-amount, 0, currency)}: as no buyers of these days they are in no group."
    )


def quiet(customers: pd.DataFrame, *, days: int = 28) -> str:
    """Say that nobody at all has bought lately, where that is so; empty otherwise."""
    silent = customers["recency_days"].min()
    if not silent > days:
        return ""
    return f" Nobody has bought in the last {words.number(silent - 1)} days."


def checked(earlier: pd.DataFrame, before: Period, after: Period) -> str:
    """Say on what the segments are checked, or why they cannot be."""
    if earlier.empty:
        return f"Nobody bought from {before}, so no segments can be followed through {after}."
    return f"Segments are checked on {after}, for which they are formed on {before} alone."


def rfm_headline(table: pd.DataFrame) -> str:
    """Say which segment brings most, if any is large enough to say so."""
    row = best(table)
    if row["net_share"] != row["net_share"]:
        return f"No segment has {FEWEST_CUSTOMERS} customers, so that none is shown by itself"
    return (
        f"{row['group']} are {words.percent(row['share'], 0)} of customers and bring "
        f"{words.percent(row['net_share'], 0)} of sales"
    )


def names_evidence(names: pd.DataFrame) -> str:
    """Say which names are not used, and what speaks against them."""
    refused = names[~names["stands"]]
    unfit = []
    for row in refused.to_dict("records"):
        why = "ordered no more often than the median customer"
        if row["name"] in {**STAY_AWAY, **COME_BACK}:
            why = (
                f"{words.percent(row['bought'], 0)} of {words.count(row['followed'], 'customer')} "
                "bought again in the next period"
                if row["followed"] >= FEWEST_CUSTOMERS
                else "too few could be followed"
            )
        unfit.append(f"- {row['name']}, here **{row['shown']}**: {why}.")
    if not unfit:
        return ""
    return "Names that are usual but not borne out by these customers:\n\n" + "\n".join(unfit)


#: What every table of what segments did next says of the changes in it.
REGRESSION = (
    "The change holds the season, and regression to the mean: who is in a segment for having spent "
    "little spends more afterwards, who is for having spent much, less."
)

#: What every section on segments says: one customer is in several, and may have one ruling alone.
RULED_ELSEWHERE = (
    "Segments describe. Whether a customer is contacted, and with what, is ruled once for each, in "
    "report 08."
)

#: What stands above what practice tries.
HYPOTHESES = (
    "Hypotheses, not findings, and no orders: a customer stands in several segments at once. Each "
    "would be shown by the margin per customer of a random half that is treated so, against a "
    "random half that is not."
)


def best_finding(table: pd.DataFrame, confidence: float) -> Fields:
    """Return the finding on the segment that brings most."""
    row = best(table)
    return {
        "key": "largest_segment",
        "sentence": f"of net sales come from the segment {row['group']}, "
        f"{words.percent(row['share'], 0)} of customers",
        "value": row["net_share"], "low": row["net_share_low"], "high": row["net_share_high"],
        "unit": "%", "n": int(row["customers"]), "noun": "customer", "level": confidence,
    }  # fmt: skip


def ties(sizes: pd.DataFrame) -> str:
    """Say how unequal the groups are because ties stay together."""
    spread = sizes.groupby("score")["share"].agg(["min", "max"])
    ends = spread.map(lambda share: words.percent(share, 0)).itertuples()
    parts = [f"{name} {low}" + (f" to {high}" if high != low else "") for name, low, high in ends]
    return (
        "Customers with equal values stay in one group, so groups need not be equal: "
        f"{words.listing(parts)} of customers each."
    )


def next_headline(table: pd.DataFrame) -> str:
    """Say how far apart the segments were afterwards, if any is large enough to say so."""
    known = enough(table).dropna(subset="bought")
    if len(known) < 2:
        everybody = np.average(table["bought"], weights=table["customers"])
        return (
            f"{words.percent(everybody, 0)} of the customers bought again; no two segments have "
            f"{FEWEST_CUSTOMERS} customers to be compared"
        )
    high, low = known.loc[known["bought"].idxmax()], known.loc[known["bought"].idxmin()]
    if high["bought"] == low["bought"]:
        return f"{words.percent(high['bought'], 0)} bought again, of every segment alike"
    if {"bought_low", "bought_high"} <= set(table) and high["bought_low"] <= low["bought_high"]:
        said = f"{words.percent(low['bought'], 0)} to {words.percent(high['bought'], 0)}"
        high, low = (
            known.loc[known["bought_low"].idxmax()],
            known.loc[known["bought_high"].idxmin()],
        )
        if high["bought_low"] <= low["bought_high"]:
            return f"No segment bought again significantly more often than another: {said}"
    return (
        f"Of {high['group']}, {words.percent(high['bought'], 0)} bought again; of "
        f"{low['group']}, {words.percent(low['bought'], 0)}"
    )


def movement_labels(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with its rows as they are read."""
    place = table["place"].replace({"all": "all customers", "best": "best group"})
    return table.assign(label=table["score"].str.capitalize() + ", " + place)


def movement(table: pd.DataFrame) -> str:
    """Say how much of the movement is real."""
    row = table[(table["score"] == "monetary") & (table["place"] == "all")].iloc[0]
    within = row["noise_low"] <= row["stayed"] <= row["noise_high"]
    return (
        f"{words.percent(1 - row['stayed'], 0)} changed their monetary group; "
        f"{words.percent(1 - row['noise'], 0)} would have if nobody had changed"
        f"{': not significantly fewer' if within else ''}"
    )


def tiers_basis(found: TierValues) -> str:
    """Say what tiers rest on, and why not on expected margin where they do not."""
    if found.months is None:
        return (
            f"Tiers rest on past margin, good and bad luck included, because {found.reason}: some "
            "who are high now were lucky."
        )
    return (
        f"Tiers rest on the margin expected over the next {words.count(found.months, 'month')} "
        "(report 07), not on what past luck brought."
    )


def tiers_moved(moved: pd.DataFrame) -> str:
    """Say how many kept the high tier from half to half, and how many luck alone would move."""
    row = moved[moved["place"] == "High"].iloc[0]
    noise = words.interval(row["noise_low"], row["noise_high"], 0)
    beyond = row["stayed"] < row["noise_low"]
    return (
        f"Of the {words.count(row['customers'], 'customer')} high by the first half's margin, "
        f"{words.percent(row['stayed'], 0)} are high by the second's; if nobody had changed it "
        f"would be {words.percent(row['noise'], 0)} ({noise}): "
        + ("more moved than luck alone moves." if beyond else "no more moved than luck moves.")
    )


def tiers(table: pd.DataFrame, uplift: float, currency: str) -> str:
    """Say what may be spent on the best tier and on the last."""
    first, last = table.iloc[0], table.iloc[-1]
    one, other = (str(row["group"]).lower() for row in (first, last))
    return (
        f"If a treatment lifts margin by {words.percent(uplift, 0)}, it may cost "
        f"{words.money(first['bound'], 2, currency)} a year for a {one}-value customer, "
        f"{words.money(last['bound'], 2, currency)} for a {other} one"
    )
