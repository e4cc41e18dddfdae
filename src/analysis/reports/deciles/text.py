"""What deciles, Pareto curve and concentration say.

Whether customers stay in their group.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.reporting.notebook import words

if TYPE_CHECKING:
    from analysis.customers.features.weekly import WeeklyAmounts
    from analysis.customers.value.decile_migration import Persistence
    from analysis.customers.value.deciles import Agreement, Deciles

#: Fields of a finding, as `Report.finding` takes them.
Fields = dict[str, Any]

_MOST = 0.8

#: A group whose size is further than this part of it from an equal one is no tenth.
_UNEQUAL = 0.1

#: A smaller ratio is read with a decimal.
_FEW_TIMES = 2


def best_group(deciles: Deciles) -> str:
    """Return the name of the best group, by what it really holds."""
    first, n = deciles.table.iloc[0], int(deciles.table["customers"].sum())
    if len(deciles.table) < deciles.groups or _unequal(deciles, 0):
        return f"first {words.number(first['customers'])} of {words.count(n, 'customer')}"
    tenth = "tenth" if deciles.groups == 10 else f"of {deciles.groups} equal groups"
    return f"best {tenth} of the customers"


def title(deciles: Deciles) -> str:
    """Return the page's title: what the best group brings."""
    best = deciles.table.iloc[0]
    if math.isnan(best["share"]):
        return f"Shares of sales cannot be given: {best['reason']}"
    if len(deciles.table) == 1:
        return f"All {words.count(best['customers'], 'customer')} bring the same net sales"
    name = best_group(deciles)
    bring = "bring" if name.startswith("first") else "brings"
    return f"The {name} {bring} {words.percent(best['share'], 0)} of net sales"


def gap(deciles: Deciles) -> str:
    """Say how far the best group is from the last."""
    first, last = deciles.table.iloc[0], deciles.table.iloc[-1]
    if len(deciles.table) < deciles.groups:
        filled = words.number(len(deciles.table))
        are = "is" if len(deciles.table) == 1 else "are"
        return (
            f"Customers are too few or too equal: {filled} of {deciles.groups} groups {are} filled"
        )
    name = part_name(deciles.groups)
    if last["net_amount"] < 0:
        return f"The last {name} of the customers returned more than it bought"
    if last["net_amount"] == 0:
        return f"The last {name} of the customers brings nothing"
    if _unequal(deciles, 0) or _unequal(deciles, -1):
        each = [row["net_amount"] / row["customers"] for row in (first, last)]
        times = _times(each[0] / each[1])
        return f"A customer of the best group buys {times} times what one of the last buys"
    ratio = _times(first["net_amount"] / last["net_amount"])
    return f"The best {name} buys {ratio} times what the last {name} buys"


def _unequal(deciles: Deciles, place: int) -> bool:
    """Tell whether a group is so far from an equal one that it must not be called a tenth."""
    customers = deciles.table["customers"]
    return bool(abs(customers.iloc[place] * deciles.groups / customers.sum() - 1) > _UNEQUAL)


def halves(weeks: WeeklyAmounts) -> str:
    """Say what the halves are, or why there are none to compare."""
    return weeks.gap or f"The halves are {weeks.before} and {weeks.now}."


def growth(deciles: Deciles) -> str:
    """Say which groups moved the total, if that can be told from chance."""
    table, total = deciles.table, deciles.total.iloc[0]
    grew = words.percent(total["growth"], 1, signed=True)
    held = in_brackets(total["growth_low"], total["growth_high"])
    clear = table[table["stands_out"]]
    name = part_name(deciles.groups)
    if table["contribution_low"].isna().all():
        return f"Sales moved by {grew}{held}; the groups are too small to tell whose part is chance"
    if clear.empty:
        return f"Sales moved by {grew}{held}; no {name}'s part in it is significant"
    parts = words.listing(
        f"{name} {decile} ({words.points(points)})"
        for decile, points in zip(clear["decile"], clear["contribution"], strict=True)
    )
    return f"Sales moved by {grew}{held}; significant is the part of {parts}"


def first_part(parts: pd.DataFrame) -> str:
    """Say how few customers make the first part of sales, and how many the last."""
    first, last = parts.iloc[0], parts.iloc[-1]
    if math.isnan(first["customers"]):
        return f"Sales cannot be cut into parts: {first['reason']}"
    many, name = words.number(last["customers"]), part_name(len(parts))
    if first["customers"] == 0:
        return (
            f"The largest customer alone brings more than a {name} of sales; {many} make the last"
        )
    few = words.count(first["customers"], "customer")
    share = words.percent(first["customers_share"])
    make = "makes" if first["customers"] == 1 else "make"
    return f"{few} ({share}) {make} the first {name} of sales, {many} the last"


