"""What the forecast's past errors say: worth, challenger, coverage, and how far to trust it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.demand.forecast import accuracy, model_selection
from analysis.demand.forecast.conformal import SPARSE_CLASS
from analysis.demand.forecast.horizon_totals import TOO_FEW
from analysis.demand.models import registry as zoo
from analysis.errors import NotApplicable
from analysis.reporting.notebook import words
from analysis.reports.forecast.text import adds_up, level, replay_note

if TYPE_CHECKING:
    from analysis.demand.forecast.forecast import Outlook
    from analysis.demand.forecast.track_record import Scored
    from analysis.reporting.notebook.report import TrustLine

#: Fields of a finding, as `Report.finding` takes them.
Fields = dict[str, Any]

#: Why forecasts of a level have no score.
_UNSCORED = (
    "no past forecast for the {} could be scored, for sales that never vary leave the naive "
    "forecast no error to measure by."
)

#: Times by which the weeks tested changed more than those before, from which it is said.
_CALMER = 1.1

#: Why intervals are not judged.
_UNJUDGED = (
    "too few past forecasts have come to their end, or none was off, for the intervals to be "
    "judged."
)


def _published(found: Outlook, name: str) -> pd.Series:
    """Return the score of what is published at a level; NotApplicable where it has none."""
    scores = found.scores
    mine = scores[(scores["level"] == name) & (scores["model"] == found.published)]
    if mine.empty:
        raise NotApplicable(_UNSCORED.format(level(name)))
    return mine.iloc[0]


def _whole(found: Outlook) -> pd.Series:
    """Return the score of what is published for the total; NotApplicable where it has none."""
    row = _published(found, str(found.groups[0]))
    if not math.isfinite(row["gain"]):
        raise NotApplicable(_UNSCORED.format("total"))
    return row


def worth(found: Outlook) -> str:
    """Say whether the published forecast beats the best simple one at each level."""
    levels = list(dict.fromkeys(found.scores["level"]))
    rows = [(level(name), _published(found, name)) for name in levels]
    better = [
        f"{words.percent(row['gain'], 0)} for {'the ' if name == 'total' else ''}{name}"
        for name, row in rows if row["verdict"] == "better"
    ]  # fmt: skip
    if all(row["verdict"] == "too few origins" for _, row in rows):
        return "Too few past forecasts to tell whether the published one beats a simple one"
    if not better:
        none = not (found.scores["verdict"] == "better").any()
        what = "No model beats" if none else "The published forecast does not beat"
        return f"{what} the best simple forecast at any level: {bars(found)}"
    return f"Error saved against the best simple forecast: {words.listing(better)}"


def bars(found: Outlook) -> str:
    """Return which simple forecast is the best at each level."""
    names = dict.fromkeys(str(name) for name in found.scores["level"])
    best = {name: zoo.label(accuracy.benchmark(found.scores, name)) for name in names}
    told = {text: [level(n) for n in names if best[n] == text] for text in best.values()}
    return words.listing([f"{text} ({words.listing(where)})" for text, where in told.items()])


def compared(found: Outlook) -> pd.DataFrame:
    """Return the scores of what is published and of the simple forecasts, each shown."""
    shown = (found.published, model_selection.AUTOMATIC, *zoo.BENCHMARKS)
    return found.scores[found.scores["model"].isin(shown)]


def unit_note(found: Outlook) -> str:
    """Say what the total's MASE is made of: weeks ahead, a unit of one week, a calmer past.

    Empty where the first level holds more than one series, or its errors cannot be scaled.
    """
    tested, total = found.tested, np.flatnonzero(found.groups == found.groups[0])
    if len(total) != 1 or np.isnan(tested.scale[:, total]).any():
        return ""
    error = np.abs(tested.actual - tested.of(found.published))[:, total[0]]
    by_week = np.nanmean(error / tested.scale[:, total], axis=0)
    share = np.nanmean(error) / np.nanmean(tested.actual[:, total[0]])
    moves = np.abs(np.diff(found.series.values[total[0], tested.origins[0] - 1 :]))
    times = float(np.nanmean(moves) / tested.scale[:, total].mean())
    since = f" They changed {words.number(times, 2)} times as much since" if times > _CALMER else ""
    return (
        f"The total's forecast was off by {words.percent(share)} on average. Its MASE is "
        f"{words.number(by_week[0], 2)} one week ahead and {words.number(by_week[-1], 2)} at "
        f"{words.count(len(by_week), 'week')}: the unit is the mean change from one week to the "
        f"next before each forecast, and sales drift further in more weeks.{since}"
        f"{', which makes the unit small for the weeks tested.' if since else ''}"
    )


def foremost(scores: pd.DataFrame, found: Outlook, *, count: int = 10) -> pd.DataFrame:
    """Return the best models at the total, and what is published wherever it comes in."""
    total = scores[(scores["level"] == "total") & (scores["verdict"] != "benchmark")]
    best = total.head(count)["model"]
    return total[total["model"].isin([*best, found.published])]


def unbeaten(found: Outlook) -> str:
    """Say where the best simple forecast is not beaten, and which that is."""
    if (found.scores.loc[found.scores["verdict"] != "benchmark", "verdict"]
            == "too few origins").all():  # fmt: skip
        return "Fewer than five past forecasts could be made: none is told from luck."
    rows = {
        str(n): _published(found, str(n))["verdict"] for n in dict.fromkeys(found.scores["level"])
    }
    kinds = (("worse", "significantly worse than"), ("no different", "not told from"))
    found_so = {how: [level(n) for n in rows if rows[n] == kind] for kind, how in kinds}
    said = [f"{how} the best simple one for {words.listing(w)}" for how, w in found_so.items() if w]
    text = f"The published forecast is {' and '.join(said)}. " if said else ""
    return f"{text}The best simple forecasts, known only with hindsight: {bars(found)}."


def accuracy_finding(found: Outlook) -> Fields:
    """Return how much less the published forecast errs at the total than the best simple one."""
    row = _whole(found)
    return {
        "key": "error_saved",
        "sentence": "of the best simple forecast's error saved at the total"
        + (" (below zero: added)" if row["gain"] < 0 else ""),
        "value": row["gain"], "low": row["gain_low"], "high": row["gain_high"],
        "unit": words.PERCENT, "n": int(row["origins"]), "noun": "past forecast",
        "direction": "up_good", "alert": row["verdict"] == "worse",
        "otherwise": "the next weeks are planned on a forecast that a simple one has beaten",
        "decimals": 0,
        "detail": _against(found) if row["verdict"] == "better" else _unlucky(found, row),
    }  # fmt: skip


def in_title(found: Outlook) -> str:
    """Return what a title has to add where a simple forecast has been significantly closer."""
    try:
        row = _whole(found)
    except NotApplicable:
        return ""
    bar = zoo.label(accuracy.benchmark(found.scores, str(found.groups[0])))
    return f"; the {bar} has been closer so far" if row["verdict"] == "worse" else ""


def _against(found: Outlook) -> str:
    """Return what the total is compared with."""
    bar = accuracy.benchmark(found.scores, str(found.groups[0]))
    return f"against the {zoo.label(bar)}, the best of the simple forecasts"


def _unlucky(found: Outlook, row: pd.Series) -> str:
    if row["verdict"] == "too few origins":
        return "too few past forecasts to tell it from luck"
    if row["verdict"] == "worse":
        return f"below zero it errs significantly more, {_against(found)}: plan with that one"
    return f"{_against(found)}, known only with hindsight; the two cannot be told apart"


def challenged(scores: pd.DataFrame, published: str, challenger: str) -> str:
    """Say where the boosted challenger beats what is published, at the origins both met."""
    names = list(dict.fromkeys(scores["level"]))
    if not names:
        raise NotApplicable("a boosted challenger has no error to save where sales never vary.")
    rows = scores.set_index(["level", "model"])["mase"]
    won = [level(n) for n in names if rows[n, challenger] < rows[n, published]]
    ahead = f"erred less so far for the {words.listing(won)}" if won else "erred less nowhere"
    return f"The boosted challenger {ahead}{', which may be chance' if won else ''}"


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
    _share(coverage)
    held = [
        f"{words.percent(_share(part), 0)} of weeks fell inside the "
        f"{words.percent(float(nominal), 0)} intervals"
        for nominal, part in coverage.groupby("nominal", sort=False)
    ]
    return words.listing(held)


def few_weeks(coverage: pd.DataFrame) -> str:
    """Say how sure the coverage of the total is, which has few weeks to show it."""
    whole = _of_total(coverage)
    if whole.empty:
        return "Too few forecasts have come to their end for the total's intervals to be judged."
    verdict = (
        "which is no evidence against them"
        if _held(coverage)
        else "fewer than promised: keep more slack for the total than the band shows"
        if _short(whole).any()
        else "more than promised"
    )
    return (
        f"The total alone, over {words.count(int(whole['weeks'].iloc[0]), 'week')}: "
        f"{_rates(whole)}, {verdict}."
    )


def at_peaks(coverage: pd.DataFrame) -> str:
    """Say what the intervals held at peaks, and of how few weeks and series that is known."""
    known = coverage[(coverage["n"] > 0) & ~coverage["level"].str.endswith(SPARSE_CLASS)]
    what = "At peaks (weeks forecast a third or more above the past year's mean)"
    if known.empty:
        return f"{what} the intervals cannot be judged: no such week has come true yet."
    told = [
        f"{_rates(part)} for {_of_level(str(name))}, in "
        f"{words.count(int(part['weeks'].iloc[0]), 'week')} of "
        f"{words.number(int(part['series'].iloc[0]))} series"
        for name, part in known.groupby("level", sort=False)
    ]
    short = [_interval_of(row) for _, row in known[_short(known)].iterrows()]
    verdict = (
        f"Too narrow at peaks: {words.listing(short)}."
        if short
        else "None is significantly less than promised, as far as so many weeks can tell."
    )
    return f"{what} the intervals held {'; '.join(told)}. {verdict}"


def sums_held(sums: pd.DataFrame) -> tuple[bool | None, str]:
    """Say whether sums over the horizon held what was promised; None where horizons are too few."""
    known = sums[(sums["n"] > 0) & ~sums["level"].str.endswith(SPARSE_CLASS)]
    known, short = known[known["nominal"] == sums["nominal"].max()], sums[_short(sums)]
    if known.empty:
        return None, "Too few forecasts of sums have come to their end for them to be judged."
    told = [
        f"{words.percent(row['realised'], 0)} ({words.interval(row['low'], row['high'], 0)}) for "
        f"{_of_level(str(row['level']))}"
        for _, row in known.iterrows()
    ]
    unsure = [_of_level(str(name)) for name in known.loc[known["verdict"] == TOO_FEW, "level"]]
    narrow = [_interval_of(row) for _, row in short.iterrows()]
    return False if narrow else None if unsure else True, (
        f"Of sums over the horizon, the {words.percent(sums['nominal'].max(), 0)} intervals held "
        f"{words.listing(told)}. Such sums overlap: end to end they fill "
        f"{words.number(known['horizons'].max(), 1)} horizons"
        f"{f', too few to tell for {words.listing(unsure)}' if unsure else ''}."
        f"{f' Too narrow: {words.listing(narrow)}.' if narrow else ''}"
    )


def _rates(rows: pd.DataFrame) -> str:
    """Return what each interval of a level held, for what it promises."""
    held = [
        f"{words.percent(row['realised'], 0)} for {words.percent(row['nominal'], 0)} "
        f"({words.interval(row['low'], row['high'], 0)})"
        for _, row in rows.iterrows()
    ]
    return words.listing(held)


def _of_total(coverage: pd.DataFrame) -> pd.DataFrame:
    """Return the coverage of the total, be it sold regularly or now and then."""
    total = coverage["level"].str.partition(",")[0] == "total"
    return coverage[total & (coverage["n"] > 0)]


def _share(part: pd.DataFrame) -> float:
    """Return the share of forecasts inside their interval; NotApplicable where none is judged."""
    known = part[part["n"] > 0]
    if known.empty:
        raise NotApplicable(_UNJUDGED)
    return float((known["realised"] * known["n"]).sum() / known["n"].sum())


def coverage_finding(coverage: pd.DataFrame) -> Fields:
    """Return the realised coverage of the widest intervals; where one is short, of the shortest.

    A decision is asked for only where a level's interval significantly holds less than it
    promises; the sentence then names that level and that interval.
    """
    nominal = float(coverage["nominal"].max())
    found: Fields = {
        "key": "coverage",
        "sentence": f"of past weeks fell inside their {words.percent(nominal, 0)} interval",
        "value": _share(coverage[coverage["nominal"] == nominal]),
        "unit": words.PERCENT,
        "n": int(coverage.loc[coverage["nominal"] == nominal, "weeks"].sum()),
        "noun": "held-out series-week",
        "detail": "a week of the total, a department or a category, forecast several weeks before",
        "alert": False,
        "decimals": 1,
    }
    short = coverage[_short(coverage)].sort_values("gap", kind="stable")
    if short.empty:
        return found
    worst = short.iloc[0]
    promised, name = words.percent(float(worst["nominal"]), 0), _of_level(str(worst["level"]))
    others = words.listing([_interval_of(row) for _, row in short.iloc[1:].iterrows()])
    return {
        **found,
        "sentence": f"of past weeks fell inside the {promised} interval for {name}",
        "value": float(worst["realised"]), "low": float(worst["low"]), "high": float(worst["high"]),
        "n": int(worst["weeks"]), "alert": True,
        "otherwise": f"stock and staff for {name} are planned on intervals that are too narrow",
        "detail": f"too narrow as well: {others}" if others else None,
    }  # fmt: skip


def _of_level(name: str) -> str:
    return f"{'the ' if name.startswith('total') else ''}{level(name)}"


def _interval_of(row: pd.Series) -> str:
    """Return which interval of which level a row of the coverage is on, and its rate."""
    return (
        f"{words.percent(row['nominal'], 0)} for {_of_level(str(row['level']))} "
        f"({words.percent(row['realised'], 1)})"
    )


def broken(coverage: pd.DataFrame) -> list[str]:
    """Return the levels whose coverage is not the nominal one, of any interval.

    A level holds where the nominal rate lies within the coverage's interval. Counts of series
    that sell now and then are covered more than promised by their nature: only less breaks it.
    """
    judged = coverage[coverage["n"] > 0]
    short = _short(judged)
    wide = (judged["low"] > judged["nominal"]) & ~judged["level"].str.endswith(SPARSE_CLASS)
    return [str(name) for name in dict.fromkeys(judged.loc[short | wide, "level"])]


def _short(coverage: pd.DataFrame) -> pd.Series:
    """Tell of each interval whether it holds less than it promises; one too wide costs no sale."""
    return (coverage["n"] > 0) & (coverage["high"] < coverage["nominal"])


def _held(coverage: pd.DataFrame) -> bool | None:
    """Tell whether the total's coverage agrees with what was promised; None where unknown."""
    whole = _of_total(coverage)
    if whole.empty:
        return None
    return bool(((whole["low"] <= whole["nominal"]) & (whole["nominal"] <= whole["high"])).all())


