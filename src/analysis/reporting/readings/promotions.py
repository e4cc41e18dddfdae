"""What report 06 says of promotions whose arms were drawn by lot: each verdict in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from analysis.promotions.checks import Check
from analysis.reporting import words

if TYPE_CHECKING:
    import pandas as pd

    from analysis.promotions.trials import Trials

#: Fields of a finding, as `Report.finding` takes them.
Fields = dict[str, Any]

_COUNTED = {
    "earned": "earned {measure}",
    "lost": "lost {measure}",
    "only moved": "only moved purchases",
    "no effect": "changed nothing that matters",
    "not decided": "are too small to tell",
    "still running": "are still running",
    "no verdict": "cannot be judged",
}
_SINGULAR = {"not decided": "is too small to tell", "still running": "is still running"}

#: What the primary measure is called in a sentence.
MEASURES = {"margin": "margin", "net": "net sales", "orders": "orders", "units": "units"}


def kinds(promotions: pd.DataFrame) -> str:
    """Say how many promotions there are, and how many of them were drawn by lot."""
    if promotions.empty:
        return "No promotion started before the day of this report"
    drawn = int(promotions["randomised"].sum())
    assigned = int((promotions["customers"] > 0).sum())
    whose = "its" if drawn < 2 else "their"
    by_lot = f"{drawn or 'none'} drew {whose} customers by lot"
    parts = [f"{words.count(len(promotions), 'promotion')}: {by_lot}"]
    if assigned > drawn:
        parts.append(f"{assigned - drawn} chose them")
    if assigned < len(promotions):
        left = len(promotions) - assigned
        parts.append(f"{left} {'was' if left == 1 else 'were'} open to all")
    return ", ".join(parts)


def title(verdicts: pd.DataFrame, primary: str) -> str:
    """Return the page's title: how many promotions did what."""
    counts = verdicts["verdict"].value_counts()
    parts = []
    for verdict, said in _COUNTED.items():
        n = int(counts.get(verdict, 0))
        if n:
            form = _SINGULAR.get(verdict, said) if n == 1 else said
            parts.append(f"{n} {form.format(measure=MEASURES[primary])}")
    return f"Of {words.count(len(verdicts), 'promotion')} tested by lot, {words.listing(parts)}"


def name_of(row: Mapping[str, Any]) -> str:
    """Return a promotion's name, with the arm where it is not simply the treatment."""
    arm = str(row["arm"])
    return f"{row['name']}: {arm}" if arm and arm != "treatment" else str(row["name"])


def amount(value: float, unit: str, *, signed: bool = False) -> str:
    """Return a figure a customer with its unit: money to the cent, else two decimals."""
    return words.quantity(value, unit, 2, signed=signed)


def findings(trials: Trials, primary: str, unit: str, confidence: float) -> list[Fields]:
    """Return one finding a promotion: its verdict in one sentence."""
    return [_finding(row, primary, unit, confidence) for row in trials.verdicts.to_dict("records")]


def _finding(row: Mapping[str, Any], primary: str, unit: str, confidence: float) -> Fields:
    verdict, name = row["verdict"], name_of(row)
    measure = MEASURES[primary]
    key = f"promotion_{row['promotion_id'].lower()}"
    shared = {"key": key, "n": int(row["n"]), "noun": "customer"}
    if verdict == "no verdict":
        sentence = f"No verdict on {row['name']}"
        return {**shared, "sentence": sentence, "value": None, "alert": True, "detail": row["why"]}
    if verdict == "still running":
        sentence = f"{row['name']} is still running"
        return {**shared, "sentence": sentence, "value": None, "detail": row["why"]}
    said = {
        "earned": f"more {measure} a customer: {name} earned it",
        "lost": f"of {measure} a customer: {name} lost it",
        "only moved": "of margin a customer in its category, weeks after included: "
        f"{name} only moved purchases",
        "no effect": f"of {measure} a customer: {name} changed nothing that matters",
        "not decided": f"of {measure} a customer: {name} was too small to tell",
    }[verdict]
    moved = verdict == "only moved"
    return {
        **shared,
        "sentence": said,
        "value": row["moved" if moved else "difference"],
        "low": row["moved_low" if moved else "low"],
        "high": row["moved_high" if moved else "high"],
        "unit": unit,
        "decimals": 2,
        "direction": "up_good",
        "alert": moved or verdict == "lost",
        "detail": row["why"] if moved else None,
        "level": confidence,
    }


def verdicts(trials: Trials, primary: str, unit: str) -> str:
    """Return one bullet a promotion: the verdict, the figure and what to do."""
    return "\n".join(_bullet(row, primary, unit) for row in trials.verdicts.to_dict("records"))


def _bullet(row: Mapping[str, Any], primary: str, unit: str) -> str:
    what = {
        "earned": "Repeat it if that covers its cost (see the return).",
        "lost": "Stop it.",
        "only moved": "Change it: sales moved, they did not grow.",
        "no effect": "Save the effort.",
        "not decided": "Run it again on more customers before deciding.",
        "still running": "Read it daily, below; stop only where that says so.",
        "no verdict": "Mend the log of who was assigned, then look again.",
    }[row["verdict"]]
    if row["verdict"] == "no verdict":
        return f"- **{row['name']}**: no verdict ({row['why']}). {what}"
    if row["verdict"] == "still running":
        return f"- **{row['name']}** is still running: {row['why']}. {what}"
    measure = MEASURES[primary]
    change = f", {words.percent(row['lift'], 0, signed=True)}" if row["lift"] == row["lift"] else ""
    figure = (
        f"{amount(row['difference'], unit)} of {measure} a customer "
        f"({words.interval(row['low'], row['high'], 2, unit)}{change})"
    )
    said = {
        "earned": f"earned {figure}.",
        "lost": f"lost {figure}.",
        "only moved": f"only moved purchases: {row['why']}. Its category, weeks after included, "
        f"brought {amount(row['moved'], unit)} of margin a customer "
        f"({words.interval(row['moved_low'], row['moved_high'], 2, unit)}).",
        "no effect": f"changed nothing that matters: {figure}.",
        "not decided": f"cannot be told from nothing: {figure}; it would have taken "
        f"{amount(row['smallest'], unit)} to be seen.",
    }[row["verdict"]]
    return f"- **{name_of(row)}** {said} {what}"


