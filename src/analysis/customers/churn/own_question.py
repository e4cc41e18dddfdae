"""A question of one's own: who will buy a category, use a channel, be among the best spenders.

Asked by `label:` in the params, answered as churn is: learnt on earlier cut-offs only, a gap after
the cut-off, calibrated on customers set aside, checked on a later cut-off against a rule of thumb.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.customers.churn.churn_forecast import Contest, contest
from analysis.customers.churn.churn_label import ChurnLabels
from analysis.customers.churn.churn_model import Outcome
from analysis.customers.lifetime.snapshots import ASKED_FEATURES, FEATURES, Snapshot
from analysis.errors import NotApplicable, ParamsError
from analysis.stats.types import Floats
from analysis.tables.lines import lines_in
from analysis.tables.periods import Period

if TYPE_CHECKING:
    import ibis

    from analysis.tables.engine import Tables

TOP_SPEND = "top_spend"
LAST_SPEND = "Spend before"
_NEVER = 3_650.0
_RENAMED = {"churned": "happened", "lost": "happened_count"}


@dataclass(frozen=True)
class Question:
    """What is asked of every customer known at a cut-off.

    Parameters
    ----------
    kind
        ``category``, ``department`` or ``channel`` (will buy in it), or ``top_spend`` (will be
        among the best spenders).
    days
        Days over which it may happen; they begin when the gap after the cut-off ends.
    name
        Of the category, department or channel.
    share
        Share of customers who are the best spenders.
    """

    kind: str
    days: int
    name: str = ""
    share: float = 0.1

    @property
    def deed(self) -> str:
        """What is asked, as "will ... in the next 28 days" says it."""
        if self.kind == TOP_SPEND:
            return f"be among the {100 * self.share:g} % who spend most"
        return f"order by {self.name}" if self.kind == "channel" else f"buy {self.name}"


@dataclass(frozen=True)
class QuestionForecast:
    """How models answered the question before, and the answer for today's customers.

    Parameters
    ----------
    question
        What was asked.
    labelled
        One cut-off a row: cutoff, customers, happened (count), share.
    scores, deciles
        As in `ChurnForecast`, with ``happened`` for churned.
    chosen, rule
        The model with the smallest Brier score over the checked cut-offs; the rule of thumb.
    effects, drift
        As in `ChurnForecast`.
    customers
        One customer a row: customer_id, probability, why; likeliest first.
    checked
        One customer and checked cut-off a row: customer_id, probability, churned (did it), cutoff.
    learnt
        Rows learnt from.
    """

    question: Question
    labelled: pd.DataFrame
    scores: pd.DataFrame
    deciles: pd.DataFrame
    chosen: str
    rule: str
    effects: pd.DataFrame
    drift: pd.DataFrame
    customers: pd.DataFrame
    checked: pd.DataFrame
    learnt: int

    def last(self, model: str) -> pd.Series:
        """Return the scores of ``model`` at the last cut-off checked."""
        return self.scores[self.scores["model"] == model].iloc[-1]


def answer_question(
    tables: Tables,
    past: Sequence[Snapshot],
    today: Snapshot,
    *,
    label: Mapping[str, Any] | None,
    seed: int = 0,
) -> QuestionForecast | None:
    """Return who is likely to do what ``label`` asks, or None where nothing is asked.

    Parameters
    ----------
    tables
        A study's tables.
    past, today
        Past snapshots with outcomes, earliest first, and that of now.
    label
        Fields of `Question`, as the params give them.
    seed
        Seed of folds and models.

    Raises
    ------
    ParamsError
        If the study knows no such category, department or channel.
    NotApplicable
        If orders name no channel, or too few did it to learn from.
    """
    if label is None:
        return None
    question = Question(**label)
    _require_known(tables, question)
    back = min(snapshot.known.days for snapshot in past)
    pairs = [_labelled(tables, snapshot, question, back) for snapshot in past]
    held = contest(pairs, seed=seed, outcome=_outcome(question))
    now = with_history(tables, today, question, back).customers
    rows = [
        {
            "cutoff": snapshot.known.end,
            "customers": len(one.customers),
            "happened": int(one.customers["churned"].sum()),
            "share": one.share,
        }
        for snapshot, one in pairs
    ]
    return _answered(question, held, now, pd.DataFrame(rows))


def _answered(
    question: Question, held: Contest, now: pd.DataFrame, labelled: pd.DataFrame
) -> QuestionForecast:
    told = held.told(now).sort_values("probability", ascending=False, kind="stable")
    return QuestionForecast(
        question=question,
        labelled=labelled,
        scores=held.scores.rename(columns=_RENAMED),
        deciles=held.deciles.rename(columns=_RENAMED),
        chosen=held.chosen,
        rule=held.learnt.outcome.rule_name,
        effects=held.effects(),
        drift=held.drift(now),
        customers=told.reset_index(drop=True),
        checked=held.checked,
        learnt=len(held.learnt.churned),
    )


def _require_known(tables: Tables, question: Question) -> None:
    if question.kind == TOP_SPEND:
        return
    table = tables.order_lines if question.kind == "channel" else tables.products
    if question.kind not in table.columns:
        raise NotApplicable(f"Orders of this study name no {question.kind}, so none can be asked.")
    column = table[question.kind]
    known = sorted(
        table.filter(column.notnull()).distinct(on=question.kind)[question.kind].to_pandas()
    )
    if question.name not in known:
        near = difflib.get_close_matches(question.name, known, n=3, cutoff=0.5) or known[:10]
        raise ParamsError(
            f"label.name {question.name!r} is no {question.kind} of this study; there are, among "
            f"others, {', '.join(near)}"
        )


def _outcome(question: Question) -> Outcome:
    """Return how the question is learnt, with the rule of thumb that a model must beat."""
    deed = question.deed
    what, happened, other = f"Whether customers {deed}", "did so", "did not"
    if question.kind == TOP_SPEND:
        own = {"spent_last": f"spend in the {question.days} days before"}
        return Outcome(
            what, happened, other, _spend, ("spent_last",), LAST_SPEND, features=FEATURES | own
        )
    meaning = {"done_days": "days since", "done_last": "times lately", "done_rate": "times a week"}
    own = {name: f"{words}: {deed}" for name, words in meaning.items()}
    own["done_ever"] = f"ever before: {deed}"
    return Outcome(what, happened, other, _since, ("done_days",), features=FEATURES | own)


def _since(rows: pd.DataFrame) -> Floats:
    """Return the rule of thumb: the longer ago it was done, the less likely it is."""
    days = np.nan_to_num(rows["done_days"].to_numpy("float64"), nan=_NEVER)
    return np.asarray(-np.log1p(days))


def _spend(rows: pd.DataFrame) -> Floats:
    """Return the rule of thumb: who spent most before will."""
    return np.asarray(np.log1p(np.maximum(rows["spent_last"].to_numpy("float64"), 0)))


def _labelled(
    tables: Tables, snapshot: Snapshot, question: Question, back: int
) -> tuple[Snapshot, ChurnLabels]:
    """Return a past snapshot with what was known of the thing asked about, and who then did it."""
    known = with_history(tables, snapshot, question, back)
    start = snapshot.known.end + timedelta(days=snapshot.gap_days)
    after = Period(start, start + timedelta(days=question.days))
    ids = known.customers["customer_id"]
    done = _done(tables, after, question)[["days", "net"]].reindex(ids).fillna(0.0)
    if question.kind == TOP_SPEND:
        spent = done["net"].to_numpy("float64")
        did = (spent >= np.quantile(spent, 1 - question.share)) & (spent > 0)
    else:
        did = done["days"].to_numpy("float64") > 0
    each = pd.DataFrame(
        {"customer_id": ids.to_numpy(), "reason": "", "without_losses": np.nan, "churned": did}
    )
    return known, ChurnLabels(each, float(did.mean()), float("nan"))


def with_history(tables: Tables, snapshot: Snapshot, question: Question, back: int) -> Snapshot:
    """Return ``snapshot`` with what was known at its cut-off of the thing asked about.

    Looked at are the last ``back`` days, as many at every cut-off: "never before" must mean the
    same to a model that learns from an early cut-off and is asked today.
    """
    ids, end = snapshot.customers["customer_id"], snapshot.known.end
    before = _done(tables, Period.before(end, days=question.days), question).reindex(ids)
    if question.kind == TOP_SPEND:
        own = {"spent_last": before["net"].fillna(0.0).to_numpy("float64")}
    else:
        ever = _done(tables, Period.before(end, days=back), question).reindex(ids)
        since = (pd.Timestamp(end) - pd.to_datetime(ever["last_on"])).dt.days
        weeks = np.minimum(snapshot.customers["observed"].to_numpy("float64") + 1, back / 7)
        times = ever["days"].fillna(0.0).to_numpy("float64")
        own = {
            "done_days": since.to_numpy("float64"),
            "done_ever": (times > 0).astype("float64"),
            "done_last": before["days"].fillna(0.0).to_numpy("float64"),
            "done_rate": times / weeks,
        }
    assert set(own) <= set(ASKED_FEATURES)
    customers = snapshot.customers.assign(**own)
    return Snapshot(snapshot.known, snapshot.outcome, customers, snapshot.gap_days)


def _done(tables: Tables, period: Period, question: Question) -> pd.DataFrame:
    """Return by customer: days on which it was done, net spent on it, last_on."""
    lines: ibis.Table = lines_in(tables, period)
    lines = lines.filter(lines.customer_id.notnull())
    if question.kind != TOP_SPEND:
        lines = lines.filter(lines[question.kind] == question.name, lines.quantity > 0)
    day = lines.ordered_at.date()
    sums = lines.group_by("customer_id").agg(
        days=day.nunique(), net=lines.net_amount.sum().cast("float64"), last_on=day.max()
    )
    return sums.order_by("customer_id").to_pandas().set_index("customer_id")
