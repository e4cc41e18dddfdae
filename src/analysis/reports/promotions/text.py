"""What report 06 says of randomised promotions, beside their verdicts.

Which promotions are not looked at, and why.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.errors import NotApplicable
from analysis.promotions.experiments.validity_checks import Check
from analysis.promotions.returns import roi
from analysis.reporting.notebook import words

if TYPE_CHECKING:
    from analysis.promotions.experiments.experiments import Trials

#: What the primary measure is called in a sentence.
MEASURES = {"margin": "margin", "net": "net sales", "orders": "orders", "units": "units"}


def kinds(promotions: pd.DataFrame) -> str:
    """Say how many promotions there are, and how many of them were randomised."""
    if promotions.empty:
        return "No promotion started before the day of this report"
    drawn = int(promotions["randomised"].sum())
    assigned = int((promotions["customers"] > 0).sum())
    parts = [f"{words.count(len(promotions), 'promotion')}: {drawn or 'none'} randomised"]
    if assigned > drawn:
        whose = "its" if assigned - drawn == 1 else "their"
        parts.append(f"{assigned - drawn} chose {whose} customers")
    if assigned < len(promotions):
        left = len(promotions) - assigned
        parts.append(f"{left} {'was' if left == 1 else 'were'} open to all")
    return ", ".join(parts)


def name_of(row: Mapping[str, Any]) -> str:
    """Return a promotion's name, with the arm where it is not simply the treatment."""
    arm = str(row["arm"])
    return f"{row['name']}: {arm}" if arm and arm != "treatment" else str(row["name"])


def amount(value: float, unit: str, *, signed: bool = False) -> str:
    """Return a figure per customer with its unit: money to the cent, else two decimals."""
    return words.quantity(value, unit, 2, signed=signed)


def checked(trials: Trials) -> str:
    """Say how many promotions passed every check that blocks."""
    found = trials.verdicts
    failed = list(found.loc[found["verdict"] == "no verdict", "name"])
    if not failed:
        whole = (
            "The randomised promotion"
            if len(found) == 1
            else (f"All {len(found)} randomised promotions")
        )
        return f"{whole} passed the checks"
    gets = "gets" if len(failed) == 1 else "get"
    return (
        f"{len(failed)} of {words.count(len(found), 'promotion')} {gets} no verdict: "
        f"{words.listing(failed)}"
    )


def marks(trials: Trials) -> pd.DataFrame:
    """Return one row a promotion: name, and for each check ✓, ! or –, with what failed."""
    names = dict(zip(trials.overview["promotion_id"], trials.overview["name"], strict=True))
    sees = trials.verdicts["smallest"] / _baseline(trials).abs()
    shown = dict(zip(trials.verdicts["promotion_id"], sees, strict=True))
    rows = [
        {"name": names[p], **{c.name: _mark(c) for c in found}, "sees": shown[p]}
        for p, found in trials.checks.items()
    ]
    return pd.DataFrame(rows)


def _baseline(trials: Trials) -> pd.Series:
    """Return control's figure of the primary measure, in the order of the verdicts."""
    primary = trials.estimates[trials.estimates["primary"]]
    control = primary.groupby("promotion_id", sort=False)["control"].first()
    return control.reindex(trials.verdicts["promotion_id"]).reset_index(drop=True)


def _mark(check: Check) -> str:
    return words.MISSING if check.ok is None else "✓" if check.ok else "!"


def failures(trials: Trials) -> str:
    """Return one bullet a blocked promotion: what failed, in words; a sentence if none is."""
    blocked = trials.verdicts[trials.verdicts["verdict"] == "no verdict"]
    if blocked.empty:
        return "Nothing that blocks a verdict failed."
    return "\n".join(f"- **{r['name']}**: {r['why']}." for r in blocked.to_dict("records"))


def ways(found: pd.DataFrame, name: str, unit: str) -> str:
    """Say how far the methods agree."""
    values = found["difference"].dropna()
    low, high = float(values.min()), float(values.max())
    return (
        f"{name}: by every way of counting between {amount(low, unit)} and {amount(high, unit)} "
        "per customer"
    )


