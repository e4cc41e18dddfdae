"""What churn, value at risk, next purchases and early signs say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.reporting.notebook import words
from analysis.stats.proportions import wilson_interval

if TYPE_CHECKING:
    from analysis.customers.churn.churn_evaluation import RetentionOffer
    from analysis.customers.churn.churn_forecast import ChurnForecast
    from analysis.customers.churn.retention_value import RetentionValue
    from analysis.customers.lifetime.early_signs import EarlySigns

#: Fields of a finding, as `Report.finding` takes them.
Fields = dict[str, Any]

_WELL_CALIBRATED = (0.8, 1.25)
_DISCOVERED = 0.05
_LARGE_LEVEL = 0.15
#: By how much a date's share may miss before it is called too early or too late.
_LARGE_MISS = 0.03
WELL = "well calibrated"


def churn_finding(forecast: ChurnForecast, days: int) -> Fields:
    """Return the finding on how many regular customers are lost."""
    last = forecast.labelled.iloc[-1]
    low, high = wilson_interval(int(last["churned"]), int(last["labelled"]))
    return {
        "key": "churn",
        "sentence": f"of regular customers fell silent for the {days} days after "
        f"{words.day(last['cutoff'])} beyond what their own rhythm explains; a shop that loses "
        f"nobody would show {words.percent(last['expected'])}",
        "value": float(last["share"]), "low": low.item(), "high": high.item(), "unit": "%",
        "n": int(last["labelled"]), "noun": "customer", "direction": "up_bad",
    }  # fmt: skip


def churn_headline(forecast: ChurnForecast) -> str:
    """Return the headline on how well churn is forecast."""
    top = forecast.deciles.iloc[0]
    return (
        f"The tenth at highest risk holds {words.percent(top['gain'], 0)} of those who churned "
        f"({words.percent(top['churned'], 0)} of it, against "
        f"{words.percent(forecast.labelled.iloc[-1]['share'], 0)} of all)"
    )


def churn_reading(forecast: ChurnForecast, currency: str) -> str:
    """Return which model is used, whether it beats the rule of thumb, and its calibration."""
    row, rule = forecast.last(forecast.chosen), forecast.last("Recency rule")
    said = []
    if forecast.chosen == "Recency rule":
        best = forecast.scores[forecast.scores["cutoff"] == row["cutoff"]]
        best = best.loc[best["auc"].idxmax()]
        said.append(
            "By Brier score no model beats the rule of thumb, days since the last purchase, which "
            "is therefore used."
        )
        if best["model"] != forecast.chosen:
            said.append(
                f"{best['model']} ranks higher (AUC {words.number(best['auc'], 2)} against "
                f"{words.number(rule['auc'], 2)}), but its interval, "
                f"{words.interval(best['auc_low'], best['auc_high'], 2, '')}, "
                + ("overlaps." if best["auc_low"] <= rule["auc_high"] else "does not overlap.")
            )
    else:
        said.append(
            f"{forecast.chosen} has the smallest Brier score over the cut-offs checked: AUC "
            f"{words.number(row['auc'], 2)} "
            f"({words.interval(row['auc_low'], row['auc_high'], 2, '')}), the rule of thumb, days "
            f"since the last purchase, {words.number(rule['auc'], 2)}."
        )
    said.append(_level(forecast))
    few = row["churned"] < 200
    said.append(
        f"The calibration slope is {words.number(row['slope'], 2)} (1 is perfect, 0.8 to 1.25 "
        "counts as good): "
        f"{calibration_verdict(forecast)}. "
        f"With {words.count(int(row['churned']), 'customer')} lost at the last cut-off, "
        + ("figures of single tenths are rough." if few else "single tenths are well measured.")
    )
    said.append(_profit(forecast, currency))
    return " ".join(said).strip()


def calibration_verdict(forecast: ChurnForecast) -> str:
    """Return whether probabilities were right at the last cut-off: their spread and their level."""
    low, high = _WELL_CALIBRATED
    slope = forecast.last(forecast.chosen)["slope"]
    if not low <= slope <= high:
        return "too sure of itself" if slope < low else "too timid"
    mean, came, error = _levels(forecast)
    if abs(mean - came) > max(2 * error, _LARGE_LEVEL * came):
        return f"rightly spread, but {'too high' if mean > came else 'too low'} all over"
    return WELL


def _levels(forecast: ChurnForecast) -> tuple[float, float, float]:
    """Return the share forecast, the share that churned, and its standard error."""
    table = forecast.deciles
    n = float(table["customers"].sum())
    mean = float((table["probability"] * table["customers"]).sum()) / n
    came = float(table["lost"].sum()) / n
    return mean, came, float(np.sqrt(came * (1 - came) / n))


def _profit(forecast: ChurnForecast, currency: str) -> str:
    offer, row = forecast.offer, forecast.last(forecast.chosen)
    if not offer or not np.isfinite(row["profit"]):
        return ""
    accepted = offer.accepted_a / (offer.accepted_a + offer.accepted_b)
    return (
        f"If {words.percent(accepted, 0)} of would-be churners accepted, {_whence(offer)}, "
        f"contacting by risk would earn {words.money(row['profit'], 2, currency)} per regular "
        f"customer at best, with {words.percent(row['profit_share'], 0)} of them contacted."
    )


def _whence(offer: RetentionOffer) -> str:
    if not offer.measured:
        return "which is assumed"
    return f"as of {words.count(offer.measured, 'silent customer')} in randomised offers before"


def _level(forecast: ChurnForecast) -> str:
    """Return whether as many churned as forecast, at the last cut-off and to be expected now."""
    mean, came, _ = _levels(forecast)
    now = float(forecast.customers["churn"].mean())
    return (
        f"{forecast.chosen} forecast that {words.percent(mean)} churn at the last cut-off, and "
        f"{words.percent(came)} did; of today's regular customers, {words.percent(now)}."
    )


def risk_finding(kept: RetentionValue, months: int, currency: str) -> Fields:
    """Return the finding on the value at risk."""
    whole = kept.groups.iloc[-1]
    top = kept.groups.iloc[0]
    return {
        "key": "value_at_risk",
        "sentence": f"of the margin expected over {months} months is at risk (probability of churn "
        f"times what a customer brings if kept), {words.percent(top['at_risk_share'], 0)} of it "
        "with the best tenth",
        "value": float(whole["at_risk"]), "at_stake": float(whole["at_risk"]),
        "otherwise": "about this margin goes with those who churn, if the forecast holds",
        "unit": currency, "n": int(whole["customers"]), "noun": "customer", "direction": "up_bad",
    }  # fmt: skip


def risk_headline(kept: RetentionValue, currency: str) -> str:
    """Return the headline on the effect at which a contact breaks even."""
    rows = (kept.groups.iloc[0], "in the best tenth"), (kept.groups.iloc[-1], "over all")
    tenth, whole = (
        f"keeping {words.percent(row['break_even'], 0)} of would-be churners pays {where}"
        if row["break_even"] <= 1
        else f"not even keeping all would-be churners pays {where}"
        for row, where in rows
    )
    cost = words.money(kept.cost, 2, currency)
    return f"At {cost} per contact, {tenth}; {whole.replace('of would-be churners', 'of them')}"


def risk_reading(kept: RetentionValue) -> str:
    """Return how the break-even effect is used."""
    whole = kept.groups.iloc[-1]
    return (
        "The break-even effect is the share of would-be churners that a contact must keep to pay "
        "for itself. What a contact achieves is not known: it must be measured on a random half "
        f"left uncontacted. {_test(kept.groups)} For "
        f"{words.count(int(whole['can_pay']), 'customer')} of {words.number(whole['customers'])} "
        "an effect below 100 % can pay at all."
    )


def _test(groups: pd.DataFrame) -> str:
    """Return in which groups a test would show the effect at which a contact pays."""
    if not (groups["break_even"] <= 1).any():
        return "At this cost a contact pays in no group, whatever it achieves."
    fit = groups[(groups["break_even"] <= 1) & (groups["shown"] <= groups["break_even"])]
    if fit.empty:
        return (
            "Such a test would not show the break-even effect in any group, nor over all (80 % "
            "power): too few of these customers churn."
        )
    names = words.listing(str(name).lower() for name in fit["group"])
    return (
        f"Such a test shows the break-even effect, or a smaller one, with 80 % power in: {names}."
    )


def due_reading(check: pd.DataFrame) -> str:
    """Return how far the forecast dates can be relied on."""
    missed = (check["came"] - check["quantile"]).abs()
    off, worst = check[missed > 2 * check["error"] + _LARGE_MISS], float(missed.max())
    said = [
        f"By the day by which {words.percent(row.quantile, 0)} should have come, "
        f"{words.percent(row.came, 0)} had: that date is {_side(row)}."
        for row in off.itertuples()
    ] or [f"What had come lies within {words.points(worst, signed=False)} of what should have."]
    undated = int(check["undated"].max())
    if undated:
        said.append(
            f"{words.count(undated, 'customer')} {'has' if undated == 1 else 'have'} no date by "
            "which nine in ten come: of those as silent, too many never return."
        )
    said.append(
        "Dates count on what the model's chances came to at earlier cut-offs; by the model alone "
        f"{words.percent(check['by_model_alone'].iloc[-1], 0)} had come by the late date."
    )
    return " ".join(said)


def _side(row: Any) -> str:
    return "too early" if row.came < row.quantile else "too late"


def signs_headline(early: EarlySigns) -> str:
    """Return the headline on the earliest sign that tells most."""
    first = early.signs[early.signs["days"] == early.signs["days"].min()]
    known = first[(first["q"] < _DISCOVERED) & first["ratio"].notna()]
    if known.empty:
        return "Nothing in the first weeks tells who becomes an excellent customer"
    best = known.loc[known["ratio"].idxmax()]
    return (
        f"Of newcomers who {_did(best['sign'])} in the first {int(best['days'])} days, "
        f"{words.percent(best['excellent_with'], 0)} become excellent customers; of the others, "
        f"{words.percent(best['excellent_without'], 0)}"
    )


def _did(sign: str) -> str:
    return sign if sign.startswith(("came", "bought")) else f"had a {sign}"


def signs_reading(early: EarlySigns) -> str:
    """Return what excellent means and what a sign is good for."""
    count = int((early.signs["q"] < _DISCOVERED).sum())
    one = early.signs.iloc[0]
    rest = one["customers"] - one["with_sign"]
    became = np.nansum(
        [one["with_sign"] * one["excellent_with"], rest * one["excellent_without"]]
    ) / max(one["customers"], 1)
    return (
        f"Excellent is a margin, in the {early.follow_days} days after the window, above what the "
        f"best {words.percent(early.excellent, 0)} of the earlier half of "
        f"{words.count(early.newcomers, 'newcomer')} brought; of the later half, on whom signs "
        f"are judged, {words.percent(became, 0)} reached it after their first "
        f"{words.count(int(one['days']), 'day')}. {words.number(count)} of "
        f"{words.count(len(early.signs), 'sign')} tell them apart significantly (false discovery "
        "rate 5 %). A sign finds look-alikes early; leading others to do the same need not make "
        "them excellent."
    )


def due_headline(check: pd.DataFrame) -> str:
    """Return the headline on how well the dates held."""
    half = check[check["quantile"] == 0.5].iloc[0]
    return (
        f"By the date by which half should have come, {words.percent(half['came'], 0)} had "
        f"({words.percent(half['by_model_alone'], 0)} by the model of gaps alone)"
    )


def profit_caption(offer: RetentionOffer | None, currency: str) -> str:
    """Return what the expected maximum profit takes for granted."""
    if not offer:
        return "Brier skill is against the same share for all."
    mean = offer.accepted_a / (offer.accepted_a + offer.accepted_b)
    return (
        "Brier skill is against the same share for all. Maximum profit, if a kept customer is "
        f"worth {words.money(offer.value, 0, currency)}, the offer costs "
        f"{words.money(offer.incentive, 0, currency)}, a contact "
        f"{words.money(offer.contact, 2, currency)}, and {words.percent(mean, 0)} of would-be "
        f"churners accept (beta {words.number(offer.accepted_a)}, "
        f"{words.number(offer.accepted_b)}), "
        + (
            f"{_whence(offer)}: those had left, which regular customers are only at risk of."
            if offer.measured
            else "which is an assumption until a list is tested."
        )
    )


def curve_reading(curve: pd.DataFrame, forecast: ChurnForecast, currency: str) -> str:
    """Return what contacting by risk would have earned at best, and what that rests on."""
    assert forecast.offer is not None
    offer, best = forecast.offer, curve.loc[curve["profit"].idxmax()]
    mean = offer.accepted_a / (offer.accepted_a + offer.accepted_b)
    said = (
        f"contacting the {words.percent(best['share'], 0)} at highest risk would have earned "
        f"{words.money(best['profit'], 2, currency)} per regular customer "
        f"({words.interval(best['low'], best['high'], 2, currency)})."
        if best["low"] > 0
        else "it is not certain that contacting any share of them by risk would have paid."
    )
    return (
        f"If would-be churners accept as silent customers did when offers to them were randomised "
        f"({words.percent(mean, 0)} of those who would have stayed away, "
        f"{words.count(offer.measured, 'customer')}), {said} Whether those who are still customers "
        "do so, only a test on them tells."
    )


def worth_keeping(
    kept: RetentionValue, forecast: ChurnForecast, dates: pd.DataFrame | None
) -> pd.DataFrame:
    """Return customers by value at risk, with why and when they are expected."""
    why = forecast.customers[["customer_id", "why"]]
    why = why.assign(main_reason=why["why"].str.partition("; ")[0])
    table = kept.customers.merge(why, on="customer_id", how="left")
    if dates is None:
        return table.assign(next_on=pd.NaT, next_high=pd.NaT)
    due = dates[["customer_id", "next_on", "next_high"]]
    return table.merge(due, on="customer_id", how="left")
