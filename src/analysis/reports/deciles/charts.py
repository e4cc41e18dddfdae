"""Charts of deciles: who brings how much, where growth came from, how few make how much.

Charts of fading customers: what is noise, what is not, and when a contact pays.

Charts of persistence: do customers stay in their group, against chance and noise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.reporting.charts import style
from analysis.reporting.notebook import words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from analysis.customers.retention.decline import Fading
    from analysis.customers.retention.win_back import ContactPlan

_PERCENT = 100.0


def share_bars(table: pd.DataFrame, *, what: str = "net sales", ax: Axes | None = None) -> Axes:
    """Draw each group's share of the total, the best group first.

    Parameters
    ----------
    table
        ``Deciles.table``: decile, share, share_low, share_high.
    what
        What the share is of, for the axis.
    """
    ax = ax or style.new_axes()
    share = table["share"].to_numpy() * _PERCENT
    ax.bar(table["decile"], share, color=_first_stands_out(len(table)), width=0.8)
    _whiskers(ax, table["decile"], share, table["share_low"], table["share_high"])
    tops = np.fmax(share, table["share_high"].to_numpy() * _PERCENT)
    for decile, top, value in zip(table["decile"], tops, share, strict=True):
        ax.annotate(
            words.number(value, 1), (decile, top), (0, 3), textcoords="offset points", ha="center"
        )
    ax.set_xticks(table["decile"])
    ax.set_xlabel("Tenth of customers, best first" if len(table) == 10 else "Group, best first")
    ax.set_ylabel(f"Share of {what}, %")
    ax.tick_params(length=0)
    ax.margins(y=0.1)
    return ax


def growth_bars(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw what each group added to the total's growth, in points; what stands out in colour.

    Parameters
    ----------
    table
        ``Deciles.table``: decile, contribution, contribution_low, contribution_high, stands_out.
    """
    ax = ax or style.new_axes()
    points = table["contribution"].to_numpy() * _PERCENT
    low, high = table["contribution_low"], table["contribution_high"]
    colours = np.where(table["stands_out"], style.BLUE, style.QUIET)
    ax.bar(table["decile"], points, color=colours, width=0.8)
    _whiskers(ax, table["decile"], points, low, high)
    ax.axhline(0, color=style.SOFT, linewidth=0.8)
    ax.set_xticks(table["decile"])
    ax.set_xlabel("Tenth of customers, best first" if len(table) == 10 else "Group, best first")
    ax.set_ylabel("Added to growth, points")
    ax.yaxis.set_major_formatter(lambda value, _: words.number(value, 1, signed=True))
    ax.tick_params(length=0)
    return ax


def purchase_bars(table: pd.DataFrame, *, what: str = "net sales", ax: Axes | None = None) -> Axes:
    """Draw how many customers it takes to make each equal part of the total.

    Parameters
    ----------
    table
        The table of ``pareto.purchase_deciles``.
    what
        What the parts are of, for the axis.
    """
    ax = ax or style.new_axes(height=3.4)
    customers = table["customers"].fillna(0.0).to_numpy("float64")
    n = max(float(customers.sum()), 1.0)
    ax.barh(table["part"], customers, color=_first_stands_out(len(table)), height=0.75)
    low, high = table["share_low"] * n / _PERCENT, table["share_high"] * n / _PERCENT
    _whiskers(ax, table["part"], customers, low, high, across=True)
    ends = np.fmax(customers, table["share_high"].to_numpy() * n)
    for part, count, end in zip(table["part"], customers, ends, strict=True):
        label = f"{words.number(count)} ({words.percent(count / n)})"
        ax.annotate(label, (end, part), (5, 0), textcoords="offset points", va="center")
    ax.set_yticks(table["part"])
    ax.invert_yaxis()
    ax.set_ylabel(f"Tenth of {what}" if len(table) == 10 else f"Part of {what}")
    ax.set_xlabel("Customers who make it")
    ax.set_xlim(0, 1.3 * max(float(customers.max()), 1.0))
    ax.xaxis.set_major_formatter(lambda value, _: words.number(value))
    ax.tick_params(length=0)
    return ax