#: What customers differed in before the start, as it is read; the longest names first.
_BEFORE = {
    "before_offered_orders": "orders of what is on offer, before",
    "before_orders": "orders before",
    "before_margin": "margin before",
    "before_net": "net sales before",
}


def unadjusted(trials: Trials) -> str:
    """Say which covariates were left out of which promotions, and why; empty if none was."""
    rows = trials.estimates[trials.estimates["primary"]]
    left = rows[rows["not_adjusted_for"] != ""].drop_duplicates("promotion_id")
    if left.empty:
        return ""
    said = [f"- {r['name']}: {r['not_adjusted_for']}." for r in left.to_dict("records")]
    for name, spoken in _BEFORE.items():
        said = [line.replace(name, spoken) for line in said]
    return "\n".join(["Left out of the adjustment:", "", *said])


def missing_ways(found: pd.DataFrame) -> str:
    """Say which methods give nothing here, and why; empty if all do."""
    without = found[found["reason"] != ""]
    said = [f"{r['method']}: {str(r['reason']).rstrip('.')}." for r in without.to_dict("records")]
    return " ".join(said)


def quantiles(found: pd.DataFrame, name: str) -> str:
    """Say where in the distribution the effect sits."""
    moved = found[(found["low"] > 0) | (found["high"] < 0)]
    if moved.empty:
        return f"{name}: no quantile of the customers changed significantly"
    shown = words.listing(words.percent(q, 0) for q in moved["quantile"])
    return f"{name}: the {shown} quantile of spending changed significantly"


#: What is clear where the advice is to stop: the measure that decides knows no costs.
CLEAR = {"stop for benefit": "benefit before costs", "stop for harm": "harm before costs"}


def daily(advice: pd.DataFrame) -> str:
    """Say which promotions were clear early; whether they paid, only their costs tell."""
    stopped = advice[advice["advice"].str.startswith("stop")]
    of = words.count(len(advice), "arm")
    if stopped.empty:
        return f"Read every day, none of {of} was clear before its end"
    first = stopped.loc[stopped["since"].idxmin()].to_dict()
    return (
        f"Read every day, {len(stopped)} of {of} {'was' if len(stopped) == 1 else 'were'} clear "
        "early, before costs: "
        f"{name_of(first)} on day {int(first['since'])} of {int(first['days'])}"
    )


def advised(advice: pd.DataFrame) -> pd.DataFrame:
    """Return the advice with a label and the reason in words."""
    reasons = [_reason(row) for row in advice.to_dict("records")]
    return labelled(advice).assign(reason=reasons)


def _reason(row: Mapping[str, Any]) -> str:
    if row["advice"] in CLEAR:
        return f"{CLEAR[row['advice']]}, clear from day {int(row['since'])}"
    return "zero is still inside"


def looks(found: pd.DataFrame, name: str) -> str:
    """Say at which weekly look the classical bounds would have stopped."""
    parts = []
    for column, said in (("obrien_fleming", "O'Brien and Fleming"), ("pocock", "Pocock")):
        beyond = found[found["statistic"].abs() >= found[column]]
        when = f"look {int(beyond['look'].iloc[0])}" if len(beyond) else "no look"
        parts.append(f"{said} at {when}")
    return f"{name}, looked at weekly: the bounds would have stopped it, {words.listing(parts)}"


