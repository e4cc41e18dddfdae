"""What a study may set for report 00."""

from __future__ import annotations

from typing import Any

import pytest

from analysis.reports.summary.params import Params


def test_plan_targets_and_owners_are_taken() -> None:
    given = Params(plan={"2025-11": 5.0, "2025-W01": 1.0}, targets={"win_back": 0.2})
    assert given.plan["2025-11"] == 5.0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"plan": {"2025-13": 1.0}}, "no month as 2025-11 and no week"),
        ({"plan": {"2025-W54": 1.0}}, "no month as 2025-11 and no week"),
        ({"plan": {"2025-11": 0.0}}, "must be above zero"),
        ({"targets": {"profit": 1.0}}, "is no aim; there are acquisition, development"),
        ({"most_decisions": 0}, "greater than or equal to 1"),
    ],
)
def test_what_is_none_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Params(**given)
