"""An executed notebook as the parts of a page, in the order they are read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import reduce
from itertools import groupby
from typing import Any

from analysis.errors import AnalysisError
from analysis.reporting.execution.parameters import source, tags
from analysis.reporting.notebook import outputs, words
from analysis.reporting.notebook.outputs import literal
from analysis.reporting.notebook.sheet import Panel, from_facts

_FENCE = re.compile(r"^\s*(```|~~~)")

#: Tag of the cell of a section's heading: the page shows the heading, the rest opens on a click.
FOLDED = "folded"


@dataclass(frozen=True)
class Block:
    """One thing a section shows.

    Parameters
    ----------
    kind
        ``text``, ``headline``, ``chart``, ``table``, ``trust``, ``not given``, ``code``,
        ``picture``, ``html``, ``plain``, ``lost``, ``left out`` or ``detail``.
    content
        Markdown, SVG, HTML, code or plain text, as the kind has it; of a detail, its summary.
    facts
        What the notebook said about it: alt text, caption, name and number of rows, and the
        summary of the fold it belongs into.
    blocks
        What a detail holds.
    """

    kind: str
    content: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    blocks: tuple[Block, ...] = ()

    @property
    def detail(self) -> str | None:
        """Summary of the fold it belongs into, or None."""
        summary = self.facts.get("detail")
        return None if summary is None else str(summary)


@dataclass(frozen=True)
class Section:
    """One section: its short topic, the heading that states what it shows, and its blocks.

    Of one that is folded only its topic is seen, and the heading, or a sentence that leads in where
    there is none.
    """

    topic: str
    anchor: str
    headline: str | None = None
    blocks: tuple[Block, ...] = ()
    folded: bool = False
    lead: str | None = None  # Markdown

    def with_block(self, block: Block) -> Section:
        """Return the section with one block more.

        The first headline becomes its heading; code behind code goes into the same fold; what was
        lost for one reason is said once.
        """
        if block.kind == "lost" and block in self.blocks:
            return self
        shows = any(known.kind in ("chart", "table", "trust") for known in self.blocks)
        leads = block.kind == "headline" and block.detail is None
        if leads and self.headline is None and self.anchor and not shows:
            return replace(self, headline=block.content)
        return replace(self, blocks=_followed(self.blocks, block))

    def repeated_reason(self) -> str | None:
        """Return the reason that is all this section shows, if it stands above already."""
        told = [block for block in self.blocks if block.kind not in ("code", "text")]
        if not told or self.headline is not None:
            return None
        if any(block.kind != "not given" or not block.facts["again"] for block in told):
            return None
        return str(told[0].facts["reason"])

    @property
    def found_nothing(self) -> bool:
        """Whether a reason why there is nothing is all that the section shows."""
        told = [block.kind for block in self.blocks if block.kind not in ("code", "text")]
        return bool(told) and set(told) == {"not given"}

    def naming(self, also: Mapping[str, list[str]]) -> Section:
        """Return the section with the topics that a reason ends named beside it.

        Further words on a reason that stands above are left out.
        """
        blocks = [
            replace(
                block,
                kind="text",
                content=block.content + _other_sections(also.get(block.facts["reason"], [])),
            )
            if block.kind == "not given"
            else block
            for block in self.blocks
            if not (block.kind == "not given" and block.facts["again"])
        ]
        if self.found_nothing:
            blocks.sort(key=lambda block: "reason" not in block.facts)
            blocks = [_as_intent(block) for block in blocks]
        return replace(self, blocks=tuple(blocks))

    def folding(self) -> Section:
        """Return the section with neighbouring blocks of one detail gathered under its summary.

        Code between them goes behind them. Of several tables of an open section the first is shown;
        the others fold under their titles.
        """
        known = list(self.blocks if self.folded else _further_tables_folded(self.blocks))
        for n in range(1, len(known) - 1):
            if known[n].kind == "code" and known[n - 1].detail == known[n + 1].detail is not None:
                known[n : n + 2] = known[n + 1], known[n]
        blocks: tuple[Block, ...] = ()
        for summary, run in groupby(known, key=lambda block: block.detail):
            gathered = tuple(run)
            within = summary is not None and (Block("detail", summary, blocks=gathered),)
            blocks = reduce(_followed, within or gathered, blocks)
        return replace(self, blocks=blocks)

    def answering(self) -> Section:
        """Return the section with what it says while it is folded; a failure is never folded."""
        if not self.folded or any(block.kind == "lost" for block in self.blocks):
            return replace(self, folded=False)
        stated = self.headline or next(filter(None, map(_in_short, self.blocks)), None)
        return replace(self, headline=stated, lead=None if stated else self._lead())

    def _lead(self) -> str | None:
        """Return the first sentence of what is said, what was computed first."""
        reasons = [block.facts["reason"] for block in self.blocks if block.kind == "not given"]
        if self.found_nothing:
            return f"Not reported: {_first_sentence(str(reasons[0]))}"
        said = [block for block in self.blocks if block.kind in ("headline", "text")]
        outer = [block for block in said if block.detail is None]
        computed = [block for block in outer if "role" in block.facts]
        headlines = [block for block in said if block.kind == "headline"]
        ranked = sorted(computed, key=lambda block: block.kind != "headline")
        first = next(iter((*ranked, *headlines, *outer)), None)
        if first is None:
            return None
        return _first_sentence(literal(first.content) if first in headlines else first.content)


def _further_tables_folded(blocks: Iterable[Block]) -> Iterator[Block]:
    """Yield the blocks with tables behind the first table below a heading folded under titles."""
    shown = False
    for block in blocks:
        outer = block.kind == "table" and block.detail is None
        title = block.facts.get("title") if outer and shown else None
        shown = block.kind != "headline" and (shown or outer)
        facts = {**block.facts, "detail": title, "title": None}
        yield replace(block, facts=facts) if title else block


def _followed(blocks: tuple[Block, ...], block: Block) -> tuple[Block, ...]:
    """Return the blocks with one more; code behind code goes into the same fold."""
    if blocks and blocks[-1].kind == block.kind == "code":
        return (*blocks[:-1], Block("code", f"{blocks[-1].content}\n\n{block.content}"))
    return (*blocks, block)


def _in_short(block: Block) -> str | None:
    """Return the line that a panel of trust comes to."""
    if block.kind != "trust":
        return None
    held = [line["ok"] for line in block.facts["lines"]]
    doubts = [line["label"] for line in block.facts["lines"] if line["ok"] is False]
    holds = f"{words.count(held.count(True), 'check')} hold{'s' * (held.count(True) == 1)}"
    said = [f"Caution: {', '.join(doubts)}"] * bool(doubts) + [holds] * (True in held)
    return "; ".join(said) or None


def _first_sentence(markdown: str) -> str:
    """Return the first sentence of a text or of the first item of a list, without its full stop."""
    first = re.split(r"\n\n|\n- ", markdown.removeprefix("- "))[0]
    return re.split(r"(?<=[.!?])\s+(?=[^\sa-z])", " ".join(first.split()))[0].removesuffix(".")


#: Names the fold of what a section that found nothing says about itself.
_WOULD_SHOW = "What this section would show"


def _as_intent(block: Block) -> Block:
    """Return what a section that found nothing says about itself as detail."""
    said = block.kind == "text" and "reason" not in block.facts
    return replace(block, facts={"detail": _WOULD_SHOW}) if said else block


def _other_sections(topics: list[str]) -> str:
    return f" The same holds for: {'; '.join(topics)}." if topics else ""


@dataclass(frozen=True)
class Outline:
    """A page's parts.

    Parameters
    ----------
    topic
        What the report is about: the notebook's first heading.
    title
        What it found, or None where the notebook sets no title.
    intro
        Markdown below the first heading: the question and the decision it serves.
    preface
        What comes before the first section.
    sections
        The sections.
    notes
        What cells wrote to standard error: warnings, and notes of libraries.
    sheet
        Panels that are read at one look, above everything else; see `sheet.Panel`.
    """

    topic: str
    title: str | None
    intro: str
    preface: Section
    sections: tuple[Section, ...]
    notes: tuple[str, ...] = ()
    sheet: tuple[Panel, ...] = ()


def read_outline(notebook: Mapping[str, Any], *, name: str) -> Outline:
    """Return the parts of the page of an executed notebook.

    Parameters
    ----------
    notebook
        The executed notebook, as nbformat reads it.
    name
        What to call it in an error.

    Raises
    ------
    AnalysisError
        If it holds an error or a picture without alt text: neither may reach a reader in silence.
    """
    topic, intro, title = name, "", None
    sections, notes = [Section("", "")], []
    sheet: tuple[Panel, ...] = ()
    try:
        for kind, content in _with_code_gathered(_parts(notebook)):
            if kind == "topic":
                topic, intro = content
            elif kind == "title":
                title = content
            elif kind == "note":
                notes.append(content)
            elif kind == "sheet":
                sheet = from_facts(content)
            elif kind == "section":
                heading, folded = content
                taken = {s.anchor for s in sections} | {panel.key for panel in sheet}
                sections.append(Section(heading, _anchor(heading, taken), folded=folded))
            else:
                sections[-1] = sections[-1].with_block(content)
    except AnalysisError as error:
        raise AnalysisError(f"{name}: {error}") from None
    kept = tuple(section.folding() for section in _folded(sections[1:]))
    return Outline(topic, title, intro, sections[0].folding(), kept, tuple(notes), sheet)


def _folded(sections: list[Section]) -> Iterator[Section]:
    """Yield the sections with those that only repeat a reason folded into where it stands.

    A heading over nothing tells nobody anything: the reason names the sections it ends. What a
    study does not ask for is left out.
    """
    also: dict[str, list[str]] = {}
    kept = []
    for section in sections:
        if any(block.kind == "left out" for block in section.blocks):
            continue
        repeated = section.repeated_reason()
        if repeated is None:
            kept.append(section)
        else:
            also.setdefault(repeated, []).append(section.topic)
    for section in kept:
        yield section.answering().naming(also)


def sections_of(cells: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return, for each cell of a notebook, the topic of the section it stands in; before, none."""
    topic, found = "", []
    for cell in cells:
        if cell["cell_type"] == "markdown":
            headings = [heading for level, heading, _ in _split(source(cell)) if level == 2]
            topic = headings[-1] if headings else topic
        found.append(topic)
    return found