def _beats(found: Outlook) -> tuple[bool | None, str]:
    """Say whether the total is forecast better than by the best simple forecast."""
    try:
        row = _whole(found)
    except NotApplicable as reason:
        return None, _sentence(reason)
    less = f"{words.percent(abs(row['gain']), 0)} {'less' if row['gain'] >= 0 else 'more'} error"
    past = f"{row['origins']} overlapping past forecasts"
    if not math.isfinite(row["p"]):
        return None, f"{less} at the total over {past}: too few to tell that from luck."
    p = f"= {words.number(row['p'], 3)}" if row["p"] >= 0.0005 else "< 0.001"
    text = f"{less} at the total, p {p} over {past} (Diebold-Mariano), refitted at each, "
    text += f"{_against(found)}."
    return row["verdict"] == "better", text


def _holds(coverage: pd.DataFrame, peaks: pd.DataFrame) -> tuple[bool | None, str]:
    """Say whether the widest intervals hold what they promise, at peaks too."""
    widest = coverage[coverage["nominal"] == coverage["nominal"].max()]
    try:
        share = _share(widest)
    except NotApplicable as reason:
        return None, _sentence(reason)
    nominal = float(widest["nominal"].iloc[0])
    failed, narrow = broken(coverage), bool(_short(peaks).any())
    said = " ".join(_differing(coverage, name) for name in failed)
    said = said or "The nominal rates lie within the coverage's interval at every level."
    return (
        not failed and not narrow,
        f"{words.percent(share, 1)} of held-out weeks inside the {words.percent(nominal, 0)} "
        f"intervals, each calibrated on what was known before. {said} {few_weeks(coverage)}"
        f"{f' {at_peaks(peaks)}' if narrow else ''}",
    )


