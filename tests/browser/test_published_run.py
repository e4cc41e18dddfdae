"""A published run as a reader meets it: offline, from disk, in a real browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser

from tests.browser.accessibility import axe_source, violations
from tests.browser.watched import Watched, watching

pytestmark = pytest.mark.browser

DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}

#: Screens of 900 px that a report may open at: a reader has its answers within five, and the title
#: and findings of another study may take half a screen more. What is beyond folds; see `folded` in
#: the notebooks.
LONGEST = 5.5

OVERFLOW = """() => {
    const wide = [...document.querySelectorAll('main *')].filter(e =>
        e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.scroll, pre, math, ol'));
    const beyond = document.documentElement.scrollWidth - innerWidth;
    return [beyond, wide.map(e => e.outerHTML.slice(0, 120))];
}"""

#: Tables that scroll although the window has room beside them.
CRAMPED = """() => [...document.querySelectorAll('main .table .scroll')].filter(e =>
    e.scrollWidth > e.clientWidth + 1 && e.getBoundingClientRect().right < innerWidth - 40)
    .map(e => e.getAttribute('aria-label'))"""

#: Intervals that do not stand below their estimate, in the same cell.
BESIDE = """() => [...document.querySelectorAll('td .pair')].filter(e => {
    const [estimate, ends] = [...e.children].map(c => c.getBoundingClientRect());
    return ends.top < estimate.bottom - 1 || Math.abs(ends.right - estimate.right) > 1;
}).map(e => e.textContent)"""

#: Headings, and what is said between them and what they head, that print may leave behind.
STRANDED = """() => [...document.querySelectorAll('main :is(h2, h3)')].filter(h => {
    const stays = h.closest('summary') || h, next = stays.nextElementSibling;
    if (!next) return false;
    const style = e => getComputedStyle(e);
    if (style(stays).breakAfter !== 'avoid') return true;
    return next.matches('.prose:has(+ figure)') && style(next).breakAfter !== 'avoid';
}).map(h => h.textContent)"""

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


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_every_page_is_quiet_fits_and_can_be_read(
    browser: Browser,
    published_run: Path,
    site_root: Path,
    tmp_path: Path,
    viewport: dict[str, int],
):
    """In the light and in the dark, tables that scroll and intervals below estimates included."""
    pairs = 0
    with watching(browser, site_root, viewport=viewport) as watched:
        for page in [published_run / "index.html", *reports(published_run)]:
            watched.open(page)
            for scheme in ("light", "dark"):
                watched.page.emulate_media(color_scheme=scheme)
                picture = tmp_path / f"{page.stem}-{scheme}.png"
                watched.page.screenshot(path=picture, full_page=True)
                assert is_drawn(picture)
            open_everything(watched)
            for scheme in ("dark", "light"):
                watched.page.emulate_media(color_scheme=scheme)
                beyond, wide = watched.page.evaluate(OVERFLOW)
                assert (beyond, wide) == (0, []), page.name
                assert watched.page.evaluate(CONTRASTS) >= 4.5, page.name
                assert min(watched.page.evaluate(TEXT_SIZES), default=11) >= 11, page.name
            if page.name == "index.html":
                continue
            if viewport is DESKTOP:
                # A wide table takes the margin before it scrolls.
                assert watched.page.evaluate(CRAMPED) == [], page.name
            else:
                pairs += watched.page.locator("td .pair").count()
                assert watched.page.evaluate(BESIDE) == []
    assert viewport is DESKTOP or pairs >= 5


def open_everything(watched: Watched) -> None:
    """Open what is folded, as a reader does, so that it is looked at too."""
    switch = watched.page.locator("#open-all")
    if switch.count():
        switch.check()


def test_a_report_opens_at_about_five_screens(
    browser: Browser, real_run: Path, demo_run: Path
) -> None:
    height = "document.documentElement.scrollHeight"
    for run in (real_run, demo_run):
        with watching(browser, run.parents[1], viewport=DESKTOP) as watched:
            screens = {}
            for page in reports(run):
                watched.open(page)
                screens[page.stem] = watched.page.evaluate(height) / DESKTOP["height"]
        assert max(screens.values()) <= LONGEST, screens


#: In the dark only colours are others: rules about structure, names and the like hold or do not.
COLOURS = ("color-contrast", "link-in-text-block")


def test_no_page_breaks_a_rule_of_accessibility(
    browser: Browser, published_run: Path, site_root: Path
):
    source = axe_source()
    pages = [site_root / "index.html", published_run / "index.html", *reports(published_run)]
    with watching(browser, site_root, viewport=DESKTOP) as watched:
        for page in pages:
            watched.open(page)
            open_everything(watched)
            for scheme, rules in (("light", ()), ("dark", COLOURS)):
                watched.page.emulate_media(color_scheme=scheme)
                assert violations(watched.page, source, *rules) == [], (page.name, scheme)


def test_a_rule_that_is_broken_is_noticed(browser: Browser, tmp_path: Path):
    source = axe_source()
    page = tmp_path / "a.html"
    pale = "<p style='color: #888; background: #999'>pale</p>"
    page.write_text(f"<html><title>A</title><img src='data:,'>{pale}</html>", encoding="utf-8")
    with watching(browser, tmp_path) as watched:
        watched.open(page)
        assert "image-alt" in [each["rule"] for each in violations(watched.page, source)]
        colours = [each["rule"] for each in violations(watched.page, source, *COLOURS)]
        assert colours == ["color-contrast"]


SEEN = "e => e.checkVisibility({contentVisibilityAuto: true})"


def test_detail_is_folded_on_the_screen_and_open_on_paper(
    browser: Browser, published_run: Path, site_root: Path
):
    with watching(browser, site_root, viewport=DESKTOP) as watched:
        watched.open(reports(published_run)[-1])
        table = watched.page.locator("#parameters .parameters")
        assert not table.evaluate(SEEN)
        watched.page.locator("nav a[href='#parameters']").click()
        assert table.evaluate(SEEN)
        watched.open(reports(published_run)[-1])
        watched.page.emulate_media(media="print")
        assert table.evaluate(SEEN)
        assert watched.page.evaluate(STRANDED) == []


def test_a_folded_section_shows_its_answer_and_opens_by_click_key_link_and_on_paper(
    browser: Browser, published_run: Path, site_root: Path
):
    page = reports(published_run)[-1]
    with watching(browser, site_root, viewport=DESKTOP) as watched:
        watched.open(page)
        section = watched.page.locator(".folded").last
        heading, within = section.locator("summary h2"), section.locator(".within > *").first
        assert heading.is_visible()
        assert not within.evaluate(SEEN)
        heading.click()
        assert within.evaluate(SEEN)
        watched.page.keyboard.press("Enter")
        assert not within.evaluate(SEEN)
        watched.page.emulate_media(media="print")
        assert within.evaluate(SEEN)
        anchor = section.locator(".within").get_attribute("id")
        watched.page.emulate_media(media="screen")
        watched.page.goto("about:blank")
        watched.page.goto(f"{page.as_uri()}#{anchor}")
        assert within.evaluate(SEEN)
        watched.page.wait_for_function(
            "e => Math.abs(e.getBoundingClientRect().top) < innerHeight",
            arg=heading.element_handle(),
        )
        heading.click()
        assert not within.evaluate(SEEN)


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
        place = link.get_attribute("href")
        section = watched.page.locator(f"section:is({place}, :has({place})) h2")
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
        first = watched.page.locator("section:not(.folded) > details.code > summary").first
        first.click()
        assert visible_code(watched).count(True) == 1
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
