"""Sentences on segments stay true where groups are small, alike, or missing."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from analysis.customers.retention.lifecycle import Silence
from analysis.customers.segments.segment_profiles import UNJUDGED
from analysis.reports.segmentation import charts as charts_charts
from analysis.reports.segmentation import text as readings_text
from analysis.reports.segmentation import text_deals, text_profiles, text_stages
from analysis.tables.periods import Period

BEFORE, AFTER = Period.before("2017-10-02", days=274), Period.before("2018-01-01", days=91)


def followed(*rows: tuple[str, int, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["group", "customers", "bought"])


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            [("A", 40, 0.9), ("B", 40, 0.4), ("C", 9, 1.0)],
            "Of A, 90 % bought again; of B, 40 %",
        ),
        ([("A", 40, 0.8), ("B", 30, 0.8)], "80 % bought again, of every segment alike"),
        ([("A", 9, 1.0), ("B", 1, 0.0)], "90 % of the customers bought again; no two segments"),
        ([("A", 200, 1.0)], "100 % of the customers bought again; no two segments"),
    ],
)
def test_segments_are_compared_only_where_two_are_large_enough(
    rows: list[tuple[str, int, float]], said: str
) -> None:
    assert readings_text.next_headline(followed(*rows)).startswith(said)


def test_segments_that_differ_are_not_hidden_by_small_ones_at_the_ends() -> None:
    rows = followed(("Small", 30, 1.0), ("Large", 665, 0.99), ("Last", 395, 0.9))
    ends = rows.assign(bought_low=[0.88, 0.98, 0.86], bought_high=[1.0, 0.995, 0.93])
    assert readings_text.next_headline(ends) == "Of Large, 99 % bought again; of Last, 90 %"
    near = ends.assign(bought_low=0.8)
    assert readings_text.next_headline(near).startswith("No segment bought again significantly")


def test_a_segment_too_small_to_be_shown_is_not_the_headline() -> None:
    few = worth(("A", 8, 0.2, 0.7), ("B", 20, 0.8, 0.3))
    assert readings_text.rfm_headline(few).startswith("No segment has 30 customers")
    some = worth(("A", 8, 0.1, 0.7), ("B", 90, 0.4, 0.1), ("C", 99, 0.5, 0.2))
    assert readings_text.rfm_headline(some).startswith("A (8) and B (90) are 50 % of customers")


def test_the_map_of_stages_has_no_row_of_a_few() -> None:
    moves = pd.DataFrame(
        {"was": ["New", "Active", "Active"], "became": ["Active", "Active", "Lapsed"],
         "customers": [28, 90, 10], "share": [1.0, 0.9, 0.1]}
    )  # fmt: skip
    assert text_stages.as_grid(moves).index.tolist() == ["Active"]
    assert len(text_stages.as_grid(moves.head(1))) == 0


def test_groups_of_one_size_have_no_range() -> None:
    sizes = pd.DataFrame({"score": ["monetary"] * 2 + ["recency"] * 2, "share": [0.2] * 3 + [0.3]})
    assert "monetary 20 % and recency 20 % to 30 % of customers each" in readings_text.ties(sizes)


def test_a_silent_shop_is_said_to_be_silent() -> None:
    assert readings_text.quiet(pd.DataFrame({"recency_days": [29, 90]})) == (
        " Nobody has bought in the last 28 days."
    )
    assert readings_text.quiet(pd.DataFrame({"recency_days": [3, 90]})) == ""


def test_segments_without_a_past_are_not_said_to_be_checked() -> None:
    there, nobody = pd.DataFrame({"customer_id": ["a"]}), pd.DataFrame({"customer_id": []})
    assert "are checked on 2 Oct 2017" in readings_text.checked(there, BEFORE, AFTER)
    assert readings_text.checked(nobody, BEFORE, AFTER).startswith("Nobody bought from 1 Jan 2017")


def test_tiers_are_called_by_their_names() -> None:
    table = pd.DataFrame({"group": ["High", "Medium"], "bound": [4.0, 1.0]})
    assert readings_text.tiers(table, 0.05, "USD").endswith(
        "$ 4.00 a year for a high-value customer, $ 1.00 for a medium one"
    )


def worth(*rows: tuple[str, int, float, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["group", "customers", "share", "net_share"])


def test_nobody_by_the_clock_and_one_by_the_clock() -> None:
    none = worth(("Now and then, small baskets", 50, 1.0, 1.0))
    assert text_stages.rhythm_headline(none) == "Nobody shops at significantly regular intervals"
    one = worth(("Regular, weekly", 1, 0.004, 0.003), ("Other", 249, 0.996, 0.997))
    assert text_stages.rhythm_headline(one).startswith("0.4 % of customers")


@pytest.mark.parametrize(
    ("shape", "low", "high", "said"),
    [
        (np.nan, np.nan, np.nan, "cannot be given: fewer than three customers"),
        (np.inf, np.inf, np.inf, "the last two gaps are alike"),
        (2.0, 1.5, np.inf, "k is 2.00 (at least 1.50, 40 customers)"),
        (1.4, 1.2, 1.6, "k is 1.40 (1.20 to 1.60, 40 customers)"),
    ],
)
def test_regularity_without_an_end(shape: float, low: float, high: float, said: str) -> None:
    common = SimpleNamespace(shape=shape, low=low, high=high, customers=40)
    assert said in text_stages.regularity(common)
    assert "–" not in text_stages.regularity(common)


def test_nobody_and_one_away_longer_than_usual() -> None:
    nobody = Silence(customers=50, silent=0, net_share=0.0)
    assert text_stages.stages_headline(nobody).startswith("Nobody has been away")
    one = Silence(customers=50, silent=1, net_share=0.01)
    assert text_stages.stages_headline(one) == (
        "1 customer (2.0 %) has been away longer than their own rhythm explains"
    )


def test_what_the_silent_bring_is_told_with_its_interval_or_not_at_all() -> None:
    found = Silence(245, 32, 0.2, returned=200, called=30, followed=29, back=20)
    ends = {"net_share_low": [0.1, 0.7], "net_share_high": [0.2, 0.9]}
    sales = worth(("silent", 32, 0.13, 0.15), ("others", 213, 0.87, 0.85)).assign(**ends)
    told = text_stages.slipping_finding(found, sales, 0.95)
    assert (told["value"], told["low"], told["high"]) == (0.15, 0.1, 0.2)
    assert text_stages.slipping_finding(found, None, 0.95)["value"] is None
    nobody = Silence(245, 0, 0.0)
    assert text_stages.slipping_finding(nobody, sales.tail(1), 0.95)["value"] == 0.0


def test_silence_is_a_sign_of_losses_only_beyond_what_no_losses_would_show() -> None:
    usual = Silence(2469, 328, 0.2, returned=2300, called=310, followed=330, back=310)
    assert text_stages.stages_headline(usual).endswith(
        "; without any loss it would be about 13.5 %"
    )
    finding = text_stages.stages_finding(usual)
    assert not finding["alert"]
    assert finding["detail"].endswith("no sign of losses; report 07 judges longer silences")
    assert finding["low"] < finding["value"] < finding["high"]
    assert "silent beyond their own rhythm, not significantly more than without any loss" in (
        text_stages.stages_title(usual, 91)
    )
    losing = Silence(2469, 328, 0.2, returned=2300, called=100, followed=330, back=100)
    assert text_stages.stages_finding(losing)["alert"]
    assert "2,300 customers who did come back" in text_stages.stages_finding(losing)["detail"]
    few = Silence(2469, 328, 0.2, returned=9, called=1, followed=3, back=1)
    assert "could not be checked" in text_stages.stages_finding(few)["detail"]
    assert "bought again" not in text_stages.stages_title(few, 91)
    assert text_stages.stages_title(losing, 91).endswith("30 % bought again within 91 days")


def contacted(contacted: int, others: int, low: float, high: float) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "stage": ["At risk"],
            "contacted": [contacted],
            "not_contacted": [others],
            "returned_contacted": [0.5],
            "returned_not": [0.4],
            "difference": [0.1],
            "low": [low],
            "high": [high],
        }
    )


def test_one_contacted_customer_proves_nothing() -> None:
    assert text_stages.win_back(contacted(1, 200, -0.5, 0.7)) == (
        "Whether contacting helps cannot be told: at most 1 contacted customer in a stage, 30 of "
        "each kind are needed"
    )
    unclear = contacted(100, 100, -0.04, 0.23)
    assert text_stages.win_back(unclear).endswith(
        "(with so many a difference of 20 points or more would probably have been seen)"
    )
    clear = contacted(400, 400, 0.03, 0.17).assign(stage="Lapsed")
    both = text_stages.win_back(pd.concat([unclear, clear], ignore_index=True))
    assert "; lapsed customers who were contacted came back more often by 10 points" in both
    assert both.endswith("they were chosen, so this is no effect")
    withheld = text_stages.known_returns(contacted(1, 200, -0.5, 0.7)).iloc[0]
    assert withheld[["returned_contacted", "returned_not", "difference", "low"]].isna().all()
    assert withheld["contacted"] == 1


def test_segments_of_few_are_withheld_and_cannot_be_had_by_subtraction() -> None:
    row = {"share": 0.1, "basket_value": 5.0, "orders_per_customer": 2.0, "recency_days": 3.0}
    table = pd.DataFrame(
        [
            {**row, "group": g, "customers": n, "net_share": n / 700}
            for g, n in (("New", 14), ("Growing", 67), ("Active", 619))
        ]
    )
    shown = readings_text.enough(table).set_index("group")
    both = "New (14) and Growing (67)"
    assert shown["net_share"].to_dict() == {"Active": 619 / 700, both: 81 / 700}
    assert shown["customers"].tolist() == [619, 81]
    said = readings_text.sentences(shown.reset_index(), {"New": ("First seen.", "")}, "USD")
    assert f"**{both}**: 81 customers (20.0 %) bring 11.6 % of sales. New: first seen." in said
    followed = table.drop(columns="net_share").assign(bought=[1.0, 0.5, 0.8])
    after = readings_text.enough(followed.assign(net_after=5.0))
    assert after["bought"].isna().tolist() == [True, False, False]
    assert after["net_after"].isna().tolist() == [True, True, False]
    many = readings_text.enough(table.assign(customers=[14, 29, 2]))
    assert many["net_share"].isna().all()
    third = pd.concat([table, table.tail(1).assign(group="Lapsed", customers=9)])
    several = readings_text.enough(third.assign(customers=[14, 7, 619, 9]).reset_index(drop=True))
    assert several["group"].tolist() == ["Active", "3 others together"]
    said = readings_text.sentences(several, {}, "USD")
    assert "of sales. New (14), Growing (7) and Lapsed (9)." in said
    few = table.assign(customers=[4, 5, 6])
    assert readings_text.enough(few)["net_share"].isna().all()
    assert readings_text.sentences(few.pipe(readings_text.enough), {}, "USD").count("withheld") == 3


def test_what_segments_bring_together_tells_of_no_small_one() -> None:
    table = worth(("A", 8, 0.1, 0.1), ("B", 90, 0.4, 0.3), ("C", 99, 0.5, 0.6))
    assert readings_text.brought(table, {"C"}, "net_share") == 0.6
    assert readings_text.brought(table, {"A", "B"}, "net_share") == pytest.approx(0.4)
    for told in ({"A"}, {"B"}, {"A", "C"}):
        assert np.isnan(readings_text.brought(table, told, "net_share"))


def test_what_goes_with_discounts_is_not_called_their_doing() -> None:
    kinds = pd.DataFrame(
        {
            "group": ["Price buyer", "Relationship customer"], "weeks": 8,
            "stayed": [0.15, 1.04], "low": [0.09, 1.0], "high": [0.21, 1.07],
        }
    )  # fmt: skip
    assert text_deals.paused(kinds) == (
        "In 8 weeks without discounts price buyers placed 15 % of their usual orders (9 to 21 %), "
        "relationship customers placed 104 % of their usual orders (100 to 107 %)"
    )
    alike = kinds.assign(low=0.1, high=1.2)
    assert "kept significantly fewer of its usual orders than another" in text_deals.paused(alike)
    more = kinds.assign(reaction=[0.26, 0.01], low=[0.17, 0.0], high=[0.35, 0.02])
    told = text_deals.reaction(more)
    assert "raise" not in told
    assert told.startswith("Price buyers' part of a category is 26.0 % larger where")
    near = kinds.assign(more=[0.16, 0.14], low=[0.07, 0.08], high=[0.26, 0.2])
    assert "14 % to 16 % more units" in text_deals.stocked(near)
    assert "cannot be told apart" in text_deals.stocked(near)
    one = near.assign(low=[0.07, -0.01])
    assert "go with 16 % more units beyond the first for 1 of 2 kinds" in text_deals.stocked(one)
    unsure = more.assign(low=[0.17, -0.2], high=[0.35, 0.6])
    assert text_deals.reaction(unsure).endswith("(largest estimate of all kinds)")
    buyers = pd.DataFrame(
        {"group": ["Price buyer"], "customers": 99, "share": [0.018], "margin_share": [-0.0013]}
    )
    assert text_deals.buyers_headline(buyers, 0.48) == (
        "1.8 % of customers buy significantly (95 %) more than 48 % of their lines on offer; they "
        "bring −0.1 % of margin"
    )
    assert "bring" not in text_deals.buyers_headline(buyers.assign(customers=9), 0.48)


def test_names_that_are_not_borne_out_are_named_with_their_evidence() -> None:
    names = pd.DataFrame(
        {
            "name": ["Champions", "Lost"],
            "shown": ["Champions", "Low value, least recent"],
            "stands": [True, False],
            "followed": [40, 300],
            "bought": [1.0, 0.75],
        }
    )
    assert readings_text.names_evidence(names).endswith(
        "- Lost, here **Low value, least recent**: 75 % of 300 customers bought again in the next "
        "period."
    )
    assert readings_text.names_evidence(names[:1]) == ""


def test_segments_describe_and_what_practice_tries_is_a_thing_to_test() -> None:
    row = {"group": "A", "customers": 40, "share": 1.0, "net_share": 1.0, "recency_days": 3}
    table = pd.DataFrame([{**row, "basket_value": 5.0, "orders_per_customer": 2.0}])
    said = readings_text.sentences(table, {"A": ("Who.", "A card.")}, "USD")
    assert "2.0 orders per customer" in said
    assert "card" not in said
    assert said.endswith(readings_text.RULED_ELSEWHERE)
    tried = readings_text.hypotheses(table, {"A": ("Who.", "A card.")})
    assert tried.startswith(readings_text.HYPOTHESES)
    assert tried.endswith("- **A**: a card.")
    assert readings_text.hypotheses(table, {}) == ""


def test_a_handful_at_risk_is_counted_not_turned_into_per_cent() -> None:
    moves = pd.DataFrame(
        {
            "was": "At risk",
            "became": ["Active", "Lapsed"],
            "customers": [1, 3],
            "share": [0.25, 0.75],
        }
    )
    assert text_stages.transitions(moves) == (
        "1 of 4 customers at risk was active, growing, declining or won back in the end"
    )
    many = moves.assign(customers=[10, 30])
    assert text_stages.transitions(many).startswith("25 % of customers at risk were active, ")
    assert text_stages.transitions(moves.assign(was="New")).startswith("Nobody was at risk")


def test_kinds_that_nobody_could_be_told_are_not_listed() -> None:
    table = pd.DataFrame(
        {"customer_id": ["a"], "rfm": [None], "tier": ["High"], "life_stage": [UNJUDGED]}
    ).astype({"rfm": "str"})
    table["rfm"] = table["rfm"].where([False], None)
    assert "each with tier, in one table" in text_profiles.kinds(table)


def lines(stages: object, bought: pd.DataFrame | None) -> dict[str, tuple[bool | None, str]]:
    panel = text_profiles.trust(
        rows=1, simulated=False, stages=stages, bought=bought, margin="By cost."
    )  # type: ignore[arg-type]
    return {label: (holds, text) for label, holds, text in panel}


def judged(called: float, customers: int, gap: str = "") -> SimpleNamespace:
    table = pd.DataFrame({"called": [called], "expected": [0.1], "customers": [customers]})
    weeks = pd.DataFrame({"p_rise": [0.2, np.nan, np.nan]})
    return SimpleNamespace(calibration=table, gap=gap, table=weeks)


def test_what_could_not_be_checked_is_neither_right_nor_wrong() -> None:
    nothing = lines(None, None)
    assert [nothing[label][0] for label in ("Held-out check", "Silence", "Growth")] == [None] * 3
    small = lines(judged(np.nan, 0), followed(("A", 40, 0.5), ("B", 3, 0.1)))
    assert small["Held-out check"][0] is None
    assert small["Silence"] == (None, "Nobody has two gaps, so the model of silence is unchecked.")
    good = lines(judged(0.11, 500), followed(("A", 40, 0.9), ("B", 30, 0.1)))
    assert [good[label][0] for label in ("Held-out check", "Silence", "Growth")] == [True] * 3
    assert "2 of 3 customers bought too seldom to be called" in good["Growth"][1]
    assert lines(judged(0.2, 500, gap="Too short."), None)["Growth"] == (None, "Too short.")


def test_bars_of_groups_that_bring_nothing_are_drawn() -> None:
    table = worth(("A", 10, 1.0, np.nan)).assign(net_share_low=np.nan, net_share_high=np.nan)
    assert charts_charts.worth_bars(table).get_xlim()[1] > 100