def _differing(coverage: pd.DataFrame, name: str) -> str:
    """Say which way the coverage of a level differs from what was promised."""
    rows = coverage[coverage["level"] == name]
    short, wide = rows[_short(rows)], rows[rows["low"] > rows["nominal"]]
    way, which = ("more", wide) if short.empty else ("less", short)
    rates = words.listing([words.percent(nominal, 0) for nominal in which["nominal"]])
    return f"The {rates} intervals of {level(name)} hold significantly {way} than promised."


def _sentence(reason: NotApplicable) -> str:
    text = str(reason)
    return text[:1].upper() + text[1:]


def _last_time(scored: Scored | None) -> tuple[bool | None, str]:
    """Say whether the last forecast's errors were the usual ones."""
    if scored is None:
        return None, "None of the weeks that the last run forecast has passed yet."
    return None if scored.replayed else not scored.drifted, replay_note(scored)


def trust(found: Outlook, scored: Scored | None, wanted: int, *, late: str = "") -> list[TrustLine]:
    """Return how far to trust the forecast; ``late`` says that the data end before it begins."""
    lines: list[TrustLine] = [("Up to date", False, late)] if late else []
    return [
        *lines,
        ("Better than a simple forecast", *_beats(found)),
        ("Intervals", *_holds(found.coverage, found.at_peaks)),
        ("Intervals of sums", *sums_held(found.of_sums)),
        ("Adds up", adds_up(found).startswith("Categories"), "Every level sums to the next."),
        ("Last time", *_last_time(scored)),
        ("Yearly season", found.plan.season >= wanted or None,
         "Known to the models." if found.plan.season >= wanted
         else "Not known to the models: less than a year of history before the first test. Expect "
         "the holidays and the turn of the year to surprise this forecast."),
    ]  # fmt: skip
