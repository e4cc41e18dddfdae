"""Bounce on visits of which each tool's documented definition says whether they bounce.

Google Analytics 4: engaged is ten seconds, a key event, or two views. Universal Analytics: one
interaction; a session ends at midnight and with the campaign. Matomo: one action. Umami: one view.
Plausible (2025): one page and no interactive event. Yandex: one page, under fifteen seconds.
Medama: under five seconds, where the end was seen.
"""

from __future__ import annotations

import pytest

from analysis.engagement.web.session_summary import bounce_definitions
from tests.engagement.clicks import walk, web

#: Visits: start, pages, seconds known on the last page, and who calls it a bounce.
VISITS = {
    "glance": ("10:00", "h", 3.0, "GUMPYD"),
    "read": ("10:00", "h", 12.0, "UMPY"),
    "long read": ("10:00", "h", 600.0, "UMP"),
    "unknown": ("10:00", "h", None, "GUMPY"),
    "basket": ("10:00", "c", 3.0, "UMYD"),
    "two": ("10:00", "hp", 3.0, ""),
}
TOOLS = {
    "Google Analytics 4": "G",
    "Universal Analytics": "U",
    "Matomo, Umami": "M",
    "Plausible (2025)": "P",
    "Yandex": "Y",
    "Medama": "D",
}


def test_each_definition_on_visits_made_for_it() -> None:
    views = []
    for name, (start, pages, seconds, _) in VISITS.items():
        last = [None] * (len(pages) - 1) + [seconds]
        views.append(walk(name, f"2025-04-02 {start}", pages, seconds_on_page=last))
    table = bounce_definitions(web(*views)).set_index("tool")
    for tool, letter in TOOLS.items():
        bounces = sum(letter in who for *_, who in VISITS.values())
        assert table.loc[tool, "bounces"] == bounces, tool
        known = len(VISITS) - (tool == "Medama")  # one visit's end was not seen
        assert table.loc[tool, "sessions"] == known
        assert table.loc[tool, "bounce"] == pytest.approx(bounces / known)


def test_universal_analytics_parts_at_midnight_and_by_campaign() -> None:
    table = bounce_definitions(
        web(
            walk("night", "2025-04-02 23:59:30", "hp"),
            walk("turn", "2025-04-02 10:00", "hp", campaign=["a", "b"]),
            walk("stay", "2025-04-02 10:00", "hp", campaign=["a", "a"]),
        )
    ).set_index("tool")
    assert table.loc["Universal Analytics", ["sessions", "bounces"]].tolist() == [5, 4]
    assert table.loc["Matomo, Umami", ["sessions", "bounces"]].tolist() == [3, 0]


def test_a_rate_without_a_known_time_is_withheld_with_its_reason() -> None:
    table = bounce_definitions(web(walk("a", "2025-04-02 10:00", "h"))).set_index("tool")
    assert table.loc["Medama", ["bounce", "low", "high"]].isna().all()
    assert "no single page has a known time" in table.loc["Medama", "reason"]
    assert table.loc["Yandex", "bounce"] == 1
