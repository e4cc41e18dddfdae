"""Texts of every kind: their language, mood and topics, and what is never shown."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis import engagement
from analysis.answers import NotGiven
from analysis.engagement.feedback import text_topics, written_feedback
from analysis.engagement.feedback.masking import KnownNames, masked
from analysis.engagement.feedback.written_feedback import (
    BOTH,
    CHINESE,
    LATIN,
    NONE,
    _names,
    language,
)
from analysis.stats.proportions import corrected_share, wilson_interval
from analysis.tables.engine import Tables, in_memory
from analysis.tables.schema import PERSONAL_KEY
from tests.engagement.feedback.answers import PERIOD, feedback_of, tables_of


def review(text: str | None, score: float = np.nan, **columns: Any) -> dict[str, Any]:
    return {"kind": "review", "submitted_at": "2017-06-01", "text": text, "score": score, **columns}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Very good.", LATIN),
        ("质量很好，我很喜欢。", CHINESE),
        ("好", CHINESE),
        ("a", NONE),
        ("👍👍", NONE),
        ("", NONE),
        ("12345 !!", NONE),
        ("[name] [phone]", NONE),
        ("iPhone手机壳质量很好，颜色也漂亮，喜欢", CHINESE),
        ("Really well made, I love it. 做工精致，非常满意。", BOTH),
        ("好" * 100_000, CHINESE),
        ("Grüße aus Köln, schöne Qualität", LATIN),
    ],
)
def test_the_language_is_told_by_the_share_of_chinese_characters(text: str, expected: str) -> None:
    assert language(text) == expected


def test_texts_of_every_length_are_read_and_masked() -> None:
    texts = [
        "",
        "x",
        "👍",
        "好",
        "My name is Anna Schmidt. " * 5_000,
        "质量很好 and good quality",
        None,
    ]
    found = written_feedback.read(tables_of(feedback_of(*map(review, texts))), PERIOD)
    assert found.found == 6
    assert found.cut == 1
    assert not found.rows["text"].str.contains("Schmidt").any()
    assert found.rows["text"].str.len().max() <= 4_000
    assert found.languages["masked"].sum() == 1


def test_a_study_without_texts_says_so() -> None:
    bare = feedback_of(review("x")).drop(columns="text")
    assert engagement.written_feedback(tables_of(bare), PERIOD) == NotGiven(
        "The feedback holds no texts."
    )
    none = engagement.written_feedback(tables_of(feedback_of(review(None))), PERIOD)
    assert isinstance(none, NotGiven)
    few = engagement.written_feedback(tables_of(feedback_of(review("Good quality"))), PERIOD)
    assert isinstance(engagement.feedback_topics(few), NotGiven)
    assert isinstance(engagement.review_sentiment(few, seed=1), NotGiven)


def written(rows: list[dict[str, Any]]) -> written_feedback.Written:
    return written_feedback.read(tables_of(feedback_of(*rows)), PERIOD)


def test_moods_are_learnt_from_stars_in_both_languages() -> None:
    rng = np.random.default_rng(2)
    good = {"en": ["lovely", "great", "happy", "super"], "zh": ["很好", "喜欢", "满意", "漂亮"]}
    bad = {"en": ["awful", "broken", "poor", "sad"], "zh": ["很差", "失望", "坏了", "难看"]}
    rows = []
    for n in range(240):
        tongue, glad = ("en", "zh")[n % 2], n % 3 > 0
        words = (good if glad else bad)[tongue]
        said = " ".join([*rng.permutation(words)[:2], f"{'thing' if n % 2 == 0 else '东西'} {n}"])
        rows.append(review(said, 5.0 if glad else 1.0))
    found = written_feedback.judge(written(rows), seed=1)
    table = found.accuracy.set_index("language")
    assert table.loc["all", "accuracy"] > 0.95
    assert table.loc[CHINESE, "accuracy"] > 0.9
    assert table.loc["all", "always"] == pytest.approx(2 / 3, abs=0.01)


def test_stars_that_nothing_tells_are_not_told_by_equal_texts_either() -> None:
    """Each text comes three times with the same random stars: only a leak could tell them."""
    rng = np.random.default_rng(7)
    letters = list("abcdefghijklmnopqrstuvwxyz")
    rows = []
    for _ in range(80):
        said = " ".join("".join(rng.choice(letters, 5)) for _ in range(6))
        rows += [review(said, float(rng.choice([1, 5])))] * 3
    found = written_feedback.judge(written(rows), seed=1)
    assert found.distinct == 80
    assert 0.3 < found.accuracy.iloc[0]["auc"] < 0.7


def test_topics_are_found_by_words_in_both_languages() -> None:
    said = {
        "My parcel arrived days late": {"delivery"},
        "快递送货太晚了": {"delivery"},
        "It broke after two days": {"defect"},
        "用了两天就坏了": {"defect"},
        "Too expensive, and the staff was rude": {"price", "staff and service"},
        "Hello there everybody": set(),
    }
    flags = text_topics.flagged(written_feedback.normalised(pd.Series(list(said))))
    for row, topics in zip(flags.itertuples(index=False), said.values(), strict=True):
        assert {name for name, flag in zip(flags.columns, row, strict=True) if flag} == topics


def test_what_one_customer_alone_says_is_shown_nowhere_on_the_page() -> None:
    rows = [review("The quality was poor.", 1.0) for _ in range(40)]
    rows += [review("Lovely quality, thank you.", 5.0) for _ in range(40)]
    rows += [review("Quillfeather was poor quality", 1.0, customer_id="same") for _ in range(30)]
    found = text_topics.find(written(rows))
    shown = pd.concat([found.words["word"], found.quotes["text"]]).str.lower()
    assert not shown.str.contains("quillfeather").any()
    assert "The quality was poor." in set(found.quotes["text"])
    assert found.words.set_index("word").loc["lovely", "log_odds"] < 0
    assert found.words.set_index("word").loc["poor", "log_odds"] > 0


def test_what_was_masked_or_holds_figures_is_no_quote() -> None:
    known = frozenset({"good", "name"})
    assert text_topics.quotable("Good", {"good"}, known)
    assert not text_topics.quotable("Good [name]", {"good", "name"}, known)
    assert not text_topics.quotable("Good 10115", {"good"}, known)
    assert not text_topics.quotable("Good Quill", {"good", "quill"}, known)
    assert not text_topics.quotable("👍", set(), known)


def test_words_that_tell_nothing_are_seldom_called() -> None:
    rng = np.random.default_rng(3)
    words = [f"word{chr(97 + i)}{chr(97 + i)}" for i in range(20)]
    called = 0
    for _ in range(12):
        rows = [
            {"tokens": frozenset(rng.choice(words, 4, replace=False)), "bad": rng.random() < 0.3}
            for _ in range(300)
        ]
        bad = np.array([row["bad"] for row in rows])
        found = text_topics._words([row["tokens"] for row in rows], bad, ~bad, frozenset(words))
        called += bool((found["q"] <= 0.05).any())
    assert called <= 4


def test_words_of_one_text_do_not_head_the_words_that_tell_moods_apart() -> None:
    rows = [({"broke", "lamp"}, True)] * 30 + [({"nice", "lamp"}, False)] * 300
    rows += [({"back"}, True)]
    tokens, bad = [frozenset(words) for words, _ in rows], np.array([b for _, b in rows])
    found = text_topics._words(tokens, bad, ~bad, frozenset({"broke", "lamp", "nice", "back"}))
    assert set(found["word"].head(2)) == {"broke", "nice"}
    assert (found["q"] > 0.05).is_monotonic_increasing


def test_a_share_of_texts_is_corrected_for_what_the_model_makes_up() -> None:
    """The published example by hand, then coverage over simulated models and texts."""
    # Rogan and Gladen: (0.25 + 0.87 - 1) / (0.84 + 0.87 - 1) of texts.
    share, low, high = corrected_share([250], [1_000], (840, 1_000, 8_700, 10_000))
    assert share[0] == pytest.approx(0.12 / 0.71)
    assert low[0] < share[0] < high[0]
    rng = np.random.default_rng(8)
    held = []
    for true in (0.02, 0.1, 0.5):
        for _ in range(400):
            errors = (rng.binomial(63, 0.84), 63, rng.binomial(1_085, 0.87), 1_085)
            called = rng.binomial(300, true * 0.84 + (1 - true) * 0.13)
            _, low, high = corrected_share([called], [300], errors)
            held.append(low[0] <= true <= high[0])
    assert np.mean(held) == pytest.approx(0.95, abs=0.025)
    # Worse than the model can find: no certainty of 100 to 100 % from 33 texts.
    beyond = corrected_share([33], [33], (53, 63, 945, 1_085))
    assert (beyond[0][0], beyond[2][0]) == (1.0, 1.0)
    assert beyond[1][0] == pytest.approx(wilson_interval([33], [33])[0][0])
    nothing = corrected_share([10], [100], (5, 10, 50, 100))
    assert np.isnan(nothing[0][0])


def test_a_name_known_only_behind_a_pseudonym_is_masked_too() -> None:
    tables = in_memory({"customers": pd.DataFrame({"customer_id": ["p1", "p2"]})})
    keys = pd.DataFrame({PERSONAL_KEY: ["zuleika.quillfeather@example.org", "陆晓棠", None]})
    held = Tables(
        tables.connection, tables.manifest, {"customers": tables.customers},
        (tables.connection.create_table("behind", keys),),
    )  # fmt: skip
    names = KnownNames.of(_names(held), ["Zuleika was not amused", "我是晓棠"])
    tables.close()
    assert masked(["Zuleika was not amused", "我是晓棠"], [(), ()], names) == [
        "[name] was not amused", "我是[name]",
    ]  # fmt: skip
