"""Pages seen are candidates where they foretold purchases, and only there."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from analysis.errors import NotApplicable
from analysis.products.recommend import browsing_history
from analysis.products.recommend.evaluation import Evaluation
from analysis.products.recommend.recommend import next_best
from analysis.products.sequences.purchase_events import Events
from analysis.reports.baskets import text_next
from analysis.tables.engine import EngineSettings, Tables, in_memory
from tests.products.journeys import START, events_of

DAYS, CUSTOMERS, ITEMS = 168, 300, "abcdefghijklmnopqrst"
NEW = Evaluation(pd.DataFrame(), True, "popularity")


def shop(seed: int, foretold: float, before: int = 4) -> tuple[Tables, Events]:
    """Return a shop whose customers look at what they buy ``before`` days later, at a chance."""
    rng = np.random.default_rng(seed)
    histories, views = [], []
    for c in range(CUSTOMERS):
        order = rng.permutation(list(ITEMS))
        days = np.sort(rng.choice(np.arange(1, DAYS), 12, replace=False))
        histories.append({int(d): str(i) for d, i in zip(days, order, strict=False)})
        for day, item in histories[-1].items():
            seen = item if rng.random() < foretold else rng.choice(list(ITEMS))
            views.append((f"c{c:05}", seen, START + timedelta(days=max(day - before, 0))))
    columns = ["customer_id", "product_id", "viewed_at"]
    frame = pd.DataFrame(views, columns=columns).assign(session_id="s", page="/product")
    frame["viewed_at"] = pd.to_datetime(frame["viewed_at"])
    tables = in_memory({"page_views": frame}, settings=EngineSettings(threads=1))
    return tables, events_of(histories, DAYS)


def test_pages_that_foretell_purchases_are_found_and_recommended() -> None:
    tables, events = shop(1, 0.6)
    found = browsing_history.judge(tables, events, NEW)
    assert found.helps
    assert text_next.browsing(found, "95 % interval").endswith("are among the candidates.")
    finding = text_next.browsing_finding(found, 0.95)
    assert 0 < finding["low"] < finding["value"] < finding["high"]
    assert found.table["ndcg"].diff().iloc[1] == pytest.approx(found.gain)
    lists = next_best(events, NEW, browsed=found, length=3)
    seen = lists[lists["reason"] == "you looked at it"]
    assert len(seen) > 0
    assert (seen["because"] == "").all()
    looked = tables.page_views.to_pandas()
    recent = looked[looked["viewed_at"] >= pd.Timestamp(START) + pd.Timedelta(days=DAYS - 28)]
    pairs = set(zip(recent["customer_id"], recent["product_id"], strict=True))
    assert set(zip(seen["customer_id"], seen["item"], strict=True)) <= pairs


def test_pages_that_foretell_nothing_rarely_pass() -> None:
    """At 95 % on both sides one in forty may; here none of six, and nothing is recommended."""
    found = []
    for seed in range(6):
        tables, events = shop(seed, 0.0)
        found.append(browsing_history.judge(tables, events, NEW).helps)
    assert sum(found) == 0
    nothing = browsing_history.judge(tables, events, NEW)
    assert text_next.browsing(nothing, "95 % interval").endswith("go by purchases alone.")
    alone = next_best(events, NEW, length=3)
    beside = next_best(events, NEW, browsed=nothing, length=3)
    pd.testing.assert_frame_equal(alone, beside)


def test_what_is_seen_in_the_time_held_out_is_not_known() -> None:
    """Pages seen on the day of the purchase alone tell nothing of the next month."""
    tables, events = shop(2, 1.0, before=0)
    assert not browsing_history.judge(tables, events, NEW).helps


def test_without_pages_of_known_customers_it_is_said() -> None:
    tables, events = shop(3, 0.5)
    rows = tables.page_views.to_pandas()
    for name in ("customer_id", "product_id"):
        lacking = in_memory({"page_views": rows.drop(columns=name)})
        with pytest.raises(NotApplicable, match="names both a customer and a product"):
            browsing_history.judge(lacking, events, NEW)
    late = in_memory({"page_views": rows[rows["viewed_at"] >= "2024-05-20"]})
    with pytest.raises(NotApplicable, match="fewer than 20 customers saw"):
        browsing_history.judge(late, events, NEW)
