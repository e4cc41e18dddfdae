"""Rules and metrics are those of mlxtend; tests are Fisher's; families are whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlxtend.frequent_patterns import association_rules, fpgrowth
from scipy import stats

from analysis.products.association import association_rules as rule_metrics
from analysis.products.association import association_rules as rules
from analysis.products.association import itemsets
from analysis.products.association import support as estimate
from analysis.stats import proportions
from tests.products.shelves import baskets_of, one_hot
from tests.products.test_itemsets import ORDERS

MLXTEND = [
    "antecedent support", "consequent support", "support", "confidence", "lift",
    "representativity", "leverage", "conviction", "zhangs_metric", "jaccard", "certainty",
    "kulczynski",
]  # fmt: skip


def mined(orders, support, **options):
    baskets = baskets_of(orders)
    chosen = estimate.choose_support(baskets, support=support)
    return rules.mine(itemsets.frequent_itemsets(baskets, chosen, longest=8), **options)


@settings(max_examples=20, deadline=None)
@given(orders=ORDERS, least=st.integers(1, 6))
def test_every_rule_and_metric_is_that_of_mlxtend(orders, least):
    support = min(1.0, least / len(orders))
    ours = mined(orders, support).table
    frequent = fpgrowth(one_hot(orders), min_support=support, use_colnames=True)
    if frequent.empty:
        assert ours.empty
        return
    with np.errstate(divide="ignore", invalid="ignore"):
        theirs = association_rules(frequent, metric="support", min_threshold=0)
    key = ["left", "right"]
    theirs = theirs.assign(
        left=theirs["antecedents"].map(lambda s: "".join(sorted(s))),
        right=theirs["consequents"].map(lambda s: "".join(sorted(s))),
    ).set_index(key)
    ours = ours.assign(
        left=ours["antecedents"].map("".join), right=ours["consequents"].map("".join)
    )
    ours = ours.set_index(key)
    assert len(ours) == len(theirs)
    theirs = theirs.loc[ours.index]
    # mlxtend divides by the rounding error of 1 - confidence, and by that of the leverage.
    skipped = {
        "conviction": ours["confidence"] == 1,
        "zhangs_metric": np.isclose(ours["leverage"], 0, atol=1e-12),
    }
    for name in MLXTEND:
        told = ~np.asarray(skipped.get(name, np.zeros(len(ours), bool)))
        np.testing.assert_allclose(
            ours.loc[told, name].to_numpy(float), theirs.loc[told, name].to_numpy(float),
            rtol=1e-9, atol=1e-12,
        )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 400), st.data())
def test_p_is_fishers(n, data):
    a, b = data.draw(st.integers(1, n)), data.draw(st.integers(1, n))
    both = data.draw(st.integers(max(0, a + b - n), min(a, b)))
    table = [[both, a - both], [b - both, n - a - b + both]]
    for ours, side in ((proportions.fisher_more, "greater"), (proportions.fisher_less, "less")):
        expected = stats.fisher_exact(table, alternative=side).pvalue
        assert ours(both, a, b, n)[0] == pytest.approx(expected, rel=1e-8, abs=1e-12)


def test_shares_have_wilsons_interval():
    from statsmodels.stats.proportion import proportion_confint

    for hits, trials in ((0, 5), (3, 10), (52, 60), (7, 7)):
        low, high = proportions.wilson_interval(hits, trials)
        assert (low[0], high[0]) == pytest.approx(
            proportion_confint(hits, trials, method="wilson"), abs=1e-12
        )


def test_the_interval_of_a_share_stays_a_share():
    """16 of 16 gave an upper end of 1.0000000000000002."""
    n = np.arange(1, 2_000)
    none, every = (
        proportions.wilson_interval(np.zeros(len(n)), n),
        proportions.wilson_interval(n, n),
    )
    assert (none[0] == 0).all()
    assert (every[1] == 1).all()
    inner = np.concatenate([none[1], every[0]])
    assert ((inner > 0) & (inner < 1)).all()
    assert np.isnan(proportions.wilson_interval(0, 0)).all()


def test_wu_chen_and_han_data_set_d1():
    # Wu, Chen and Han (2010), table 2, D1 and D6: milk and coffee.
    counts = {"both": [10_000, 1_000], "a": [11_000, 11_000], "b": [11_000, 101_000]}
    one = rule_metrics.metrics(10_000, 11_000, 11_000, orders=112_000).iloc[0]
    assert one["kulczynski"] == pytest.approx(0.91, abs=0.005)
    assert one["cosine"] == pytest.approx(0.91, abs=0.005)
    assert one["imbalance_ratio"] == 0
    skewed = rule_metrics.metrics(1_000, 1_100, 11_000, orders=111_100).iloc[0]
    assert skewed["kulczynski"] == pytest.approx(0.50, abs=0.005)
    assert skewed["imbalance_ratio"] == pytest.approx(0.89, abs=0.005)
    assert skewed["cosine"] == pytest.approx(0.29, abs=0.005)
    assert counts["both"][0] == 10_000


def test_the_interval_of_lift_covers_as_it_says():
    rng = np.random.default_rng(3)
    n, p = 4_000, np.array([0.02, 0.08, 0.05, 0.85])
    truth = p[0] / ((p[0] + p[1]) * (p[0] + p[2]))
    both, a_only, b_only, _ = rng.multinomial(n, p, size=3_000).T
    low, high = rule_metrics.lift_interval(both, both + a_only, both + b_only, orders=n)
    covered = ((low <= truth) & (truth <= high)).mean()
    assert abs(covered - 0.95) < 3 * np.sqrt(0.95 * 0.05 / 3_000) + 0.005


def test_no_rule_between_independent_items_beyond_the_false_discovery_rate():
    rng = np.random.default_rng(5)
    falsely = 0
    for _ in range(60):
        held = rng.random((400, 8)) < rng.uniform(0.05, 0.3, 8)
        orders = [{f"p{i}" for i in np.flatnonzero(row)} for row in held if row.any()]
        found = mined(orders, 0.01)
        falsely += len(found.discoveries(fdr=0.10)) > 0
    assert falsely <= stats.binom.ppf(0.999, 60, 0.10)


def test_the_family_counts_what_was_searched_not_what_was_found():
    orders = [{"a", "b"}] * 6 + [{"c"}, {"d"}] * 6
    found = mined(orders, 1 / 3)
    assert found.tested == 6
    q = found.table["q"]
    assert q.to_numpy() == pytest.approx(found.table["p"].to_numpy() * 6)


def test_a_single_target_gives_only_rules_to_it():
    orders = [{"wine", "cheese"}, {"wine", "cheese", "bread"}, {"bread"}, {"milk"}] * 3
    found = mined(orders, 0.1, target="wine").table
    assert set(found["consequents"]) == {("wine",)}
    assert ("cheese",) in set(found["antecedents"])


def test_a_rule_that_says_no_more_than_its_part_is_redundant():
    orders = [{"a", "b"}] * 5 + [{"a", "b", "c"}] * 5 + [{"c"}] * 5 + [{"d"}] * 5
    kept = rules.prune(mined(orders, 0.1))
    pairs = set(zip(kept["antecedents"], kept["consequents"], strict=True))
    assert (("a",), ("b",)) in pairs
    assert (("a", "c"), ("b",)) not in pairs
