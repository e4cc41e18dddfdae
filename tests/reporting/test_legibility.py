from __future__ import annotations

from itertools import pairwise

import matplotlib.pyplot as plt
import pytest

from analysis.reporting.charts import style
from analysis.reporting.charts.svg import render
from tests.legibility import smallest_text


def boxes(ax: object) -> list:
    ax.figure.draw_without_rendering()  # type: ignore[attr-defined]
    labels = ax.get_xticklabels()  # type: ignore[attr-defined]
    return [label.get_window_extent() for label in labels if label.get_text()]


def test_labels_that_lie_on_each_other_are_pushed_apart() -> None:
    ax = style.new_axes()
    ax.plot([0, 1], [0, 1])
    ax.set_ylabel("Net sales a week of all the stores there are, € thousand")
    notes = [
        ax.annotate(name, (1, 0.5 + n / 500), xytext=(5, 0), textcoords="offset points")
        for n, name in enumerate(("published", "mean of all past", "last value"))
    ]
    style.make_legible(ax.figure)
    boxes = [note.get_window_extent() for note in notes]
    assert not style.overlapping(boxes)
    assert [box.y0 for box in boxes] == sorted(box.y0 for box in boxes)
    assert "\n" in ax.get_ylabel()


@pytest.mark.parametrize("width", [3.0, 5.0, 8.0])
def test_every_text_is_eleven_pixels_on_a_phone(width: float):
    ax = style.new_axes(width=width)
    ax.annotate("tiny", (0.5, 0.5), fontsize=5)
    style.make_legible(ax.figure)
    wide_on_phone, points = 358, 72 * width
    assert smallest_text(ax.figure) * wide_on_phone / 360 >= 11.0
    assert style.least_size(ax.figure) * wide_on_phone / points >= 11.0


def test_ticks_that_meet_are_thinned_out_and_zero_stays():
    ax = style.new_axes(width=2.5)
    ticks = range(-150, 101, 25)
    ax.set_xticks(ticks, [f"{1000 * tick:,}" for tick in ticks])
    assert style.overlapping(boxes(ax))
    style.make_legible(ax.figure)
    assert not any(one.overlaps(two) for one, two in pairwise(boxes(ax)))
    left = [label.get_text() for label in ax.get_xticklabels()]
    assert "0" in left
    assert 2 <= len(left) < len(ticks)


def test_names_are_never_left_out():
    ax = style.new_axes(width=2.0)
    names = ["Champions of the shop", "Customers at risk", "Those who are lost"]
    ax.set_xticks(range(3), names)
    assert all(name in render(ax, name="a", alt="Names") for name in names)


def test_the_label_of_a_narrow_axis_stays_inside_the_figure():
    figure, (_, right) = plt.subplots(1, 2, figsize=(3, 2), width_ratios=[5, 1])
    right.set_xlabel("a label much longer than the axis under which it stands")
    style.make_legible(figure)
    figure.draw_without_rendering()
    assert right.xaxis.label.get_window_extent().x1 <= figure.bbox.width
    plt.close(figure)
