"""What reviews, products, drivers and later behaviour say, and how far to trust the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.reporting.notebook import words
from analysis.reports.feedback.text import FDR, KINDS, NAMES, Fields
from analysis.stats.sizes import FEWEST_WHO_SAY

if TYPE_CHECKING:
    import pandas as pd

    from analysis.engagement.feedback.product_alarms import Alarms
    from analysis.engagement.feedback.response_rates import Response
    from analysis.engagement.feedback.satisfaction_drivers import After, Drivers
    from analysis.engagement.feedback.survey_rows import Surveys
    from analysis.engagement.feedback.text_topics import Topics
    from analysis.engagement.feedback.written_feedback import Sentiment, Written
    from analysis.reporting.notebook.report import TrustLine


def written_sentence(written: Written) -> str:
    """Return how many texts there are, in which languages, and what was masked."""
    by_language = written.languages.groupby("language")["texts"].sum().sort_values(ascending=False)
    parts = [f"{words.number(n)} {name}" for name, n in by_language.items()]
    masked = int(written.languages["masked"].sum())
    said = (
        f"{words.count(written.found, 'text')}: {words.listing(parts)}. In "
        f"{words.number(masked)} of them names, e-mails, phones, addresses or numbers were masked "
        "before anything else read them."
    )
    if len(written.rows) < written.found:
        said += f" The latest {words.number(len(written.rows))} are read."
    if written.cut:
        said += f" {words.count(written.cut, 'text')} longer than 2,000 characters are cut there."
    return said


def mood_headline(mood: Sentiment) -> str:
    """Return how well the model tells positive from negative."""
    row = mood.accuracy.iloc[0]
    return (
        f"From words alone the model finds {words.percent(row['sorry_found'], 0)} of the negative "
        f"and {words.percent(row['glad_found'], 0)} of the positive reviews, on held-out texts"
    )


def mood_reading(mood: Sentiment) -> str:
    """Return how the model learns and where it errs."""
    return (
        "Runs of one to three characters, weighted (TF-IDF), in a logistic regression on the stars "
        f"of the study's own reviews: {words.count(mood.distinct, 'different text')}. Equal texts "
        "are never learnt from and judged on. A text is called negative where its words fit "
        "negative reviews better than positive ones, however rare those are, so that many of those "
        "called are not: accuracy by the likelier sentiment is beside it, and shares of texts are "
        "corrected for such errors (Rogan and Gladen), as if the model erred on other texts as on "
        "held-out reviews. It knows no irony and little of negation: never a verdict on one text."
    )


def topics_headline(topics: Topics, kind: str) -> str:
    """Return what texts of a kind are most about."""
    rows = topics.shares[topics.shares["kind"] == kind]
    if rows.empty:
        return f"Too few texts of the kind {kind} to tell what they are about"
    first = rows.iloc[0]
    return (
        f"{words.percent(first['share'], 0)} of {KINDS.get(kind, kind)} are about {first['topic']}"
    )


def topics_reading(topics: Topics) -> str:
    """Return how topics are found and what share they cover."""
    parts = [
        f"{words.percent(row.covered, 0)} of {KINDS.get(row.kind, row.kind)}"
        for row in topics.covered.itertuples()
    ]
    return (
        "A text belongs to every topic one of whose words it holds; the lists of words, English "
        "and Chinese, stand in the package (text_topics). Some topic was found in "
        f"{words.listing(parts)}. Words and quotes are shown only where at least {FEWEST_WHO_SAY} "
        "customers use every word of them."
    )


def alarm_headline(alarms: Alarms) -> str:
    """Return which products show signs of a defect."""
    called = alarms.products[alarms.products["alarm"]]
    if called.empty:
        return f"None of {words.count(len(alarms.products), 'product')} shows signs of a defect"
    first = called.iloc[0]
    more = f" and {words.count(len(called) - 1, 'other')}" if len(called) > 1 else ""
    sign = {"returns": "by its returns", "words": "by what is written of it"}.get(
        first["signs"], "by its returns and by what is written of it"
    )
    return f"{first['name']}{more} shows signs of a defect, {sign}" if not more else (
        f"{first['name']}{more} show signs of a defect"
    )  # fmt: skip


def alarm_finding(alarms: Alarms) -> Fields:
    """Return the finding on the products called."""
    called = alarms.products[alarms.products["alarm"]]
    detail = "returns and reviews are as elsewhere"
    if len(called):
        first = called.iloc[0]
        back = (
            f"{words.percent(first['rate'], 1)} of its orders come back, "
            f"{words.percent(first['usual_rate'], 1)} are usual (report 01)"
            if np.isfinite(first["rate"])
            else f"{words.number(first['return_ratio'], 1)} times the usual returns"
        )
        detail = (
            f"first {first['name']}: {back}; "
            f"{words.number(first['bad'])} of {words.number(first['reviews'])} texts bad"
        )
    return {
        "key": "defective_products",
        "sentence": f"{'product shows' if len(called) == 1 else 'products show'} signs of a defect",
        "value": len(called), "unit": "", "n": len(alarms.products), "noun": "product",
        "direction": "up_bad", "alert": len(called) > 0, "decimals": 0, "detail": detail,
    }  # fmt: skip


def alarm_reading(alarms: Alarms) -> str:
    """Return how products are judged, and how often the alarm is false."""
    return (
        "Returns are held against the other products of the department, bad reviews (low stars, or "
        "words of a defect) against those of all products; both p-values are combined, and q is "
        f"the false discovery rate over {words.count(len(alarms.products), 'product')}. In "
        f"{words.percent(alarms.false_alarms, 0)} of simulated shops with the same sales and no "
        "product different from the others, at least one was called. An alarm is a reason to look "
        "at the goods, not a proof." + _other_verdict(alarms.products)
    )


def _other_verdict(products: pd.DataFrame) -> str:
    """Return where report 01, which looks at returns alone, calls other products."""
    if products["rate"].isna().all():
        return ""
    there, here = (set(products.loc[products[c], "name"]) for c in ("faulty", "alarm"))
    said = (
        " How many orders come back is report 01's figure. It judges by returns alone, over the "
        "whole history and against how much products differ anyway; here the last year counts, and "
        "what is written with it"
    )
    if there == here:
        return f"{said}: both call the same."
    only = [f"there alone {words.listing(sorted(there - here))}"] if there - here else []
    only += [f"here alone {words.listing(sorted(here - there))}"] if here - there else []
    return f"{said}: called {' and '.join(only)}."


def drivers_headline(drivers: Drivers) -> str:
    """Return what satisfaction goes with most."""
    found = drivers.effects[drivers.effects["q"] <= FDR]
    if found.empty:
        return f"{NAMES[drivers.kind]} goes significantly with none of what is known of the orders"
    first = found.iloc[0]
    return (
        f"{NAMES[drivers.kind]} goes most with “{first['driver']}”: "
        f"{words.number(first['effect'], 2, signed=True)} points"
    )


def late_finding(drivers: Drivers) -> Fields | None:
    """Return the finding on late deliveries, if they are known."""
    if drivers.late.empty:
        return None
    row = drivers.late.iloc[0]
    return {
        "key": "late_scores",
        "sentence": "points of satisfaction between late deliveries and others of the channel"
        + words.unsure(row["low"], row["high"]),
        "value": row["difference"], "low": row["low"], "high": row["high"], "unit": "",
        "n": int(row["n_late"]), "noun": "late delivery", "decimals": 2,
    }  # fmt: skip


def drivers_reading(drivers: Drivers) -> str:
    """Return how the drivers are estimated."""
    return (
        "Least squares with all of them at once, errors by customer, q over all. Together they "
        f"explain {words.percent(drivers.explained, 0)} of the variance of "
        f"{words.count(drivers.answers, 'score')}. What goes with a score need not cause it."
    )


def after_headline(after: After) -> str:
    """Return what followed low and high scores, like with like."""
    by = after.compared.set_index("comparison")
    row, plain = by.loc[["like with like"]].iloc[0], by.loc[["as it is"]].iloc[0]
    kind = NAMES[row["kind"]]
    if not np.isfinite(row["low"]) or row["low"] <= 0 <= row["high"]:
        said = (
            f"mong customers with as many orders before, a low {kind} is not followed by "
            "significantly more silence than a high one"
        )
        if not plain["low"] > 0:
            return f"A{said}"
        return (
            f"{words.percent(plain['lowest'], 0)} of those with a low {kind} do not order again, "
            f"{words.percent(plain['highest'], 0)} of those with a high one; but a{said}"
        )
    way = "more" if row["difference"] > 0 else "less"
    return (
        f"After a low {kind} customers fall silent {way} often than after a high one: "
        f"{words.points(row['difference'])} among those with as many orders before"
    )


def after_finding(after: After) -> Fields:
    """Return the finding on silence after low scores."""
    row = after.compared[after.compared["comparison"] == "like with like"].iloc[0]
    return {
        "key": "silence_after_low",
        "sentence": f"more of the lowest {NAMES[row['kind']]} than of the highest do not order in "
        f"{after.follow} days, among customers with as many orders before"
        + words.unsure(row["low"], row["high"]),
        "value": row["difference"], "low": row["low"], "high": row["high"], "unit": words.POINTS,
        "n": int(row["n_lowest"] + row["n_highest"]), "noun": "customer", "direction": "up_bad",
    }  # fmt: skip


def after_reading(after: After) -> str:
    """Return what the comparison may be used for."""
    return (
        f"Silent is who did not order in the {after.follow} days after the first answer. Like with "
        "like compares customers with as many orders in the half-year before. A score may foretell "
        "leaving without causing it: where those who scored low are likelier to leave, that is a "
        "reason to call, not a sign that a better score would keep them."
    )


def trust(
    surveys: Surveys, response: Response | None, mood: Sentiment | None, alarms: Alarms | None
) -> list[TrustLine]:
    """Return how far to trust the report."""
    off = int(surveys.off_scale["rows"].sum())
    lines: list[TrustLine] = [
        (
            "Scales",
            off == 0 and not surveys.refused,
            "Every score lies on its scale."
            if off == 0 and not surveys.refused
            else f"{words.count(off, 'score')} off the scale left out; "
            f"{words.count(len(surveys.refused), 'kind')} not readable.",
        ),
        ("Who was asked", surveys.knows_asked, _asked(surveys, response)),
    ]
    lines += [_model_line(mood)] if mood is not None else []
    if alarms is not None:
        said = f"{words.percent(alarms.false_alarms, 0)} of shops without a defect have an alarm."
        lines.append(("False alarms", alarms.false_alarms <= 0.1, said))
    return lines


def _asked(surveys: Surveys, response: Response | None) -> str:
    if not surveys.knows_asked:
        return "Only answers are known, so scores are those of who answered."
    if response is None:
        return "Invitations are known, but too few to weight by."
    row = response.corrected.iloc[0]
    return (
        f"Invitations are known: {words.number(row['answers'])} of {words.number(row['asked'])} "
        f"answered {NAMES[row['kind']]}; weighted, they are worth {words.number(row['effective'])}."
    )


def _model_line(mood: Sentiment) -> Any:
    row = mood.accuracy.iloc[0]
    better = bool(row["sorry_found_low"] + row["glad_found_low"] > 1)
    return (
        "Sentiment",
        better,
        f"{words.percent(row['sorry_found'], 0)} of the negative and "
        f"{words.percent(row['glad_found'], 0)} of the positive held-out texts are found; chance "
        "alone would make these two sum to 100 %.",
    )


def shown_calibration(mood: Sentiment) -> pd.DataFrame:
    """Return the calibration with the chances that each of its rows holds."""
    ends = [(row.fifth - 1) / 5 for row in mood.calibration.itertuples()]
    return mood.calibration.assign(chance=[words.interval(e, e + 0.2, 0) for e in ends])


def shown_alarms(alarms: Alarms) -> pd.DataFrame:
    """Return the products called, then the nearest to it."""
    return alarms.products.sort_values(["alarm", "p"], ascending=[False, True], kind="stable")
