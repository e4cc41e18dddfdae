"""Charts of what sells together, and instead of each other.

Charts of what customers buy next: follow-ups, what is due, what to recommend.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.reporting.charts import style
from analysis.reporting.charts.forest import forest, shortened
from analysis.reporting.notebook import words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PERCENT = 100.0


def support_and_lift(
    discovered: pd.DataFrame, checked: pd.DataFrame, *, ax: Axes | None = None
) -> Axes:
    """Draw pairs by how often and how much more than chance they are together.

    Parameters
    ----------
    discovered
        All pairs beyond chance: support, lift.
    checked
        The checked ones: support, lift, verdict, short (what to call it).
    """
    ax = ax or style.new_axes(height=3.6)
    ax.plot(
        discovered["support"] * _PERCENT, discovered["lift"], "o", color=style.QUIET,
        markersize=2.5, alpha=0.7, zorder=0,
    )  # fmt: skip
    holds = checked["verdict"] == "holds"
    kinds = ((holds, style.BLUE, "checked, holds"), (~holds, style.VERMILLION, "checked, does not"))
    for chosen, color, label in kinds:
        if chosen.any():
            part = checked[chosen]
            ax.scatter(part["support"] * _PERCENT, part["lift"], color=color, s=18, label=label)
    believed = checked[holds]
    if len(believed):
        row = believed.loc[believed["lift"].idxmax()]
        right = row["support"] > discovered["support"].median()
        ax.annotate(
            row["short"], (row["support"] * _PERCENT, row["lift"]), (-6 if right else 0, 7),
            textcoords="offset points", ha="right" if right else "left",
        )  # fmt: skip
    ax.set_xscale("log")
    ax.set_yscale("log")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(lambda v, _: f"{v:g}")
        axis.set_minor_formatter(lambda *_: "")
    ax.set_xlabel("Support: orders with both, % (log scale)")
    ax.set_ylabel("Lift (log scale)")
    _legend_above(ax)
    return ax


def within(checked: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw each pair's odds ratio as it looks, and the least that any control leaves of it.

    ``checked``: short (what to call the pair), or_raw, or_least, or_least_low, or_least_high.
    """
    rows = np.arange(len(checked))
    ax = ax or style.new_axes(height=0.9 + 0.25 * len(checked))
    ax.hlines(rows, checked["or_least"], checked["or_raw"], color=style.GRID, linewidth=2, zorder=0)
    ax.plot(
        checked["or_raw"], rows, "o", color=style.QUIET, markersize=5, label="unadjusted"
    )  # fmt: skip
    reach = np.vstack(
        [
            checked["or_least"] - checked["or_least_low"],
            checked["or_least_high"] - checked["or_least"],
        ]
    )
    ax.errorbar(
        checked["or_least"], rows, xerr=np.clip(np.nan_to_num(reach), 0, None), fmt="o",
        color=style.BLUE, markersize=4, linewidth=1.3, label="adjusted",
    )  # fmt: skip
    ax.axvline(1, color=style.SOFT, linewidth=0.8)
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter(lambda v, _: f"{v:g}")
    ax.xaxis.set_minor_formatter(lambda *_: "")
    ax.set_yticks(rows, checked["short"].tolist())
    ax.set_ylim(len(checked) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    _legend_above(ax)
    ax.set_xlabel("Odds ratio (log scale)")
    return ax


def _legend_above(ax: Axes) -> None:
    """Say what the colours are above the chart, where no dot can lie."""
    ax.legend(
        loc="lower right", bbox_to_anchor=(1, 1), ncols=2, handletextpad=0.2, borderaxespad=0.2,
        columnspacing=1,
    )  # fmt: skip


def lift_map(matrix: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw a heat map of lifts between items, the diagonal left out.

    ``matrix``: Square: lifts by label; NaN where the pair is too rare.
    """
    n = len(matrix)
    ax = ax or style.new_axes(height=1.5 + 0.3 * n)
    values = np.log2(matrix.to_numpy(float))
    image = ax.imshow(values, aspect="auto", vmin=np.nanmin(values), vmax=np.nanmax(values))
    for (row, column), value in np.ndenumerate(matrix.to_numpy(float)):
        if np.isfinite(value):
            ground = np.asarray(image.cmap(image.norm(values[row, column])))
            ax.text(column, row, words.number(value, 1), ha="center", va="center",
                    fontsize=9.2, color=style.text_on(tuple(ground[:3])))  # fmt: skip
    names = [shortened(str(name), 22) for name in matrix.columns]
    ax.set_xticks(range(n), names, rotation=60, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(n), names)
    ax.tick_params(length=0)
    for side in ax.spines.values():
        side.set_visible(False)
    return ax


def network(edges: pd.DataFrame, *, seed: int = 0, ax: Axes | None = None) -> Axes:
    """Draw pairs as a network: what belongs together lies together.

    Parameters
    ----------
    edges
        a, b (labels), weight (larger: drawn thicker and pulled closer).
    seed
        Seed of the first positions.
    """
    names = sorted({*edges["a"], *edges["b"]})
    ax = ax or style.new_axes(height=4.6)
    place = {name: i for i, name in enumerate(names)}
    a, b = edges["a"].map(place).to_numpy(), edges["b"].map(place).to_numpy()
    weight = edges["weight"].to_numpy(float) / max(float(edges["weight"].max()), 1e-12)
    at = _spread(len(names), a, b, weight, seed)
    for i, j, w in zip(a, b, weight, strict=True):
        ax.plot(*at[[i, j]].T, color=style.SKY, linewidth=0.8 + 3.5 * w, zorder=0, alpha=0.8)
    degree = np.bincount(np.concatenate([a, b]), minlength=len(names))
    ax.scatter(at[:, 0], at[:, 1], s=20 + 14 * degree, color=style.BLUE, linewidth=0)
    for name, (x, y), below in zip(names, at, _lowest(at[:, 1], a, b), strict=True):
        ax.annotate(
            shortened(name, 22), (x, y), (0, -6 if below else 6), textcoords="offset points",
            ha="center", va="top" if below else "baseline",
        )  # fmt: skip
    ax.margins(0.16, 0.08)
    ax.axis("off")
    return ax


def _lowest(height: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Tell whose neighbours all lie higher: the name goes below, where no line leads."""
    highest_below = np.full(len(height), -np.inf)
    np.maximum.at(highest_below, a, -height[b])
    np.maximum.at(highest_below, b, -height[a])
    return -highest_below > height


def _spread(n: int, a: np.ndarray, b: np.ndarray, weight: np.ndarray, seed: int) -> np.ndarray:
    """Return positions: Fruchterman and Reingold (1991), neighbours pulled, all pushed apart."""
    rng = np.random.default_rng(seed)
    at = rng.uniform(-1, 1, (n, 2))
    ideal = 1.6 / np.sqrt(max(n, 1))
    for step in range(400):
        gap = at[:, None] - at[None]
        distance = np.maximum(np.linalg.norm(gap, axis=2), 1e-3)
        # Labels are wide, so that what lies beside each other is pushed apart, too.
        move = (gap / distance[..., None] * (ideal**2 / distance)[..., None]).sum(axis=1)
        pull = (
            (at[a] - at[b])
            * (0.3 + weight)[:, None]
            * np.linalg.norm(at[a] - at[b], axis=1)[:, None]
            / ideal
        )
        np.subtract.at(move, a, pull)
        np.add.at(move, b, pull)
        move -= 0.4 * at
        length = np.maximum(np.linalg.norm(move, axis=1, keepdims=True), 1e-9)
        at = at + move / length * np.minimum(length, 0.12 * (1 - step / 400))
    # Labels lie on lines of their own, so that none covers another.
    at[np.argsort(at[:, 1]), 1] = np.linspace(-1, 1, n)
    at[:, 0] /= max(float(np.abs(at[:, 0]).max()), 1e-9)
    return at


def switching_map(matrix: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw what is bought after what: per cent of each row.

    ``matrix``: Last brand x next brand: share.
    """
    n = len(matrix)
    ax = ax or style.new_axes(height=1.2 + 0.36 * n)
    values = matrix.to_numpy(float) * _PERCENT
    image = ax.imshow(values, aspect="auto", vmin=0, vmax=100)
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            ground = np.asarray(image.cmap(image.norm(value)))
            color = style.text_on(tuple(ground[:3]))
            ax.text(column, row, words.number(value), ha="center", va="center", color=color)
    ax.set_xticks(range(n), [shortened(str(c), 12) for c in matrix.columns])
    ax.set_yticks(range(n), [shortened(str(c), 20) for c in matrix.index])
    ax.set_xlabel("Next purchase")
    ax.set_ylabel("Last purchase")
    ax.tick_params(length=0)
    return ax


def differences(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how many more buyers of A go on to B than matched customers, in points.

    ``table``: label, difference, difference_low, difference_high, share, control.
    """
    written = [
        f"{words.number(s * _PERCENT)} against {words.number(c * _PERCENT)} %"
        for s, c in zip(table["share"], table["control"], strict=True)
    ]
    ends = [table[n] * _PERCENT for n in ("difference", "difference_low", "difference_high")]
    ax = ax or style.new_axes(height=0.7 + 0.4 * len(table))
    labels = [f"{shortened(a)}\n→ {shortened(b)}" for a, b in table["label"].str.split(" → ")]
    ax = forest(
        labels, *ends, written=written, strong=table["difference_low"] > 0, ax=ax
    )  # fmt: skip
    ax.set_yticks(range(len(table)), labels)
    ax.set_xlabel("More than matched customers, points")
    return ax


def incidence(curve: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw who bought B by day, buyers of A beside matched customers.

    ``curve``: day, share, share_low, share_high, control, control_low, control_high.
    """
    ax = ax or style.new_axes()
    kinds = (("share", style.BLUE, "bought A"), ("control", style.SOFT, "matched, did not"))
    for name, color, label in kinds:
        line = curve[name] * _PERCENT
        low, high = curve[f"{name}_low"] * _PERCENT, curve[f"{name}_high"] * _PERCENT
        ax.fill_between(curve["day"], low, high, color=color, alpha=0.18, linewidth=0, step="post")
        ax.step(curve["day"], line, where="post", color=color)
        ax.annotate(label, (curve["day"].iloc[-1], line.iloc[-1]), (4, 0), color=color,
                    textcoords="offset points", va="center", annotation_clip=False)  # fmt: skip
    ax.set_xlabel("Days after the first purchase of A")
    ax.set_ylabel("Bought B since, %")
    ax.set_ylim(bottom=0)
    ax.set_xlim(left=1)
    return ax


def due_bars(table: pd.DataFrame, *, days: int, ax: Axes | None = None) -> Axes:
    """Draw how many bought in the next days, by how overdue they were.

    Parameters
    ----------
    table
        overdue_from, overdue_to, share, low, high.
    days
        The next days, for the axis.
    """
    ax = ax or style.new_axes()
    rows = np.arange(len(table))
    share = table["share"].to_numpy() * _PERCENT
    ends = [share - table["low"] * _PERCENT, table["high"] * _PERCENT - share]
    ax.bar(rows, share, color=style.BLUE, width=0.75)
    ax.errorbar(rows, share, yerr=np.clip(ends, 0, None), fmt="none", ecolor=style.INK)
    bounds = zip(table["overdue_from"], table["overdue_to"], strict=True)
    ax.set_xticks(rows, [_overdue(low, high) for low, high in bounds])
    ax.set_xlabel("Days overdue (negative: due later)")
    ax.set_ylabel(f"Bought in the next {days} days, %")
    ax.tick_params(length=0)
    return ax


def _overdue(low: float, high: float) -> str:
    if not np.isfinite(low):
        return f"< {words.number(high)}"
    return (
        f"≥ {words.number(low)}"
        if not np.isfinite(high)
        else f"{words.number(low)}\n…{words.number(high - 1)}"
    )


def recommenders(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how much of what was bought next each recommender had on its list.

    ``table``: recommender, recall, recall_low, recall_high, chosen.
    """
    ends = [table[n] * _PERCENT for n in ("recall", "recall_low", "recall_high")]
    ax = forest(
        list(table["recommender"]), *ends, strong=table["chosen"],
        written=[f"{words.number(v, 1)} %" for v in ends[0]], ax=ax,
    )  # fmt: skip
    ax.set_xlabel("Recall: of what was bought, on the list, %")
    ax.set_xlim(left=0)
    return ax
