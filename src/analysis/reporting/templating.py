"""The templates of pages and indexes, and what they may call."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.reporting import markdown, words
from analysis.reporting.containment import checked
from analysis.reporting.outputs import literal
from analysis.tables.periods import as_date

if TYPE_CHECKING:
    from jinja2 import Environment

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

    target.filters["tidy"] = lambda text: Markup(escape(markdown.keep_together(str(text))))
    target.filters["prose"] = lambda text: Markup(markdown.to_html(text))
    target.filters["phrase"] = lambda text: Markup(markdown.to_inline_html(text))
    target.filters["said"] = lambda text: Markup(markdown.to_inline_html(literal(text)))
    target.filters["code"] = lambda text: Markup(_highlighted(text))
    target.filters["day"] = words.day
    target.filters["moment"] = lambda time: f"{words.day(time)}, {time:%H:%M %Z}"
    target.filters["last_day"] = lambda as_of: words.day(as_date(as_of) - timedelta(days=1))
    target.filters["place"] = _place
    target.filters["number"] = words.number
    target.globals["css"] = Markup((TEMPLATES / "style.css").read_text("utf-8"))


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
