"""What is looked at before any effect: a promotion that fails a blocking check gets no verdict.

Whether exposure fits the arms: assigned before the start, control left alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import numpy.typing as npt

from analysis.promotions.experiments.adjustment import usable
from analysis.promotions.outcomes.moments import Moments, pooled
from analysis.promotions.outcomes.outcomes import CONTROL

if TYPE_CHECKING:
    from analysis.tables.engine import Tables

#: More customers than this share exposed as nobody of their arm should be blocks the verdict.
MOST_EXPOSED = 0.01


@dataclass(frozen=True)
class Check:
    """One check of one promotion.

    Parameters
    ----------
    name, text
        What was looked at, and what was found, in words.
    ok
        It holds; None where the study cannot say.
    blocks
        It takes the verdict away where it fails.
    p
        Of the test behind it; NaN without one.
    """

    name: str
    text: str
    ok: bool | None
    blocks: bool = True
    p: float = float("nan")


def sample_ratio(
    counts: Mapping[str, int], *, planned: Mapping[str, float] | None = None, alpha: float = 0.001
) -> Check:
    """Test whether the arms have the sizes that randomisation would give them.

    Parameters
    ----------
    counts
        Customers by arm.
    planned
        Weights of the arms, of any sum; None for equal ones.
    alpha
        Below this p the log of assignments is not believed.

    Notes
    -----
    Pearson's chi-square. Fabijan et al. (2019), KDD '19: a mismatch of the sample ratio is the
    most frequent sign that whole customers are missing, and no estimate survives it.
    """
    seen, weights = _aligned(counts, planned)
    if len(seen) < 2:
        only = ", ".join(f"{arm} {n:,}" for arm, n in counts.items()) or "no customers"
        return Check("Sizes of the arms", f"{only}: one arm alone has no ratio to test", None)
    p = sample_ratio_p(seen, weights)
    parts = ", ".join(f"{arm} {n:,}" for arm, n in counts.items())
    ok = bool(p >= alpha)
    told = "as drawn" if ok else "not as drawn: customers are missing from the log"
    return Check("Sizes of the arms", f"{parts}: {told}", ok, p=float(p))


def _aligned(
    counts: Mapping[str, int], planned: Mapping[str, float] | None
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    arms = sorted(set(counts) | set(planned or {}))
    seen = np.array([counts.get(arm, 0) for arm in arms], dtype=float)
    weights = np.array([(planned or dict.fromkeys(arms, 1.0)).get(arm, 0.0) for arm in arms])
    return seen, weights


def sample_ratio_p(counts: npt.ArrayLike, weights: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return the p of the arms' sizes; last axis by arm.

    A customer in an arm that was never planned makes it zero.
    """
    from scipy.special import chdtrc

    seen, weights = np.asarray(counts, dtype=float), np.asarray(weights, dtype=float)
    expected = seen.sum(-1, keepdims=True) * weights / weights.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = np.where(expected > 0, (seen - expected) ** 2 / expected, np.inf * (seen > 0))
    parts = np.where((expected == 0) & (seen == 0), 0.0, parts)
    return np.asarray(chdtrc(np.sum(weights > 0) - 1, parts.sum(-1)))


def balance(
    arms: Mapping[str, Moments], covariates: Sequence[str], *, alpha: float = 0.001
) -> Check:
    """Test whether the arms were alike before the start, over all covariates at once.

    The sum over arms of the squared distances from the mean of all, in the covariates' spread
    (Hotelling-Lawley trace, chi-square for many customers). One test, so many covariates are no
    hunt for a difference.
    """
    used = usable(list(arms.values()), covariates, in_each=False).used
    if not used:
        return Check("Alike before", "nothing is known from before the start", None)
    p = balance_p(list(arms.values()), used)
    ok = bool(p >= alpha)
    text = "arms bought alike before the start" if ok else "arms differed before the start"
    return Check("Alike before", text, ok, p=float(p))


