"""One verdict for every promotion and arm, after all that it cost and all that it moved.

The measure that decides a trial (`verdicts`) is counted in the promotion's own days and before its
costs. Whether a promotion is worth repeating is another question, with one answer, which title,
findings, tables and advice share: the interval of the net return, and where that leaves it open,
what the trial says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.promotions.returns.roi import AFTER, EXTRA, NEIGHBOURS, NET, Return

if TYPE_CHECKING:
    from analysis.promotions.experiments.experiments import Trials
    from analysis.promotions.returns.incremental_return import Returns

PAID, LOST, MOVED, NOTHING, OPEN = "paid", "lost", "only moved", "no effect", "open"
UNKNOWN, RUNNING, BLOCKED = "cost unknown", "still running", "no verdict"
#: Its customers were chosen, so that nothing is proved.
CHOSEN = "chosen"

#: Share of the extra sales that must come from elsewhere before a promotion counts as moving them.
_MOVED = 0.5

#: Verdict of a trial to the one after costs where no return is known, and why.
_WITHOUT_RETURN = {
    "earned": (UNKNOWN, "it earned before its costs"),
    "lost": (LOST, "it lost even before its costs"),
    "only moved": (MOVED, ""),
    "no effect": (NOTHING, "a change worth finding would have been seen"),
    "not decided": (OPEN, "too few customers to see a change worth finding"),
    "still running": (RUNNING, ""),
    "no verdict": (BLOCKED, ""),
}

COLUMNS = ["promotion_id", "name", "arm", "label", "verdict", "why", "net", "low", "high", "n"]
COLUMNS += ["each", "each_low", "each_high", "contact_basis"]


def of_arm(found: Return, trial: str = "") -> tuple[str, str]:
    """Return the verdict on one arm after its costs, and why in words.

    Parameters
    ----------
    found
        Its return; the interval of its net return decides.
    trial
        The verdict of its trial (`verdicts.verdict`), empty where there is none.

    Returns
    -------
    tuple of str
        `PAID` or `LOST` (the interval lies above or below zero), `MOVED` (what it sells is taken
        from neighbours or from the weeks after), `NOTHING` (a change worth finding would have been
        seen), `OPEN`, or `CHOSEN`; and the reason.
    """
    if not found.randomised:
        return CHOSEN, "chosen customers: hold out a randomised control"
    parts, moved = found.waterfall.set_index("part"), moved_from(found)
    if parts.loc[NET, "low"] > 0:
        return PAID, "it earns more than it costs"
    if parts.loc[NET, "high"] < 0:
        return LOST, moved or "it costs more than it earns"
    if moved or trial == MOVED:
        return MOVED, moved or "what it sells is taken from elsewhere"
    if trial == NOTHING:
        return NOTHING, "a change worth finding would have been seen"
    if parts.loc[EXTRA, "low"] > 0:
        return OPEN, "it sells more; whether it pays is still open"
    return OPEN, "neither a gain nor a loss is shown"


def moved_from(found: Return) -> str:
    """Return where most of what a promotion sells was taken from; empty if it was not."""
    parts = found.waterfall.set_index("part")
    extra = float(parts.loc[EXTRA, "amount"])
    for part, words in ((AFTER, "from the weeks after"), (NEIGHBOURS, "from its neighbours")):
        if parts.loc[part, "high"] < 0 and -parts.loc[part, "amount"] >= _MOVED * extra > 0:
            return f"what it sells is taken {words}"
    return ""


def judged(trials: Trials, returns: Returns) -> pd.DataFrame:
    """Return one verdict a randomised promotion.

    Parameters
    ----------
    trials
        Checked and measured.
    returns
        Returns of the same promotions, arm by arm.

    Returns
    -------
    pandas.DataFrame
        promotion_id, name, arm (the one that paid most a customer, else the one that stands best),
        label, verdict, why, net, low, high (net return over the customers treated, all arms of the
        promotion at once), n (customers of the arm and of its control; of all arms without a
        verdict), each, each_low, each_high (the same a customer treated), contact_basis (as
        `costs.Costs`; empty without a return).
    """
    rows = []
    for row in trials.verdicts.to_dict("records"):
        key, said = str(row["promotion_id"]), str(row["verdict"])
        arms = {arm: one for (p, arm), one in returns.returns.items() if p == key}
        head = {"promotion_id": key, "name": row["name"], "n": row["n"], "contact_basis": ""}
        if arms and said not in (RUNNING, BLOCKED):
            rows.append(head | _best(key, arms, said, returns))
        else:
            rows.append(head | _without_return(row, returns))
    return pd.DataFrame(rows, columns=COLUMNS)


def _best(key: str, arms: dict[str, Return], trial: str, returns: Returns) -> dict[str, Any]:
    """Return the verdict on the arm that paid most a customer, else on the one that stands best."""
    found = {arm: of_arm(one, trial) for arm, one in arms.items()}
    paid = [arm for arm, (verdict, _) in found.items() if verdict == PAID]
    arm = max(paid or list(arms), key=lambda a: arms[a].net / arms[a].customers)
    one, last = arms[arm], arms[arm].waterfall.iloc[-1]
    ends = {"net": one.net, "low": float(last["low"]), "high": float(last["high"])}
    names = {"net": "each", "low": "each_low", "high": "each_high"}
    each = {names[name]: value / one.customers for name, value in ends.items()}
    verdict, why = found[arm]
    return {
        "arm": arm, "label": returns.label((key, arm)), "verdict": verdict, "why": why,
        "n": returns.effects[key, arm].treated + returns.effects[key, arm].untreated,
        "contact_basis": one.costs.contact_basis, **ends, **each,
    }  # fmt: skip


def _without_return(row: dict[Any, Any], returns: Returns) -> dict[str, Any]:
    verdict, why = _WITHOUT_RETURN[str(row["verdict"])]
    if verdict == UNKNOWN:
        mine = returns.table[returns.table["promotion_id"] == row["promotion_id"]]
        reasons = [str(r).rstrip(".") for r in mine["reason"].unique() if r]
        why = "; ".join([why, *(r[:1].lower() + r[1:] for r in reasons)])
    nothing = dict.fromkeys(("net", "low", "high", "each", "each_low", "each_high"), np.nan)
    arm = str(row["arm"])
    label = f"{row['name']}: {arm}" if arm not in ("", "treatment") else str(row["name"])
    return {"arm": arm, "label": label, "verdict": verdict, "why": why or row["why"], **nothing}