def pareto_curve(
    curve: pd.DataFrame,
    *,
    marks: tuple[float, ...] = (0.01, 0.10, 0.20, 0.50),
    what: str = "net sales",
    ax: Axes | None = None,
) -> Axes:
    """Draw what the first x % of customers bring, and what it would be if all were equal.

    Parameters
    ----------
    curve
        The table of ``pareto.pareto_curve``.
    marks
        Shares of customers to point out, as far as the curve is known there.
    what
        What is brought, for the axis.
    """
    ax = _curve(curve, f"Share of {what}, %", "the largest first", ax)
    ax.annotate("all equal", (70, 70), (8, -10), textcoords="offset points", color=style.SOFT)
    for mark in (mark for mark in marks if mark >= curve["customers_share"].iloc[1] - 1e-9):
        at = float(np.interp(mark, curve["customers_share"], curve["value_share"])) * _PERCENT
        ax.plot([mark * _PERCENT], [at], "o", color=style.BLUE, markersize=4)
        label = f"{words.percent(mark, 0)} bring {words.number(at, 1)} %"
        ax.annotate(
            label, (mark * _PERCENT, at), (9, -3), textcoords="offset points", va="center_baseline"
        )
    ax.set_ylim(bottom=0)
    return ax


def lorenz_curve(
    curve: pd.DataFrame, *, gini: float, what: str = "net sales", ax: Axes | None = None
) -> Axes:
    """Draw the Lorenz curve; twice the area between it and the diagonal is the Gini coefficient.

    Parameters
    ----------
    curve
        The table of ``pareto.lorenz_curve``.
    gini
        The Gini coefficient, written into the area; NaN leaves it out.
    what
        What is brought, for the axis.
    """
    ax = _curve(curve, f"Share of {what}, %", "the smallest first", ax)
    ax.annotate("all equal", (38, 38), (-6, 8), textcoords="offset points", ha="right")
    if np.isfinite(gini):
        ax.text(56, 34, f"Gini {words.number(gini, 3)}", ha="center")
    half = float(np.interp(0.5, curve["customers_share"], curve["value_share"])) * _PERCENT
    ax.plot([50], [half], "o", color=style.BLUE, markersize=4)
    ax.annotate(
        f"the smaller half brings {words.number(half, 1)} %",
        (50, half), (8, -12), textcoords="offset points",
    )  # fmt: skip
    return ax


def _curve(curve: pd.DataFrame, label: str, order: str, ax: Axes | None) -> Axes:
    """Draw a curve with its band, and the diagonal of equal customers."""
    ax = ax or style.new_axes(height=3.4)
    shares = curve[["customers_share", "value_share", "share_low", "share_high"]] * _PERCENT
    places, share, low, high = (shares[name] for name in shares)
    ax.fill_between(places, low, high, color=style.SKY, alpha=0.45, linewidth=0)
    ax.plot(places, share, color=style.BLUE)
    ax.plot([0, 100], [0, 100], color=style.GRID, linewidth=1.2, zorder=0)
    ax.set_xlabel(f"Share of customers, {order}, %")
    ax.set_ylabel(label)
    ax.set_xlim(0, 100)
    return ax


def _first_stands_out(count: int) -> list[str]:
    return [style.BLUE] + [style.QUIET] * (count - 1)


def _whiskers(
    ax: Axes,
    places: pd.Series,
    values: np.ndarray,
    low: pd.Series,
    high: pd.Series,
    *,
    across: bool = False,
) -> None:
    """Draw intervals given as fractions around values in per cent; none where there is none."""
    reach = [values - low.to_numpy() * _PERCENT, high.to_numpy() * _PERCENT - values]
    error = np.clip(np.nan_to_num(reach), 0, None)
    known = np.isfinite(reach).all(axis=0)
    at, middle, error = places.to_numpy()[known], values[known], error[:, known]
    if across:
        ax.errorbar(middle, at, xerr=error, fmt="none", ecolor=style.INK)
    else:
        ax.errorbar(at, middle, yerr=error, fmt="none", ecolor=style.INK)


