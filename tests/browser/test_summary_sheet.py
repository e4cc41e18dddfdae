"""Report 00 at one look: one screen on a desk, two on a phone, one sheet of paper."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.test_published_run import DESKTOP, PHONE

pytestmark = pytest.mark.browser

BOTTOM = "() => document.querySelector('.sheet').getBoundingClientRect().bottom + scrollY"


@pytest.mark.parametrize(("viewport", "screens"), [(DESKTOP, 1), (PHONE, 2)])
def test_the_sheet_fits(
    browser: Browser, real_run: Path, viewport: dict[str, int], screens: int
) -> None:
    context = browser.new_context(viewport=viewport)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"file://{real_run / '00_summary.html'}")
    assert page.evaluate(BOTTOM) <= screens * viewport["height"]
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    context.close()


def test_it_prints_on_one_sheet_of_paper(browser: Browser, real_run: Path) -> None:
    """What comes after it begins on the next sheet."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"file://{real_run / '00_summary.html'}")
    page.evaluate("document.querySelectorAll('.frame').forEach(e => e.remove())")
    printed = page.pdf(
        format="A4", margin=dict.fromkeys(("top", "bottom", "left", "right"), "12mm")
    )
    assert io.BytesIO(printed).read().count(b"/Type /Page\n") == 1
    context.close()
