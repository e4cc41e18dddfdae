"""What the forecast says of the weeks ahead.

How levels and forecasts are called on a page.

What became of the last forecast.
"""

from __future__ import annotations

import math
from collections import Counter
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.demand.forecast.forecast import BOTTOM_UP, COHERENT
from analysis.demand.series.sales_series import merchandise
from analysis.reporting.notebook import words
from analysis.tables.periods import as_date

if TYPE_CHECKING:
    from analysis.demand.forecast.forecast import Outlook
    from analysis.demand.forecast.track_record import Scored
    from analysis.demand.series.sales_series import Series
    from analysis.tables.engine import Tables

#: Fields of a finding, as `Report.finding` takes them.
Fields = dict[str, Any]

#: Part of an interval's width by which its sides may differ where one number tells both.
_UNEVEN = 0.2

#: Times the usual level beyond which a forecast is remarked on.
_FAR = 1.5

#: Of a weekday closed more often than this, the number of days says more than their names.
NAMED_DAYS = 5

#: Why a forecast stands alone.
NO_INTERVAL = "no interval, for past forecasts show no error to draw one from"

#: Weekly sales from which charts are in thousands.
_THOUSAND = 1_000.0

#: Days of a period whose every day is a trading day.
_DAYS = {"day": 1, "week": 7, "month": 28}


def weeks_ahead(series: Series, horizon: int, as_of: date | str) -> str:
    """Return how the weeks forecast are called: by their date where the data end before them."""
    if not late(series, as_of):
        return f"the next {horizon} weeks"
    return f"the {horizon} weeks from {words.day(series.end)}"


def unit(series: Series, currency: str) -> tuple[str, float]:
    """Return label and scale of charts of the total: in thousands where it is that large."""
    thousand = abs(series.history("total", "Total")["value"]).max() >= _THOUSAND
    label = f"Net sales a week, {words.currency_sign(currency)}"
    return (f"{label} thousand", _THOUSAND) if thousand else (label, 1.0)


def late(series: Series, as_of: date | str) -> str:
    """Say that the data end too early for the weeks forecast to be those ahead; else nothing."""
    missing = (as_date(as_of) - series.end).days // 7
    if missing < 1:
        return ""
    return (
        f"The last whole week of data ended before {words.day(series.end)}, "
        f"{words.count(missing, 'week')} before {words.day(as_date(as_of))}: what is forecast are "
        "the weeks from then on, not those ahead."
    )


def title(totals: pd.DataFrame, weeks: str, currency: str) -> str:
    """Say what the horizon should bring, and how sure that is."""
    whole = totals.iloc[0]
    mean, reach = whole["mean"], (whole["high"] - whole["low"]) / 2
    said = f"{_capital(weeks)} should bring {words.money(mean, 0, currency)}"
    if not math.isfinite(reach):
        return f"{said}; how surely, past forecasts do not tell"
    uneven = abs(whole["high"] + whole["low"] - 2 * mean) > _UNEVEN * 2 * reach
    if reach > abs(mean) or uneven:
        low, high = (words.money(whole[end], 0, currency) for end in ("low", "high"))
        return f"{said}, or anything from {low} to {high}"
    return f"{said}, give or take {words.percent(reach / abs(mean) if mean else 0.0, 0)}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def total_finding(totals: pd.DataFrame, weeks: str, currency: str) -> Fields:
    """Return the forecast of the total over the horizon."""
    whole = totals.iloc[0]
    judged = math.isfinite(whole["low"])
    return {
        "key": "next_weeks", "sentence": f"net sales forecast for {weeks}", "value": whole["mean"],
        "low": whole["low"], "high": whole["high"], "unit": currency,
        "n": int(whole["n"]) if judged else None, "noun": "past sum", "direction": "up_good",
        "detail": _against(whole, weeks)
        + ("; past sums of departments count, too" if judged else f"; {NO_INTERVAL}"),
        "decimals": 0,
    }  # fmt: skip


def _against(whole: pd.Series, weeks: str) -> str:
    """Say how the sum compares with that of as many weeks before."""
    if not math.isfinite(whole["change"]):
        return f"{_before(weeks)} sold nothing net of returns"
    return f"{words.percent(whole['change'], 1, signed=True)} against {_before(weeks)}"


def _before(weeks: str) -> str:
    """Return what the weeks before are called: ``the last 8 weeks``, ``the 8 weeks before``."""
    if " from " in weeks:
        return f"{weeks.partition(' from ')[0]} before"
    return weeks.replace("next", "last")


