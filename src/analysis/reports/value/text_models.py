"""What forecasts by group, next spend, a question of one's own and the model cards say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.customers.lifetime.spend_quantiles import ALIKE, QUANTILES
from analysis.customers.lifetime.valuation import contestant
from analysis.customers.lifetime.value_scorecard import NAIVE
from analysis.reporting.notebook import words
from analysis.reports.value.text_churn import calibration_verdict
from analysis.stats.proportions import wilson_interval
from analysis.stats.sizes import FEWEST_JUDGED, FEWEST_JUDGED_OF_A_KIND

if TYPE_CHECKING:
    from analysis.customers.churn.churn_forecast import ChurnForecast
    from analysis.customers.churn.own_question import QuestionForecast
    from analysis.customers.lifetime.spend_quantiles import SpendForecast
    from analysis.customers.lifetime.valuation import Valuation
    from analysis.customers.lifetime.value_scorecard import Scorecard
    from analysis.tables.periods import Period

#: Fields of a finding, as `Report.finding` takes them.
Fields = dict[str, Any]
#: Rows of a model card: what is asked of a model, and the answer.
Card = list[tuple[str, str]]

_DRIFTED = 0.25


def groups_headline(table: pd.DataFrame) -> str:
    """Return for how many groups the forecast of churn is worse."""
    judged, worse = table[table["judged"]], table[table["verdict"] != ""]
    of = f"{words.count(len(judged), 'group')} large enough to judge"
    if worse.empty:
        return f"In none of {of} is the forecast of churn significantly worse"
    names = words.listing(_named(row) for row in worse.head(3).itertuples())
    first = "" if len(worse) <= 3 else "among them "
    return f"The forecast of churn is worse in {words.number(len(worse))} of {of}: {first}{names}"


def _named(row: Any) -> str:
    return f"{spoken(row.attribute)} “{row.group}”"


def spoken(attribute: str) -> str:
    """Return the name of an attribute as it is read."""
    return str(attribute).replace("_", " ")


def groups_reading(table: pd.DataFrame) -> str:
    """Return what was withheld, and what worse means."""
    withheld = int((~table["judged"]).sum())
    said = (
        f"Judged are groups of {FEWEST_JUDGED} customers at past cut-offs with "
        f"{FEWEST_JUDGED_OF_A_KIND} or more who churned and who did not, and as many others. "
    )
    if withheld:
        said += (
            f"{words.count(withheld, 'group')} {'is' if withheld == 1 else 'are'} smaller and "
            "withheld: nothing is known of how the forecast does there. "
        )
    return said + (
        "A level is held against the forecast put right over all: with the level and the spread "
        "that fit all customers, so that what is wrong for everybody is no finding about a group. "
        "Worse is a level significantly off that, where the forecast as it was made lies beyond "
        "the interval on the same side, or a ranking below what the forecast itself expects there, "
        "at a false discovery rate of 5 % over all groups."
    )


def spend_headline(found: SpendForecast) -> str:
    """Return how often the interval of next period's spend held."""
    row = found.row(found.chosen)
    promised = QUANTILES[-1] - QUANTILES[0]
    return (
        f"The {words.percent(promised, 0)} interval of next spend held for "
        f"{words.percent(row['coverage'], 0)} of customers in a period nobody had seen"
    )


def spend_reading(found: SpendForecast, currency: str) -> str:
    """Return which model is used, how far it was off, and which quantiles did not hold."""
    row, rule = found.row(found.chosen), found.row(ALIKE)
    if found.chosen == ALIKE:
        said = ["Boosted quantiles do not beat the spread of those who spent alike, which is used."]
    else:
        gain = words.percent(1 - row["pinball"] / rule["pinball"], 0)
        said = [
            f"{found.chosen} have a pinball loss {gain} smaller than the spread of customers who "
            "spent alike."
        ]
    said.append(
        f"They missed the total by {words.percent(row['bias'], signed=True)}; their calibration "
        f"error by decile is {words.percent(row['calibration'], 0)} of it, and they rank with a "
        f"Gini of {words.number(row['gini'], 2)} (the rule: {words.number(rule['gini'], 2)})."
    )
    off = found.held[~found.held["holds"]]
    if off.empty:
        said.append("Every quantile held its share.")
    else:
        levels = words.listing(words.percent(q, 0) for q in off["quantile"])
        said.append(
            f"The {'quantile' if len(off) == 1 else 'quantiles'} at {levels} did not hold: too few "
            "or too many spent less, beyond chance."
        )
    if row["coverage_low"] > QUANTILES[-1] - QUANTILES[0]:
        said.append("An interval that begins at nothing holds everybody who spends nothing.")
    typical = found.customers[["q05", "q50", "q95"]].median()
    low, middle, high = (words.money(typical[name], 0, currency) for name in typical.index)
    said.append(f"Today's middle customer: {middle}, with nine chances in ten {low} to {high}.")
    return " ".join(said)