def balance_p(arms: Sequence[Moments], covariates: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return the p of `balance`; leading axes of the moments are experiments side by side.

    Zero where a covariate, or a sum of some, is the same within every arm but not over all: such
    arms are certainly not alike.
    """
    from scipy.special import chdtrc

    everybody = pooled(arms)
    x = everybody.at(covariates)
    within = (
        sum(m.covariance[..., x, :][..., :, x] * (m.n - 1)[..., None, None] for m in arms)
        / (everybody.n - len(arms))[..., None, None]
    )
    total = np.zeros(np.shape(everybody.n))
    for arm in arms:
        away = arm.mean[..., x] - everybody.mean[..., x]
        try:
            solved = np.linalg.solve(within, away[..., None])[..., 0]
        except np.linalg.LinAlgError:
            return np.zeros(np.shape(everybody.n))
        total = total + arm.n * np.sum(away * solved, -1)
    return np.asarray(chdtrc(len(x) * (len(arms) - 1), total))


def order_of_events(found: Exposure) -> Check:
    """Check that everybody was assigned before the promotion could reach them."""
    ok = found.late <= MOST_EXPOSED * found.customers
    text = (
        "everybody was assigned before the first day"
        if not found.late
        else f"{found.late:,} of {found.customers:,} were assigned when it had begun"
    )
    return Check("Assigned before the start", text, ok)


def contamination(found: Exposure) -> Check:
    """Check that arms are apart: nobody in two, nobody of control reached by the promotion."""
    spoiled = found.twice + found.control_reached
    ok = spoiled <= MOST_EXPOSED * found.customers
    parts = [
        f"{found.control_reached:,} of {found.control:,} in control were reached by it"
        if found.control_reached
        else "nobody in control was reached by it",
        f"{found.twice:,} are in two arms" if found.twice else "nobody is in two arms",
    ]
    if found.elsewhere:
        parts.append(f"{found.elsewhere:,} were in another promotion that chose its customers")
    return Check("Arms kept apart", "; ".join(parts), ok)


def strength(smallest: float, baseline: float, worth_finding: float) -> Check:
    """Say whether the promotion was large enough to see what is worth finding.

    Parameters
    ----------
    smallest
        Smallest difference it would have seen with the power planned for.
    baseline
        Control's figure.
    worth_finding
        Smallest relative change that matters.

    Notes
    -----
    It never takes away an effect that was seen; it decides whether not seeing one means anything.
    """
    relative = smallest / abs(baseline) if baseline else float("inf")
    ok = bool(relative <= worth_finding)
    text = (
        f"it would have seen a change of {100 * relative:.0f} %"
        if np.isfinite(relative)
        else "control has nothing to compare a change with"
    )
    return Check("Large enough", text, ok, blocks=False)


def blocked_by(checks: Sequence[Check]) -> list[Check]:
    """Return the failed checks that take the verdict away."""
    return [check for check in checks if check.blocks and check.ok is False]


@dataclass(frozen=True)
class Exposure:
    """Customers of one promotion whose exposure does not fit their arm.

    Parameters
    ----------
    customers
        Assigned.
    late
        Assigned after 00:00 of the first day, or after being contacted for it. A log that knows
        days only gives 00:00, which is before the promotion could reach anybody.
    control_reached
        Of control: contacted for it, or redeemed it.
    control
        Customers in control.
    twice
        In more than one arm.
    elsewhere
        At the same time in another promotion that chose its customers.
    """

    customers: int
    late: int
    control_reached: int
    control: int
    twice: int
    elsewhere: int


def count(tables: Tables) -> dict[str, Exposure]:
    """Count, promotion by promotion, whose exposure does not fit their arm."""
    given = tables.assignments.left_join(
        tables.promotions.select("promotion_id", "starts_on", "ends_on"), "promotion_id"
    ).drop("promotion_id_right")
    reached = _reached(tables)
    rows = given.left_join(reached, ["promotion_id", "customer_id"])
    rows = rows.drop("promotion_id_right", "customer_id_right")
    late = (rows.assigned_at > rows.starts_on.cast("timestamp")) | (
        rows.contacted_at < rows.assigned_at
    )
    control = rows.arm == CONTROL
    counted = rows.group_by("promotion_id").agg(
        rows=rows.count(),
        customers=rows.customer_id.nunique(),
        late=late.fill_null(False).cast("int64").sum(),
        control=control.cast("int64").sum(),
        control_reached=(control & rows.reached.notnull()).cast("int64").sum(),
    )
    elsewhere = _elsewhere(given)
    found = counted.left_join(elsewhere, "promotion_id").drop("promotion_id_right")
    found = found.mutate(elsewhere=found.elsewhere.fill_null(0))
    found = found.order_by("promotion_id").to_pandas()
    return {row["promotion_id"]: _exposure(row) for row in found.to_dict("records")}


def _exposure(row: dict[str, Any]) -> Exposure:
    return Exposure(
        customers=int(row["customers"]),
        late=int(row["late"]),
        control_reached=int(row["control_reached"]),
        control=int(row["control"]),
        twice=int(row["rows"]) - int(row["customers"]),
        elsewhere=int(row["elsewhere"]),
    )


def _reached(tables: Tables) -> ibis.Table:
    """Return who was contacted for, or redeemed, which promotion, and when first contacted."""
    keys = ["promotion_id", "customer_id"]
    parts = []
    if tables.has("contacts", "promotion_id"):
        sent = tables.contacts.filter(tables.contacts.promotion_id.notnull())
        parts.append(sent.select(*keys, contacted_at=sent.sent_at))
    if "redemptions" in tables:
        used = tables.redemptions
        never = ibis.null(used.redeemed_at.type())  # each engine has a type of its own for moments
        parts.append(used.select(*keys, contacted_at=never))
    if not parts:
        none = tables.assignments.limit(0)
        parts = [none.select(*keys, contacted_at=none.assigned_at.nullif(none.assigned_at))]
    rows = ibis.union(*parts) if len(parts) > 1 else parts[0]
    return rows.group_by(*keys).agg(contacted_at=rows.contacted_at.min(), reached=rows.count())


def _elsewhere(given: ibis.Table) -> ibis.Table:
    """Count customers who were at the same time in a promotion that chose its customers."""
    columns = ["customer_id", "promotion_id", "starts_on", "ends_on"]
    chosen = given.filter(~given.randomised, given.arm != CONTROL).select(*columns)
    chosen = chosen.rename(other="promotion_id", other_from="starts_on", other_to="ends_on")
    both = given.select(*columns).join(chosen, "customer_id")
    both = both.filter(
        both.promotion_id != both.other,
        both.starts_on <= both.other_to,
        both.ends_on >= both.other_from,
    )
    pairs = both.select("promotion_id", "customer_id").distinct()
    return pairs.group_by("promotion_id").agg(elsewhere=ibis._.count())
