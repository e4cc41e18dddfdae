"""What the forecast, its past errors and the trends say."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from analysis.demand.forecast import BOTTOM_UP, COHERENT
from analysis.reporting import words

if TYPE_CHECKING:
    import pandas as pd

    from analysis.demand.forecast import Outlook
    from analysis.demand.kept import Scored
    from analysis.demand.series import Series
    from analysis.reporting.report import TrustLine

#: Fields of a finding, as `Report.finding` takes them.
Fields = dict[str, Any]

_LEVELS = {
    "total": "total",
    "department": "departments",
    "department x category": "categories",
    "product_id": "products",
}
_FORECASTS = {
    COHERENT: "published (reconciled)",
    BOTTOM_UP: "bottom-up",
    "automatic": "automatic choice",
}

#: Gap between nominal and realised coverage that is still called kept.
_KEPT = 0.03

#: Of a weekday closed more often than this, the number of days says more than their names.
NAMED_DAYS = 5


def level(name: str) -> str:
    """Return how a level is read: ``departments``, ``departments, now and then``."""
    head, comma, rest = name.partition(",")
    return _LEVELS.get(head, head) + comma + rest


def named(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with its levels and forecasts as they are read."""
    renamed = table.assign(level=[level(name) for name in table["level"]])
    if "label" not in renamed:
        return renamed
    labels = [_FORECASTS.get(m, t) for m, t in zip(table["model"], table["label"], strict=True)]
    return renamed.assign(label=labels)


def title(totals: pd.DataFrame, horizon: int, currency: str) -> str:
    """Say what the horizon should bring, and how sure that is."""
    whole = totals.iloc[0]
    amount = words.money(whole["mean"], 0, currency)
    spread = (whole["high"] - whole["low"]) / 2 / whole["mean"]
    return (
        f"The next {horizon} weeks should bring {amount}, give or take {words.percent(spread, 0)}"
    )


def total_finding(totals: pd.DataFrame, horizon: int, currency: str) -> Fields:
    """Return the forecast of the total over the horizon."""
    whole = totals.iloc[0]
    change = words.percent(whole["change"], 1, signed=True)
    return {
        "key": "next_weeks",
        "sentence": f"net sales forecast for the next {horizon} weeks",
        "value": whole["mean"],
        "low": whole["low"],
        "high": whole["high"],
        "unit": currency,
        "n": int(whole["n"]),
        "noun": "past forecast",
        "level": 0.80,
        "direction": "up_good",
        "detail": f"{change} against the last {horizon} weeks",
        "decimals": 0,
    }


def outlook(found: Outlook, totals: pd.DataFrame) -> str:
    """Say where the total goes from here."""
    whole = totals.iloc[0]
    horizon = found.plan.horizon
    if whole["change_low"] <= 0 <= whole["change_high"]:
        way = "about as much as"
    else:
        way = "more than" if whole["change"] > 0 else "less than"
    change = words.percent(whole["change"], 1, signed=True)
    return f"The next {horizon} weeks: {way} the last {horizon} ({change})"


def season(found: Outlook, wanted: int) -> str:
    """Say what the length of the data allows."""
    series = found.series
    weeks = words.count(len(series.periods), series.frequency)
    whole = words.number(int((series.open_days == series.open_days.max()).sum()))
    first, last = words.day(series.periods[0]), words.day(series.end)
    text = (
        f"{weeks} from {first} up to {last}, {whole} of them open on all days; "
        f"{words.number(len(series.cut))} cut off at the ends because the data cover them in part."
    )
    if found.plan.season < wanted:
        text += (
            f" That is too short for a yearly season of {wanted} {series.frequency}s: no model "
            "here knows what last year's January was like, and what looks like a trend may be "
            "the time of the year. The seasonal naive is then simply the last week's value."
        )
    return text


def closed(series: Series) -> str:
    """Say which days were closed."""
    if not series.closed:
        return "No day inside was closed everywhere."
    weekdays = Counter(f"{day:%A}s" for day in series.closed)
    often = {name: n for name, n in weekdays.items() if n > NAMED_DAYS}
    each = [f"{n} {name}" for name, n in often.items()]
    each += [words.day(day) for day in series.closed if f"{day:%A}s" not in often]
    days = words.listing(each)
    return f"Nothing was sold anywhere on {days}: taken as closed, not as a week gone wrong."