def outlook(totals: pd.DataFrame, weeks: str) -> str:
    """Say where the total goes from here."""
    whole = totals.iloc[0]
    ahead, before = _capital(weeks), _before(weeks).removesuffix(" weeks")
    if not math.isfinite(whole["change"]):
        return f"{ahead}; {_against(whole, weeks)}"
    change = words.percent(whole["change"], 1, signed=True)
    if not math.isfinite(whole["change_low"]):
        return f"{ahead}: {change} against {before}; {NO_INTERVAL}"
    if whole["change_low"] <= 0 <= whole["change_high"]:
        ends = words.interval(whole["change_low"], whole["change_high"])
        return f"{ahead}: {change} against {before}, not significant ({ends})"
    way = "more than" if whole["change"] > 0 else "less than"
    return f"{ahead}: {way} {before} ({change})"


def bands(whole: pd.DataFrame) -> str:
    """Say what the bands around the total's forecast are, if there are any."""
    if whole["low_95"].isna().all():
        return f"No band: {NO_INTERVAL}."
    return "Bands: 80 % and 95 % of past errors at as many weeks ahead."


def fan_alt(whole: pd.DataFrame) -> str:
    """Describe the chart of the total's forecast."""
    around = "" if whole["low_95"].isna().all() else ", with a wide and a narrow band around it"
    return f"Line of weekly net sales and their forecast{around}."


def span(series: Series, as_of: date | str) -> str:
    """Say which weeks the data cover, and whether they are the latest."""
    weeks = words.count(len(series.periods), series.frequency)
    most = int(series.open_days.max())
    whole = words.number(int((series.open_days == most).sum()))
    first, last = words.day(series.periods[0]), words.day(series.end)
    often = (
        f"{whole} of them open on all days"
        if most >= _DAYS[series.frequency]
        else f"none of them open on more than {words.count(most, 'day')}"
    )
    text = f"{weeks} from {first} up to {last}, {often}"
    if series.cut:
        are = "is" if len(series.cut) == 1 else "are"
        text += f"; {words.number(len(series.cut))} more at the ends {are} covered in part, and cut"
    return f"{text}. {late(series, as_of)}".strip()


def season(found: Outlook, wanted: int) -> str:
    """Say what the length of the data allows."""
    frequency = found.series.frequency
    if found.plan.season >= wanted:
        return f"The models know the yearly season of {wanted} {frequency}s."
    return (
        f"The data are too short for the models to learn a yearly season of {wanted} "
        f"{frequency}s{_beside(found)}. What looks like a trend may be the time of the year."
    )


def _beside(found: Outlook) -> str:
    """Return what is known of the year before all the same; empty where nothing is."""
    if np.isnan(found.before).all():
        return ""
    return "; only the same weeks of the year before, as far as the data hold them, stand beside"


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


def no_merchandise(series: Series, tables: Tables) -> str:
    """Say which departments are in the sums only; nothing where there are none."""
    mine = series.at("department")
    left = mine.where(~merchandise(mine, tables))
    if left.keys.empty:
        return ""
    share = float(np.nansum(left.values) / np.nansum(mine.values))
    are = "is no merchandise" if len(left.keys) == 1 else "are no merchandise"
    return (
        f"{words.listing(list(left.keys['name']))} {are} ({words.percent(share, 1)} of net sales): "
        "in all sums, but in no finding and no call for action."
    )


def _called(totals: pd.DataFrame, name: str) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return a level's regular series, and those of them called for more and for less."""
    parts = totals[(totals["level"] == name) & (totals["kind"] == "regular")]
    return parts, parts[parts["call"] == "more"], parts[parts["call"] == "less"]


def departments(totals: pd.DataFrame) -> str:
    """Say which departments surely move: at 95 %, over all that were searched."""
    parts, up, down = _called(totals, "department")
    searched = words.count(len(parts), "department")
    if up.empty and down.empty:
        return f"{_none_of(len(parts), 'department')} sells significantly more or less than of late"
    told = [(up, "more"), (down, "less")]
    texts = [f"{way} in {words.listing(sorted(p['name'])[:3])}" for p, way in told if len(p)]
    others = len(up) + len(down) - sum(min(len(p), 3) for p, _ in told)
    rest = f" and {words.number(others)} others" if others else ""
    return f"Of {searched}, significantly (95 %) {', '.join(texts)}{rest}"


