"""Report 12 on sources that know little, and on sites that are odd."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.engagement.clicks import ORDER_LINES, walk
from tests.notebooks.studies import Page, run_notebook


def run(views: pd.DataFrame, root: Path, patch: pytest.MonkeyPatch) -> Page:
    frames = {"page_views": views, "order_lines": ORDER_LINES}
    return run_notebook("12_web", frames, root, patch, as_of="2025-05-01", window_days=61)


def visits(ways: str) -> pd.DataFrame:
    """Return a hundred visits that go these ways in turn, separated by commas."""
    each = ways.split(",")
    return pd.concat(
        [
            walk(f"v{n}", f"2025-04-{1 + n % 28:02d} {9 + n % 12:02d}:15", each[n % len(each)])
            for n in range(100)
        ],
        ignore_index=True,
    )


def test_a_source_of_three_columns_is_told_what_it_cannot_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Session, time and page: no event, no product, no visitor, no customer."""
    page = run(visits("h,hp,hpcko")[["session_id", "viewed_at", "page"]], tmp_path, monkeypatch)
    refused = {said.removeprefix("Not reported: ") for said in page.shown("not given")}
    assert {reason.partition(":")[0] for reason in refused} == {
        "No funnel",
        "Slow and failing pages are not known",
        "On-site search is not known",
        "Baskets left are not known",
    }
    assert page.table("bounce") is not None
    assert page.table("page_moves")["moves"].sum() > 0
    (trust,) = page.shown("trust")
    assert "page_views has no visitor_id" in trust
    assert "100 % of sessions the customer is not" in trust


def test_a_site_of_one_page_is_reported_without_time_or_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = run(visits("h"), tmp_path, monkeypatch)
    assert any("No session saw a second page" in said for said in page.shown("text"))
    assert page.table("funnel")["sessions"].tolist() == [100, 0, 0, 0, 0]
    assert page.table("bounce")["bounce"].dropna().eq(1).all()


def test_the_clocks_and_the_broken_order_of_steps_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A browser's clock that is wrong puts the order before the basket."""
    page = run(visits("hpcko,hpokc"), tmp_path, monkeypatch)
    funnel = page.table("funnel").set_index("step")
    assert funnel.loc["order", ["sessions", "loose", "seen"]].tolist() == [50, 100, 100]
    assert any("50 sessions show a step without those before it" in s for s in page.shown("text"))