def departments(totals: pd.DataFrame) -> str:
    """Say which departments are forecast to move beyond their interval."""
    parts = totals[(totals["level"] == "department") & (totals["kind"] == "regular")]
    up, down = parts[parts["change_low"] > 0], parts[parts["change_high"] < 0]
    if up.empty and down.empty:
        return f"None of {words.count(len(parts), 'department')} is sure to move"
    moved = [f"{len(up)} up" if len(up) else "", f"{len(down)} down" if len(down) else ""]
    names = words.listing(sorted(str(n) for n in [*up["name"], *down["name"]])[:3])
    return f"{' and '.join(m for m in moved if m)} beyond the interval: {names}"


def _published(found: Outlook, name: str) -> pd.Series:
    scores = found.scores
    return scores[(scores["level"] == name) & (scores["model"] == found.published)].iloc[0]


def worth(found: Outlook) -> str:
    """Say whether the published forecast beats the naive at each level."""
    levels = list(dict.fromkeys(found.scores["level"]))
    rows = [(level(name), _published(found, name)) for name in levels]
    better = [
        f"{words.percent(row['gain'], 0)} for the {name}" if name == "total"
        else f"{words.percent(row['gain'], 0)} for {name}"
        for name, row in rows if row["verdict"] == "better"
    ]  # fmt: skip
    if not better:
        return "The published forecast does not beat the naive at any level"
    return f"Against the naive it saves {words.listing(better)} of the error"


def unbeaten(found: Outlook) -> str:
    """Say where the naive is not beaten, and which models fail to beat it."""
    scores = found.scores[found.scores["verdict"] != "benchmark"]
    total = scores[scores["level"] == scores["level"].iloc[0]]
    failing = total[total["verdict"].isin(["worse", "no different"])]
    own = [
        level(str(n))
        for n in dict.fromkeys(scores["level"])
        if _published(found, str(n))["verdict"] != "better"
    ]
    text = ""
    if own:
        text += f"The published forecast does not beat the naive for {words.listing(own)}. "
    if len(failing):
        names = words.listing(list(failing["label"]))
        text += f"At the total, these do not beat the naive: {names}."
    return text or "Every model beats the naive at the total."


def accuracy_finding(found: Outlook) -> Fields:
    """Return the share of the naive's error that the published forecast saves at the total."""
    row = _published(found, str(found.scores["level"].iloc[0]))
    beaten = row["verdict"] == "better"
    return {
        "key": "error_saved",
        "sentence": "of the naive forecast's error saved at the total",
        "value": row["gain"],
        "low": row["gain_low"],
        "high": row["gain_high"],
        "unit": words.PERCENT,
        "n": int(row["origins"]),
        "noun": "past forecast",
        "direction": "up_good",
        "alert": not beaten,
        "decimals": 0,
        "detail": None if beaten else "not more than luck: use the naive or look for what is wrong",
    }


def challenged(scores: pd.DataFrame, published: str, challenger: str) -> str:
    """Say where the boosted challenger beats what is published, at the origins both met."""
    names = list(dict.fromkeys(scores["level"]))
    rows = scores.set_index(["level", "model"])["mase"]
    won = [level(n) for n in names if rows[n, challenger] < rows[n, published]]
    ahead = f"is ahead for the {words.listing(won)}" if won else "is ahead nowhere"
    return f"The boosted challenger {ahead}"


def challenge_note(scores: pd.DataFrame, published: str, challenger: str) -> str:
    """Say by how much, and what stands against trusting it."""
    rows = scores.set_index(["level", "model"])["mase"]
    parts = [
        f"{words.number(rows[n, challenger], 2)} against {words.number(rows[n, published], 2)} "
        f"({level(str(n))})"
        for n in dict.fromkeys(scores["level"])
    ]
    origins = words.number(int(scores["origins"].iloc[0]))
    return (
        f"Its MASE is {words.listing(parts)} over {origins} past forecasts. It learns from all "
        "series at once, is not made to add up, and too few forecasts have been compared to let "
        "it lead: a lead that lasts over the coming runs would be the reason to change."
    )


def kept_promise(coverage: pd.DataFrame) -> str:
    """Say whether intervals held what they promise, all series together."""
    held = [
        f"{words.percent(_share(part), 0)} of weeks fell inside the "
        f"{words.percent(float(nominal), 0)} intervals"
        for nominal, part in coverage.groupby("nominal", sort=False)
    ]
    return words.listing(held)


def _share(part: pd.DataFrame) -> float:
    known = part[part["n"] > 0]
    return float((known["realised"] * known["n"]).sum() / known["n"].sum())


