"""NPS, CSAT, effort and rating, over time and by group, many looks accounted for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.engagement.feedback.response_rates import BANDS, BY_ORDERS, band
from analysis.engagement.feedback.survey_rows import SCALES, Surveys, promoted
from analysis.errors import NotApplicable
from analysis.stats.multiplicity import normal_quantile, q_values, two_sided_p
from analysis.stats.net_promoter import clustered_mean, clustered_slope, net_promoter, repeats
from analysis.stats.proportions import wilson_interval
from analysis.stats.sizes import too_small
from analysis.stats.types import Floats, Integers

#: What each kind's headline is.
MEASURES = {"nps": "NPS", "csat": "CSAT", "ces": "CES", "review": "rating"}


@dataclass(frozen=True)
class Scores:
    """Scores of a period.

    Parameters
    ----------
    summary
        By kind and measure: answers, customers, value, low, high. NPS and the share satisfied
        (one of the two highest scores) are fractions, means are on the scale.
    spread
        By kind and score: answers and their share.
    groups
        By kind, by what and which: answers, value, low, high, difference to all others, its low
        and high, p and q; value is the NPS or the mean. Groups under the least size are withheld.
    withheld
        By kind and by what: groups and answers withheld for being too few.
    trend
        By kind: the change in a quarter (91 days) with its interval and p.
    """

    summary: pd.DataFrame
    spread: pd.DataFrame
    groups: pd.DataFrame
    withheld: pd.DataFrame
    trend: pd.DataFrame

    def of(self, kind: str, measure: str) -> pd.Series:
        """Return a line of the summary; NotApplicable where there is none."""
        rows = self.summary[(self.summary["kind"] == kind) & (self.summary["measure"] == measure)]
        if rows.empty:
            raise NotApplicable(f"There is no {measure} to show.")
        return rows.iloc[0]


def score(surveys: Surveys, *, fewest: int, confidence: float = 0.95) -> Scores:
    """Return the scores, over all and by group.

    Parameters
    ----------
    surveys
        Answers of a period.
    fewest
        Answers, and customers, below which a group is withheld.
    confidence
        Coverage of the intervals.

    Raises
    ------
    NotApplicable
        If no kind has ``fewest`` answers that can be read.
    """
    kinds = {kind: rows for kind, rows in _answers(surveys) if len(rows) >= fewest}
    if not kinds:
        reasons = " ".join(surveys.refused.values())
        raise NotApplicable(
            f"No kind of score has {fewest} answers that can be read from {surveys.period}. "
            f"{reasons}".strip()
        )
    looks = [_by_groups(rows, kind, fewest, confidence) for kind, rows in kinds.items()]
    groups = pd.concat([shown for shown, _ in looks], ignore_index=True)
    return Scores(
        summary=pd.concat(
            [_summary(r, k, confidence) for k, r in kinds.items()], ignore_index=True
        ),
        spread=pd.concat([_spread(r, k) for k, r in kinds.items()], ignore_index=True),
        groups=groups.assign(q=q_values(groups["p"].to_numpy("float64"))),
        withheld=pd.concat([few for _, few in looks], ignore_index=True),
        trend=pd.DataFrame([_trend(r, k, confidence) for k, r in kinds.items()]),
    )


def _answers(surveys: Surveys) -> Iterator[tuple[str, pd.DataFrame]]:
    for kind in SCALES:
        if kind not in surveys.refused:
            rows = surveys.rows[(surveys.rows["kind"] == kind) & surveys.rows["answered"]]
            yield kind, rows.reset_index(drop=True)


def values_of(rows: pd.DataFrame, kind: str) -> Floats:
    """Return what is averaged: 1, 0, -1 for NPS, else the score."""
    return promoted(rows["score"]) if kind == "nps" else rows["score"].to_numpy("float64")


def _summary(rows: pd.DataFrame, kind: str, confidence: float) -> pd.DataFrame:
    values, who = values_of(rows, kind), rows["customer"].to_numpy()
    lines = [_line(kind, MEASURES[kind], *_estimate(values, who, kind, confidence)[:3])]
    if kind != "nps":
        top = (rows["score"] >= rows["high"] - 1).to_numpy("float64")
        n = len(top) / repeats(top, who)
        low, high = wilson_interval(top.mean() * n, n, confidence=confidence)
        lines.append(_line(kind, "share of the two highest", top.mean(), low[0], high[0]))
    return pd.DataFrame(lines).assign(answers=len(rows), customers=len(np.unique(who)))


def _line(kind: str, measure: str, value: float, low: float, high: float) -> dict[str, object]:
    return {"kind": kind, "measure": measure, "value": value, "low": low, "high": high}


def _estimate(
    values: Floats, who: Integers, kind: str, confidence: float
) -> tuple[float, float, float, float]:
    """Return value, ends of the interval and standard error."""
    if kind == "nps":
        counts = [(values == v).sum() for v in (1, 0, -1)]
        net = net_promoter(*counts, confidence=confidence, inflation=repeats(values, who))
        return float(net.value[0]), float(net.low[0]), float(net.high[0]), float(net.error[0])
    mean = clustered_mean(values, who, confidence=confidence)
    return mean.value, mean.low, mean.high, mean.error


def _spread(rows: pd.DataFrame, kind: str) -> pd.DataFrame:
    counted = rows["score"].value_counts().sort_index()
    shares = counted.to_numpy() / len(rows)
    return pd.DataFrame(
        {"kind": kind, "score": counted.index, "answers": counted.to_numpy(), "share": shares}
    )


def looks_at(rows: pd.DataFrame) -> dict[str, pd.Series]:
    """Return the groups of each answer, by what they are formed."""
    found = {"time": rows["wave"] if rows["wave"].notna().all() else rows["month"]}
    found[BY_ORDERS] = band(rows["orders_before"]).astype(str)
    columns = {n: n for n in ("channel", "region", "segment", "product")}
    for by, column in columns.items():
        if rows[column].notna().any():
            found[by] = rows[column]
    return found


def _by_groups(
    rows: pd.DataFrame, kind: str, fewest: int, confidence: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the groups that can be shown, and how many are withheld."""
    shown, withheld = [], []
    for by, groups in looks_at(rows).items():
        if by == "time":
            groups = _joined_periods(rows, groups, fewest)
        large, small = shown_and_withheld(rows.groupby(groups)["customer"].nunique(), fewest)
        for group in large:
            mine = (groups == group).to_numpy()
            shown.append({"kind": kind, "by": by, **_group(rows, mine, group, kind, confidence)})
        few = int(groups.isin(small).sum())
        if small:
            withheld.append({"kind": kind, "by": by, "groups": len(small), "answers": few})
    columns = ["kind", "by", "group", "answers", "value", "low", "high", "difference"]
    columns += ["difference_low", "difference_high", "p"]
    return (
        pd.DataFrame(shown, columns=columns).astype(dict.fromkeys(columns[4:], "float64")),
        pd.DataFrame(withheld, columns=["kind", "by", "groups", "answers"]),
    )


