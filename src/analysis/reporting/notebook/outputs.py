"""What a report shows, as notebook outputs.

Every output has a plain form, a form that JupyterLab renders, and, in its metadata under
``analysis``, the part it plays on the published page.

How results are presented: by the presenters of the report's own folder.

A presenter is a function of a module ``reports/<name>/present*.py``, marked with what it presents::

    @presents(Decline)
    def decline(report: Report, faded: Decline) -> None:
        report.headline(text.noise(faded))
        report.chart(charts.noise_bars(faded), alt=..., caption=...)

``report.show(faded)`` finds it by the class of the result, ``report.show("decline", faded, plan)``
by its name, for results that are plain tables or that are read together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache, wraps
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any, Literal

from analysis.errors import AnalysisError
from analysis.reporting.notebook.findings import Finding

Role = Literal[
    "title", "headline", "text", "chart", "caption", "table", "finding", "trust", "not given",
    "sheet", "left out",
]  # fmt: skip

#: Key of an output's metadata that says which part it plays.
KEY = "analysis"

#: A formula by pandoc's rule: no space inside the dollars, no digit after the last.
FORMULA = re.compile(
    r"(?<![\\$])\$(?![\s$])(?:\\.|[^$\\\n])*?(?<![\s\\])\$(?!\d)|\$\$.+?\$\$", re.S
)

#: What is said loudly.
_STRONG = re.compile(r"\*\*(?=\S)(.+?)(?<=\S)\*\*(?!\*)")

#: What means something in Markdown, in formulas or in HTML, anywhere in a line.
_SPECIAL = re.compile(r"[\\`*_\[\]<>$&|~^{}@]|(?<=\\)[()]")

#: Where a bare address would become a link.
_ADDRESS = re.compile(r"\b((?:https?|ftp|mailto|www))([:.])", re.IGNORECASE)

#: What means something at the start of a line: marks, numbers of a list, the blanks of code.
_AT_LINE_START = re.compile(
    r"^(?P<lead>(?:- )?)(?:[ \t]{0,3}(?P<number>\d{0,9})(?P<mark>(?:(?<=\d)[.)]"
    r"|(?<!\d)(?:[#+:]|=+[ \t]*$|-(?! \S))))|[ \t]{4,})",
    re.MULTILINE,
)

_MARKS: dict[bool | None, str] = {True: "✓", False: "!", None: "–"}


@dataclass(frozen=True)
class Output:
    """One output: its forms by MIME type, and its metadata."""

    data: dict[str, str]
    metadata: dict[str, Any]


def title(text: str) -> Output:
    """Return the page's title."""
    return _output("title", text, f"# {literal(text)}", text=text)


def headline(text: str) -> Output:
    """Return the heading that states what the next chart or table shows."""
    return _output("headline", text, f"### {literal(text)}", text=text)


def text(said: str) -> Output:
    """Return a paragraph or a list, as `literal` reads it."""
    return _output("text", said, literal(said))


def chart(drawing: str, *, alt: str, caption: str | None) -> Output:
    """Return a chart drawn as SVG."""
    metadata = {
        KEY: {"role": "chart", "alt": alt, "caption": caption},
        "image/svg+xml": {"alt": alt},
    }
    return Output({"text/plain": alt, "image/svg+xml": drawing}, metadata)


def caption(text: str) -> Output:
    """Return small print; on the page the chart or table brings its own."""
    return _output("caption", text, f"*{literal(text)}*")


def table(drawing: str, *, name: str, **facts: Any) -> Output:
    """Return a table, with its title, caption, and how many of its rows are drawn."""
    plain = f"Table {name}: {facts['total']} rows"
    return Output(
        {"text/plain": plain, "text/html": drawing}, {KEY: {"role": "table", "name": name, **facts}}
    )


def finding(recorded: Finding) -> Output:
    """Return a finding as its notebook shows it."""
    small = [part for part in (recorded.interval, recorded.observations, recorded.detail) if part]
    plain = f"{recorded.number} {recorded.sentence}" + (f" ({'; '.join(small)})" if small else "")
    shown = f"**{literal(recorded.number)}** {literal(recorded.sentence)}"
    shown += f"  \n<small>{literal(' · '.join(small))}</small>" if small else ""
    return _output("finding", plain, shown, finding=asdict(recorded))


def trust(lines: Sequence[tuple[str, bool | None, str]]) -> Output:
    """Return the panel that says how far to trust a report."""
    rows = [{"label": label, "ok": _holds(ok), "text": text} for label, ok, text in lines]
    marked = [(_MARKS[_holds(ok)], label, text) for label, ok, text in lines]
    plain = "\n".join(f"- {mark} {label}: {text}" for mark, label, text in marked)
    shown = "\n".join(f"- {mark} **{literal(label)}** {literal(t)}" for mark, label, t in marked)
    return _output("trust", plain, shown, lines=rows)


def literal(said: str) -> str:
    """Return computed text as Markdown that reads as it stands, whatever names of data hold.

    Two things alone are markup: ``**`` around what is said loudly, and ``- `` at the start of an
    item of a list. Stars, dollars, brackets, tags and addresses of a name stay what they are, so
    that no name becomes a picture, a link, a formula or a heading.
    """
    parts = _STRONG.split(said)
    marked = [f"**{_plain(part)}**" if n % 2 else _plain(part) for n, part in enumerate(parts)]
    return _AT_LINE_START.sub(_without_meaning, "".join(marked))


