"""What expected value, churn and value at risk say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.customers.value.value_scorecard import BOOSTING, NAIVE, PURCHASE_MODELS
from analysis.reporting import words

if TYPE_CHECKING:
    import pandas as pd

    from analysis.customers.retention.churn_evaluation import RetentionOffer
    from analysis.customers.retention.churn_forecast import ChurnForecast
    from analysis.customers.retention.retention_value import RetentionValue
    from analysis.customers.value.early_signs import EarlySigns
    from analysis.customers.value.gamma_gamma import Independence
    from analysis.customers.value.lifetime_value import LifetimeValue
    from analysis.customers.value.value_scorecard import Scorecard
    from analysis.reporting.report import TrustLine
    from analysis.tables.periods import Period

#: Fields of a finding, as `Report.finding` takes them.
Fields = dict[str, Any]

_WELL_CALIBRATED = (0.8, 1.25)
_DRIFTED = 0.25
_LARGE_BIAS = 0.10
_DISCOVERED = 0.05


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


def value_finding(totals: pd.DataFrame, months: int, confidence: float, currency: str) -> Fields:
    """Return the finding on the expected margin of all customers, past misses in its interval."""
    total = totals[(totals["months"] == months) & (totals["group"] == "all")].iloc[0]
    known = np.isfinite(total["miss_low"])
    return {
        "key": "expected_margin",
        "sentence": f"of contribution margin, discounted, is expected from today's customers over "
        f"the next {months} months; new customers come on top",
        "value": float(total["value"]),
        "low": float(total["miss_low"]) if known else None,
        "high": float(total["miss_high"]) if known else None,
        "unit": currency,
        "n": int(total["customers"]),
        "noun": "customer",
        "direction": "up_good",
        "level": confidence,
    }


def concentration_finding(values: LifetimeValue, months: int) -> Fields:
    """Return the finding on the best tenth by expected value."""
    return {
        "key": "top_tenth_expected",
        "sentence": f"of the margin expected over {months} months is that of the best tenth of "
        "customers by expected value",
        "value": top_share(values, months),
        "unit": "%",
        "n": len(values.customers),
        "noun": "customer",
    }


def trust_finding(card: Scorecard) -> Fields:
    """Return the finding on how good the forecast was where it could be checked."""
    row, naive = _mean(card, card.trusted), _mean(card, NAIVE)
    if not card.beats_naive:
        return {
            "key": "value_forecast",
            "sentence": "of the margin is put in the wrong decile by repeating the last period, "
            "and no model did significantly better: none of them earns trust here",
            "value": float(naive["calibration"]),
            "unit": "%",
            "direction": "up_bad",
        }
    return {
        "key": "value_forecast",
        "sentence": f"of the margin was put in the wrong decile by the best forecast "
        f"({card.trusted}) on periods it had not seen; repeating the last period misplaces "
        f"{words.percent(naive['calibration'])}",
        "value": float(row["calibration"]),
        "unit": "%",
        "direction": "up_bad",
    }


def _mean(card: Scorecard, model: str) -> pd.Series:
    return card.means.set_index("model").loc[model]


def contest(card: Scorecard) -> str:
    """Return the headline of the contest."""
    if not card.beats_naive:
        return "No model beats repeating the last period"
    row, naive = _mean(card, card.trusted), _mean(card, NAIVE)
    return (
        f"{card.trusted} misplaces {words.percent(row['calibration'], 0)} of the margin, "
        f"repeating the last period {words.percent(naive['calibration'], 0)}"
    )


def contest_reading(card: Scorecard, used: str) -> str:
    """Return how the contest is read, with what boosting and regular gaps added."""
    said = [
        "The bias is that of the total, by size and averaged over cut-offs. Misplaced is the sum "
        "of the deciles' errors over the total. Absolute errors per customer are not shown: where "
        "many buy nothing, forecasting nothing for everybody has the smallest."
    ]
    table = card.means.set_index("model")
    if BOOSTING in table.index:
        row, best = table.loc[BOOSTING], table.loc[card.trusted]
        if row["gini"] > best["gini"] and row["bias"] > 2 * best["bias"]:
            said.append(
                f"{BOOSTING} ranks best (Gini {words.number(row['gini'], 3)}) but misses the total "
                f"by {words.percent(row['bias'], 0)}: it takes the trend of its training period "
                "for a law."
            )
    last = card.scores.groupby("model", sort=False)["bias"].apply(list)[card.trusted]
    if min(last) > _LARGE_BIAS:
        said.append(
            "The forecast was too high at every cut-off, by "
            f"{words.listing(words.percent(b, 0) for b in last)}: read totals as rather too high."
        )
    elif max(last) < -_LARGE_BIAS:
        said.append(
            "The forecast was too low at every cut-off, by "
            f"{words.listing(words.percent(-b, 0) for b in last)}: read totals as rather too low."
        )
    if used != card.trusted and card.beats_naive:
        said.append(
            f"Values below are those of {used}: "
            + (
                f"the customers of today do not tell the parameters of {card.trusted} apart."
                if card.trusted in PURCHASE_MODELS
                else f"{card.trusted} knows one period ahead only."
            )
        )
    return " ".join(said)


def values_headline(values: LifetimeValue, totals: pd.DataFrame, months: int) -> str:
    """Return the headline on how uncertain one customer is and how certain the total."""
    total = totals[(totals["months"] == months) & (totals["group"] == "all")].iloc[0]
    if not np.isfinite(total["miss_low"]):
        return "What customers are expected to bring; the model gives no standard errors here"
    half = (total["miss_high"] - total["miss_low"]) / 2 / total["value"]
    own = values.customers[values.customers[f"value_{months}"] > 0]
    reach = (own[f"high_{months}"] - own[f"low_{months}"]) / 2 / own[f"value_{months}"]
    return (
        f"The total is known to ± {words.percent(half, 0)}, a typical customer to "
        f"± {words.percent(float(reach.median()), 0)}"
    )


def values_reading(
    values: LifetimeValue,
    months: int,
    independence: Independence,
    before: tuple[float, int],
    currency: str,
) -> str:
    """Return which models the values rest on and what they take for granted.

    ``before`` is the margin that the same customers brought, and over how many days.
    """
    once = _total(values, months, "one-time buyers")
    brought, days = before
    said = [
        f"In the {words.number(days)} days before, these customers brought "
        f"{words.money(brought, 0, currency)}.",
        f"How often they come follows {values.purchase_model}, what a purchase is worth "
        f"{values.value_model}.",
        f"{words.count(once['customers'], 'customer')} bought on one day only and hold "
        f"{words.percent(once['value'] / _total(values, months)['value'], 0)} of the margin.",
    ]
    if values.purchase_model == "BG/NBD" and once["customers"] > 0:
        said.append(
            "BG/NBD takes each of them as active for certain, because nobody may leave before a "
            "repeat purchase: do not read that as loyalty."
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
    model, both, whole = (
        rows[high] - rows["value"] for high in ("parameter_high", "high", "miss_high")
    )
    worth = rows["value"].abs()
    return rows.assign(
        horizon=rows["months"].map(lambda m: f"{m} months") + note,
        model=model / worth,
        luck=np.sqrt((both**2 - model**2).clip(lower=0)) / worth,
        missed=np.sqrt((whole**2 - both**2).clip(lower=0)) / worth,
    )


def newcomer_finding(newcomer: pd.DataFrame, months: int, currency: str) -> Fields:
    """Return the finding on what winning a customer may cost."""
    row = newcomer[newcomer["months"] == months].iloc[0]
    return {
        "key": "newcomer_value",
        "sentence": f"is what a new customer is expected to bring in {months} months, the first "
        "purchase included: winning one for more loses money over that time",
        "value": float(row["value"]),
        "unit": currency,
        "n": int(row["customers"]),
        "noun": "customer",
        "decimals": 2,
    }


def churn_finding(forecast: ChurnForecast, days: int) -> Fields:
    """Return the finding on how many regular customers are lost."""
    last = forecast.labelled.iloc[-1]
    return {
        "key": "churn",
        "sentence": f"of regular customers fell silent for the {days} days after "
        f"{words.day(last['cutoff'])} beyond what their own rhythm explains; a shop that loses "
        f"nobody would show {words.percent(last['expected'])}",
        "value": float(last["share"]),
        "unit": "%",
        "n": int(last["labelled"]),
        "noun": "customer",
        "direction": "up_bad",
    }


def churn_headline(forecast: ChurnForecast) -> str:
    """Return the headline on how well churn is forecast."""
    top = forecast.deciles.iloc[0]
    return (
        f"The tenth at highest risk holds {words.percent(top['gain'], 0)} of those who churned "
        f"({words.percent(top['churned'], 0)} of it, against "
        f"{words.percent(forecast.labelled.iloc[-1]['share'], 0)} of all)"
    )


def churn_reading(forecast: ChurnForecast) -> str:
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
    low, high = _WELL_CALIBRATED
    slope = row["slope"]
    verdict = (
        "well calibrated"
        if low <= slope <= high
        else "too sure of itself"
        if slope < low
        else "too timid"
    )
    said.append(_level(forecast))
    said.append(
        f"The calibration slope is {words.number(slope, 2)} (1 is perfect): {verdict}. "
        f"With {words.count(int(row['churned']), 'customer')} lost at the last cut-off, "
        + (
            "figures of single tenths are rough."
            if row["churned"] < 200
            else "tenths are known well enough to act on."
        )
    )
    return " ".join(said)


def _level(forecast: ChurnForecast) -> str:
    """Return whether as many churned as forecast, at the last cut-off and to be expected now."""
    table = forecast.deciles
    mean = float((table["probability"] * table["customers"]).sum() / table["customers"].sum())
    came = float(table["lost"].sum() / table["customers"].sum())
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
        "value": float(whole["at_risk"]),
        "unit": currency,
        "n": int(whole["customers"]),
        "noun": "customer",
        "direction": "up_bad",
    }


def risk_headline(kept: RetentionValue, currency: str) -> str:
    """Return the headline on the effect at which a contact breaks even."""
    best, whole = kept.groups.iloc[0], kept.groups.iloc[-1]
    return (
        f"At {words.money(kept.cost, 2, currency)} per contact, keeping "
        f"{_effect(best['break_even'])} of would-be churners pays in the best tenth, "
        f"{_effect(whole['break_even'])} over all"
    )


def _effect(share: float) -> str:
    return words.percent(share, 0) if np.isfinite(share) and share <= 1 else "more than all"


def risk_reading(kept: RetentionValue) -> str:
    """Return how the break-even effect is used."""
    whole = kept.groups.iloc[-1]
    return (
        "What a contact achieves is not known: it must be measured on a random half left "
        "uncontacted. The break-even effect is the share of would-be churners that a contact must "
        f"keep to pay for itself. For {words.count(int(whole['can_pay']), 'customer')} of "
        f"{words.number(whole['customers'])} an effect below 100 percent can pay at all."
    )


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
    return (
        f"Excellent is the margin of the best {words.percent(early.excellent, 0)} of "
        f"{words.count(early.newcomers, 'newcomer')} in the {early.follow_days} days after the "
        f"window. {words.number(count)} of {words.count(len(early.signs), 'sign')} tell them apart "
        "significantly (false discovery rate 5 percent). A sign finds look-alikes early; leading "
        "others to do the same need not make them excellent."
    )


def due_headline(check: pd.DataFrame) -> str:
    """Return the headline on how well the dates held."""
    half = check[check["quantile"] == 0.5].iloc[0]
    return (
        f"By the date by which half should have come, {words.percent(half['came'], 0)} had: fewer, "
        "the more customers are lost"
        if half["came"] < 0.5
        else f"By the date by which half should have come, {words.percent(half['came'], 0)} had"
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
                bool(row["bias"] < _LARGE_BIAS),
                f"{card.trusted} missed past totals by {words.percent(row['bias'], 0)} on average.",
            ),
        ]
    if forecast:
        slope = float(forecast.last(forecast.chosen)["slope"])
        good = _WELL_CALIBRATED[0] <= slope <= _WELL_CALIBRATED[1]
        moved = forecast.drift[forecast.drift["psi"] > _DRIFTED]
        lines += [
            ("Churn", good, f"Calibration slope {words.number(slope, 2)} at the last cut-off."),
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
        f"{words.number(offer.accepted_b)}): that share is an assumption until a list is tested."
    )


def worth_keeping(
    kept: RetentionValue, forecast: ChurnForecast, dates: pd.DataFrame
) -> pd.DataFrame:
    """Return customers by value at risk, with why and when they are expected."""
    why = forecast.customers[["customer_id", "why"]]
    why = why.assign(main_reason=why["why"].str.partition("; ")[0])
    due = dates[["customer_id", "next_on", "next_high"]]
    return kept.customers.merge(why, on="customer_id", how="left").merge(
        due, on="customer_id", how="left"
    )