def labelled(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with the column label: promotion, and arm where it is not the treatment."""
    return table.assign(label=[name_of(row) for row in table.to_dict("records")])


def arms(table: pd.DataFrame, primary: str) -> str:
    """Say how many arms moved the measure that decides."""
    up, down = int((table["low"] > 0).sum()), int((table["high"] < 0).sum())
    lowered = f", {down} lowered it" if down else ""
    return (
        f"{up} of {words.count(len(table), 'arm')} raised {MEASURES[primary]} per customer "
        f"significantly, before costs{lowered}"
    )


def with_verdicts(table: pd.DataFrame, actions: pd.DataFrame) -> pd.DataFrame:
    """Return `bayes.view` with labels and the verdict of each arm after its costs, if known.

    Parameters
    ----------
    table
        `bayes.view`.
    actions
        `league.actions`.
    """
    verdicts = actions[["promotion_id", "arm", "verdict"]]
    return labelled(table).merge(verdicts, "left", ["promotion_id", "arm"])


def believed(table: pd.DataFrame, confidence: float) -> str:
    """Say how many arms are very likely to help in their days, and how many of them paid."""
    sure = table[table["better"] >= confidence]
    paid = int((sure["verdict"] == roi.PAID).sum())
    raises = "raises" if len(sure) == 1 else "raise"
    return (
        f"{len(sure)} of {words.count(len(table), 'arm')} {raises} the primary measure, in "
        f"the promotion's days and before its costs, with a probability of "
        f"{words.percent(confidence, 0)} or more; {paid} of them paid significantly after all costs"
    )


def watched(days: pd.DataFrame, name: str) -> str:
    """Say when one promotion could have been stopped."""
    last = days.iloc[-1]
    if str(last["advice"]).startswith("stop"):
        return f"{name} was clear on day {int(last['first'])}: {CLEAR[str(last['advice'])]}"
    return f"{name} was not clear on any day before its end"


def trust(
    simulated: bool, trials: Trials | None, worth_finding: float, confidence: float
) -> list[tuple[str, bool | None, str]]:
    """Return the lines of the panel on how far to trust the randomised part."""
    if trials is None:
        return [("Randomised", False, "No promotion was: nothing here is causal proof.")]
    found = trials.verdicts
    failed = int((found["verdict"] == "no verdict").sum())
    weak = int((found["verdict"] == "not decided").sum())
    lines: list[tuple[str, bool | None, str]] = [
        ("Randomised", True, f"{words.count(len(found), 'promotion')}."),
        (
            "Checks",
            failed == 0,
            f"{len(found) - failed} passed all checks that block a verdict; {failed} failed.",
        ),
        (
            "Power",
            weak == 0,
            f"{weak} found nothing significant and lacked the power to detect a change of "
            f"{words.percent(worth_finding, 0)}.",
        ),
        (
            "One primary measure",
            True,
            f"Its intervals hold with {words.percent(confidence, 0)} for all arms of a promotion; "
            "the other measures are corrected for their number.",
        ),
    ]
    if simulated:
        lines.append(("Data", None, "The data are simulated; what is true of them is known."))
    return lines


def assigned_first(promotions: pd.DataFrame) -> pd.DataFrame:
    """Return the promotions that assigned customers first, each part by its first day."""
    open_to_all = promotions["customers"] == 0
    ordered = promotions.assign(open_to_all=open_to_all)
    ordered = ordered.sort_values(["open_to_all", "starts_on", "promotion_id"])
    return ordered.drop(columns="open_to_all").reset_index(drop=True)


def by_measure(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return one promotion's estimates, shares in per cent; the arm in the label if several."""
    share = estimates["kind"] == "share"
    numbers = ["value", "control", "difference", "error", "low", "high"]
    scaled = estimates[numbers].mul(share.map({True: 100.0, False: 1.0}), axis=0)
    found = estimates.assign(
        **{name: scaled[name] for name in numbers},
        label=estimates["label"] + share.map({True: ", %", False: ""}),
    )
    if found["arm"].nunique() == 1:
        return found
    return found.assign(label=found["label"] + ", " + found["arm"])


def outside(table: pd.DataFrame) -> str:
    """Say which promotions are left out; NotApplicable if none is."""
    if table.empty:
        raise NotApplicable("All promotions are of days that are known.")
    why = {"earlier": "ended before the first order", "later": "had not begun"}
    named = [f"{row['name']} ({why[row['when']]})" for row in table.to_dict("records")]
    return f"Left out: {words.listing(named)}."
