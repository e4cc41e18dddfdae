"""The templates of pages and indexes, what they may call, and proof that a page is whole.

Markdown as the page shows it: no raw HTML, formulas as MathML, numbers beside their units.
Notebooks are written for JupyterLab, where ``$`` opens a formula. Here the same text is read by
pandoc's stricter rule (`outputs.FORMULA`), so that two amounts in one sentence stay amounts. A
whole page loads nothing, runs nothing and is light enough.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.errors import AnalysisError
from analysis.reporting.notebook import words
from analysis.reporting.notebook.outputs import escape_dollars, literal
from analysis.tables.periods import as_date

if TYPE_CHECKING:
    from jinja2 import Environment
    from nbconvert.filters.markdown_mistune import MarkdownWithMath

TEMPLATES = Path(__file__).with_name("templates")


@cache
def environment() -> Environment:
    """Return the environment that every template is rendered in; it escapes what it is given."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        lstrip_blocks=True,
    )
    add_filters(made)
    return made


def add_filters(target: Environment) -> None:
    """Give a Jinja environment the filters and names that the templates use."""
    from markupsafe import Markup

    target.filters["tidy"] = lambda text: Markup(escape(keep_together(str(text))))
    target.filters["clause"] = _clause
    target.filters["prose"] = lambda text: Markup(to_html(text))
    target.filters["phrase"] = lambda text: Markup(to_inline_html(text))
    target.filters["said"] = lambda text: Markup(to_inline_html(literal(text)))
    target.filters["code"] = lambda text: Markup(_highlighted(text))
    target.filters["day"] = words.day
    target.filters["moment"] = lambda time: f"{words.day(time)}, {time:%H:%M %Z}"
    target.filters["last_day"] = lambda as_of: words.day(as_date(as_of) - timedelta(days=1))
    target.filters["place"] = _place
    target.filters["number"] = words.number
    target.filters["points"] = trend_points
    target.globals["css"] = Markup((TEMPLATES / "style.css").read_text("utf-8"))


def _clause(sentence: str) -> str:
    """Return what stands beside a number without a full stop, where it is one sentence."""
    return sentence if ". " in sentence else sentence.removesuffix(".")


def trend_points(values: Sequence[float], *, width: float = 60, height: float = 16) -> str:
    """Return values in order as the points of a small line, the first on the left."""
    low, high = min(values), max(values)
    step, reach = width / max(len(values) - 1, 1), height - 4
    ups = ((value - low) / (high - low) if high > low else 0.5 for value in values)
    return " ".join(f"{n * step:.1f},{height - 2 - up * reach:.1f}" for n, up in enumerate(ups))


def render(template: str, **context: Any) -> str:
    """Return a rendered and checked page."""
    return checked(environment().get_template(template).render(**context), name=template)


def _place(report: str) -> str:
    """Return where a report stands among the others: ``Report 03``."""
    number = report.partition("_")[0]
    return f"Report {number}" if number.isdigit() else "Contents"


def _highlighted(code: str) -> str:
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    return str(highlight(code, PythonLexer(), HtmlFormatter(nowrap=True)))


_NUMBER_AND_UNIT = re.compile(
    r"(?<=\d) (?=(?:%|points?\b|MB\b|kB\b))|(?<=[$€£¥]) (?=\d)|(?<=\bn =) "
)

#: Between a minus and a currency sign, where a browser would break the line and hide the loss.
_SIGN_AND_CURRENCY = re.compile(r"(?<=[−+])(?=[$€£¥])")

#: Tags, and everything whose text is not prose.
_MARKUP = re.compile(r"(<(?:code|pre|math)\b.*?</(?:code|pre|math)>|<[^>]*>)", re.S)


def keep_together(text: str) -> str:
    """Return ``text`` with no line break possible between a number, its sign and its unit."""
    return _SIGN_AND_CURRENCY.sub("\u2060", _NUMBER_AND_UNIT.sub("\u00a0", text))


def to_html(text: str) -> str:
    """Return Markdown as HTML; AnalysisError for a formula that cannot be written."""
    html = str(_converter().render(escape_dollars(text)))
    return "".join(
        part if part.startswith("<") else keep_together(part) for part in _MARKUP.split(html)
    )