def earned(trials: Trials, primary: str, unit: str) -> str:
    """Say which promotion earned most, or that none did."""
    found = trials.verdicts
    best = found[found["verdict"] == "earned"]
    if best.empty:
        return f"No promotion drawn by lot earned {MEASURES[primary]} beyond chance"
    row = best.loc[best["difference"].idxmax()].to_dict()
    return (
        f"{name_of(row)} earned most: {amount(row['difference'], unit)} of {MEASURES[primary]} "
        f"a customer assigned ({words.interval(row['low'], row['high'], 2, unit)})"
    )


def checked(trials: Trials) -> str:
    """Say how many promotions passed every check that blocks."""
    found = trials.verdicts
    failed = list(found.loc[found["verdict"] == "no verdict", "name"])
    if not failed:
        return f"All {len(found)} promotions drawn by lot passed the checks"
    gets = "gets" if len(failed) == 1 else "get"
    return (
        f"{len(failed)} of {words.count(len(found), 'promotion')} {gets} no verdict: "
        f"{words.listing(failed)}"
    )


def marks(trials: Trials) -> pd.DataFrame:
    """Return one row a promotion: name, and for each check ✓, ! or –, with what failed."""
    import pandas as pd

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
        "a customer"
    )


def missing_ways(found: pd.DataFrame) -> str:
    """Say which methods give nothing here, and why; empty if all do."""
    without = found[found["reason"] != ""]
    said = [f"{r['method']}: {str(r['reason']).rstrip('.')}." for r in without.to_dict("records")]
    return " ".join(said)


def quantiles(found: pd.DataFrame, name: str) -> str:
    """Say where in the distribution the effect sits."""
    moved = found[(found["low"] > 0) | (found["high"] < 0)]
    if moved.empty:
        return f"{name}: no quantile of the customers moved beyond chance"
    shown = words.listing(words.percent(q, 0) for q in moved["quantile"])
    return f"{name}: customers at the {shown} place of spending moved beyond chance"


def daily(advice: pd.DataFrame) -> str:
    """Say which promotions could have been stopped early."""
    stopped = advice[advice["advice"].str.startswith("stop")]
    of = words.count(len(advice), "arm")
    if stopped.empty:
        return f"Read every day, none of {of} could have been stopped early"
    first = stopped.loc[stopped["since"].idxmin()].to_dict()
    return (
        f"Read every day, {len(stopped)} of {of} could have been decided early: "
        f"{name_of(first)} on day {int(first['since'])} of {int(first['days'])}"
    )


def advised(advice: pd.DataFrame) -> pd.DataFrame:
    """Return the advice with a label and the reason in words."""
    reasons = [_reason(row) for row in advice.to_dict("records")]
    return labelled(advice).assign(reason=reasons)


def _reason(row: Mapping[str, Any]) -> str:
    day = f"from day {int(row['since'])}"
    if row["advice"] == "stop for benefit":
        return f"above zero {day}"
    if row["advice"] == "stop for harm":
        return f"below zero {day}"
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
        f"{up} of {words.count(len(table), 'arm')} raised {MEASURES[primary]} a customer beyond "
        f"chance{lowered}"
    )


def believed(table: pd.DataFrame, confidence: float) -> str:
    """Say how many arms are very likely to help."""
    sure = int((table["better"] >= confidence).sum())
    helps = "helps" if sure == 1 else "help"
    return (
        f"{sure} of {words.count(len(table), 'arm')} {helps} with a probability of "
        f"{words.percent(confidence, 0)} or more"
    )


def watched(days: pd.DataFrame, name: str) -> str:
    """Say when one promotion could have been stopped."""
    last = days.iloc[-1]
    if str(last["advice"]).startswith("stop"):
        return f"{name} was clear on day {int(last['first'])}: {last['advice']}"
    return f"{name} was not clear on any day before its end"


def trust(
    simulated: bool, trials: Trials | None, worth_finding: float, confidence: float
) -> list[tuple[str, bool | None, str]]:
    """Return the lines of the panel on how far to trust the randomised part."""
    if trials is None:
        return [("By lot", False, "No promotion drew its customers by lot: nothing here is proof.")]
    found = trials.verdicts
    failed = int((found["verdict"] == "no verdict").sum())
    weak = int((found["verdict"] == "not decided").sum())
    lines: list[tuple[str, bool | None, str]] = [
        ("By lot", True, f"{words.count(len(found), 'promotion')} drew who takes part."),
        (
            "Checks",
            failed == 0,
            f"{len(found) - failed} passed all checks that block a verdict; {failed} failed.",
        ),
        (
            "Strength",
            weak == 0,
            f"{weak} saw nothing and were too small to see a change of "
            f"{words.percent(worth_finding, 0)}.",
        ),
        (
            "One measure decides",
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
    """Return one promotion's estimates, the arm in the label where there are several."""
    if estimates["arm"].nunique() == 1:
        return estimates
    return estimates.assign(label=estimates["label"] + ", " + estimates["arm"])