def question_finding(asked: QuestionForecast) -> Fields:
    """Return the finding on a question of one's own: how many of the doers a tenth holds."""
    top, count = asked.deciles.iloc[0], int(asked.deciles["happened_count"].sum())
    low, high = wilson_interval(int(top["happened_count"]), count)
    return {
        "key": "own_question",
        "sentence": f"of the customers who came to {asked.question.deed} within "
        f"{words.count(asked.question.days, 'day')} were in the tenth that {_used(asked)} had put "
        "first",
        "value": float(top["gain"]), "low": low.item(), "high": high.item(), "unit": "%",
        "n": count, "noun": "customer",
    }  # fmt: skip


def _used(asked: QuestionForecast) -> str:
    return "the rule of thumb" if asked.chosen == asked.rule else asked.chosen.lower()


def question_headline(asked: QuestionForecast) -> str:
    """Return how well the question is answered."""
    top, share = asked.deciles.iloc[0], asked.labelled["share"].iloc[-1]
    return (
        f"Who will {asked.question.deed}: {words.percent(top['happened'], 0)} of the likeliest "
        f"tenth did, {words.percent(share, 0)} of all"
    )


def question_reading(asked: QuestionForecast, gap_days: int) -> str:
    """Return what exactly was asked, and how models did against the rule of thumb."""
    question, row, rule = asked.question, asked.last(asked.chosen), asked.last(asked.rule)
    began = f" that begin {words.count(gap_days, 'day')} after a cut-off" if gap_days else ""
    said = f"Asked of everybody known: the {words.count(question.days, 'day')}{began}. "
    said += f"The rule of thumb is {_thumb(asked)}: AUC {_auc(rule)}. "
    if asked.chosen == asked.rule:
        said += "No model has a smaller Brier score, so the rule is used. "
    else:
        skill = words.percent(row["brier_skill"], 0), words.percent(rule["brier_skill"], 0)
        said += (
            f"{asked.chosen}: AUC {_auc(row)}, Brier skill {skill[0]} against {skill[1]} of the "
            "rule. "
        )
    return said + (
        f"The calibration slope is {words.number(row['slope'], 2)} (1 is perfect). That somebody "
        "is likely to do it does not say that a contact adds to it."
    )


def _thumb(asked: QuestionForecast) -> str:
    if asked.question.kind == "top_spend":
        return "spend in as many days before"
    return "how long ago it was last done"


def _auc(row: pd.Series) -> str:
    reach = words.interval(row["auc_low"], row["auc_high"], 2, "")
    return f"{words.number(row['auc'], 2)} ({reach})"


def value_card(card: Scorecard, valued: Valuation, history: Period) -> Card:
    """Return the model card of lifetime value."""
    means = card.means.set_index("model")
    used, naive = valued.purchases.name, means.loc[NAIVE]
    row = means.loc[contestant(used)] if contestant(used) in means.index else None
    score = (
        "It took no part in the contest under this name."
        if row is None
        else f"Calibration error by decile {words.percent(row['calibration'])}, Gini "
        f"{words.number(row['gini'], 2)}; repeating the last period "
        f"{words.percent(naive['calibration'])} and {words.number(naive['gini'], 2)}."
    )
    return [
        ("Predicts", "Contribution margin of each customer over the horizons stated, discounted."),
        ("For whom", f"Everybody with a purchase from {history}; guests are nobody."),
        ("Trained on", f"{words.count(len(valued.values.customers), 'customer')}, {history}."),
        ("Model", f"{used}, {valued.values.value_model}."),
        ("Score out of time", score),
        (
            "Calibration",
            "Unknown."
            if row is None
            else f"Bias of past totals {words.percent(row['bias'], 0)} on average, by size.",
        ),
        ("Groups", "Not judged by group: one-time buyers are shown apart."),
        ("Limits", "Carries the past on; knows no competitor, price or season. Margin before the "
         "cost of serving and contacting."),
        ("Do not use for", "Single customers where the interval is wide, a refusal of service, or "
         "what a contact brings."),
    ]  # fmt: skip


