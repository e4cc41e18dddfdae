"""A published run as a reader meets it: offline, from disk, in a real browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser

from tests.browser.watched import Watched, watching

pytestmark = pytest.mark.browser

DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}

OVERFLOW = """() => {
    const wide = [...document.querySelectorAll('main *')].filter(e =>
        e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.scroll, pre, math, ol'));
    const beyond = document.documentElement.scrollWidth - innerWidth;
    return [beyond, wide.map(e => e.outerHTML.slice(0, 120))];
}"""

TEXT_SIZES = """() => [...document.querySelectorAll('.chart svg')].flatMap(svg => {
    const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
    const sizes = [...svg.querySelectorAll('text')].map(t => getComputedStyle(t).fontSize);
    return sizes.map(size => parseFloat(size) * scale);
})"""

CONTRASTS = """() => {
    const ON_CELLS = ['rgb(16, 18, 20)', 'rgb(247, 248, 249)'];  // text on filled cells
    const light = c => {
        const [r, g, b] = c.match(/[\\d.]+/g).slice(0, 3).map(v => {
            v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; });
        return .2126 * r + .7152 * g + .0722 * b; };
    const paper = light(getComputedStyle(document.body).backgroundColor);
    const against = c => { const x = light(c);
        return (Math.max(x, paper) + .05) / (Math.min(x, paper) + .05); };
    const texts = ['body', 'h1', '.small', '.number', 'a', 'figcaption', 'th', '.decide',
        'summary', '.simulated'].flatMap(s => [...document.querySelectorAll(s)])
        .map(e => getComputedStyle(e).color);
    const drawn = [...document.querySelectorAll('.chart text')]
        .map(e => getComputedStyle(e).fill).filter(c => !ON_CELLS.includes(c));
    return Math.min(...[...texts, ...drawn].map(against));
}"""


def reports(run: Path) -> list[Path]:
    return [page for page in sorted(run.glob("*.html")) if page.name != "index.html"]


@pytest.fixture
def site_root(published_run: Path) -> Path:
    return published_run.parents[1]


def is_drawn(picture: Path) -> bool:
    """Whether a screenshot shows more than one flat colour."""
    with Image.open(picture) as image:
        return len(image.convert("L").getcolors(256) or []) > 20


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_every_page_is_quiet_fits_and_can_be_read(
    browser: Browser,
    published_run: Path,
    site_root: Path,
    tmp_path: Path,
    viewport: dict[str, int],
    scheme: str,
):
    options = {"viewport": viewport, "color_scheme": scheme}
    with watching(browser, site_root, **options) as watched:
        for page in [published_run / "index.html", *reports(published_run)]:
            watched.open(page)
            beyond, wide = watched.page.evaluate(OVERFLOW)
            assert (beyond, wide) == (0, []), page.name
            assert watched.page.evaluate(CONTRASTS) >= 4.5, page.name
            assert min(watched.page.evaluate(TEXT_SIZES), default=9) >= 8.9, page.name
            picture = tmp_path / f"{page.stem}.png"
            watched.page.screenshot(path=picture, full_page=True)
            assert is_drawn(picture)


def test_dark_mode_turns_paper_and_charts(browser: Browser, published_run: Path, site_root: Path):
    seen = {}
    for scheme in ("light", "dark"):
        with watching(browser, site_root, color_scheme=scheme) as watched:
            watched.open(reports(published_run)[-1])
            seen[scheme] = watched.page.evaluate(
                """() => [getComputedStyle(document.body).backgroundColor,
                          getComputedStyle(document.querySelector('.chart text')).fill]"""
            )
    assert seen["light"][0] == "rgb(255, 255, 255)"
    assert all(light != dark for light, dark in zip(seen["light"], seen["dark"], strict=True))


def test_links_lead_from_the_index_to_a_report_and_back(
    browser: Browser, published_run: Path, site_root: Path
):
    with watching(browser, site_root, viewport=DESKTOP) as watched:
        watched.open(published_run / "index.html")
        link = watched.page.locator(".card h3 a").last
        topic = re.sub(r"^\d+\s+", "", link.inner_text())
        link.click()
        assert watched.page.locator("main > .eyebrow").text_content() == topic
        assert watched.page.locator("h1").is_visible()
        watched.page.get_by_role("link", name="All reports").click()
        assert watched.page.url == (published_run / "index.html").as_uri()
        watched.page.get_by_role("link", name="All studies").click()
        assert watched.page.url == (site_root / "index.html").as_uri()


def test_the_contents_lead_to_their_sections(
    browser: Browser, published_run: Path, site_root: Path
):
    with watching(browser, site_root, viewport=DESKTOP) as watched:
        watched.open(reports(published_run)[-1])
        watched.page.emulate_media(reduced_motion="reduce")
        link = watched.page.locator("nav.contents a", has_text="How far to trust this")
        link.click()
        section = watched.page.locator((link.get_attribute("href") or "") + " h2")
        watched.page.wait_for_function(
            "e => e.getBoundingClientRect().bottom < innerHeight", arg=section.element_handle()
        )
        assert section.is_visible()


def visible_code(watched: Watched) -> list[bool]:
    return watched.page.eval_on_selector_all(
        "details.code pre", "all => all.map(e => e.checkVisibility({contentVisibilityAuto: true}))"
    )


def test_code_is_folded_until_it_is_asked_for(
    browser: Browser, published_run: Path, site_root: Path
):
    with watching(browser, site_root, viewport=DESKTOP) as watched:
        watched.open(reports(published_run)[-1])
        folds = len(visible_code(watched))
        assert folds >= 2
        assert visible_code(watched) == [False] * folds
        first = watched.page.locator("details.code summary").first
        first.click()
        assert visible_code(watched) == [True] + [False] * (folds - 1)
        first.click()
        switch = watched.page.get_by_label("Show all code")
        switch.check()
        assert visible_code(watched) == [True] * folds
        switch.uncheck()
        assert visible_code(watched) == [False] * folds


def test_the_keyboard_reaches_the_content(browser: Browser, published_run: Path, site_root: Path):
    with watching(browser, site_root, viewport=DESKTOP) as watched:
        watched.open(reports(published_run)[-1])
        watched.page.keyboard.press("Tab")
        skip = watched.page.locator(":focus")
        assert skip.text_content() == "Skip to the content"
        assert (skip.bounding_box() or {"x": -1})["x"] >= 0


def test_on_paper_the_reading_stays_and_the_tools_go(
    browser: Browser, published_run: Path, site_root: Path
):
    with watching(browser, site_root, viewport=DESKTOP) as watched:
        watched.open(reports(published_run)[-1])
        watched.page.emulate_media(media="print", color_scheme="dark")
        assert watched.page.locator("h1").is_visible()
        assert watched.page.locator(".chart svg").first.is_visible()
        assert not watched.page.locator("nav.contents").is_visible()
        assert not any(visible_code(watched))
        ink = watched.page.evaluate("getComputedStyle(document.body).color")
        assert ink == "rgb(0, 0, 0)"


def test_a_page_that_asks_for_more_is_noticed(browser: Browser, tmp_path: Path):
    page = tmp_path / "a.html"
    page.write_text("<img src='https://example.org/a.png'>", encoding="utf-8")

    def visit() -> None:
        with watching(browser, tmp_path) as watched, watched.page.expect_event("requestfailed"):
            watched.open(page)

    with pytest.raises(AssertionError, match=r"example\.org"):
        visit()
