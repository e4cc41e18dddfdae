"""What forecasts of value, and how far to trust them, say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.customers.lifetime.lifetime_value import LARGE_BIAS, one_side
from analysis.customers.lifetime.pareto_nbd import WITH_TRAITS
from analysis.customers.lifetime.valuation import contestant, past_biases
from analysis.customers.lifetime.value_scorecard import BOOSTING, NAIVE, PURCHASE_MODELS
from analysis.reporting.notebook import words
from analysis.reports.value import text_churn

if TYPE_CHECKING:
    from analysis.customers.churn.churn_forecast import ChurnForecast
    from analysis.customers.lifetime.forecast_tracking import Tracking
    from analysis.customers.lifetime.lifetime_value import LifetimeValue
    from analysis.customers.lifetime.valuation import Valuation
    from analysis.customers.lifetime.value_scorecard import Scorecard
    from analysis.reporting.notebook.report import TrustLine
    from analysis.tables.periods import Period

#: Fields of a finding, as `Report.finding` takes them.
Fields = dict[str, Any]

_DRIFTED = 0.25


def title(values: LifetimeValue, months: int, currency: str) -> str:
    """Return the title: what customers are expected to bring, and how few bring half."""
    total = _total(values, months)
    top = top_share(values, months)
    return (
        f"{words.money(total['value'], 0, currency)} of margin is expected from today's customers "
        f"in {months} months, {words.percent(top, 0)} of it from a tenth of them"
    )


def _total(values: LifetimeValue, months: int, group: str = "all") -> pd.Series:
    rows = values.totals[values.totals["months"] == months]
    return rows[rows["group"] == group].iloc[0]


def top_share(values: LifetimeValue, months: int) -> float:
    """Return the share of the expected margin that the best tenth of customers brings."""
    ranked = np.sort(values.customers[f"value_{months}"].to_numpy())[::-1]
    tenth = max(1, len(ranked) // 10)
    return float(ranked[:tenth].sum() / ranked.sum()) if ranked.sum() > 0 else float("nan")


def value_finding(
    valued: Valuation, card: Scorecard, months: int, confidence: float, currency: str
) -> Fields:
    """Return the finding on the expected margin of all customers, past misses in its interval."""
    totals = valued.totals
    total = totals[(totals["months"] == months) & (totals["group"] == "all")].iloc[0]
    known = np.isfinite(total["miss_low"])
    missed = past_level(past_biases(card, valued.purchases.name))
    return {
        "key": "expected_margin",
        "sentence": f"of contribution margin, discounted, is expected from today's customers over "
        f"the next {months} months{missed}; new customers come on top",
        "value": float(total["value"]), "low": float(total["miss_low"]) if known else None,
        "high": float(total["miss_high"]) if known else None, "unit": currency,
        "n": int(total["customers"]), "noun": "customer", "direction": "up_good",
        "level": confidence,
    }  # fmt: skip


def concentration_finding(values: LifetimeValue, months: int) -> Fields:
    """Return the finding on the best tenth by expected value."""
    return {
        "key": "top_tenth_expected",
        "sentence": f"of the margin expected over {months} months is that of the best tenth of "
        "customers by expected value",
        "value": top_share(values, months), "unit": "%", "n": len(values.customers),
        "noun": "customer",
    }  # fmt: skip


def trust_finding(card: Scorecard) -> Fields:
    """Return the finding on how good the forecast was where it could be checked."""
    row, naive = _mean(card, card.trusted), _mean(card, NAIVE)
    if not card.beats_naive:
        return {
            "key": "value_forecast",
            "sentence": "of the margin is the calibration error by decile of repeating the last "
            "period, and no model did significantly better: none of them earns trust here",
            "value": float(naive["calibration"]), "unit": "%", "direction": "up_bad",
        }  # fmt: skip
    return {
        "key": "value_forecast",
        "sentence": "of the margin is the calibration error by decile of the forecast with the "
        f"smallest ({card.trusted}) on periods it had not seen{_of_the_level(row)}; of repeating "
        f"the last period {words.percent(naive['calibration'])}",
        "value": float(row["calibration"]), "unit": "%", "direction": "up_bad",
    }  # fmt: skip


def _of_the_level(row: pd.Series) -> str:
    """Return how much of the calibration error the miss of the total is, which it cannot be below.

    The deciles' errors add up to the miss of the total at least, reached where all lie to one side.
    """
    if row["bias"] <= row["calibration"] / 2:
        return ""
    return f" (the total alone was missed by {words.percent(row['bias'])})"


def _mean(card: Scorecard, model: str) -> pd.Series:
    return card.means.set_index("model").loc[model]


def contest(card: Scorecard) -> str:
    """Return the headline of the contest."""
    if not card.beats_naive:
        return "No model beats repeating the last period"
    row, naive = _mean(card, card.trusted), _mean(card, NAIVE)
    return (
        f"Calibration error by decile: {card.trusted} {words.percent(row['calibration'], 0)} of "
        f"the margin, repeating the last period {words.percent(naive['calibration'], 0)}"
    )


def contest_reading(card: Scorecard) -> str:
    """Return how the contest is read, with what boosting and regular gaps added."""
    said = [
        "The bias is that of the total, by size and averaged over cut-offs. The calibration error "
        "is the sum of the deciles' errors, by size, over the total: a miss of the total is part "
        "of it. Absolute errors per customer are not shown: where many buy nothing, forecasting "
        "nothing for everybody has the smallest."
    ]
    table = card.means.set_index("model")
    if BOOSTING in table.index:
        row, best = table.loc[BOOSTING], table.loc[card.trusted]
        if row["gini"] >= table["gini"].max() and row["bias"] > 2 * best["bias"]:
            said.append(
                f"{BOOSTING} ranks best (Gini {words.number(row['gini'], 3)}) but misses the total "
                f"by {words.percent(row['bias'], 0)}: it takes the trend of its training period "
                "for a law."
            )
    said += _attributes(card)
    level = past_level(past_biases(card, card.trusted))
    if level:
        said.append(f"Read totals with care{level}.")
    return " ".join(said)


def _attributes(card: Scorecard) -> list[str]:
    """Return what attributes that customers stated on joining added, where they took part."""
    if card.attributes.empty:
        return []
    less, rank = (card.attributes.set_index("measure").loc[m] for m in ("calibration", "gini"))
    if not card.attributes_help:
        verdict = "no clear gain, so they are not used"
    elif card.best_purchase_models()[0] == WITH_TRAITS:
        verdict = "they are used"
    else:
        verdict = f"a gain, but the error of {card.best_purchase_models()[0]} is smaller"
    return [
        "What customers stated on joining (channel they were won through, gender) changes the Gini "
        f"of Pareto/NBD by {words.number(rank['gain'], 3)} "
        f"({words.interval(rank['low'], rank['high'], 3, '')}) and its calibration error by "
        f"{words.points(-less['gain'], 1)} "
        f"({words.interval(-less['high'], -less['low'], 1, 'points')}): {verdict}."
    ]


def past_level(biases: list[float]) -> str:
    """Return by how much past totals were missed, where always to the same side."""
    side = {1: "high", -1: "low"}.get(one_side(biases))
    return f" (past forecasts were {_sizes(biases)} too {side})" if side else ""


def missed_side(biases: list[float]) -> str:
    """Return to which side alone past misses reach, if to one."""
    below = ", downwards alone, as every past forecast was too high"
    above = ", upwards alone, as every past forecast was too low"
    return {1: below, -1: above}.get(one_side(biases), "")


def _sizes(biases: list[float]) -> str:
    return words.listing(words.percent(abs(bias), 0) for bias in biases)


def used_model(card: Scorecard, used: str) -> str:
    """Return why values rest on another model than the one that did best, if they do."""
    if contestant(used) == card.trusted or not card.beats_naive:
        return ""
    why = (
        f"the customers of today do not tell the parameters of {card.trusted} apart"
        if card.trusted in (*PURCHASE_MODELS, WITH_TRAITS)
        else f"{card.trusted} knows one period ahead only"
    )
    return f"{used} stands in for {card.trusted}: {why}. "


def values_headline(values: LifetimeValue, totals: pd.DataFrame, months: int, currency: str) -> str:
    """Return the headline on how uncertain one customer is and how certain the total."""
    total = totals[(totals["months"] == months) & (totals["group"] == "all")].iloc[0]
    if not np.isfinite(total["miss_low"]):
        return "What customers are expected to bring; the model gives no standard errors here"
    down, up = ((total[end] / total["value"] - 1) for end in ("miss_low", "miss_high"))
    own = values.customers[[f"{name}_{months}" for name in ("value", "low", "high")]].median()
    middle, low, high = own
    return (
        f"The total may be {words.percent(-down, 0)} lower or {words.percent(up, 0)} higher; a "
        f"middle customer, expected to bring {words.money(middle, 0, currency)}, may bring "
        f"{words.interval(low, high, 0, currency)}"
    )


def values_reading(valued: Valuation, months: int, currency: str) -> str:
    """Return which models the values rest on and what they take for granted."""
    values, independence = valued.values, valued.related
    brought, days = valued.brought, valued.history.days
    once = _total(values, months, "one-time buyers")
    said = [
        f"In the {words.number(days)} days before, these customers brought "
        f"{words.money(brought, 0, currency)}.",
        f"How often they come follows {values.purchase_model}, what a purchase is worth "
        f"{values.value_model}.",
        f"{words.count(once['customers'], 'customer')} bought on one day only and hold "
        f"{words.percent(once['value'] / _total(values, months)['value'])} of the margin.",
    ]
    if values.purchase_model == "BG/NBD" and once["customers"] > 0:
        said.append(
            "BG/NBD takes each of them as active for certain, because in it nobody may leave "
            "before a repeat purchase; that is no finding, so none is stated of them."
        )
    if np.isfinite(independence.correlation):
        strength = abs(independence.correlation)
        verdict = "close enough to none" if strength < 0.1 else "which the models ignore"
        said.append(
            "Worth and number of purchases correlate by "
            f"{words.number(independence.correlation, 2)} (Spearman), {verdict}."
        )
    return " ".join(said)


def shown_totals(totals: pd.DataFrame) -> pd.DataFrame:
    """Return the totals of all customers, and how far each cause of uncertainty reaches.

    Returns
    -------
    pandas.DataFrame
        One horizon a row: horizon, value, miss_low, miss_high, model, luck, missed (half widths as
        shares of the value, each by itself).
    """
    rows = totals[totals["group"] == "all"]
    note = rows["extrapolated"].map({True: " (beyond the history)", False: ""})
    model, both = (rows[high] - rows["value"] for high in ("parameter_high", "high"))
    whole = np.maximum(rows["miss_high"] - rows["value"], rows["value"] - rows["miss_low"])
    worth = rows["value"].abs()
    return rows.assign(
        horizon=rows["months"].map(lambda m: f"{m} months") + note,
        model=model / worth,
        luck=np.sqrt((both**2 - model**2).clip(lower=0)) / worth,
        missed=np.sqrt((whole**2 - both**2).clip(lower=0)) / worth,
    )


def newcomer_finding(
    newcomer: pd.DataFrame, months: int, confidence: float, currency: str
) -> Fields:
    """Return the finding on what winning a customer may cost: as brought, else by the model."""
    row = newcomer[newcomer["months"] == months].iloc[0]
    told, value, low, high = _newcomer(row)
    known, seen = np.isfinite(low), told == "brought"
    return {
        "key": "newcomer_value",
        "sentence": f"is what a new customer {told} in {months} months, the first purchase "
        "included: winning one for more loses money on average over that time",
        "value": float(value), "low": float(low) if known else None,
        "high": float(high) if known else None, "level": confidence, "unit": currency,
        "n": int(row["followed"] if seen else row["customers"]), "noun": "customer", "decimals": 2,
    }  # fmt: skip


def newcomer_reading(newcomer: pd.DataFrame, currency: str) -> str:
    """Return how far the model's newcomer is from those who could be followed."""
    row = newcomer[newcomer["brought"].notna()].iloc[-1]
    over = row["value"] / row["brought"] - 1
    said = (
        f"Those who could be followed for {int(row['months'])} months brought "
        f"{words.money(row['brought'], 2, currency)}; the model's newcomer, "
        f"{words.money(row['value'], 2, currency)}, is {words.percent(abs(over), 0)} "
        f"{'above' if over > 0 else 'below'} that. "
    )
    if row["brought_low"] <= row["value"] <= row["brought_high"]:
        return said + "The two agree."
    return (
        said + "Go by what was brought: the model is fitted to all customers, and those from "
        "before the history look new to it when first seen. Horizons over which nobody could be "
        "followed rest on the model alone."
    )