def moving(totals: pd.DataFrame) -> pd.DataFrame:
    """Return the categories that surely sell more or less than of late.

    Adds remark: how far the forecast is from the usual week of the whole history, where that is
    far; a season that is ending looks like that.
    """
    _, up, down = _called(totals, "department x category")
    found = totals[totals.index.isin([*up.index, *down.index])]
    found = found.sort_values(["mean", "name"], ascending=[False, True], ignore_index=True)
    times = found["mean"] / found["usual"].where(found["usual"] > 0)
    far = (times > _FAR) | (times < 1 / _FAR)
    remark = [
        f"{words.number(t, 1)} × its usual" if f else "" for t, f in zip(times, far, strict=True)
    ]
    return found.assign(remark=remark)


def categories(totals: pd.DataFrame) -> str:
    """Say how many categories need another order than of late."""
    parts, up, down = _called(totals, "department x category")
    if up.empty and down.empty:
        return f"{_none_of(len(parts), 'category', 'categories')} changes significantly"
    whole = words.number(len(parts))
    return f"Of {whole} categories {len(up)} will need more and {len(down)} less than of late"


def last_year(totals: pd.DataFrame) -> str:
    """Say what the same weeks took a year before, and what that withdraws."""
    whole = totals.iloc[0]
    if not math.isfinite(whole["year_before"]):
        return (
            "The data do not hold the same weeks of the year before: what the time of the year "
            "does to them is not known."
        )
    change = whole["mean"] / whole["year_before"] - 1 if whole["year_before"] > 0 else math.nan
    said = f"{words.percent(change, 1, signed=True)} against" if math.isfinite(change) else "beside"
    text = f"The forecast of the total is {said} the same weeks of the year before, which it uses."
    names = totals.loc[totals["call"] == "contradicted", "name"]
    if len(names):
        them = words.listing([str(n).rsplit(" / ", 1)[-1] for n in names[:3]])
        text += (
            f" {words.count(len(names), 'change')} that the models call sure went the other way "
            f"a year before and {'is' if len(names) == 1 else 'are'} not counted, as of {them}."
        )
    return text


def _none_of(searched: int, noun: str, nouns: str | None = None) -> str:
    """Return the subject of a sentence on none of what was searched."""
    if not searched:
        return f"No {noun} sells in most weeks, and none"
    if searched == 1:
        return f"No {noun}"
    return f"None of the {words.count(searched, noun, nouns)} that sell in most weeks"


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
    if not levels:
        return "What adding up costs is not known: no past forecast could be scored."
    texts = []
    for name in dict.fromkeys((levels[0], levels[-1])):
        part = found.scores[found.scores["level"] == name].set_index("model")["mase"]
        texts.append(
            f"for the {level(name)} MASE is {words.number(part['automatic'], 3)} before, "
            f"{words.number(part[BOTTOM_UP], 3)} bottom-up and "
            f"{words.number(part[COHERENT], 3)} reconciled"
        )
    return f"What adding up costs: {'; '.join(texts)}."


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


#: Bias that rounds to nothing.
_EXACT = 0.0005


def last_time(scored: Scored, currency: str) -> str:
    """Say how the last forecast did."""
    whole = scored.table.iloc[0]
    if not math.isfinite(whole["bias"]):
        said, came = (words.money(whole[name], 0, currency) for name in ("forecast", "actual"))
        return f"The last forecast of the total: {said}; {came} came"
    if abs(whole["bias"]) < _EXACT:
        verb = "would have been" if scored.replayed else "was"
        return f"The last forecast {verb} exact for the total"
    way = "too high" if whole["bias"] > 0 else "too low"
    verb = "would have been" if scored.replayed else "was"
    return f"The last forecast {verb} {words.percent(abs(whole['bias']), 1)} {way} for the total"


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
    detail = (
        f"errors larger than 95 % of those before, for {words.listing(worse)}"
        if worse
        else "errors as usual at every level"
        if scored.table["usual"].notna().all()
        else "no error before it to compare with"
    )
    if not math.isfinite(whole["bias"]):
        detail = f"no share, for net sales were not above zero; {detail}"
    return {
        "key": "last_forecast",
        "sentence": "the last forecast's total against what happened"
        + (" (replayed)" if scored.replayed else ""),
        "value": whole["bias"], "unit": words.PERCENT, "n": int(whole["periods"]), "noun": "week",
        "alert": scored.drifted and not scored.replayed,
        "otherwise": "the next weeks are planned on a forecast that errs more than it used to",
        "detail": detail, "decimals": 1,
    }  # fmt: skip