def coverage_finding(coverage: pd.DataFrame) -> Fields:
    """Return the realised coverage of the widest intervals."""
    nominal = float(coverage["nominal"].max())
    part = coverage[coverage["nominal"] == nominal]
    share = _share(part)
    return {
        "key": "coverage",
        "sentence": f"of past weeks fell inside their {words.percent(nominal, 0)} interval",
        "value": share,
        "unit": words.PERCENT,
        "n": int(part["n"].sum()),
        "noun": "held-out week",
        "alert": abs(share - nominal) > _KEPT,
        "decimals": 1,
    }


def adds_up(found: Outlook) -> str:
    """Say that the forecast adds up, and what that costs or brings."""
    table = found.table.assign(cents=(found.table["mean"] * 100).round())
    sums = table.groupby(["level", "ahead"])["cents"].sum().unstack("level")
    exact = bool((sums.nunique(axis=1) == 1).all())
    return (
        "Categories add up to departments and departments to the total, to the cent"
        if exact
        else "The levels do not add up: do not plan on these forecasts"
    )


def reconciled(found: Outlook) -> str:
    """Compare the three ways at the total and the bottom."""
    levels = list(dict.fromkeys(found.scores["level"]))
    texts = []
    for name in (levels[0], levels[-1]):
        part = found.scores[found.scores["level"] == name].set_index("model")["mase"]
        texts.append(
            f"for the {level(name)} MASE is {words.number(part['automatic'], 3)} before, "
            f"{words.number(part[BOTTOM_UP], 3)} bottom-up and "
            f"{words.number(part[COHERENT], 3)} reconciled"
        )
    return f"What adding up costs: {'; '.join(texts)}."


def last_time(scored: Scored) -> str:
    """Say how the last forecast did."""
    whole = scored.table.iloc[0]
    bias = words.percent(whole["bias"], 1, signed=True)
    verb = "would have said" if scored.replayed else "said"
    return f"The last forecast {verb} {bias} against what happened to the total"


def replay_note(scored: Scored) -> str:
    """Say whether a kept forecast is scored or a replay."""
    if scored.replayed:
        return (
            "No earlier run has kept a forecast yet, so this is a replay: what this report would "
            "have said one horizon ago, from what was known then. The next run scores this one."
        )
    return "This is the forecast that an earlier run published, scored on what has happened since."


def drift_finding(scored: Scored) -> Fields:
    """Return the bias of the last forecast, an alert where errors have left the usual."""
    whole = scored.table.iloc[0]
    worse = [level(str(n)) for n in scored.table.loc[scored.table["drifted"], "level"]]
    return {
        "key": "last_forecast",
        "sentence": "the last forecast's total against what happened"
        + (" (replayed)" if scored.replayed else ""),
        "value": whole["bias"],
        "unit": words.PERCENT,
        "n": int(whole["periods"]),
        "noun": "week",
        "alert": scored.drifted and not scored.replayed,
        "detail": f"errors larger than 95 % of those before, for {words.listing(worse)}"
        if worse
        else "errors as usual at every level",
        "decimals": 1,
    }


def trust(found: Outlook, scored: Scored, wanted: int) -> list[TrustLine]:
    """Return how far to trust the forecast."""
    row = _published(found, str(found.scores["level"].iloc[0]))
    widest = found.coverage[found.coverage["nominal"] == found.coverage["nominal"].max()]
    share = _share(widest)
    nominal = float(widest["nominal"].iloc[0])
    p = words.number(row["p"], 3)
    return [
        ("Better than naive", row["verdict"] == "better",
         f"{words.percent(row['gain'], 0)} less error at the total, p = {p} over "
         f"{row['origins']} overlapping past forecasts (Diebold-Mariano), refitted at each."),
        ("Intervals", abs(share - nominal) <= _KEPT,
         f"{words.percent(share, 1)} of held-out weeks inside the {words.percent(nominal, 0)} "
         "intervals, each calibrated on what was known before."),
        ("Adds up", adds_up(found).startswith("Categories"), "Every level sums to the next."),
        ("Last time", None if scored.replayed else not scored.drifted, replay_note(scored)),
        ("Yearly season", found.plan.season >= wanted or None,
         "Known to the models." if found.plan.season >= wanted
         else "Not known: less than a year of history before the first test. Expect the holidays "
         "and the turn of the year to surprise this forecast."),
    ]  # fmt: skip
