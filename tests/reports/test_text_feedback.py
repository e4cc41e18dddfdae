"""What report 10 says of scores, of what follows them, and of who waits."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd

from analysis.reports.feedback import text, text_words


def test_what_follows_a_low_score_is_told_as_it_is_and_like_with_like() -> None:
    compared = pd.DataFrame(
        {
            "kind": ["nps"] * 2, "comparison": ["as it is", "like with like"],
            "lowest": [0.23, 0.168], "highest": [0.085, 0.139], "difference": [0.145, 0.03],
            "low": [0.083, -0.039], "high": [0.207, 0.098], "n_lowest": [248] * 2,
            "n_highest": [270] * 2,
        }
    )  # fmt: skip
    after = SimpleNamespace(compared=compared, follow=91)
    assert text_words.after_headline(after) == (
        "23 % of those with a low NPS do not order again, 8 % of those with a high one; but among "
        "customers with as many orders before, a low NPS is not followed by significantly more "
        "silence than a high one"
    )
    assert text_words.after_finding(after)["sentence"].endswith("orders before, not significant")
    alike = SimpleNamespace(compared=compared.assign(low=-0.1), follow=91)
    assert text_words.after_headline(alike).startswith("Among customers with as many orders before")


def test_the_margin_of_who_waits_is_at_stake_where_it_is_known() -> None:
    waiting = pd.DataFrame({"customer_id": ["a", "b"]})
    worth = pd.DataFrame({"customer_id": ["a", "b", "c"], "value_12": [10.0, 5.0, 99.0]})
    assert text.open_finding(waiting, worth)["at_stake"] == 15.0
    assert "at_stake" not in text.open_finding(waiting)
