"""Charts of report 03: they draw what the tables hold, legibly, whatever is missing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.axes import Axes

from analysis.customers.retention.decline import judge
from analysis.customers.retention.win_back import ContactTerms, plan_contacts
from analysis.customers.value.concentration import lorenz_curve, pareto_curve, purchase_deciles
from analysis.customers.value.decile_migration import persistence
from analysis.customers.value.deciles import monetary_deciles
from analysis.reporting.charts import style, svg
from analysis.reports.deciles import charts
from analysis.reports.deciles import charts as fading_charts
from analysis.reports.deciles import charts as persistence_charts
from analysis.stats.resampling import Estimates, Sampling
from tests.customers.populations import features_of, shoppers, weekly_of
from tests.legibility import smallest_text

FEW = Sampling(draws=200, seed=1)
FALLEN = shoppers(400, 24, np.random.default_rng(1), visits=0.9)
FALLEN[:60, 12:] *= 0.1
WEEKS = weekly_of(FALLEN)
CUSTOMERS = features_of(WEEKS.net_amount.sum(axis=1) / 1e6)
DECILES = monetary_deciles(CUSTOMERS, halves=WEEKS.halves(), sampling=FEW).table
PARTS = purchase_deciles(CUSTOMERS, sampling=FEW)
CURVE = pareto_curve(CUSTOMERS, sampling=FEW)
STAY = persistence(WEEKS, sampling=FEW)
FADED = judge(WEEKS, sampling=FEW)
RETURNS = Estimates(np.array([0.2]), np.array([0.1]), np.array([0.3]), [""])
PLAN = plan_contacts(FADED, RETURNS, ContactTerms(0.5, 0.15, 84, 84))
NOTHING = features_of([0.0] * 40)


def texts(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


DRAWN: dict[str, Callable[[], Axes]] = {
    "shares": lambda: charts.share_bars(DECILES),
    "growth": lambda: charts.growth_bars(DECILES),
    "parts": lambda: charts.purchase_bars(PARTS),
    "pareto": lambda: charts.pareto_curve(CURVE),
    "lorenz": lambda: charts.lorenz_curve(lorenz_curve(CURVE), gini=0.5),
    "stay": lambda: persistence_charts.stay_lines(STAY.stayed),
    "map": lambda: persistence_charts.transition_map(STAY.matrix),
    "noise": lambda: fading_charts.noise_bars(FADED),
    "gain": lambda: fading_charts.gain_curve(PLAN),
    "no shares": lambda: charts.share_bars(monetary_deciles(NOTHING, sampling=FEW).table),
    "no parts": lambda: charts.purchase_bars(purchase_deciles(NOTHING, sampling=FEW)),
    "no curve": lambda: charts.pareto_curve(pareto_curve(NOTHING, sampling=FEW)),
    "no lorenz": lambda: charts.lorenz_curve(
        lorenz_curve(pareto_curve(NOTHING, sampling=FEW)), gini=float("nan")
    ),
}


@pytest.mark.parametrize("name", list(DRAWN))
def test_each_chart_is_legible_on_a_phone_and_has_units_but_no_title(name: str) -> None:
    ax = DRAWN[name]()
    assert ax.get_xlabel()
    assert ax.get_title() == ""
    assert ax.get_legend() is None
    assert smallest_text(ax.figure) >= 9  # type: ignore[arg-type]
    assert "<svg" in svg.render(ax, name=f"test-{name.replace(' ', '-')}", alt=name)


def test_charts_draw_on_the_axes_they_are_given() -> None:
    ax = style.new_axes()
    assert charts.share_bars(DECILES, ax=ax) is ax


def test_bars_have_the_heights_of_the_table() -> None:
    heights = [bar.get_height() for bar in charts.share_bars(DECILES).patches]  # type: ignore[attr-defined]
    np.testing.assert_allclose(heights, 100 * DECILES["share"])
    widths = [bar.get_width() for bar in charts.purchase_bars(PARTS).patches]  # type: ignore[attr-defined]
    np.testing.assert_allclose(widths, PARTS["customers"])


def test_only_growth_that_stands_out_is_in_colour() -> None:
    from matplotlib.colors import to_hex

    table = DECILES.assign(stands_out=[False, True] + [False] * 8)
    colours = [to_hex(bar.get_facecolor()) for bar in charts.growth_bars(table).patches]
    assert colours == [style.QUIET, style.BLUE, *[style.QUIET] * 8]


def test_labels_say_how_many_and_how_much() -> None:
    said = texts(charts.purchase_bars(PARTS))
    assert said[0].startswith(f"{PARTS['customers'].iloc[0]} (")
    assert any(text.startswith("10 % bring ") for text in texts(charts.pareto_curve(CURVE)))
    assert texts(fading_charts.noise_bars(FADED))[0] == str(FADED.fell)
    assert any("pays from" in text for text in texts(fading_charts.gain_curve(PLAN)))


def test_the_map_writes_shares_in_per_cent() -> None:
    written = texts(persistence_charts.transition_map(STAY.matrix))
    best = STAY.stayed["stayed"].iloc[0]
    assert written[0] == f"{100 * best:.0f}"


def test_a_contact_that_never_pays_has_no_break_even_to_show() -> None:
    dear = plan_contacts(FADED, RETURNS, ContactTerms(500.0, 0.15, 84, 84))
    assert not any("pays from" in text for text in texts(fading_charts.gain_curve(dear)))