def noise_bars(fading: Fading, *, ax: Axes | None = None) -> Axes:
    """Draw how many fell, how many chance alone would make fall, and who is beyond noise.

    ``fading``: The result of ``fading.judge``.
    """
    ax = ax or style.new_axes(height=2.0)
    names = [f"fell by {words.percent(fading.drop, 0)} or more", "by chance alone", "significantly"]
    counts = np.array([fading.fell, fading.fell_by_chance, len(fading.called)])
    ax.barh(names, counts, color=[style.QUIET, style.QUIET, style.BLUE], height=0.6)
    chance = fading.fell_by_chance
    reach = style.whiskers([chance], [fading.fell_by_chance_low], [fading.fell_by_chance_high])
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
    """Draw what contacting all declining customers would gain, over the share it brings back.

    ``plan``: The result of ``contacts.plan_contacts``.
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


def stay_lines(stayed: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how many stay in each group: seen, by week-to-week variation alone, and by chance.

    ``stayed``: ``Persistence.stayed``.
    """
    ax = ax or style.new_axes(height=3.3)
    groups = stayed["decile"].to_numpy()
    series = (
        ("noise", style.ORANGE, -0.12, "if nobody had changed"),
        ("stayed", style.BLUE, 0.12, "seen"),
    )
    for name, colour, shift, label in series:
        middle = stayed[name].to_numpy() * _PERCENT
        low = np.fmin(stayed[f"{name}_low"].fillna(stayed[name]) * _PERCENT, middle)
        high = np.fmax(stayed[f"{name}_high"].fillna(stayed[name]) * _PERCENT, middle)
        ax.errorbar(
            groups + shift, middle, yerr=[middle - low, high - middle], fmt="o-", color=colour,
            markersize=4, linewidth=1.2, ecolor=colour,
        )  # fmt: skip
        ax.annotate(
            label, (groups[0] + shift, middle[0]), (14, 0), textcoords="offset points",
            va="center",
        )  # fmt: skip
    ax.plot(groups, stayed["chance"] * _PERCENT, color=style.SOFT, linestyle=(0, (2, 2)))
    ax.annotate(
        "by chance", (groups[0], stayed["chance"].iloc[0] * _PERCENT), (0, -12),
        textcoords="offset points", color=style.SOFT,
    )  # fmt: skip
    ax.set_xticks(groups)
    ax.set_ylim(0, 100)
    ax.set_xlabel("Tenth in the first half, best first")
    ax.set_ylabel("Same tenth in the second half, %")
    return ax


def transition_map(matrix: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw where each group of the first half is in the second, in per cent of the group.

    ``matrix``: ``Persistence.matrix``: first, second, share.
    """
    ax = ax or style.new_axes(height=4.2)
    shares = matrix.pivot(index="first", columns="second", values="share").to_numpy() * _PERCENT
    image = ax.imshow(np.nan_to_num(shares), cmap=style.HEAT, vmin=0, aspect="auto")
    for (row, column), share in np.ndenumerate(shares):
        if np.isfinite(share) and share >= 0.5:
            ax.text(
                column, row, words.number(share), ha="center", va="center",
                color=style.text_on(tuple(image.to_rgba(share))),
            )  # fmt: skip
    names = [*(str(place) for place in range(1, len(shares))), "none"]
    ax.set_xticks(range(len(names)), names)
    ax.set_yticks(range(len(names)), names)
    ax.set_xlabel("Tenth in the second half (none: did not buy)")
    ax.set_ylabel("Tenth in the first half")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return ax
