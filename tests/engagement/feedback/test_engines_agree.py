"""Report 10 reads the same from Spark as from DuckDB."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.engagement.feedback import (
    complaints,
    product_alarms,
    response_rates,
    satisfaction_drivers,
    survey_rows,
    text_topics,
    written_feedback,
)
from analysis.tables.engine import EngineSettings, Tables, in_memory
from tests.engagement.feedback.answers import PERIOD, feedback_of, survey
from tests.sales import catalogue, lines_of

pytestmark = pytest.mark.spark


def frames() -> dict[str, pd.DataFrame]:
    """Return a small study with everything the report reads."""
    rng = np.random.default_rng(4)
    rows: list[dict[str, Any]] = []
    lines: list[dict[str, Any]] = []
    orders = []
    for n in range(160):
        who, order = f"c{n}", f"o{n}"
        day = pd.Timestamp("2017-03-01") + pd.Timedelta(days=int(rng.integers(0, 120)))
        facts = {"customer_id": who, "order_id": order, "channel": ("web", "app")[n % 2]}
        rows += survey("csat", [float(rng.integers(1, 6)) if n % 4 else None],
                       day=str(day.date()), **facts)  # fmt: skip
        resolved = str(day + pd.Timedelta(days=3)) if n % 3 else None
        rows.append({"kind": "complaint", "submitted_at": str(day), "resolved_at": resolved,
                     "text": "The delivery came late. 快递太晚", **facts})  # fmt: skip
        rows.append({"kind": "review", "submitted_at": str(day), "score": float(1 + n % 5),
                     "product_id": f"p{n % 3}", "text": f"Good quality {n}", **facts})  # fmt: skip
        for gap in (-30, 0, 40):
            moment = str(day + pd.Timedelta(days=gap))
            lines.append({"order_id": order if gap == 0 else f"{order}.{gap}", "customer_id": who,
                          "product_id": f"p{n % 3}", "ordered_at": moment})  # fmt: skip
        if n % 10 == 0:
            lines.append({**lines[-1], "quantity": -1.0, "net_amount": -10.0})
        late = pd.Timedelta(days=3 if n % 5 == 0 else 1)
        orders.append({"order_id": order, "promised_on": (day + pd.Timedelta(days=2)).date(),
                       "delivered_at": day + late})  # fmt: skip
    return {
        "order_lines": lines_of(*lines),
        "products": catalogue("p0", "p1", "p2", name=["A", "B", "B"]),
        "feedback": feedback_of(*rows),
        "orders": pd.DataFrame(orders),
    }


def found(tables: Tables) -> dict[str, pd.DataFrame]:
    """Return every table that rests on rows in the engine."""
    surveys = survey_rows.fetch(tables, PERIOD)
    waits = complaints.wait(tables, PERIOD)
    topics = text_topics.find(written_feedback.read(tables, PERIOD))
    drivers = satisfaction_drivers.explain(tables, surveys)
    span = {"landmark": 7, "follow": 60}
    return {
        "surveys": surveys.rows,
        "response": response_rates.respond(surveys).corrected,
        "waits": waits.rows,
        "open": complaints.open_list(tables, PERIOD),
        "recovery": complaints.recover(tables, waits, PERIOD, **span).table,
        "texts": topics.rows,
        "alarms": product_alarms.warn(tables, PERIOD, topics=topics, seed=1).products,
        "drivers": drivers.effects,
        "late": drivers.late,
        "after": satisfaction_drivers.follow_up(tables, surveys, follow=60).groups,
    }


def test_both_engines_read_the_same(spark: EngineSettings) -> None:
    ours = found(in_memory(frames(), settings=EngineSettings(threads=1)))
    theirs = found(in_memory(frames(), settings=spark))
    for name, table in ours.items():
        assert len(table) > 0, name
        pd.testing.assert_frame_equal(
            plain(table), plain(theirs[name]), check_dtype=False, obj=name
        )


def plain(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with moments in one unit, and one kind of missing text."""
    moments = {c: "datetime64[us]" for c in table.columns if table[c].dtype.kind == "M"}
    words = {c: object for c in table.columns if table[c].dtype.kind not in "Mifbu"}
    found = table.astype({**moments, **words})
    return found.assign(**{c: found[c].where(found[c].notna(), None) for c in words})