def to_inline_html(text: str) -> str:
    """Return one paragraph of Markdown without the paragraph around it."""
    html = to_html(text).strip()
    single = html.startswith("<p>") and html.count("<p>") == 1 and html.endswith("</p>")
    return html[3:-4] if single else html


def to_mathml(formula: str, *, display: bool = False) -> str:
    """Return a TeX formula as MathML; AnalysisError if a command in it is unknown."""
    from latex2mathml.converter import convert

    try:
        written = convert(formula.strip(), display="block" if display else "inline")
    except Exception as error:
        raise AnalysisError(f"The formula ${formula}$ is not TeX: {error!r}") from error
    unknown = re.findall(r"\\[A-Za-z]+", written)
    if unknown:
        raise AnalysisError(f"The formula ${formula}$ uses {unknown[0]}, which is not known here")
    return written.replace("<math ", f'<math alttext="{escape(formula.strip())}" ', 1)


@cache
def _converter() -> MarkdownWithMath:
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    class Renderer(IPythonRenderer):
        """The page's own words for what Markdown says."""

        def heading(self, text: str, level: int, **_attrs: Any) -> str:
            level = max(level, 3)
            return f"<h{level}>{text}</h{level}>\n"

        def link(self, text: str, url: str, title: str | None = None) -> str:
            return str(super().link(text, url, title)).replace("<a ", '<a rel="noreferrer" ', 1)

        def inline_math(self, body: str) -> str:
            return to_mathml(body)

        def block_math(self, body: str) -> str:
            return to_mathml(body, display=True)

        def latex_environment(self, name: str, body: str) -> str:
            return to_mathml(f"\\begin{{{name}}}{body}\\end{{{name}}}", display=True)

    return MarkdownWithMath(Renderer(escape=True, allow_harmful_protocols=False))


#: A published page may weigh this many bytes; a phone on a train should still get it.
LARGEST_PAGE = 1_500_000

_ACTIVE = frozenset(
    {"script", "iframe", "frame", "object", "embed", "audio", "video", "source", "form", "base"}
)
_ADDRESSES = frozenset({"src", "srcset", "poster", "action", "formaction", "background", "data"})
_REFERRING = frozenset({"link", "use", "image", "feimage"})
_STYLE = re.compile(r"@import|url\(\s*[\"']?(?!#|data:)", re.IGNORECASE)


def checked(html: str, *, name: str) -> str:
    """Return a page that is whole.

    The content policy of a page would keep a browser from loading and running; that it has nothing
    to keep from is checked here, so that no reader finds a hole where something was forbidden.

    Raises
    ------
    AnalysisError
        If the page would load or run something, or is too heavy.
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    if reader.found:
        raise AnalysisError(f"{name} would load or run something: {reader.found[0]}")
    size = len(html.encode())
    if size > LARGEST_PAGE:
        raise AnalysisError(
            f"{name} weighs {size / 1e6:.1f} MB; a page may weigh {LARGEST_PAGE / 1e6:.1f} MB, so "
            "show fewer rows or points"
        )
    return html


class _Reader(HTMLParser):
    """Collects the tags that would load or run something."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_style = tag == "style"
        if tag in _ACTIVE or any(_loads(tag, key, value or "") for key, value in attrs):
            self.found.append(self.get_starttag_text() or tag)

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002
        self._in_style = False

    def handle_data(self, data: str) -> None:
        if self._in_style and (match := _STYLE.search(data)):
            self.found.append(data[match.start() :][:80])


def _loads(tag: str, key: str, value: str) -> bool:
    if key in _ADDRESSES:
        return not value.startswith("data:")
    if key in ("href", "xlink:href"):
        inside = value.startswith(("#", "data:"))
        scripted = value.strip().lower().startswith("javascript:")
        return scripted or (tag in _REFERRING and not inside)
    if key == "style":
        return bool(_STYLE.search(value))
    refreshes = tag == "meta" and key == "http-equiv" and value.lower() == "refresh"
    return key.startswith("on") or refreshes