def _joined_periods(rows: pd.DataFrame, groups: pd.Series, fewest: int) -> pd.Series:
    """Return the periods, each with as many of the next ones as make it large enough to show."""
    sizes = rows.groupby(groups)["customer"].nunique().sort_index()
    blocks: list[list[str]] = []
    count = fewest
    for name, size in sizes.items():
        if count >= fewest:
            blocks.append([])
            count = 0
        blocks[-1].append(str(name))
        count += int(size)
    if count < fewest and len(blocks) > 1:
        last = blocks.pop()
        blocks[-1] += last
    labels = {
        name: block[0] if len(block) == 1 else f"{block[0]} to {block[-1]}"
        for block in blocks
        for name in block
    }
    return groups.map(labels)


def shown_and_withheld(sizes: pd.Series, fewest: int) -> tuple[list[str], list[str]]:
    """Return the groups that are large enough, and the others (see `sizes.too_small`)."""
    place = {name: i for i, name in enumerate(BANDS)}
    ordered = sorted(sizes.index, key=lambda name: (place.get(name, 0), str(name)))
    small = too_small(sizes.loc[ordered], fewest)
    return list(small.index[~small]), list(small.index[small])


def _group(
    rows: pd.DataFrame, mine: np.ndarray, group: object, kind: str, confidence: float
) -> dict[str, object]:
    values, who = values_of(rows, kind), rows["customer"].to_numpy()
    value, low, high, error = _estimate(values[mine], who[mine], kind, confidence)
    line = {"group": str(group), "answers": int(mine.sum()), "value": value, "low": low}
    line |= {"high": high}
    if mine.all():
        return line
    rest, _, _, rest_error = _estimate(values[~mine], who[~mine], kind, confidence)
    spread = float(np.hypot(error, rest_error))
    reach = (high - low) / 2 / error * spread if error > 0 else np.nan
    gap = value - rest
    p = float(two_sided_p(gap / spread)) if spread > 0 else np.nan
    edges = {"difference_low": gap - reach, "difference_high": gap + reach}
    return {**line, "difference": gap, **edges, "p": p}


def _trend(rows: pd.DataFrame, kind: str, confidence: float) -> dict[str, object]:
    """Return the slope of the score over time, in 91 days, with errors by customer."""
    x = rows["asked_on"].to_numpy("datetime64[D]").astype("float64") / 91
    slope, error = clustered_slope(x, values_of(rows, kind), rows["customer"])
    reach = normal_quantile(confidence) * error
    p = float(two_sided_p(slope / error)) if error > 0 else np.nan
    return {"kind": kind, "change": slope, "low": slope - reach, "high": slope + reach, "p": p}
