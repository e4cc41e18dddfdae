"""What targeted campaigns, shelves and returns rest on is the same on Spark as on DuckDB."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.promotions.observational import offer_persistence, synthetic_control
from analysis.promotions.observational import placements as shelf_panel
from analysis.promotions.outcomes import costs, outcomes
from analysis.promotions.returns import goals
from analysis.tables.engine import EngineSettings, Tables, in_memory
from tests.promotions import small_shop
from tests.promotions.small_shop import AS_OF, SPANS

pytestmark = pytest.mark.spark

Question = Callable[[Tables], Any]


def placements() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    weeks = small_shop.START + pd.to_timedelta(7 * np.arange(small_shop.WEEKS), "D")
    cells = [(p, f"s{s}", week.date()) for p in "ox" for s in range(3) for week in weeks]
    table = pd.DataFrame(cells, columns=["product_id", "store_id", "week_start"])
    shown = rng.random((2, len(table))) < 0.3
    return table.assign(
        display=np.where(shown[0], "end", None), mailer=np.where(shown[1], "page", None)
    )


def frames() -> dict[str, pd.DataFrame]:
    found = small_shop.frames(placements=placements())
    open_to_all = pd.DataFrame(
        {
            "promotion_id": ["E"],
            "name": ["For everybody"],
            "mechanic": ["price cut"],
            "goal": ["sales"],
            "starts_on": [date(2024, 5, 20)],
            "ends_on": [date(2024, 5, 26)],
            "fixed_cost": [10.0],
            "contact_cost": [0.0],
        }
    )
    offer = pd.DataFrame({"promotion_id": ["E"], "product_id": ["x"], "coupon_id": ["k"]})
    return {
        **found,
        "products": found["products"].assign(category="A"),
        "promotions": pd.concat([found["promotions"], open_to_all], ignore_index=True),
        "promotion_products": pd.concat([found["promotion_products"], offer], ignore_index=True),
    }


@pytest.fixture(scope="module")
def both(spark: EngineSettings) -> Iterator[tuple[Tables, Tables]]:
    ours, theirs = (in_memory(frames(), settings=s) for s in (EngineSettings(), spark))
    yield ours, theirs
    ours.close()
    theirs.close()


def _sales(tables: Tables) -> pd.DataFrame:
    overview = outcomes.overview(tables, SPANS)
    found = synthetic_control._weekly_sales(
        tables, SPANS, synthetic_control._offers(tables, overview)
    )
    return found.rename_axis(columns=None).reset_index()


QUESTIONS: dict[str, Question] = {
    # Engines hold times in different units, so the one column of times is left out.
    "people": lambda t: small_shop.audience_of(t, SPANS, "C").people.drop(columns="assigned_at"),
    "weeks": lambda t: pd.DataFrame(small_shop.audience_of(t, SPANS, "C").weekly),
    "costs": lambda t: costs.by_arm(t, costs.Assumed(1.0, 2.0)),
    "funnel": goals.fetch,
    "shelves": lambda t: shelf_panel.fetch(t, as_of=AS_OF, size=shelf_panel.Size(10, 5)),
    "sales": _sales,
    "offers": lambda t: offer_persistence.stayed_up(t, as_of=AS_OF, span_days=28),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_answer_is_the_same(both: tuple[Tables, Tables], question: str) -> None:
    ours, theirs = (QUESTIONS[question](tables) for tables in both)
    assert len(ours)
    pd.testing.assert_frame_equal(theirs, ours, check_exact=True, check_dtype=False)