@dataclass(frozen=True)
class _Code:
    """The source of a cell, and whether the cell shows anything that a fold can stand under."""

    text: str
    shows: bool


def _is_seen(part: tuple[str, Any]) -> bool:
    kind, content = part
    return kind == "block" and content.kind != "headline"


def _with_code_gathered(parts: Iterator[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Yield the parts with the code of cells that show nothing joined to that of the next.

    One fold a figure is enough; the code of a section stays in it.
    """
    code: list[str] = []
    for kind, content in parts:
        if kind == "code":
            code.append(content.text)
        if code and (kind == "section" or (kind == "code" and content.shows)):
            yield "block", Block("code", "\n\n".join(code))
            code = []
        if kind != "code":
            yield kind, content
    if code:
        yield "block", Block("code", "\n\n".join(code))


def _parts(notebook: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield topics, titles, sections and blocks in the order of the notebook."""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            yield from _from_markdown(source(cell), folded=FOLDED in tags(cell))
        elif cell["cell_type"] == "code" and not _is_parameters(cell):
            shown = [*_from_outputs(cell["outputs"]), *_from_loss(cell)]
            yield from shown
            if source(cell).strip():
                yield "code", _Code(source(cell), shows=any(map(_is_seen, shown)))


def _is_parameters(cell: Mapping[str, Any]) -> bool:
    return bool({"parameters", "injected-parameters"}.intersection(tags(cell)))


def _from_markdown(text: str, *, folded: bool) -> Iterator[tuple[str, Any]]:
    for level, heading, body in _split(text):
        if level == 1:
            yield "topic", (heading, body)
            continue
        if level == 2:
            yield "section", (heading, folded)
        if body:
            yield "block", Block("text", body)


def _split(text: str) -> list[tuple[int, str, str]]:
    """Return Markdown cut at its headings of level 1 and 2: level (0: none), heading, body."""
    found: list[tuple[int, str, list[str]]] = [(0, "", [])]
    fenced = False
    for line in text.splitlines():
        fenced ^= bool(_FENCE.match(line))
        heading = None if fenced else re.match(r"(#{1,2})\s+(.*?)\s*#*$", line)
        if heading:
            found.append((len(heading.group(1)), heading.group(2), []))
        else:
            found[-1][2].append(line)
    return [(level, heading, "\n".join(lines).strip()) for level, heading, lines in found]


def _from_outputs(shown: list[Mapping[str, Any]]) -> Iterator[tuple[str, Any]]:
    for output in shown:
        facts = output.get("metadata", {}).get(outputs.KEY, {})
        role = facts.get("role")
        if role == "title":
            yield "title", facts["text"]
        elif role == "sheet":
            yield "sheet", facts["panels"]
        elif output.get("name") == "stderr":
            yield "note", _joined(output["text"]).strip()
        elif role not in ("finding", "caption"):
            yield "block", _block(output, role, facts)


def _from_loss(cell: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield what stands for a cell without results; see `isolation`."""
    lost = cell.get("metadata", {}).get(outputs.KEY, {}).get("lost")
    if lost:
        yield "block", Block("lost", lost["reason"], lost)


def _block(output: Mapping[str, Any], role: str | None, facts: Mapping[str, Any]) -> Block:
    if output["output_type"] == "error":
        raise AnalysisError(f"a cell ended with {output['ename']}: {output['evalue']}")
    if output["output_type"] == "stream":
        return Block("plain", _joined(output["text"]))
    data = output["data"]
    if role is None:
        return _foreign(data, output.get("metadata", {}))
    form = {"chart": "image/svg+xml", "table": "text/html"}.get(role, "text/markdown")
    content = facts["text"] if role == "headline" else _joined(data[form])
    return Block(role, content, facts)


def _foreign(data: Mapping[str, Any], metadata: Mapping[str, Any]) -> Block:
    """Return an output that was not shown through the report: its richest form."""
    for form, kind in (("text/html", "html"), ("text/markdown", "text")):
        if form in data:
            return Block(kind, _joined(data[form]))
    for form in ("image/svg+xml", "image/png", "image/jpeg"):
        if form in data:
            alt = metadata.get("alt") or metadata.get(form, {}).get("alt")
            if not alt:
                raise AnalysisError("a picture has no alt text; show it with report.chart")
            return Block("picture", _joined(data[form]), {"alt": alt, "form": form})
    return Block("plain", _joined(data.get("text/plain", "")))


def _joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)


def _anchor(topic: str, taken: Set[str]) -> str:
    """Return an id for a section that nothing else of the page has."""
    slug = re.sub(r"[^\w]+", "-", topic.lower()).strip("-") or "section"
    known = taken | {"main", "findings", "parameters", "downloads", "warnings", "time"}
    numbered = (slug, *(f"{slug}-{n}" for n in range(2, len(known) + 3)))
    return next(name for name in numbered if name not in known)
