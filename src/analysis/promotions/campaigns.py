"""All targeted campaigns of a study, one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from analysis.errors import NotApplicable
from analysis.promotions.campaign import MATCHED, NAIVE, WEIGHTED, Campaign, evaluate
from analysis.promotions.outcomes import CONTROL

if TYPE_CHECKING:
    import pandas as pd

    from analysis.promotions.outcomes import Spans
    from analysis.tables.engine import Tables


@dataclass(frozen=True)
class Campaigns:
    """Every targeted campaign, judged or not.

    Parameters
    ----------
    judged
        Those with an estimate, by promotion_id, the one sent to most customers first.
    table
        One row a campaign: promotion_id, name, customers (sent to), compared (targeted behind the
        estimate), outside (share of them without likeness), naive, estimate, low, high, p (doubly
        robust margin a targeted customer), matched (difference in differences), passed (no check
        found what is not there), gamma, e_value, e_value_limit, meanwhile (share of the targeted
        who were sent another promotion in the same days), reason (why there is no estimate).
    reason
        Why none was judged; empty if one was.
    """

    judged: Mapping[str, Campaign]
    table: pd.DataFrame
    reason: str

    def require(self) -> Campaign:
        """Return the campaign sent to most customers; NotApplicable if none could be judged."""
        if self.reason:
            raise NotApplicable(self.reason)
        return next(iter(self.judged.values()))

    def name(self, promotion_id: str) -> str:
        """Return what people call a campaign."""
        rows = self.table
        return str(rows.loc[rows["promotion_id"] == promotion_id, "name"].iloc[0])


def search(
    tables: Tables,
    spans: Spans,
    promotions: pd.DataFrame,
    *,
    confidence: float = 0.95,
    seed: int = 0,
) -> Campaigns:
    """Evaluate every campaign that was sent to chosen customers.

    Parameters
    ----------
    tables, spans, confidence, seed
        As in `campaign.evaluate`.
    promotions
        As `outcomes.overview`.
    """
    import pandas as pd

    sent = promotions[(promotions["customers"] > 0) & ~promotions["randomised"]]
    sent = sent.sort_values(["customers", "promotion_id"], ascending=[False, True])
    sizes = _sizes(tables) if len(sent) else {}
    judged, rows = {}, []
    for promotion in sent.to_dict("records"):
        key = promotion["promotion_id"]
        row = {c: promotion[c] for c in ("promotion_id", "name", "mechanic", "customers")}
        row |= {"starts_on": promotion["starts_on"], "reason": "", "customers": sizes.get(key, 0)}
        try:
            judged[key] = evaluate(tables, spans, key, confidence=confidence, seed=seed)
            row |= _summary(judged[key])
        except NotApplicable as reason:
            row["reason"] = str(reason)
        rows.append(row)
    table = pd.DataFrame(rows).reindex(columns=_COLUMNS)
    table["passed"] = table["passed"].astype("object")
    return Campaigns(judged, table, "" if judged else _none(rows))


_FACTS = ["promotion_id", "name", "mechanic", "starts_on", "customers", "compared", "outside"]
_FOUND = ["naive", "estimate", "low", "high", "p", "matched", "passed", "gamma"]
_COLUMNS = [*_FACTS, *_FOUND, "e_value", "e_value_limit", "meanwhile", "reason"]


def _sizes(tables: Tables) -> dict[str, int]:
    """Return the customers that each promotion was sent to, its control left out."""
    given = tables.assignments.filter(tables.assignments.arm != CONTROL)
    counts = given.group_by("promotion_id").agg(n=given.customer_id.nunique()).to_pandas()
    return dict(zip(counts["promotion_id"], counts["n"].astype(int), strict=True))


def _none(rows: list[dict[str, object]]) -> str:
    if not rows:
        return "No promotion was sent to customers whom somebody chose."
    return "No campaign could be compared with customers like its own."


def _summary(found: Campaign) -> dict[str, object]:
    by_method = found.estimates.set_index("method")
    people = found.audience.people
    treated = people[people["treated"]]
    weighted = by_method.loc[WEIGHTED]
    return {
        "compared": int(weighted["customers"]),
        "outside": found.overlap.outside,
        "naive": by_method.loc[NAIVE, "estimate"],
        **weighted[["estimate", "low", "high", "p"]].to_dict(),
        "matched": by_method["estimate"].get(MATCHED),
        "passed": found.believable,
        "gamma": found.gamma,
        "e_value": found.e_value,
        "e_value_limit": found.e_value_limit,
        "meanwhile": float((treated["meanwhile"] > 0).mean()),
    }