def newcomer_headline(newcomer: pd.DataFrame, months: int, currency: str) -> str:
    """Return what a new customer brought, as the finding says it; else what is expected."""
    told, value, low, high = _newcomer(newcomer[newcomer["months"] == months].iloc[0])
    span = f" ({words.interval(low, high, 2, currency)})" if np.isfinite(low) else ""
    return f"A new customer {told} {words.money(value, 2, currency)} in {months} months{span}"


def _newcomer(row: pd.Series) -> tuple[str, float, float, float]:
    """Return whether newcomers could be followed, and what they brought, or are expected to."""
    seen = bool(np.isfinite(row["brought"]))
    names = ["brought", "brought_low", "brought_high"] if seen else ["value", "low", "high"]
    value, low, high = (float(row[name]) for name in names)
    return ("brought" if seen else "is expected to bring"), value, low, high


def tracking_headline(held: Tracking) -> str:
    """Return how many purchases came after the fit, against those expected."""
    beyond, weeks = held.beyond, int((~held.weeks["fitted"]).sum())
    share = beyond["made"] / beyond["expected"] - 1
    side, digits = "more" if share > 0 else "fewer", 0 if abs(share) >= 0.01 else 1
    return (
        f"In the {weeks} weeks after the fit {words.number(beyond['made'])} repeat purchases came, "
        f"{words.percent(abs(share), digits)} {side} than the {words.number(beyond['expected'])} "
        "expected"
    )


