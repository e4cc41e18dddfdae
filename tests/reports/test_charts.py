from __future__ import annotations

import re
import warnings
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes

from analysis.errors import AnalysisError
from analysis.reporting.charts import style, svg
from tests.legibility import smallest_text


def bars(label: str = "Share, %") -> Axes:
    ax = style.new_axes()
    drawn = ax.bar(["a", "b"], [1, 2], color=[style.BLUE, style.QUIET], yerr=0.1, ecolor=style.INK)
    ax.bar_label(drawn)
    ax.set_ylabel(label)
    return ax


def drawing(name: str = "03_deciles-1", label: str = "Share, %") -> str:
    return svg.render(bars(label), name=name, alt="Two bars")


def test_a_whisker_whose_end_lies_on_the_wrong_side_reaches_not_at_all():
    """The mean of forty draws of which one is large lies above the middle 95 % of them."""
    drawn = np.r_[np.zeros(39), 1.0]
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert drawn.mean() > high
    reach = style.whiskers([drawn.mean(), 2.0], [low, 1.0], [high, 2.5])
    assert reach.tolist() == [[pytest.approx(0.025), 1.0], [0.0, 0.5]]
    style.new_axes().errorbar([0, 1], [0.025, 2.0], yerr=reach)


def test_the_same_chart_gives_the_same_bytes():
    assert drawing() == drawing()


def test_ids_of_two_charts_cannot_meet():
    first, second = (set(re.findall(r' id="([^"]+)"', drawing(name))) for name in ("a-1", "a-2"))
    assert first
    assert not first & second


def test_a_drawing_is_one_element_that_refers_to_nothing_outside():
    root = ElementTree.fromstring(drawing())
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"] == "Two bars"
    text = drawing()
    assert not re.search(r"<(metadata|style|script|image)|https?://(?!www\.w3\.org/2000/svg)", text)
    used = set(re.findall(r'(?:href="|url\()#([^")]+)', text))
    assert used == set(re.findall(r' id="([^"]+)"', text))


def test_text_stays_text_in_the_readers_font_and_follows_the_theme():
    text = drawing(label="Share & more, %")
    assert ">Share &amp; more, %</text>" in text
    assert "DejaVu" not in text
    assert f"fill: var(--soft, {style.SOFT})" in text
    assert f"fill: var(--blue, {style.BLUE})" in text
    assert f"stroke: var(--ink, {style.INK})" in text


def test_nothing_is_drawn_behind_the_chart():
    assert not re.search(r"fill: (#fff|#ffffff|white)", drawing(), re.I)


def test_text_is_never_a_formula_but_powers_of_an_axis_are():
    assert "cost $ 5 to $ 7" in drawing(label="cost $ 5 to $ 7")
    assert "$x^2$" in drawing(label="$x^2$")
    powers = style.new_axes()
    powers.plot([1, 1000], [1, 2])
    powers.set_xscale("log")
    assert "mathdefault" not in svg.render(powers, name="powers", alt="A line")


def test_text_is_legible_on_a_phone():
    assert smallest_text(bars().figure) >= 9  # type: ignore[arg-type]
    small = bars()
    small.annotate("tiny", (0, 1), fontsize=7)
    assert smallest_text(small.figure) == 7  # type: ignore[arg-type]


@pytest.mark.skipif(not style.cjk_fonts(), reason="no font for Chinese is installed")
def test_chinese_is_drawn_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "顾客份额" in drawing(label="顾客份额")


def test_a_text_no_font_can_write_is_refused(monkeypatch: pytest.MonkeyPatch):
    ax = bars("顾客")
    for text in (ax.yaxis.label,):
        text.set_fontfamily("DejaVu Sans")
    with pytest.raises(AnalysisError, match="fonts-wqy-microhei"):
        svg.render(ax, name="a-1", alt="Two bars")


def test_a_figure_of_pyplot_is_closed():
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots()
    ax.plot([1, 2])
    svg.render(ax, name="a-1", alt="A line")
    assert figure.number not in plt.get_fignums()


def test_the_palette_is_okabe_and_itos():
    assert set(style.PALETTE) == {
        "#0072b2",
        "#e69f00",
        "#009e73",
        "#d55e00",
        "#cc79a7",
        "#56b4e9",
    }
    style.use()
    assert mpl.rcParams["axes.prop_cycle"].by_key()["color"] == list(style.PALETTE)


@pytest.mark.parametrize(
    ("ground", "text"),
    [("white", style.ON_LIGHT), ("#00224e", style.ON_DARK), (style.BLUE, style.ON_DARK)],
)
def test_text_on_a_cell_can_be_read_and_keeps_its_colour(ground: str, text: str):
    assert style.text_on(ground) == text
    ax = style.new_axes()
    ax.text(0.5, 0.5, "x", color=style.text_on(ground))
    assert f"fill: {text}" in svg.render(ax, name="a-1", alt="A cell")


def test_black_follows_the_theme_too():
    ax = style.new_axes()
    ax.text(0.5, 0.5, "x", color="black")
    drawn = svg.render(ax, name="a-1", alt="A word")
    assert "fill:var(--ink, #000000)" in drawn


def test_a_grid_of_axes_shares_one_figure():
    axes = style.new_grid(1, 2, width=5, height=2)
    assert len(axes) == 2
    assert axes[0].figure is axes[1].figure
    assert axes[0].figure.get_size_inches().tolist() == [5, 2]
