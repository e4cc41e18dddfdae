"""Charts of fading customers: what is noise, what is not, and when a contact pays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.reporting import words
from analysis.reporting.charts import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from analysis.customers.contacts import ContactPlan
    from analysis.customers.fading import Fading

_PERCENT = 100.0


def noise_bars(fading: Fading, *, ax: Axes | None = None) -> Axes:
    """Draw how many fell, how many chance alone would make fall, and who is beyond noise.

    Parameters
    ----------
    fading
        The result of ``fading.judge``.
    ax
        Axes to draw on.
    """
    ax = ax or style.new_axes(height=2.0)
    names = [f"fell by {words.percent(fading.drop, 0)} or more", "by chance alone", "beyond noise"]
    counts = np.array([fading.fell, fading.fell_by_chance, len(fading.called)])
    ax.barh(names, counts, color=[style.QUIET, style.QUIET, style.BLUE], height=0.6)
    chance = fading.fell_by_chance
    reach = [[chance - fading.fell_by_chance_low], [fading.fell_by_chance_high - chance]]
    ax.errorbar([chance], [1], xerr=reach, fmt="none", ecolor=style.INK)
    ends = (fading.fell, fading.fell_by_chance_high, len(fading.called))
    for place, (count, end) in enumerate(zip(counts, ends, strict=True)):
        ax.annotate(
            words.number(count), (end, place), (5, 0), textcoords="offset points", va="center"
        )
    ax.invert_yaxis()
    ax.set_xlim(0, 1.15 * max(*ends, 1))
    ax.set_xlabel("Customers")
    ax.tick_params(length=0)
    return ax


def gain_curve(plan: ContactPlan, *, currency: str = "USD", ax: Axes | None = None) -> Axes:
    """Draw what contacting all fading customers would gain, over the share it brings back.

    Parameters
    ----------
    plan
        The result of ``contacts.plan_contacts``.
    currency
        Currency of the amounts.
    ax
        Axes to draw on.
    """
    ax = ax or style.new_axes(height=3.2)
    rates = plan.curve["recovery_rate"] * _PERCENT
    ax.fill_between(
        rates, plan.curve["all_low"], plan.curve["all_high"], color=style.SKY, alpha=0.45,
        linewidth=0,
    )  # fmt: skip
    ax.plot(rates, plan.curve["all_gain"], color=style.BLUE)
    ax.axhline(0, color=style.SOFT, linewidth=0.8)
    assumed = plan.terms.recovery_rate
    gain = float(np.interp(assumed, plan.curve["recovery_rate"], plan.curve["all_gain"]))
    ax.plot([assumed * _PERCENT], [gain], "o", color=style.BLUE, markersize=5)
    ax.annotate(
        f"assumed: {words.percent(assumed, 0)}\n{words.money(gain, 0, currency, signed=True)}",
        (assumed * _PERCENT, gain), (8, -6), textcoords="offset points", va="top",
    )  # fmt: skip
    if plan.break_even * _PERCENT <= rates.max():
        ax.plot([plan.break_even * _PERCENT], [0], "o", color=style.VERMILLION, markersize=5)
        ax.annotate(
            f"pays from {words.percent(plan.break_even)}", (plan.break_even * _PERCENT, 0),
            (8, -14), textcoords="offset points",
        )  # fmt: skip
        ax.set_ylim(bottom=-0.2 * max(float(plan.curve["all_high"].max()), 1.0))
    ax.set_xlim(0, rates.max())
    ax.set_xlabel("Share of the lost margin that a contact brings back, %")
    ax.set_ylabel(f"Gain from contacting all, {words.currency_sign(currency)}")
    ax.yaxis.set_major_formatter(lambda value, _: words.number(value))
    return ax
