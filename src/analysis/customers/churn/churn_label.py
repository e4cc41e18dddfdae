"""Who counts as lost: silent for longer than the customer's own rhythm explains.

No customer of a shop without contracts ever says goodbye. A customer is called churned who stays
silent over a period in which, by the distribution of the customer's own gaps, hardly anybody who is
still a customer would. That chance is known for every customer, and so is the share that would be
called churned in a shop that loses nobody: labels that are no more frequent than that show nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.customers.retention import inactivity
from analysis.errors import NotApplicable
from analysis.stats.types import Floats

if TYPE_CHECKING:
    from analysis.customers.lifetime.snapshots import Snapshot

#: Why a customer is not labelled, in the order in which the reasons are looked at.
TOO_FEW = "fewer than three purchases"
LAPSED = "overdue at the cut-off already"
SLOW = "comes too seldom for the period to tell"


@dataclass(frozen=True)
class LabelRules:
    """When silence is called churn.

    Parameters
    ----------
    lapsed
        Who is silent at the cut-off for longer than all but this share of own gaps is lost already
        and not asked about.
    told
        Only customers are labelled of whom, were nobody lost, at most this share would be silent
        over the period.
    """

    lapsed: float = 0.02
    told: float = 0.20


@dataclass(frozen=True)
class ChurnLabels:
    """Who churned after a snapshot, and who can be asked.

    Parameters
    ----------
    customers
        By row of the snapshot: customer_id, reason (empty where labelled), without_losses (chance
        of the label were nobody lost), churned (False where not labelled or not yet known).
    share, expected
        Share of the labelled who churned, and the share a shop without losses would show.
    """

    customers: pd.DataFrame
    share: float
    expected: float

    @property
    def asked(self) -> NDArray[np.bool_]:
        """Who is labelled."""
        return (self.customers["reason"] == "").to_numpy()

    def counts(self) -> pd.DataFrame:
        """Return how many customers are labelled, and how many are not and why."""
        reasons = self.customers["reason"].replace("", "labelled")
        order = ["labelled", TOO_FEW, LAPSED, SLOW]
        counts = reasons.value_counts().reindex(order, fill_value=0)
        return pd.DataFrame({"reason": order, "customers": counts.to_numpy()})


def labels(snapshot: Snapshot, *, days: int, rules: LabelRules | None = None) -> ChurnLabels:
    """Return who churned after ``snapshot``, by each customer's own rhythm.

    Parameters
    ----------
    snapshot
        Customers at a cut-off; without outcomes, nobody is churned yet and ``share`` is NaN.
    days
        Length of the period after the cut-off.
    rules
        When silence is called churn.

    Raises
    ------
    NotApplicable
        If fewer than thirty customers bought on two days, or fewer than a hundred can be labelled.
    """
    rules = rules or LabelRules()
    frame = snapshot.customers
    pace = inactivity.fit(gaps_in_days(frame))
    chance, overdue = without_losses(pace, frame, days=days, gap_days=snapshot.gap_days)
    reason = np.select(
        [frame["repeats"] < 2, overdue < rules.lapsed, chance > rules.told],
        [TOO_FEW, LAPSED, SLOW],
        default="",
    )
    asked = reason == ""
    if asked.sum() < 100:
        raise NotApplicable(
            f"Churn cannot be told on {snapshot.known.end}: of {len(frame):,} customers only "
            f"{int(asked.sum())} come often enough for a silence of {days} days to mean anything, "
            "fewer than 100."
        )
    known = "silent" in frame
    churned = asked & frame["silent"].to_numpy() if known else np.zeros(len(frame), bool)
    table = pd.DataFrame(
        {
            "customer_id": frame["customer_id"].to_numpy(),
            "reason": reason,
            "without_losses": chance,
            "churned": churned,
        }
    )
    share = float(churned[asked].mean()) if known else float("nan")
    return ChurnLabels(table, share, float(chance[asked].mean()))


def gaps_in_days(frame: pd.DataFrame) -> pd.DataFrame:
    """Return gaps, gap_sum and log_gaps in days, as the distribution of gaps wants them."""
    return pd.DataFrame(
        {
            "gaps": frame["repeats"],
            "gap_sum": 7 * frame["recency"],
            "log_gaps": frame["log_gaps"] + frame["repeats"] * np.log(7),
        }
    )


def without_losses(
    pace: inactivity.Pace, frame: pd.DataFrame, *, days: int, gap_days: int
) -> tuple[Floats, Floats]:
    """Return the chance of the label for somebody who is not lost, and how unusual silence is now.

    Silent over the period is who does not come until its end, or who comes within the gap, of which
    nothing is counted, and not again; the latter is reckoned as if at the middle of the gap.

    Returns
    -------
    tuple of arrays
        P(silent from the gap to the end | not lost, silence so far); P(a gap longer than now).
    """
    known = gaps_in_days(frame)
    gaps, total = known["gaps"], known["gap_sum"]
    now = pace.longer(frame["silence_days"], gaps, total)
    end = pace.longer(frame["silence_days"] + days, gaps, total) / np.maximum(now, 1e-12)
    stays = pace.longer(frame["silence_days"] + gap_days, gaps, total) / np.maximum(now, 1e-12)
    again = pace.longer(np.full(len(frame), days - gap_days / 2), gaps, total)
    return np.asarray(end + (1 - stays) * again), now