def _plain(part: str) -> str:
    return _ADDRESS.sub(lambda m: f"{m[1]}\\{m[2]}", _SPECIAL.sub(r"\\\g<0>", part))


def _without_meaning(found: re.Match[str]) -> str:
    """Return the start of a line so that it is no heading, quotation, rule or numbered item."""
    mark = found["number"] + "\\" + found["mark"] if found["mark"] else ""
    return found["lead"] + mark


def not_given(reason: str, *, again: bool) -> Output:
    """Return why a section has nothing to show; a reason said before is not read twice."""
    said = f"Not reported: {reason}"
    shown = "*Not reported, for the reason given above.*" if again else said
    return _output("not given", said, escape_dollars(shown), reason=reason, again=again)


def left_out() -> Output:
    """Return the mark of a section that is not asked for: the page leaves its heading out too."""
    return _output("left out", "Not asked for in the params.", "*Not asked for in the params.*")


def sheet(plain: str, markdown: str, panels: Sequence[dict[str, Any]]) -> Output:
    """Return a sheet: panels of rows that stand at the top of the page; see `sheet.Panel`."""
    return _output("sheet", plain, markdown, panels=list(panels))


def as_detail(output: Output, summary: str) -> Output:
    """Return ``output`` as part of the fold that ``summary`` names."""
    facts = {**output.metadata[KEY], "detail": summary}
    return Output(output.data, {**output.metadata, KEY: facts})


def escape_dollars(markdown: str) -> str:
    r"""Return ``markdown`` with every ``$`` that encloses no formula written ``\$``."""
    kept = []
    end = 0
    for formula in FORMULA.finditer(markdown):
        kept += [_escaped(markdown[end : formula.start()]), formula.group()]
        end = formula.end()
    return "".join([*kept, _escaped(markdown[end:])])


def show(output: Output) -> None:
    """Show an output in the notebook that is running, its caption below it."""
    from IPython.display import display

    display(output.data, metadata=output.metadata, raw=True)
    small_print = output.metadata[KEY].get("caption")
    if small_print:
        show(caption(small_print))


def _output(role: Role, plain: str, markdown: str, **facts: Any) -> Output:
    data = {"text/plain": plain, "text/markdown": markdown}
    return Output(data, {KEY: {"role": role, **facts}})


def _holds(ok: bool | None) -> bool | None:
    return None if ok is None else bool(ok)


def _escaped(text: str) -> str:
    return re.sub(r"(?<!\\)\$", r"\\$", text)


Presenter = Callable[..., None]


def presents(
    *classes: type, detail: str = "", of: tuple[str, ...] = ()
) -> Callable[[Presenter], Presenter]:
    """Mark a function as the presenter of these classes; of none: found by its name alone.

    Parameters
    ----------
    detail
        Words under which what it shows is folded (`Report.detail`), together with what stands
        beside it under the same; empty: nothing is.
    of
        Roles of what is folded, as ``table`` and ``chart``; none: all of it.
    """

    def marked(presenter: Presenter) -> Presenter:
        @wraps(presenter)
        def folded(report: Any, *shown: Any, **named: Any) -> None:
            with report.detail(detail, *of):
                presenter(report, *shown, **named)

        found: Any = folded if detail else presenter
        found.presents = classes
        return found

    return marked


def folder_of(report: str) -> str:
    """Return the package of a report's content: ``03_deciles`` is ``analysis.reports.deciles``."""
    return f"analysis.reports.{report.partition('_')[2]}"


@cache
def presenters(report: str) -> Mapping[str | type, Presenter]:
    """Return a report's presenters, by their names and by the classes they present."""
    package = folder_of(report)
    try:
        folder = import_module(package)
    except ModuleNotFoundError as error:
        if error.name and not package.startswith(error.name):
            raise
        return {}
    names = [found.name for found in iter_modules(folder.__path__)]
    found: dict[str | type, Presenter] = {}
    for name in sorted(n for n in names if n.startswith("present")):
        found |= _marked(import_module(f"{package}.{name}"))
    return found


def _marked(module: ModuleType) -> dict[str | type, Presenter]:
    found: dict[str | type, Presenter] = {}
    for name, member in vars(module).items():
        if hasattr(member, "presents"):
            found[name] = member
            found.update(dict.fromkeys(member.presents, member))
    return found


def presenter_of(report: str, shown: tuple[Any, ...]) -> tuple[Presenter, tuple[Any, ...]]:
    """Return the presenter of what is shown, and what it is given.

    Raises
    ------
    AnalysisError
        If the report has none of that name or class; the message lists those it has.
    """
    known = presenters(report)
    first = shown[0]
    key = first if isinstance(first, str) else type(first)
    if key not in known:
        names = ", ".join(sorted(name for name in known if isinstance(name, str))) or "none"
        asked = repr(first) if isinstance(first, str) else f"a {type(first).__name__}"
        raise AnalysisError(f"{report} does not know how to show {asked}; it has {names}")
    return known[key], shown[1:] if isinstance(first, str) else shown
