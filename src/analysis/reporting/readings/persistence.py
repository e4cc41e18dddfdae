"""Whether customers stay in their group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analysis.reporting import words
from analysis.reporting.readings.deciles import in_brackets, part_name

if TYPE_CHECKING:
    from analysis.customers.persistence import Persistence

#: Fields of a finding, as `Report.finding` takes them.
Fields = dict[str, Any]

_NEAR = 3


def stayed(found: Persistence) -> str:
    """Say how many of the best group stayed, against noise and chance."""
    top = found.summary.set_index("measure").to_dict("index")["top"]
    return (
        f"{words.percent(top['stayed'], 0)} of the best stayed among the best; noise alone would "
        f"keep {words.percent(top['noise'], 0)}, chance {words.percent(top['chance'], 0)}"
    )


def moved(found: Persistence) -> str:
    """Say how much of the movement is real."""
    rows = found.summary.set_index("measure").to_dict("index")
    same, far, top = rows["same"], rows["far"], rows["top"]
    beyond = words.points(top["change"], signed=False)
    between = in_brackets(top["change_low"], top["change_high"], 1, words.POINTS)
    return (
        f"Beyond what noise explains, {beyond}{between} of the best left. Over all groups "
        f"{words.percent(same['stayed'])} stayed in theirs (noise alone: "
        f"{words.percent(same['noise'])}) and {words.percent(far['stayed'])} moved by three or "
        f"more (noise alone: {words.percent(far['noise'])})."
    )


def went(found: Persistence) -> str:
    """Say how near the best stay, and how many of the last stop buying."""
    rows, last = found.matrix, int(found.stayed["decile"].max())
    near = float(rows[(rows["first"] == 1) & (rows["second"] <= _NEAR)]["share"].sum())
    gone = float(rows[(rows["first"] == last) & (rows["second"] == last + 1)]["share"].sum())
    stay = f"{words.percent(near, 0)} of the best {part_name(last)} stay in the best three"
    if found.stayed["customers"].iloc[-1] == 0:
        return stay
    return f"{stay}; {words.percent(gone, 0)} of the last stop buying"


def stay_finding(found: Persistence, groups: int, confidence: float) -> Fields:
    """Return the finding of how many of the best group stayed in it."""
    top = found.summary.set_index("measure").to_dict("index")["top"]
    return {
        "key": "best_group_stayed",
        "sentence": f"of the best {part_name(groups)} of the first half were in it in the second",
        "value": top["stayed"],
        "low": top["stayed_low"],
        "high": top["stayed_high"],
        "unit": "%",
        "level": confidence,
        "n": top["customers"],
        "noun": "customer",
        "direction": "up_good",
        "detail": top["reason"] or f"noise alone would keep {words.percent(top['noise'], 0)}",
    }
