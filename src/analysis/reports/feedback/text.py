"""What scores, silence and complaints say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.reporting.notebook import words

if TYPE_CHECKING:
    from analysis.engagement.feedback.complaints import Complaints, Effort, Recovery
    from analysis.engagement.feedback.response_rates import Response
    from analysis.engagement.feedback.survey_rows import Surveys
    from analysis.engagement.feedback.survey_scores import Scores

Fields = dict[str, Any]

#: False discovery rate up to which a group is said to differ.
FDR = 0.05
NAMES = {"nps": "NPS", "csat": "CSAT", "ces": "CES", "review": "Rating"}
KINDS = {
    "nps": "NPS surveys", "csat": "CSAT surveys", "ces": "CES surveys", "review": "reviews",
    "complaint": "complaints", "interview": "interviews", "exit": "exit answers",
}  # fmt: skip
LONG = {
    "nps": "net promoter score",
    "csat": "satisfaction with orders (CSAT)",
    "ces": "ease of having a complaint settled (CES)",
    "review": "rating of products",
}


def shown(kind: str, value: float, measure: str = "", *, signed: bool = False) -> str:
    """Return a score as it is read: NPS in points, shares in per cent, means on the scale."""
    if kind == "nps":
        return words.number(100 * value, 0, signed=True)
    if measure.startswith("share"):
        return words.percent(value, 0, signed=signed)
    return words.number(value, 2, signed=signed)


def span(kind: str, low: float, high: float, measure: str = "") -> str:
    """Return an interval of a score as it is read."""
    if kind == "nps":
        return words.interval(100 * low, 100 * high, 0, "")
    if measure.startswith("share"):
        return words.interval(low, high, 0)
    return words.interval(low, high, 2, "")


def title(scores: Scores, response: Response | None) -> str:
    """Return the title: the score that is read first, and what silence does to it."""
    kinds = list(dict.fromkeys(scores.summary["kind"]))
    line = scores.summary[scores.summary["kind"] == kinds[0]].iloc[0]
    name = NAMES[kinds[0]]
    said = f"{name} {shown(kinds[0], line['value'])} among those who answered"
    if response is None or kinds[0] not in set(response.corrected["kind"]):
        return said
    fixed = response.corrected.set_index("kind").loc[kinds[0]]
    return f"{said}, {shown(kinds[0], fixed['weighted'])} weighted to all who were asked"


def off_scale(surveys: Surveys) -> str:
    """Return what was left out because it lies off its scale, or cannot be read."""
    said = [
        f"{words.count(row.rows, 'score')} of {NAMES[row.kind]} ({words.number(row.lowest, 1)} to "
        f"{words.number(row.highest, 1)}) {'lies' if row.rows == 1 else 'lie'} off the scale of "
        f"{row.scale}, or between its steps, and {'is' if row.rows == 1 else 'are'} left out."
        for row in surveys.off_scale.itertuples()
    ]
    return " ".join([*said, *surveys.refused.values()])


def shown_summary(scores: Scores) -> pd.DataFrame:
    """Return the summary with values and intervals as they are read."""
    rows = scores.summary
    names = [
        f"{NAMES[kind]}: {LONG[kind]}"
        if not measure.startswith("share")
        else f"{NAMES[kind]}: {measure} scores"
        for kind, measure in zip(rows["kind"], rows["measure"], strict=True)
    ]
    return rows.assign(
        score=names, shown=[shown(r.kind, r.value, r.measure) for r in rows.itertuples()],
        interval=[span(r.kind, r.low, r.high, r.measure) for r in rows.itertuples()],
    )  # fmt: skip


def scores_headline(found: Scores) -> str:
    """State the first score, with its interval."""
    first = shown_summary(found).iloc[0]
    return f"{first['measure']} is {first['shown']} ({first['interval']}) among those who answered"


def score_findings(scores: Scores) -> list[Fields]:
    """Return a finding for each kind of score."""
    found = []
    for kind, rows in scores.summary.groupby("kind", sort=False):
        if kind == "ces":  # of few answers, and stands in the table
            continue
        line = (
            rows[rows["measure"].str.startswith("share")].iloc[0] if kind != "nps" else rows.iloc[0]
        )
        sentence = {
            "nps": "net promoter score of those who answered",
            "csat": "of those who answered were satisfied with their order",
            "review": "of reviews give one of the two highest ratings",
        }[str(kind)]
        found.append(
            {
                "key": f"score_{kind}", "sentence": sentence, "value": line["value"],
                "low": line["low"], "high": line["high"],
                "unit": words.POINTS if kind == "nps" else words.PERCENT,
                "n": int(line["answers"]), "noun": "answer", "direction": "up_good",
                "decimals": 0,
            }
        )  # fmt: skip
    return found


def shown_groups(scores: Scores) -> pd.DataFrame:
    """Return the groups with values as they are read, those that differ first."""
    rows = scores.groups
    lines = list(rows.itertuples())
    known = [np.isfinite(r.difference) for r in lines]
    table = rows.assign(
        score=[NAMES[r.kind] for r in lines], shown=[shown(r.kind, r.value) for r in lines],
        interval=[span(r.kind, r.low, r.high) for r in lines], against=[
            f"{shown(r.kind, r.difference, signed=True)} "
            f"({span(r.kind, r.difference_low, r.difference_high)})"
            if there
            else words.MISSING
            for r, there in zip(lines, known, strict=True)
        ],
    )  # fmt: skip
    return table.sort_values("q", kind="stable", na_position="last").reset_index(drop=True)


def groups_headline(scores: Scores) -> str:
    """Return which groups differ, with the many looks accounted for."""
    looks = scores.groups["q"].notna().sum()
    found = scores.groups[scores.groups["q"] <= FDR].sort_values("q", kind="stable")
    if found.empty:
        return f"None of {words.count(looks, 'group')} scores differently from the others"
    first = found.iloc[0]
    way = "higher" if first["difference"] > 0 else "lower"
    more = f"; {words.count(len(found), 'group')} of {looks} differ" if len(found) > 1 else ""
    return (
        f"{NAMES[first['kind']]} is {way} for {_whom(first)} "
        f"({shown(first['kind'], first['value'])}) than for all others{more}"
    )


def _whom(group: pd.Series) -> str:
    """Return a group in words."""
    if group["by"] == "orders before":
        return f"customers with {group['group']} in the half-year before"
    return f"{group['by']} {group['group']}" if group["by"] != "time" else str(group["group"])


def groups_reading(scores: Scores, fewest: int) -> str:
    """Return how the groups are compared, and what is withheld."""
    few = int(scores.withheld["groups"].sum())
    said = (
        "Each group is held against all others of its kind; q is the false discovery rate over "
        "all groups of this table. "
    )
    return said + (
        f"{words.count(few, 'group')} of fewer than {fewest} customers, or that could be had from "
        f"the total by subtraction, {'is' if few == 1 else 'are'} withheld."
        if few
        else ""
    )


def trend_reading(scores: Scores) -> str:
    """Return how each score moved."""
    said = []
    for row in scores.trend.itertuples():
        if not np.isfinite(row.p):
            continue
        moved = shown(row.kind, row.change, signed=True)
        edges = span(row.kind, row.low, row.high)
        verdict = "" if row.p <= 0.05 else ", which chance alone may explain"
        said.append(f"- {NAMES[row.kind]}: {moved} in a quarter ({edges}){verdict}.")
    return "\n".join(said)


def time_headline(scores: Scores, kind: str) -> str:
    """Return the headline on a score over time."""
    row = scores.trend[scores.trend["kind"] == kind].iloc[0]
    if not np.isfinite(row["p"]) or row["p"] > 0.05:
        return f"{NAMES[kind]} shows no trend that chance does not explain"
    way = "rises" if row["change"] > 0 else "falls"
    return f"{NAMES[kind]} {way} by {shown(kind, abs(row['change'])).lstrip('+')} in a quarter"


def response_headline(response: Response) -> str:
    """Return who answers."""
    bands = response.rates[response.rates["by"].str.startswith("orders")]
    found = bands[bands["q"] <= FDR]
    overall = response.rates[response.rates["by"] == "all"].iloc[0]
    base = f"{words.percent(overall['share'], 0)} answer the {NAMES[overall['kind']]} survey"
    mine = found[found["kind"] == overall["kind"]]
    if mine.empty:
        return f"{base}; how often they order makes no significant difference"
    rows = bands[bands["kind"] == overall["kind"]]
    first, last = rows.loc[rows["share"].idxmin()], rows.loc[rows["share"].idxmax()]
    return (
        f"{base}: {words.percent(last['share'], 0)} of those with {last['group']} in the half-year "
        f"before, {words.percent(first['share'], 0)} of those with {first['group']}"
    )


def response_finding(response: Response) -> Fields:
    """Return the finding on what silence does to the first score."""
    row = response.corrected.iloc[0]
    kind = row["kind"]
    return {
        "key": "weighted_score",
        "sentence": f"{LONG[kind]} of all who were asked, weighted for who answers",
        "value": row["weighted"], "low": row["weighted_low"], "high": row["weighted_high"],
        "unit": words.POINTS if kind == "nps" else "", "n": int(row["answers"]), "noun": "answer",
        "direction": "up_good", "decimals": 0 if kind == "nps" else 2,
        "detail": f"as answered {shown(kind, row['as_answered'])}",
    }  # fmt: skip


def shown_corrected(response: Response) -> pd.DataFrame:
    """Return the corrected scores as they are read."""
    rows = list(response.corrected.itertuples())
    return response.corrected.assign(
        name=[NAMES[r.kind] for r in rows],
        as_answered_shown=[shown(r.kind, r.as_answered) for r in rows],
        as_answered_interval=[span(r.kind, r.as_answered_low, r.as_answered_high) for r in rows],
        weighted_shown=[shown(r.kind, r.weighted) for r in rows],
        weighted_interval=[span(r.kind, r.weighted_low, r.weighted_high) for r in rows],
    )


def shown_bounds(response: Response) -> pd.DataFrame:
    """Return the bounds as they are read."""
    rows = list(response.bounds.itertuples())
    return response.bounds.assign(
        name=[NAMES[r.kind] for r in rows], shown=[shown(r.kind, r.score) for r in rows]
    )


def nps_lines(response: Response) -> pd.DataFrame:
    """Return what the chart of NPS and its bounds draws; empty without an NPS."""
    if "nps" not in set(response.corrected["kind"]):
        return pd.DataFrame(columns=["label", "value", "low", "high", "strong"])
    row = response.corrected.set_index("kind").loc["nps"]
    named = (("Those who answered", "as_answered"), ("All asked, weighted", "weighted"))
    lines = [
        (label, row[name], row[f"{name}_low"], row[f"{name}_high"], True) for label, name in named
    ]
    bounds = response.bounds[response.bounds["kind"] == "nps"]
    lines += [(f"Silent {b.silent}", b.score, np.nan, np.nan, False) for b in bounds.itertuples()]
    table = pd.DataFrame(lines, columns=["label", "value", "low", "high", "strong"])
    return table.assign(**{c: table[c] * 100 for c in ("value", "low", "high")})


def response_reading(response: Response) -> str:
    """Return what the weights do and what they cannot."""
    row = response.corrected.iloc[0]
    kind = row["kind"]
    bounds = response.bounds[response.bounds["kind"] == kind]
    low, high = bounds.iloc[0], bounds.iloc[-1]
    return (
        f"Weights of one over the chance to answer move {NAMES[kind]} by "
        f"{shown(kind, row['moved'], signed=True)}. They correct for silence that goes with orders "
        "before, channel and time; nothing known corrects for silence that goes with the score. "
        f"Without any assumption, {NAMES[kind]} of all who were asked lies between "
        f"{shown(kind, low['score'])} (all who were silent {low['silent'].removeprefix('all ')}) "
        f"and {shown(kind, high['score'])} ({high['silent'].removeprefix('all ')})."
    )


def waits_headline(complaints: Complaints) -> str:
    """Return how long complaints take."""
    times = complaints.times.set_index("step") if len(complaints.times) else pd.DataFrame()
    if "resolved" not in times.index:
        return f"None of {words.count(len(complaints.rows), 'complaint')} is recorded as resolved"
    done = times.loc["resolved"]
    half = (
        f"Half of the complaints are resolved within {words.number(done['median'], 1)} days"
        if np.isfinite(done["median"])
        else "Fewer than half of the complaints are resolved"
    )
    if "first answer" in times.index and np.isfinite(times.loc["first answer", "median"]):
        return f"{half}, answered within {words.number(times.loc['first answer', 'median'], 1)}"
    return half


def waits_findings(complaints: Complaints) -> list[Fields]:
    """Return the findings on waits and on what is open."""
    found: list[Fields] = []
    for row in complaints.times.itertuples():
        key = "resolve_days" if row.step == "resolved" else "answer_days"
        what = "are resolved" if row.step == "resolved" else "have a first answer"
        known = np.isfinite(row.median)
        found.append(
            {
                "key": key, "sentence": f"until half of the complaints {what}",
                "value": row.median if known else None, "low": row.low, "high": row.high,
                "unit": "days", "n": row.complaints, "noun": "complaint", "direction": "up_bad",
                "decimals": 1,
                "detail": None if known else "fewer than half are by the end of the period",
            }
        )  # fmt: skip
    return found


def open_finding(waiting: pd.DataFrame, worth: pd.DataFrame | None = None) -> Fields:
    """Return the finding on customers who wait, with the margin expected of them if known."""
    one = len(waiting) == 1
    stake: Fields = {}
    if worth is not None and "value_12" in worth:
        theirs = worth["customer_id"].isin(waiting["customer_id"])
        stake = {
            "at_stake": float(worth.loc[theirs, "value_12"].sum()),
            "otherwise": "they wait on; whether it costs what is expected of them in 12 months is "
            "not tested",
        }
    return {
        "key": "open_complaints",
        "sentence": f"{'customer waits' if one else 'customers wait'} for a complaint to be "
        "resolved",
        "value": len(waiting), "unit": "", "direction": "up_bad", "decimals": 0,
        "alert": len(waiting) > 0, **stake,
    }  # fmt: skip


def waits_reading(complaints: Complaints) -> str:
    """Return how many complain and how the wait is estimated."""
    row = complaints.reach.iloc[0]
    return (
        f"{words.count(row['complaints'], 'complaint')} on {words.count(row['orders'], 'order')} "
        f"({words.percent(row['share'], 2)}). Complaints still open at the end of the period count "
        "as waiting until then (Kaplan-Meier), so that slow ones are not left out." + _gone(row)
    )


def _gone(row: pd.Series) -> str:
    """Return the share of orders cancelled before they were delivered, where that is known."""
    if not row["promised"] > 0:
        return ""
    return (
        f" Of {words.count(int(row['promised']), 'order')} to be delivered "
        f"{words.percent(row['cancelled_share'], 1)} were cancelled "
        f"({words.interval(row['cancelled_low'], row['cancelled_high'], 1)})."
    )


def recovery_headline(back: Recovery) -> str:
    """Return who comes back, like with like."""
    row = back.table.iloc[-1]
    if not np.isfinite(row["low"]):
        return "Resolved and open complaints are too different to compare like with like"
    if row["low"] <= 0 <= row["high"]:
        return (
            "Customers whose complaint was resolved do not order again significantly more often "
            "than like ones whose complaint was open"
        )
    way = "more" if row["difference"] > 0 else "less"
    return (
        f"Customers whose complaint was resolved within {words.count(back.landmark, 'day')} order "
        f"again {way} often, like with like: {words.points(row['difference'])}"
    )


def recovery_reading(back: Recovery) -> str:
    """Return how like is held against like, and that it is no effect."""
    return (
        f"Resolved or open is read {back.landmark} days after the complaint; orders count in the "
        f"{back.follow} days from then on. Alike are complaints with as many orders in the "
        "half-year before, with or without one since. This is an association, not an effect: whose "
        "complaint is resolved sooner is not randomised, and the harder ones take longer."
    )


def effort_reading(found: Effort) -> str:
    """Return what waiting does to how easy it was found."""
    span_ = words.interval(found.low, found.high, 2, "")
    verdict = "" if found.high < 0 or found.low > 0 else ", which chance alone may explain"
    return (
        f"Twice the time to resolve goes with a change of the effort score (CES) of "
        f"{words.number(found.slope, 2, signed=True)} ({span_}){verdict}, in "
        f"{words.count(found.answers, 'answer')}."
    )
