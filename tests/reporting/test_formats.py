from __future__ import annotations

import pandas as pd
import pytest

from analysis.errors import AnalysisError
from analysis.reporting.notebook import formats, words

FRAME = pd.DataFrame(
    {
        "decile": [1, 2],
        "net_amount": [1615240.3, float("nan")],
        "share": [0.351, None],
        "low": [0.338, None],
        "high": [0.363, None],
        "kept": [True, False],
        "first_order_on": pd.to_datetime(["2017-01-02", None]),
        "note": pd.Series(["<b>", None], dtype="str"),
    }
)


def written(described: str) -> list[str]:
    """Return the first described column as it is read."""
    name, chosen = next(iter(formats.Columns(described)().items()))
    return chosen.write(FRAME, name, currency="EUR")


def test_each_pattern_is_written_as_it_reads():
    assert written("decile 0") == ["1", "2"]
    assert written("net_amount $ 0") == ["€ 1,615,240", "–"]
    assert written("net_amount +$ 0.00")[0] == "+€ 1,615,240.30"
    assert written("share 0.0 %") == ["35.1 %", "–"]
    assert written("share +0.0 points")[0] == "+35.1 points"
    assert written("share 0.000")[0] == "0.351"
    assert written("low..high 0.0 %") == ["33.8 to 36.3 %", "–"]
    assert written("kept ✓") == ["✓", "–"]
    assert written("first_order_on day") == ["2\u00a0Jan\u00a02017", "–"]
    assert written("note") == ["<b>", "–"]
    assert written("share #") == ["0.35", "–"]
    chances = pd.DataFrame({"q": [0.0002, 0.0314]})
    assert formats.Columns("q")()["q"].write(chances, "q", currency="EUR") == ["< 0.001", "0.031"]


def test_figures_stand_right_and_words_left():
    chosen = formats.Columns("net_amount $ 0 ±: Net | note | kept ✓")()
    assert [each.align for each in chosen.values()] == ["right", "right", "left", "center"]


def test_headings_are_given_or_usual_or_the_name_in_words():
    chosen = formats.Columns("net_amount: Net | share | cutoff | a_b 0 ± low: A: {b} | says:")
    headings = [formats.heading(*each) for each in chosen("90 % interval", b="c").items()]
    assert headings == ["Net", "Share", "Cut-off", "A: c", "90 % interval", ""]


def test_an_interval_is_as_exact_as_its_estimate():
    chosen = formats.Columns("share +0.00 points ± | other $ 0 ± o_low | x_low..y 0.0: Range")()
    assert {name: each.high for name, each in chosen.items() if each.high} == {
        "share_low": "share_high",
        "o_low": "o_high",
        "x_low": "y",
    }
    ends = pd.DataFrame({"share_low": [-0.0123], "share_high": [0.2]})
    assert chosen["share_low"].write(ends, "share_low", currency="EUR") == ["−1.23 to 20.00 points"]
    change = formats.Columns("grown +0 % ± low")()["low"]
    assert change.write(pd.DataFrame({"low": [0.004], "high": [0.06]}), "low", currency="EUR") == [
        "0.4 to 6.0 %"
    ]


def test_columns_can_be_left_out():
    chosen = formats.Columns("share ± | n_{when} 0 | note")
    assert list(chosen(without=["note"], when="now")) == ["share", "share_low", "n_now"]
    assert list(chosen(among=["note", "share"], when="now")) == ["share", "note"]


@pytest.mark.parametrize("described", ["share 0 ±±", "a 0 ± b c", ": Share"])
def test_a_column_that_cannot_be_read_is_named(described: str):
    with pytest.raises(AnalysisError, match="describes no column; one is: share"):
        formats.Columns(described)


def test_usual_formats_follow_what_a_column_holds():
    kinds = {name: chosen.kind for name, chosen in formats.shown(FRAME, None).items()}
    assert kinds == {
        "decile": "number",
        "net_amount": "number",
        "share": "number",
        "low": "number",
        "high": "number",
        "kept": "mark",
        "first_order_on": "date",
        "note": "text",
    }


@pytest.mark.parametrize("described", ["sahre 0 %", "low..hihg 0 %"])
def test_a_column_that_is_not_there_is_named(described: str):
    with pytest.raises(AnalysisError, match=r"no column (sahre|hihg); it has decile"):
        formats.shown(FRAME, formats.Columns(described)())


def test_an_interval_stands_right_after_its_estimate():
    described = "share | n 0 | share_low..share_high 0 % | change $ 0 | low..high 0 | who"
    chosen = formats.Columns(f"{described} | other_low..other_high 0")()
    ordered = formats.beside_estimates(chosen)
    assert list(ordered) == ["share", "share_low", "n", "change", "low", "who", "other_low"]
    assert formats.intervals(ordered) == [1, 4]


def test_a_figure_is_written_in_the_unit_of_its_row():
    frame = pd.DataFrame(
        {
            "value": [0.031, 1083535.738, 0.0667, float("nan")],
            "low": [0.02, 1033002.9, 0.02, float("nan")],
            "high": [0.04, 1134068.6, 0.11, float("nan")],
            "unit": ["%", "USD", "points", ""],
        }
    )
    chosen = formats.Columns("value [unit] | low..high [unit]: Interval")()
    figures = chosen["value"].write(frame, "value", currency="EUR")
    assert figures == ["3.1 %", "$ 1,083,536", "6.7 points", words.MISSING]
    assert chosen["low"].write(frame, "low", currency="EUR") == [
        "2.0 to 4.0 %", "1,033,003 to 1,134,069", "2.0 to 11.0 points", words.MISSING,
    ]  # fmt: skip
    with pytest.raises(AnalysisError, match="unit"):
        formats.shown(frame.drop(columns="unit"), chosen)
