"""What became of the last forecast."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from analysis.reporting import words
from analysis.reporting.readings.levels import level

if TYPE_CHECKING:
    from analysis.demand.kept import Scored

#: Bias that rounds to nothing.
_EXACT = 0.0005

#: Fields of a finding, as `Report.finding` takes them.
Fields = dict[str, Any]


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
        "value": whole["bias"],
        "unit": words.PERCENT,
        "n": int(whole["periods"]),
        "noun": "week",
        "alert": scored.drifted and not scored.replayed,
        "detail": detail,
        "decimals": 1,
    }
