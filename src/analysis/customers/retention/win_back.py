"""What contacting silent customers brought back, and how far that can be believed."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from analysis.customers.features.contact_history import CONTROL, sent_messages
from analysis.customers.retention.lifecycle import SILENT
from analysis.errors import NotApplicable
from analysis.stats.multiplicity import normal_quantile
from analysis.stats.proportions import newcombe
from analysis.stats.sizes import FEWEST_FOLLOWED
from analysis.tables.periods import Period

if TYPE_CHECKING:
    from analysis.customers.retention.lifecycle import Stages
    from analysis.tables.engine import Tables

_MOSTLY = 0.5


def brought_back(
    tables: Tables,
    snapshot: Stages,
    *,
    contact_days: int = 28,
    return_days: int = 56,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Compare silent customers who were contacted with those who were not.

    Parameters
    ----------
    tables
        A study's tables.
    snapshot
        Stages on a day at least ``contact_days + return_days`` days before the last of the data.
    contact_days, return_days
        Only customers who stay silent for ``contact_days`` after the snapshot are compared, so
        that nobody is contacted after having come back: contacted if a message went out in these
        days, back if there is a purchase in the ``return_days`` after them (a landmark analysis:
        Anderson, Cain and Gelber 1983, Journal of Clinical Oncology 1, 710-719).

    Returns
    -------
    pandas.DataFrame
        stage, contacted and not_contacted (customers), returned_contacted, returned_not (shares),
        difference, low, high (Newcombe), randomised (always False here: who was contacted was
        chosen, so the difference is no effect).

    Raises
    ------
    NotApplicable
        If nobody silent was contacted.
    """
    people = _followed(tables, snapshot, contact_days, return_days)
    if not people["contacted"].any():
        raise NotApplicable("Nobody silent was contacted in the days looked at.")
    rows = []
    for stage in SILENT:
        part = people[people["stage"] == stage]
        yes, no = part[part["contacted"]], part[~part["contacted"]]
        back = (int(yes["returned"].sum()), int(no["returned"].sum()))
        difference = difference_of_shares(back[0], len(yes), back[1], len(no), confidence)
        shares = [b / n if n else np.nan for b, n in zip(back, (len(yes), len(no)), strict=True)]
        rows.append((stage, len(yes), len(no), *shares, *difference, False))
    columns = ["stage", "contacted", "not_contacted", "returned_contacted", "returned_not"]
    return pd.DataFrame(rows, columns=[*columns, "difference", "low", "high", "randomised"])


