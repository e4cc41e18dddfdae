"""What a notebook uses for everything it shows.

    report = open_report("03_deciles", study=study, as_of=as_of, seed=seed)
    deciles = monetary_deciles(report.tables, ...)
    report.title("A tenth of the customers brings a third of the sales")
    report.chart(charts.deciles.shares(deciles), alt="...", caption="...")
    report.table(deciles, name="deciles", columns={...})

In JupyterLab each call shows what it says. In a run the same output carries, as metadata, the
part it plays on the page; the files go where `workspace` says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from analysis.errors import AnalysisError
from analysis.reporting import outputs, words
from analysis.reporting.findings import Finding, FindingParts, Findings
from analysis.reporting.formats import Format
from analysis.reporting.workspace import LISTS, TABLES, Workspace, checked_name
from analysis.tables.periods import as_date

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from analysis.tables.engine import Tables

#: One line of the trust panel: what was looked at, whether it holds (None: neither), the words.
TrustLine = tuple[str, bool | None, str]


def open_report(
    name: str, *, study: str, as_of: date | str, seed: int = 0, root: Path | None = None
) -> Report:
    """Open the report ``name`` of ``study`` for writing.

    Parameters
    ----------
    name
        The notebook's name without its suffix, ``03_deciles``.
    study
        Study whose canonical tables the report reads.
    as_of
        The day before which everything is known; ISO text or a date.
    seed
        Seed of everything random in the report.
    root
        Root of the project, where it is not above the working directory.
    """
    workspace = Workspace.find(study, root)
    return Report(
        checked_name(name), study=study, as_of=as_date(as_of), seed=seed, workspace=workspace
    )


class Report:
    """One report while its notebook runs.

    Attributes
    ----------
    name, study, as_of, seed
        As given to `open_report`, ``as_of`` as a date.
    workspace
        Where the report's files go.
    """

    def __init__(
        self,
        name: str,
        *,
        study: str,
        as_of: date,
        seed: int,
        workspace: Workspace,
        tables: Tables | None = None,
        show: Callable[[outputs.Output], None] = outputs.show,
    ) -> None:
        self.name = name
        self.study = study
        self.as_of = as_of
        self.seed = seed
        self.workspace = workspace
        self._show = show
        self._tables = tables
        self._saved: set[str] = set()
        self._findings = Findings(name)
        self._charts = 0
        self._findings.write(workspace.findings(name))

    @property
    def tables(self) -> Tables:
        """The study's canonical tables, opened at first use."""
        if self._tables is None:
            from analysis.reporting.layout import engine_of
            from analysis.tables.engine import open_study

            root = self.workspace.published.parents[1]
            engine = engine_of(self.study, writes_to=self.workspace.directory, root=root)
            self._tables = open_study(self.study, settings=engine, root=root)
        return self._tables

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
        from analysis.reporting import frames

        self.save(frame, name)
        if frames.names_customers(frame):
            self.say(self._withheld(frame, name, title))
            return
        if frame.empty:
            if title:
                self.say(f"{title}: none.")
            return
        drawing = frames.render(
            frame, name=name, title=title, columns=columns, rows=rows, currency=self._currency
        )
        total = len(frame)
        shown = total if rows is None else min(total, rows)
        facts = {"title": title, "caption": caption, "shown": shown, "total": total}
        self._show(outputs.table(drawing, name=name, **facts))

    def save(self, frame: pd.DataFrame, name: str) -> None:
        """Save a table as CSV and Parquet, byte for byte the same for the same table.

        One that names customers goes among the run's lists, which are not published, unless the
        study's params say ``publish: customers``. Row labels are not saved: what identifies a row
        is a column. AnalysisError if the table has named row labels, or if a run saves two tables
        under one name.
        """
        from analysis.reporting import frames

        if self.workspace.staged and name in self._saved:
            raise AnalysisError(f"{self.name} saves two tables under the name {name!r}")
        frames.save(frame, self.workspace.table(self.name, name, self._room(frame)))
        self._saved.add(name)

    def need(self, reference: str) -> pd.DataFrame:
        """Return another report's table, ``"02_segmentation/segments"``.

        It is this run's if the run has made it, else the latest published run's; AnalysisError
        if there is neither.
        """
        from analysis.reporting import frames

        return frames.load(self.workspace.find_table(reference))

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
            ``decimals``, ``level``.
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

    def _room(self, frame: pd.DataFrame) -> str:
        """Return the folder of a run that a table belongs into."""
        from analysis.reporting import frames
        from analysis.reporting.layout import publishes_customers

        if not frames.names_customers(frame):
            return TABLES
        return TABLES if publishes_customers(writes_to=self.workspace.directory) else LISTS

    def _withheld(self, frame: pd.DataFrame, name: str, title: str | None) -> str:
        """Return the sentence that stands for a table that names customers."""
        what = f"{title}: " if title else ""
        where = f"{self._room(frame)}/{self.name}/{name}.csv"
        rows = words.count(len(frame), "row")
        return f"{what}{rows} on single customers, in {where} of this run. No page shows them."

    @property
    def _currency(self) -> str:
        return self.tables.manifest.currency
