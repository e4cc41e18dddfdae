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


def written(column: str, chosen: formats.Format) -> list[str]:
    return chosen.write(FRAME, column, currency="EUR")


def test_each_kind_is_written_as_it_reads():
    assert written("decile", formats.integer()) == ["1", "2"]
    assert written("net_amount", formats.money()) == ["€ 1,615,240", "–"]
    assert written("net_amount", formats.money(2, currency="USD"))[0] == "$ 1,615,240.30"
    assert written("share", formats.percent(1)) == ["35.1 %", "–"]
    assert written("share", formats.points(1))[0] == "+35.1 points"
    assert written("share", formats.number(3))[0] == "0.351"
    assert written("low", formats.interval("high")) == ["33.8 to 36.3 %", "–"]
    assert written("kept", formats.mark()) == ["✓", "–"]
    assert written("first_order_on", formats.day()) == ["2\u00a0Jan\u00a02017", "–"]
    assert written("note", formats.text()) == ["<b>", "–"]


def test_figures_stand_right_and_words_left():
    assert formats.money().align == "right"
    assert formats.interval("high").align == "right"
    assert formats.text().align == "left"


def test_headings_are_labels_or_the_name_in_words():
    assert formats.heading("net_amount", formats.money(label="Net sales")) == "Net sales"
    assert formats.heading("net_amount", formats.money()) == "Net amount"


def test_usual_formats_follow_what_a_column_holds():
    kinds = {name: chosen.kind for name, chosen in formats.shown(FRAME, None).items()}
    assert kinds == {
        "decile": "integer",
        "net_amount": "number",
        "share": "number",
        "low": "number",
        "high": "number",
        "kept": "mark",
        "first_order_on": "date",
        "note": "text",
    }


@pytest.mark.parametrize(
    "columns", [{"sahre": formats.percent()}, {"low": formats.interval("hihg")}]
)
def test_a_column_that_is_not_there_is_named(columns: dict[str, formats.Format]):
    with pytest.raises(AnalysisError, match=r"no column (sahre|hihg); it has decile"):
        formats.shown(FRAME, columns)


def test_an_interval_stands_right_after_its_estimate():
    chosen = {
        "share": formats.percent(),
        "n": formats.integer(),
        "share_low": formats.interval("share_high"),
        "change": formats.money(),
        "low": formats.interval("high"),
        "who": formats.text(),
        "other_low": formats.interval("other_high"),
    }
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
    figure, ends = formats.figure("unit", "Value"), formats.interval("high", unit_of="unit")
    written = figure.write(frame, "value", currency="EUR")
    assert written == ["3.1 %", "$ 1,083,536", "6.7 points", words.MISSING]
    assert ends.write(frame, "low", currency="EUR") == [
        "2.0 to 4.0 %", "1,033,003 to 1,134,069", "2.0 to 11.0 points", words.MISSING,
    ]  # fmt: skip
    with pytest.raises(AnalysisError, match="unit"):
        formats.shown(frame.drop(columns="unit"), {"value": figure})
