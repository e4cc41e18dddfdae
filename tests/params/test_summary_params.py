"""What a study may set for report 00."""

from __future__ import annotations

from typing import Any

import pytest

from analysis import params
from analysis.errors import ParamsError
from analysis.reports.summary.params import Params
from tests.real_site import REPOSITORY


def test_plan_targets_and_owners_are_taken() -> None:
    given = Params(plan={"2025-11": 5.0, "2025-W01": 1.0}, targets={"win_back": 0.2})
    assert given.plan["2025-11"] == 5.0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"plan": {"2025-13": 1.0}}, "no month as 2025-11 and no week"),
        ({"plan": {"2025-W54": 1.0}}, "no month as 2025-11 and no week"),
        ({"plan": {"2025-11": 0.0}}, "must be greater than 0"),
        ({"targets": {"profit": 1.0}}, "is no aim; there are acquisition, development"),
        ({"most_decisions": 0}, "greater than or equal to 1"),
    ],
)
def test_what_is_none_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Params(**given)


def test_a_study_gives_its_own_rules_of_alerts() -> None:
    rules = params.load("demo_shop", root=REPOSITORY).alerts.rules
    assert [rule.when for rule in rules][:2] == ["failed", "late"]
    assert (rules[-1].finding, rules[-1].below) == ("01_profiling/net_change", 0.0)
    usual = params.load("complete_journey", root=REPOSITORY).alerts.rules
    assert [rule.when for rule in usual] == ["failed", "late", "changed", "decision"]


@pytest.mark.parametrize(
    ("override", "said"),
    [
        (
            "alerts.rules=[{when: late, wen: 1}]",
            r"alerts.rules.0.wen: no such key; allowed are when",
        ),
        ("alerts.rules=[{when: late, days: 0}]", r"alerts.rules.0.days: .*greater than or equal"),
        ("alerts.most=3", r"alerts.most: no such key; allowed are rules, most_a_day, fdr"),
    ],
)
def test_a_wrong_rule_is_named_by_its_key(override: str, said: str) -> None:
    with pytest.raises(ParamsError, match=said):
        params.load("demo_shop", [override], root=REPOSITORY)