def one_percent(curve: pd.DataFrame) -> str:
    """Say what one per cent of the customers brings."""
    row = curve.iloc[1]
    share, held = (
        words.percent(row["value_share"]),
        in_brackets(row["share_low"], row["share_high"]),
    )
    of = round(100 * row["customers_share"])
    return f"{of} % of customers {'makes' if of == 1 else 'make'} {share}{held}"


def pareto(parts: pd.DataFrame) -> str:
    """Say how many customers bring most of the sales, if a boundary of the parts lies there."""
    place = round(_MOST * len(parts))
    row = parts.iloc[place - 1]
    share, made = words.percent(row["cumulative_share"]), words.percent(place / len(parts), 0)
    if math.isnan(row["cumulative_share"]):
        return f"There is no Pareto curve: {row['reason']}"
    if row["cumulative_customers"] == 0:
        return f"The largest customer alone brings more than {made} of sales"
    held = in_brackets(row["cumulative_low"], row["cumulative_high"])
    return f"{share} of customers{held} bring {made} of sales"


def smaller_half(lorenz: pd.DataFrame) -> str:
    """Say what the half of the customers who buy least brings."""
    row = lorenz.iloc[len(lorenz) // 2]
    if math.isnan(row["value_share"]):
        return f"There is no Lorenz curve: {row['reason']}"
    share, held = (
        words.percent(row["value_share"]),
        in_brackets(row["share_low"], row["share_high"]),
    )
    return f"The half of the customers who buy least bring {share}{held}"


def gini(measures: pd.DataFrame) -> str:
    """Say how concentrated sales are."""
    rows = measures.set_index("measure").to_dict("index")
    row, equal = rows["gini"], rows["effective_customers"]
    if math.isnan(row["estimate"]):
        return f"The Gini coefficient is not defined: {row['reason']}."
    held = in_brackets(row["low"], row["high"], 3, "")
    said = f"The Gini coefficient is {words.number(row['estimate'], 3)}{held}"
    if math.isnan(equal["estimate"]):
        return f"{said}; {equal['reason']}."
    customers = words.number(equal["estimate"])
    between = in_brackets(equal["low"], equal["high"], 0, "")
    return (
        f"{said}. By the squares of their shares, as Herfindahl has it, sales are as concentrated "
        f"as if {customers} equal customers{between} brought them."
    )


def negatives(measures: pd.DataFrame) -> str:
    """Say how many totals are negative and what that does to the Gini coefficient."""
    count = int(measures["negative"].max())
    if count == 0:
        return "No customer's total is negative, so the curve never leaves 0 to 100 %."
    gini = dict(zip(measures["measure"], measures["estimate"], strict=True))
    return (
        f"{words.count(count, 'customer')} returned more than they bought. Before them the curve "
        f"climbs above 100 %, and the Gini coefficient of {words.number(gini['gini'], 3)} "
        f"could pass 1; with absolute amounts below the line it is "
        f"{words.number(gini['gini_normalised'], 3)}."
    )


def agreement(found: Agreement) -> str:
    """Say how many customers change group when margin ranks them."""
    counts = found.summary.set_index("measure")["customers"]
    moved = words.number(counts["one"] + counts["more"])
    total = words.count(counts.sum(), "customer")
    if counts["one"] + counts["more"] == 0:
        return f"All {total} are in the same group by margin as by sales"
    return (
        f"{moved} of {total} are in another group by margin, "
        f"{words.number(counts['more'])} of them by two or more"
    )


def share_finding(deciles: Deciles, confidence: float) -> Fields:
    """Return the finding of what the best group brings."""
    best = deciles.table.iloc[0]
    if len(deciles.table) == 1:
        return {
            "key": "best_group_share",
            "sentence": "of net sales come from the best group of customers",
            "value": None,
            "detail": best["reason"] if math.isnan(best["share"]) else title(deciles),
        }
    reason = best["reason"] if math.isnan(best["share_low"]) else ""
    return {
        "key": "best_group_share", "sentence": f"of net sales come from the {best_group(deciles)}",
        "value": best["share"], "low": best["share_low"], "high": best["share_high"], "unit": "%",
        "level": confidence, "n": int(deciles.table["customers"].sum()), "noun": "customer",
        "detail": reason or _best_two(deciles),
    }  # fmt: skip


def _best_two(deciles: Deciles) -> str:
    if len(deciles.table) < deciles.groups:
        return gap(deciles)
    both = words.percent(deciles.table["cumulative_share"].iloc[1])
    return f"the best two {part_name(deciles.groups)}s together: {both}"


def part_finding(parts: pd.DataFrame, curve: pd.DataFrame, confidence: float) -> Fields:
    """Return the finding of how few customers make the first part of sales."""
    first, everyone = parts.iloc[0], parts["cumulative_customers"].iloc[-1]
    if first["customers"] == 0:
        return {
            "key": "first_part_customers",
            "sentence": f"of the customers make the first {part_name(len(parts))} of net sales",
            "value": None,
            "detail": "the largest customer alone brings more than that",
        }
    counted = f" ({words.number(first['customers'])} of {words.number(everyone)})"
    known = "" if math.isnan(first["customers"]) else counted
    return {
        "key": "first_part_customers",
        "sentence": f"of the customers{known} make the first {part_name(len(parts))} of net sales",
        "value": first["customers_share"], "low": first["share_low"], "high": first["share_high"],
        "unit": "%", "level": confidence, "detail": first["reason"] or one_percent(curve),
    }  # fmt: skip


def part_name(count: int) -> str:
    """Return what one of ``count`` equal parts is called."""
    return "tenth" if count == 10 else "part"


def _times(ratio: float) -> str:
    return words.number(ratio, 0 if ratio >= _FEW_TIMES else 1)


def in_brackets(low: float, high: float, decimals: int = 1, unit: str = words.PERCENT) -> str:
    """Return an interval in brackets, with the space before them; nothing where there is none."""
    if math.isnan(low) or math.isnan(high):
        return ""
    return f" ({words.interval(low, high, decimals, unit)})"


_NEAR = 3


def stayed(found: Persistence) -> str:
    """Say how many of the best group stayed, against noise and chance."""
    top = found.summary.set_index("measure").to_dict("index")["top"]
    return (
        f"{words.percent(top['stayed'], 0)} of the best stayed among the best; "
        f"week-to-week variation alone would keep {words.percent(top['noise'], 0)}, "
        f"chance {words.percent(top['chance'], 0)}"
    )


def moved(found: Persistence) -> str:
    """Say how much of the movement is real."""
    rows = found.summary.set_index("measure").to_dict("index")
    same, far, top = rows["same"], rows["far"], rows["top"]
    way, sign = ("left", 1) if top["change"] >= 0 else ("stayed", -1)
    beyond = words.points(sign * top["change"], signed=False)
    low, high = sorted(sign * top[end] for end in ("change_low", "change_high"))
    between = in_brackets(low, high, 1, words.POINTS)
    if top["change_low"] <= 0 <= top["change_high"]:
        between = f"{between[:-1]}: not significant)"
    return (
        f"Beyond what week-to-week variation explains, {beyond}{between} of the best {way}. Over "
        "all groups, that of those who did not buy in a half among them, "
        f"{words.percent(same['stayed'])} stayed in theirs (variation alone: "
        f"{words.percent(same['noise'])}) and {words.percent(far['stayed'])} moved by three or "
        f"more (variation alone: {words.percent(far['noise'])})."
    )


def went(found: Persistence) -> str:
    """Say how near the best stay, and how many of the last bought nothing after."""
    rows, last = found.matrix, int(found.stayed["decile"].max())
    near = float(rows[(rows["first"] == 1) & (rows["second"] <= _NEAR)]["share"].sum())
    gone = float(rows[(rows["first"] == last) & (rows["second"] == last + 1)]["share"].sum())
    stay = f"{words.percent(near, 0)} of the best {part_name(last)} stay in the best three"
    if found.stayed["customers"].iloc[-1] == 0:
        return stay
    return f"{stay}; {words.percent(gone, 0)} of the last bought nothing in the second half"


def stay_finding(found: Persistence, groups: int, confidence: float) -> Fields:
    """Return the finding of how many of the best group stayed in it."""
    top = found.summary.set_index("measure").to_dict("index")["top"]
    return {
        "key": "best_group_stayed",
        "sentence": f"of the best {part_name(groups)} of the first half were in it in the second",
        "value": top["stayed"], "low": top["stayed_low"], "high": top["stayed_high"], "unit": "%",
        "level": confidence, "n": top["customers"], "noun": "customer", "direction": "up_good",
        "detail": top["reason"]
        or f"week-to-week variation alone would keep {words.percent(top['noise'], 0)}",
    }  # fmt: skip
