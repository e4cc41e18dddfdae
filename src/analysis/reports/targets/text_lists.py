"""What past lists, care occasions and rulings say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.promotions.planning.targeting.eligibility import REACHED, SAYS
from analysis.reporting.notebook import words

if TYPE_CHECKING:
    from analysis.promotions.planning.care_list import CareList
    from analysis.promotions.planning.targeting.eligibility import ValueByRule
    from analysis.promotions.planning.targeting.target_list import TargetList
    from analysis.promotions.returns.past_lists import PastLists


def kept_finding(found: PastLists) -> dict[str, Any]:
    """Return the finding of how many promises were kept."""
    known = found.known
    broken = int((known["gap_high"] < 0).sum())
    return {
        "key": "promises_kept",
        "sentence": "of the lists that were measured brought what they had promised, within the "
        f"{100 * found.confidence:g} % interval",
        "value": float(known["kept"].mean()), "unit": "%", "n": len(known), "noun": "list",
        "direction": "up_good", "alert": broken > 0,
    }  # fmt: skip


def kept_headline(found: PastLists, currency: str) -> str:
    """Say whether past lists brought what they promised."""
    known = found.known
    if known.empty:
        first = found.table.iloc[0]
        return f"No list has been measured yet ({first['name']}: {first['reason']})"
    if len(known) == 1 or found.all_lists.empty:
        row = known.iloc[0]
        promised, measured, low, high = (row[c] for c in ("promised", "measured", "low", "high"))
        what = str(row["name"])
    else:
        row = found.all_lists.iloc[0]
        promised, measured, low, high = (row[c] for c in ("promised", "measured", "low", "high"))
        what = f"{words.count(len(known), 'list')} together"
    return (
        f"{what}: {words.money(promised, 2, currency)} per customer promised, "
        f"{words.money(measured, 2, currency)} measured ({words.interval(low, high, 2, currency)})"
    )


def value_reading(found: ValueByRule, currency: str) -> str:
    """Return what the customers without consent are expected to bring, and those within reach."""
    rows = found.table.set_index("rule")
    barred = SAYS["consent"]
    over = f"of the margin expected of today's customers over {found.months} months (report 07)"
    reached = rows["share"].get(REACHED, 0.0)
    if barred not in rows.index:
        return f"Customers who may be contacted hold {words.percent(reached, 0)} {over}."
    row = rows.loc[barred]
    return (
        f"The {words.count(int(row['customers']), 'customer')} without consent for any channel "
        f"hold {words.money(row['value'], 0, currency)}, {words.percent(row['share'], 0)} {over}; "
        f"those who may be contacted hold {words.percent(reached, 0)}. It is what they are "
        "expected to bring as they are, not what a contact would add."
    )


def grouped(responses: pd.DataFrame) -> pd.DataFrame:
    """Return the responses with the discount as it is read."""
    depth = responses["by"] == "depth"
    told = pd.to_numeric(responses["group"].where(depth), errors="coerce")
    named = [
        words.percent(d, 0) if d == d else g for d, g in zip(told, responses["group"], strict=True)
    ]
    return responses.assign(by=responses["by"].replace("depth", "discount"), group=named)


def not_sent(found: PastLists) -> str:
    """Say who was not sent though on a list, and the other way round."""
    missed, leaked = (int(found.table[c].sum()) for c in ("not_sent", "sent_though_held_out"))
    said = []
    if missed:
        said.append(
            f"{words.count(missed, 'target')} of these lists were not sent; they count as targets "
            "all the same (intention to treat), so what is measured is what making the list brings."
        )
    if leaked:
        said.append(f"{words.number(leaked)} who were held out were sent all the same.")
    return " ".join(said) or "All targets were sent, and nobody who was held out."


def care_headline(found: CareList) -> str:
    """Say what falls due, and for how many."""
    table = found.table
    due, told, held = (int(table[c].sum()) for c in ("due", "contact", "held_out"))
    if not told and not held:
        why = table.loc[table["left_alone"].idxmax(), "why"]
        return f"{words.count(due, 'occasion')} due, nobody to write to" + (
            f": {why}" if why else ""
        )
    top = table.loc[table["contact"].idxmax()]
    return (
        f"{words.count(due, 'occasion')} due: {words.number(told)} to get a message, "
        f"{words.number(held)} held out; most for {top['list']}"
    )


def in_the_file(told: pd.DataFrame, listed: TargetList, currency: str) -> str:
    """Say how many the list of rulings contacts, with whom occasions add to the target list."""
    more = told[told["list"] != "targets"]
    contact, held = (int((more["ruling"] == ruling).sum()) for ruling in ("contact", "hold out"))
    if more.empty:
        return ""
    own = int(listed.total["contacts"])
    cost = words.money(more.loc[more["ruling"] == "contact", "cost"].sum(), 0, currency)
    return (
        f"Of the rulings {words.number(own + contact)} are to contact: {words.number(own)} of the "
        f"target list and {words.number(contact)} with an occasion, whose messages cost {cost} "
        f"beyond its budget; held out with an occasion: {words.number(held)}."
    )


def how_to_send(study: str) -> str:
    """Say how the rulings become a list, and how the list comes back."""
    return (
        f"The command **analysis lists {study}** writes them for the CRM, without those held out. "
        f"Once a list is sent, **analysis sent {study} LIST** brings it back, and the next run "
        "measures it."
    )
