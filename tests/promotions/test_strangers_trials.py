"""Trials as strangers bring them: unequal arms, midnight assignments, covariates of one arm."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.errors import NotApplicable
from analysis.promotions.experiments import (
    estimates,
    experiments,
    group_sequential,
    validity_checks,
)
from analysis.promotions.observational import doubly_robust
from analysis.promotions.outcomes import costs, outcomes
from analysis.promotions.outcomes.outcomes import COVARIATES
from analysis.promotions.returns import incremental_return, league, roi
from analysis.reports.promotions import text_verdicts as readings
from tests.promotions import small_shop
from tests.promotions.small_shop import SPANS, START
from tests.promotions.test_edges import RULES, arm

FIRST = START + pd.Timedelta(days=7 * small_shop.LOT[0])


def judged(assignments: pd.DataFrame) -> tuple[experiments.Trials, incremental_return.Returns]:
    tables = small_shop.tables(assignments=assignments)
    found = experiments.judge(tables, SPANS, RULES)
    overview = outcomes.overview(tables, SPANS)
    withheld = incremental_return.withheld(found)
    assumed = costs.Assumed(None, 0.0)
    return found, incremental_return.fetch(
        tables, SPANS, overview, assumed=assumed, without=withheld
    )


def by_lot() -> pd.DataFrame:
    given = small_shop.frames()["assignments"]
    return given[given["promotion_id"] == "L"].reset_index(drop=True)


def test_where_every_promotion_fails_its_checks_that_is_the_verdict() -> None:
    """Seventy of a hundred in one arm where half were planned: no verdict, and no crash."""
    given = by_lot()
    given["arm"] = np.where(given.index < 84, "treatment", "control")
    found, money = judged(given)
    told = roi.judged(found, money)
    assert told["verdict"].tolist() == ["no verdict"]
    assert readings.title(told) == "Of 1 randomised promotion, 1 cannot be judged"
    assert "customers are missing from the log" in readings.bullets(told, "EUR")
    assert readings.findings(told, "EUR", 0.95)[0]["alert"]
    assert money.returns == {}
    assert league.actions(money, found).empty
    small = small_shop.tables(assignments=given)
    with pytest.raises(NotApplicable, match="No randomised promotion passed the checks"):
        group_sequential.day_by_day(small, found, as_of=SPANS.as_of, before_days=SPANS.before_days)


@pytest.mark.parametrize(("moment", "holds"), [("00:00", True), ("00:01", False)])
def test_assigned_at_midnight_of_the_first_day_is_before_it(moment: str, holds: bool) -> None:
    """A log that knows days only, and this project's own draws, give 00:00."""
    hours, minutes = map(int, moment.split(":"))
    given = by_lot().assign(assigned_at=FIRST + pd.Timedelta(hours=hours, minutes=minutes))
    found, _ = judged(given)
    check = next(c for c in found.checks["L"] if c.name == "Assigned before the start")
    assert check.ok is holds


def test_a_covariate_of_one_arm_only_is_left_out_with_its_reason() -> None:
    """Control bought nothing before: its slope does not exist, and the others are kept."""
    arms = {"control": arm(400, before_net=0.0), "treatment": arm(400, 1)}
    row = estimates.primary_of(estimates.estimate(arms, RULES)).iloc[0]
    assert np.isfinite([row["difference"], row["low"], row["high"]]).all()
    assert "before_net" not in row["adjusted_for"]
    assert row["adjusted_for"].startswith("before_margin")
    assert row["not_adjusted_for"] == "before_net: it is the same for every customer of one arm"


def test_covariates_that_say_the_same_in_one_arm_are_left_out() -> None:
    before = np.random.default_rng(3).gamma(2.0, 3.0, 400)
    same = arm(400, before_margin=before, before_net=4 * before)
    table = estimates.estimate({"control": same, "treatment": arm(400, 1)}, RULES)
    row = estimates.primary_of(table).iloc[0]
    assert row["not_adjusted_for"] == "before_net: other covariates say the same within one arm"


def test_arms_that_differ_with_certainty_fail_the_check_and_end_nothing() -> None:
    check = validity_checks.balance(
        {"control": arm(400, before_net=0.0), "treatment": arm(400, 1, before_net=1.0)}, COVARIATES
    )
    assert check.ok is False
    assert check.p == 0.0


def test_one_promotion_does_not_take_the_others_with_it() -> None:
    """Of two promotions one has a control that is new to the shop."""
    given = by_lot()
    late = small_shop.lines()
    control = set(given.loc[given["arm"] == "control", "customer_id"])
    before = late["ordered_at"] < FIRST
    kept = late[~(before & late["customer_id"].isin(control))]
    promotions = small_shop.frames()["promotions"]
    second = promotions.iloc[[0]].assign(
        promotion_id="M", name="Later", starts_on=(FIRST + pd.Timedelta(days=35)).date(),
        ends_on=(FIRST + pd.Timedelta(days=62)).date(),
    )  # fmt: skip
    both = [given, given.assign(promotion_id="M", assigned_at=FIRST + pd.Timedelta(days=30))]
    tables = small_shop.tables(
        order_lines=kept,
        promotions=pd.concat([promotions, second], ignore_index=True),
        assignments=pd.concat(both, ignore_index=True),
    )
    found = experiments.judge(tables, SPANS, RULES)
    assert set(found.verdicts["promotion_id"]) == {"L", "M"}
    primary = found.estimates[found.estimates["primary"]].set_index("promotion_id")
    assert np.isfinite(primary["difference"]).all()
    assert "the same for every customer of one arm" in primary.loc["L", "not_adjusted_for"]


def test_a_return_does_not_lean_on_a_covariate_of_one_arm() -> None:
    """Least squares of smallest norm would share the intercept with it and halve the mean."""
    rng = np.random.default_rng(4)
    treated = np.arange(400) < 200
    before = np.where(treated, rng.gamma(2.0, 3.0, 400), 0.0)[:, None]
    margin = np.where(treated, 12.0, 10.0) + rng.normal(size=400)
    found = doubly_robust.by_lot(["margin"], margin[:, None], treated, before)
    plain = margin[treated].mean() - margin[~treated].mean()
    assert found.of("margin")[0] == pytest.approx(plain)
    assert found.would_have("margin") == pytest.approx(margin[~treated].mean())