def tracking_reading(held: Tracking) -> str:
    """Return how the model did in the weeks it was fitted to."""
    seen = held.weeks.loc[held.weeks["fitted"], ["expected", "made"]].sum()
    return (
        f"In the weeks it was fitted to, {words.number(seen['made'])} came and "
        f"{words.number(seen['expected'])} were expected. Customers from before the history count "
        "from the first purchase seen, as if they were new then."
    )


def intervals_reading(held: pd.DataFrame, nominal: float) -> str:
    """Return in which groups the intervals of customers held too seldom."""
    short = held[held["high"] < nominal]
    cutoffs = words.count(held["cutoff"].nunique(), "cut-off")
    if short.empty:
        return (
            f"Over {cutoffs}, intervals of customers held not significantly less than the "
            f"{words.percent(nominal, 0)} promised; where more, because for many a future of "
            "nothing is likely, and an end at nothing holds it."
        )
    worst = short.loc[short["held"].idxmin()]
    return (
        f"At {short['cutoff'].nunique()} of {cutoffs}, intervals of "
        f"{words.listing(sorted(set(short['group'])))} held significantly less than the "
        f"{words.percent(nominal, 0)} promised, at worst {words.percent(worst['held'], 0)}: "
        "read them as too narrow."
    )


def trust(
    card: Scorecard | None, forecast: ChurnForecast | None, history: Period, basis: str
) -> list[TrustLine]:
    """Return what a reader should know before relying on the report."""
    lines: list[TrustLine] = [("Margin", None, basis)]
    if card:
        cutoffs = card.scores["cutoff"].nunique()
        row = _mean(card, card.trusted)
        lines += [
            (
                "Value",
                card.beats_naive,
                f"Checked on {words.count(cutoffs, 'period')} nobody had seen; "
                + ("a model beats" if card.beats_naive else "no model beats")
                + " repeating the last period.",
            ),
            (
                "Totals",
                bool(row["bias"] < LARGE_BIAS),
                f"{card.trusted} missed past totals by {words.percent(row['bias'], 0)} on average.",
            ),
        ]
    if forecast:
        verdict = text_churn.calibration_verdict(forecast)
        moved = forecast.drift[forecast.drift["psi"] > _DRIFTED]
        lines += [
            (
                "Churn",
                verdict == text_churn.WELL,
                f"The forecast was {verdict} at the last cut-off.",
            ),
            (
                "Inputs",
                moved.empty,
                "Today's customers look like those learnt from."
                if moved.empty
                else f"Moved since the models learnt: {words.listing(moved['meaning'].head(4))}.",
            ),
        ]
    lines.append(
        (
            "History",
            None,
            f"{words.number(history.days)} days, {history}. Whoever was a customer before counts "
            "from the first purchase seen.",
        )
    )
    return lines