def churn_card(lost: ChurnForecast, groups: pd.DataFrame | None, days: int) -> Card:
    """Return the model card of churn."""
    row, rule = lost.last(lost.chosen), lost.last("Recency rule")
    return [
        ("Predicts", f"Silence over {days} days beyond what a customer's own gaps explain."),
        ("For whom", "Customers with three purchases or more whose rhythm lets a silence tell."),
        ("Trained on", _trained(lost.learnt, lost.labelled["cutoff"])),
        ("Model", lost.chosen),
        ("Score out of time", _scored(row, rule, "the recency rule")),
        ("Calibration", f"Slope {words.number(row['slope'], 2)}: {calibration_verdict(lost)}."),
        ("Groups", _groups(groups)),
        ("Drift", _drift(lost.drift)),
        ("Limits", f"{words.count(int(row['churned']), 'customer')} lost at the last cut-off. "
         "Nobody says goodbye: some of the silent come back."),
        ("Do not use for", "Customers who come seldom or are new; a worse offer to those at risk; "
         "what a contact achieves."),
    ]  # fmt: skip


def spend_card(found: SpendForecast, days: int, history: Period) -> Card:
    """Return the model card of next period's spend."""
    row, rule = found.row(found.chosen), found.row(ALIKE)
    share = words.percent(row["coverage"], 0)
    within = words.interval(row["coverage_low"], row["coverage_high"], 0)
    promised = words.percent(QUANTILES[-1] - QUANTILES[0], 0)
    return [
        ("Predicts", f"Net spend of the next {days} days, as a mean and five quantiles."),
        ("For whom", f"Everybody with a purchase from {history}."),
        ("Trained on", f"{words.count(found.learnt, 'row')}: customers at past cut-offs."),
        ("Model", found.chosen),
        ("Score out of time", f"Pinball loss {words.percent(row['pinball'])} of the mean spend; "
         f"those who spent alike {words.percent(rule['pinball'])}. Gini "
         f"{words.number(row['gini'], 2)} against {words.number(rule['gini'], 2)}."),
        ("Calibration", f"The {promised} interval held {share} ({within}); total missed by "
         f"{words.percent(row['bias'], 0, signed=True)}."),
        ("Groups", "Not judged by group."),
        ("Limits", "One past period checked; another season may differ."),
        ("Do not use for", "Credit, or the sum of many customers: their periods are good or bad "
         "together."),
    ]  # fmt: skip


def question_card(asked: QuestionForecast, groups: pd.DataFrame | None) -> Card:
    """Return the model card of a question of one's own."""
    row, rule = asked.last(asked.chosen), asked.last(asked.rule)
    question = asked.question
    return [
        ("Predicts", f"Will {question.deed} within {words.count(question.days, 'day')}."),
        ("For whom", "Everybody who bought before the cut-off; guests are nobody."),
        ("Trained on", _trained(asked.learnt, asked.labelled["cutoff"])),
        ("Model", asked.chosen),
        ("Score out of time", _scored(row, rule, "the rule of thumb")),
        ("Calibration", f"Slope {words.number(row['slope'], 2)}, intercept "
         f"{words.number(row['intercept'], 2)} (1 and 0 are perfect)."),
        ("Groups", _groups(groups)),
        ("Drift", _drift(asked.drift)),
        ("Limits", "Who is likely to do it anyway is not who can be moved to it."),
        ("Do not use for", "What a contact brings: only a group left out at random shows that."),
    ]  # fmt: skip


def _trained(rows: int, cutoffs: pd.Series) -> str:
    days = words.listing(words.day(day) for day in cutoffs)
    return f"{words.count(rows, 'row')}, customers at {days}; a quarter set aside to calibrate."


def _scored(row: pd.Series, rule: pd.Series, name: str) -> str:
    return (
        f"AUC {_auc(row)}, PR AUC {words.number(row['pr_auc'], 2)}, Brier "
        f"{words.number(row['brier'], 4)}; {name}: AUC {_auc(rule)}, PR AUC "
        f"{words.number(rule['pr_auc'], 2)}, Brier {words.number(rule['brier'], 4)}."
    )


def _groups(table: pd.DataFrame | None) -> str:
    if table is None:
        return "Too few of either outcome in any group to judge."
    worse, judged = table[table["verdict"] != ""], int(table["judged"].sum())
    if worse.empty:
        return f"Worse in none of {words.count(judged, 'group')} judged, {len(table)} in all."
    named = words.listing(f"{_named(row)} ({row.verdict})" for row in worse.itertuples())
    return f"Worse for {named}; {words.count(judged, 'group')} judged of {len(table)}."


def _drift(drift: pd.DataFrame) -> str:
    moved = drift[drift["psi"] > _DRIFTED]
    if moved.empty:
        return "Today's customers look like those learnt from (stability index below 0.25)."
    return f"Moved since it learnt: {words.listing(moved['meaning'].head(4))}."
