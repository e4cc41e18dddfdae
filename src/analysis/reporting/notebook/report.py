"""What a notebook uses for everything it shows.

    report = open_report("03_deciles", locals())
    deciles = customers.monetary_deciles(...)
    report.show(deciles)

`Report.show` presents a result as its report does; ``headline``, ``say``, ``chart``, ``table``
and ``finding`` are what presenters are made of, and are there for an analyst's own cells.

In JupyterLab each call shows what it says. In a run the same output carries, as metadata, the
part it plays on the page; the files go where `workspace` says.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from analysis.answers import NotGiven, missing, watch
from analysis.errors import AnalysisError, NotApplicable
from analysis.project import find_root
from analysis.reporting.execution.cell_costs import measured, profile_cells
from analysis.reporting.notebook import lab, outputs, words
from analysis.reporting.notebook.findings import Finding, FindingParts, Findings
from analysis.reporting.notebook.outputs import presenter_of
from analysis.reporting.store.layout import LISTS, STAGING, TABLES, Workspace, checked_name
from analysis.stats.resampling import Sampling
from analysis.tables.periods import as_date

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from analysis.reporting.notebook.formats import Format
    from analysis.reporting.notebook.sheet import Panel
    from analysis.tables.engine import Tables

#: One line of the trust panel: what was looked at, whether it holds (None: neither), the words.
TrustLine = tuple[str, bool | None, str]


def open_report(
    name: str, names: Mapping[str, Any] | None = None, *, root: Path | None = None, **given: Any
) -> Report:
    """Open the report ``name`` for writing.

    Parameters
    ----------
    name
        The notebook's name without its suffix, ``03_deciles``.
    names
        The notebook's ``locals()``: ``study``, ``as_of`` (ISO text or a date), ``seed`` and the
        parameters that the report's model declares are taken from it and checked.
    root
        Root of the project, where it is not above the working directory.
    given
        The same, named one by one.

    Raises
    ------
    ParamsError
        If a parameter is outside its limits.
    """
    names = given if names is None else names
    if isinstance(names, MutableMapping) and STAGING not in os.environ:
        lab.take_parameters(name, names, root=root or find_root())
    workspace = Workspace.find(names["study"], root)
    from analysis.params.report_params import from_notebook

    watch(measured)
    profile_cells()
    return Report(
        checked_name(name),
        study=names["study"],
        as_of=as_date(names["as_of"]),
        seed=names.get("seed", 0),
        workspace=workspace,
        params=from_notebook(name, names),
    )


class Report:
    """One report while its notebook runs.

    Attributes
    ----------
    name, study, as_of, seed
        As given to `open_report`, ``as_of`` as a date.
    workspace
        Where the report's files go.
    params
        The report's parameters; None where it declares none.
    """

    def __init__(
        self,
        name: str,
        *,
        study: str,
        as_of: date,
        seed: int,
        workspace: Workspace,
        params: Any = None,
        tables: Tables | None = None,
        show: Callable[[outputs.Output], None] = outputs.show,
    ) -> None:
        self.name = name
        self.study = study
        self.as_of = as_of
        self.seed = seed
        self.workspace = workspace
        self.params = params
        self._display = show
        self._only: str | None = None
        self._detail: tuple[str, tuple[str, ...]] | None = None
        self._reasons: set[str] = set()
        self._tables = tables
        self._saved: set[str] = set()
        self._findings = Findings(name)
        self._charts = 0
        self._findings.write(workspace.findings(name))

    @property
    def tables(self) -> Tables:
        """The study's canonical tables, opened at first use."""
        if self._tables is None:
            from analysis.reporting.store.layout import RunFolder, engine_of
            from analysis.tables.engine import open_study

            root = self.workspace.published.parents[1]
            engine = engine_of(self.study, writes_to=self.workspace.directory, root=root)
            self._tables = open_study(self.study, settings=engine, root=root)
            if self.workspace.staged:
                self._tables.shared = RunFolder(self.workspace.directory).shared
        return self._tables

    @property
    def currency(self) -> str:
        """The study's currency, as a code."""
        return self.tables.manifest.currency

    @cached_property
    def margin(self) -> str:
        """The sentence that says what contribution margin rests on in this study."""
        from analysis.tables.margin import margin_basis_sentence

        return margin_basis_sentence(self.tables)

    @property
    def sampling(self) -> Sampling:
        """How the report's intervals are resampled: its confidence, bootstrap and seed."""
        return Sampling(self.params.confidence, self.params.bootstrap, self.seed)

    @property
    def interval(self) -> str:
        """What the report's intervals are called: "95 % interval"."""
        return f"{100 * self.params.confidence:g} % interval"

    def show(self, *shown: Any, only: str | None = None, **named: Any) -> None:
        """Present results as this report does, or say why there are none.

        Parameters
        ----------
        shown
            The result, or the name of a presenter of ``reports/<name>/present.py`` and what it is
            given. Where one of these is `NotGiven`, its reason is said instead, once a page.
        only
            One part alone: ``"chart"``, ``"table"``, ``"headline"``, ``"text"`` or ``"finding"``.
        named
            What the presenter can do without: it gets None for a `NotGiven`.

        Raises
        ------
        AnalysisError
            If the report knows no such presenter.
        """
        named = {k: None if isinstance(v, NotGiven) else v for k, v in named.items()}
        lacking = missing(*shown)
        if lacking is not None:
            self.not_given(lacking.reason)
            return
        presenter, given = presenter_of(self.name, shown)
        self._only = only
        try:
            with measured(f"show {_name_of(shown[0])}"):
                presenter(self, *given, **named)
        except NotApplicable as reason:
            self.not_given(str(reason))
        finally:
            self._only = None

    def require(self, result: Any) -> None:
        """End the whole report where it could say nothing without ``result``.

        Raises
        ------
        NotApplicable
            If it is `NotGiven`; the site shows the reason in place of the report.
        """
        if isinstance(result, NotGiven):
            raise NotApplicable(result.reason)

    def not_given(self, reason: str) -> None:
        """Say why a section has nothing to show; a reason that stands above is not repeated."""
        self._show(outputs.not_given(reason, again=reason in self._reasons))
        self._reasons.add(reason)

    def leave_out(self) -> None:
        """Leave the section out of the page, heading and all: the study does not ask for it."""
        self._show(outputs.left_out())

    def _show(self, output: outputs.Output) -> None:
        role = output.metadata[outputs.KEY]["role"]
        if self._only in (None, role):
            summary, roles = self._detail or ("", ())
            folded = summary and (not roles or role in roles)
            self._display(outputs.as_detail(output, summary) if folded else output)

    @contextmanager
    def detail(self, summary: str, *roles: str) -> Iterator[None]:
        """Show what follows as detail: folded on the page, open on paper and in a notebook.

        A reader must be able to decide without it: headlines, findings and what speaks against
        them stay outside.

        Parameters
        ----------
        summary
            What the fold holds, in a few words: "How the model was chosen".
        roles
            What is folded, as ``table`` and ``chart``; none: everything.
        """
        outer, self._detail = self._detail, self._detail or (summary, roles)
        try:
            yield
        finally:
            self._detail = outer

    def title(self, text: str) -> None:
        """Set the page's title: the finding, not the topic."""
        self._findings = self._findings.with_title(text)
        self._findings.write(self.workspace.findings(self.name))
        self._show(outputs.title(text))

    def headline(self, text: str) -> None:
        """State what the chart or table that follows shows."""
        self._show(outputs.headline(text))

    def say(self, said: str) -> None:
        """Write a paragraph, or a list, with computed numbers and names of data.

        ``**`` around words makes them bold and ``- `` begins an item; everything else reads as it
        stands, whatever a product or a promotion is called (see `outputs.literal`).
        """
        self._show(outputs.text(said))

    def chart(self, drawn: Axes | Figure, *, alt: str, caption: str | None = None) -> None:
        """Show a chart and close its figure.

        Parameters
        ----------
        drawn
            The axes or the figure.
        alt
            What the chart shows, for those who cannot see it: form, figures, reading.
        caption
            Small print below: what is drawn, over which time, what the whiskers are.
        """
        from analysis.reporting.charts import svg

        if not alt.strip():
            raise AnalysisError("A chart needs an alt text that says what it shows")
        self._charts += 1
        drawing = svg.render(drawn, name=f"{self.name}-{self._charts}", alt=alt)
        self._show(outputs.chart(drawing, alt=alt, caption=caption))

    def table(
        self,
        frame: pd.DataFrame,
        *,
        name: str,
        title: str | None = None,
        caption: str | None = None,
        columns: Mapping[str, Format] | None = None,
        rows: int | None = None,
    ) -> None:
        """Save a table for download and show it; one without rows is said to be empty.

        Of one that names customers only the number of rows is shown.

        Parameters
        ----------
        frame
            The result table, saved whole.
        name
            Name of its files.
        title
            Heading of the shown table.
        caption
            Small print below.
        columns
            Formats of the columns to show, in order; by default all, by what they hold.
        rows
            How many rows to show, from the top; by default all.
        """
        from analysis.reporting.notebook import frames

        self.save(frame, name)
        if frames.names_customers(frame):
            self.say(self._withheld(frame, name, title))
            return
        if frame.empty:
            if title:
                self.say(f"{title}: none.")
            return
        drawing = frames.render(
            frame, name=name, title=title, columns=columns, rows=rows, currency=self.currency
        )
        total = len(frame)
        shown = total if rows is None else min(total, rows)
        facts: dict[str, Any] = {"title": title, "caption": caption, "shown": shown}
        facts["total"] = total
        facts["intervals"] = frames.intervals(frame, columns)
        self._show(outputs.table(drawing, name=name, **facts))

    def save(self, frame: pd.DataFrame, name: str) -> None:
        """Save a table as CSV and Parquet, byte for byte the same for the same table.

        One that names customers goes among the run's lists, which are not published, unless the
        study's params say ``publish: customers``. Row labels are not saved: what identifies a row
        is a column. AnalysisError if the table has named row labels, or if a run saves two tables
        under one name.
        """
        from analysis.reporting.notebook import frames

        if self.workspace.staged and name in self._saved:
            raise AnalysisError(f"{self.name} saves two tables under the name {name!r}")
        frames.save(frame, self.workspace.table(self.name, name, self._room(frame)))
        self._saved.add(name)

    def need(self, reference: str) -> pd.DataFrame:
        """Return another report's table, ``"02_segmentation/segments"``.

        It is this run's if the run has made it, else the latest published run's; AnalysisError
        if there is neither.
        """
        from analysis.reporting.notebook import frames

        return frames.load(self.workspace.find_table(reference))

    def want(self, reference: str) -> pd.DataFrame | NotGiven:
        """Return another report's table that this one can do without, else `NotGiven`.

        The notebook's ``needs`` name it with a question mark: ``07_value/worth_keeping?``.
        """
        from analysis.reporting.notebook import frames

        path = self.workspace.wanted_table(reference)
        if path is None:
            report, _, table = reference.partition("/")
            return NotGiven(f"Report {report} has made no table {table} for this study.")
        return frames.load(path)

    def finding(
        self, *, key: str, sentence: str, value: float | None, **rest: Unpack[FindingParts]
    ) -> None:
        """Record a headline; see `findings.Finding` for what it may carry.

        Parameters
        ----------
        key
            Name that stays the same from run to run.
        sentence
            What the number says, read straight after it.
        value
            The number; a fraction where the unit is ``%``. None needs a ``detail``.
        rest
            ``low``, ``high``, ``unit``, ``n``, ``noun``, ``direction``, ``alert``, ``detail``,
            ``decimals``, ``level``, ``at_stake``, ``otherwise``.
        """
        finding = Finding(key=key, sentence=sentence, value=value, **rest)
        if self.workspace.staged and key in self._findings.by_key():
            raise AnalysisError(f"{self.name} records two findings under the key {key!r}")
        self._findings = self._findings.with_finding(finding)
        self._findings.write(self.workspace.findings(self.name))
        self._show(outputs.finding(finding))

    def trust(self, lines: Sequence[TrustLine]) -> None:
        """Show how far to trust the report.

        Parameters
        ----------
        lines
            Label, whether it holds (True ✓, False !, None –), and the sentence.
        """
        self._show(outputs.trust(lines))

    def sheet(self, panels: Sequence[Panel]) -> None:
        """Show a sheet at the top of the page, in place of the report's findings."""
        from analysis.reporting.notebook import sheet

        facts = sheet.as_facts(panels)
        self._show(outputs.sheet(sheet.plain(panels), sheet.markdown(panels), facts))

    def _room(self, frame: pd.DataFrame) -> str:
        """Return the folder of a run that a table belongs into."""
        from analysis.reporting.notebook import frames
        from analysis.reporting.store.layout import publishes_customers

        if not frames.names_customers(frame):
            return TABLES
        return TABLES if publishes_customers(writes_to=self.workspace.directory) else LISTS

    def _withheld(self, frame: pd.DataFrame, name: str, title: str | None) -> str:
        """Return the sentence that stands for a table that names customers."""
        what = f"{title}: " if title else ""
        where = f"{self._room(frame)}/{self.name}/{name}.csv"
        rows = words.count(len(frame), "row")
        return f"{what}{rows} on single customers, in {where} of this run. No page shows them."


def _name_of(shown: Any) -> str:
    return shown if isinstance(shown, str) else type(shown).__name__