def drawn_by_lot(
    tables: Tables,
    *,
    as_of: date,
    silent_days: int = 60,
    return_days: int = 56,
    fewest: int = FEWEST_FOLLOWED,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Measure what randomised win-back offers brought back, promotion by promotion.

    A promotion is a win-back where at least half of those drawn for it were silent.

    Parameters
    ----------
    tables
        A study's tables; needs assignments.
    as_of
        The first day not looked at; who was assigned less than ``return_days`` before is left out.
    silent_days
        Only customers who had bought before, but not in so many days before being assigned.
    return_days
        Came back: a purchase within so many days of being assigned.
    fewest
        Arms with fewer such customers are left out.
    confidence
        Coverage of all intervals together (Bonferroni), so that the best may be pointed at.

    Returns
    -------
    pandas.DataFrame
        promotion_id, arm (any but control), customers, control, returned, returned_control
        (shares), difference, low, high (Newcombe): an effect, for the arms were drawn.

    Raises
    ------
    NotApplicable
        If no promotion drew its arms at random among silent customers.
    """
    pairs = _against_control(_by_arm(tables, as_of, silent_days, return_days).to_pandas(), fewest)
    if not pairs:
        raise NotApplicable("No offer to silent customers was randomised, so none was measured.")
    each = 1 - (1 - confidence) / len(pairs)
    rows = [
        (
            *(promotion, arm, of, among, back / of, others / among),
            *difference_of_shares(back, of, others, among, each),
        )
        for promotion, arm, of, back, among, others in pairs
    ]
    names = ["promotion_id", "arm", "customers", "control", "returned", "returned_control"]
    return pd.DataFrame(rows, columns=[*names, "difference", "low", "high"])


def _against_control(
    counts: pd.DataFrame, fewest: int
) -> list[tuple[str, str, int, int, int, int]]:
    """Return promotion, arm, its customers and returns, control's customers and returns."""
    found = []
    for promotion, arms in counts.groupby("promotion_id"):
        if arms["customers"].sum() < _MOSTLY * arms["drawn"].sum():
            continue
        control = arms[arms["arm"] == CONTROL]
        for arm in arms[arms["arm"] != CONTROL].sort_values("arm").to_dict("records"):
            if control.empty or min(arm["customers"], control["customers"].iloc[0]) < fewest:
                continue
            among, others = (int(control[c].iloc[0]) for c in ("customers", "returned"))
            mine = (int(arm["customers"]), int(arm["returned"]))
            found.append((str(promotion), str(arm["arm"]), *mine, among, others))
    return found


def _by_arm(tables: Tables, as_of: date, silent_days: int, return_days: int) -> ibis.Table:
    """Return those drawn, the silent among them and who came back, by promotion and arm."""
    arms = tables.assignments
    last = ibis.timestamp((as_of - timedelta(days=return_days)).isoformat())
    arms = arms.filter(arms.randomised, arms.assigned_at < last)
    arms = arms.mutate(drawn_on=arms.assigned_at.date())
    lines = tables.order_lines
    bought = lines.filter(lines.customer_id.notnull(), lines.quantity >= 0)
    days = bought.select("customer_id", ordered_on=bought.ordered_at.date()).distinct()
    days = days.filter(days.ordered_on < ibis.date(as_of.isoformat()))
    both = arms.join(days, "customer_id")
    since = both.ordered_on.delta(both.drawn_on, unit="day").cast("int64")
    both = both.mutate(since=since)
    people = both.group_by("promotion_id", "arm", "customer_id").agg(
        last=both.since.max(where=both.since < 0),
        back=both.count(where=(both.since >= 0) & (both.since < return_days)),
    )
    silent = people["last"] < -silent_days
    return people.group_by("promotion_id", "arm").agg(
        drawn=people.count(),
        customers=people.count(where=silent),
        returned=people.count(where=silent & (people.back > 0)),
    )


def difference_of_shares(
    x1: int, n1: int, x2: int, n2: int, confidence: float
) -> tuple[float, float, float]:
    """Return the difference of two shares with Newcombe's interval (1998, method 10)."""
    if not n1 or not n2:
        return np.nan, np.nan, np.nan
    difference, low, high = newcombe(x1, n1, x2, n2, z=normal_quantile(confidence))
    return float(difference), float(low), float(high)


def detectable_difference(row: pd.Series) -> float:
    """Return the difference that two arms of this size would show with a power of 80 %.

    Two-sided test of two shares at 5 %, by the pooled share (Fleiss, Levin, Paik 2003, Statistical
    Methods for Rates and Proportions, section 4.2, without their correction for continuity).

    Parameters
    ----------
    row
        Of ``brought_back``.
    """
    one, other = float(row["contacted"]), float(row["not_contacted"])
    back = one * row["returned_contacted"] + other * row["returned_not"]
    pooled = back / (one + other)
    error = np.sqrt(pooled * (1 - pooled) * (1 / one + 1 / other))
    return float((normal_quantile(0.95) + normal_quantile(0.60)) * error)


def _followed(tables: Tables, found: Stages, contact_days: int, return_days: int) -> pd.DataFrame:
    """Return silent customers of a snapshot: stage, contacted, returned."""
    from analysis.customers.features.purchase_gaps import purchase_days

    silent = found.table.loc[found.table["stage"].isin(SILENT), ["customer_id", "stage"]]
    reach = Period(found.as_of, found.as_of + timedelta(days=contact_days))
    landmark = reach.end
    after = Period(landmark, landmark + timedelta(days=return_days))
    contacted = sent_messages(tables, reach).select("customer_id").distinct().to_pandas()
    bought = purchase_days(tables, after).select("customer_id").distinct().to_pandas()
    meanwhile = purchase_days(tables, reach).select("customer_id").distinct().to_pandas()
    silent = silent[~silent["customer_id"].isin(meanwhile["customer_id"])]
    return silent.assign(
        contacted=silent["customer_id"].isin(contacted["customer_id"]),
        returned=silent["customer_id"].isin(bought["customer_id"]),
    )
