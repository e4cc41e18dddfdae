"""What ``analysis check`` says: the ledger, what is refused or doubted, which reports can run.

The page at its end shows what was read, to be held against the till.
"""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import ibis

from analysis.errors import NotApplicable, ParamsError
from analysis.ingest.mapping.expressions import SWAPPED
from analysis.ingest.mapping.values import TAKEN
from analysis.ingest.onboarding.draft import refusals
from analysis.params import StudyParams
from analysis.quality.control_totals import ControlTotals, control_totals
from analysis.quality.reconciliation import unmatched
from analysis.reporting.checking.verify import ledger_lines
from analysis.reporting.execution.execute import checked_notebook
from analysis.reporting.runner.run_plan import Planned, make_plan, missing_tables
from analysis.reporting.store.run_record import mapping_names
from analysis.tables.engine import Tables, open_study
from analysis.tables.manifest import Manifest

if TYPE_CHECKING:
    from analysis.ingest.request import IngestResult
    from analysis.params import StudyParams
    from analysis.tables.engine import Tables

WIDTH, LABEL, MONTHS, FILES = 100, 14, 24, 6


def page(totals: ControlTotals, manifest: Manifest, *, as_of: date, unsure: list[str]) -> list[str]:
    """Return the lines of the page, none wider than 100 characters.

    Parameters
    ----------
    totals
        What the order lines add up to.
    manifest
        Of the tables: files, account of rows, sentences about the reading.
    as_of
        The report date.
    unsure
        Guesses of a draft that nobody has settled, as ``unsure_guesses`` finds them.
    """
    taken = [note for note in manifest.notes if note.startswith(TAKEN)]
    guessed = [note for note in manifest.notes if note not in taken]
    return [
        "",
        "What was read: hold it against the till",
        *_labelled("files", _files(manifest)),
        *_labelled("rows", _rows(manifest)),
        *_labelled("days", _days(totals, as_of)),
        *_labelled("orders", _orders(totals)),
        *_labelled("customers", _customers(totals)),
        *_labelled("products", f"{totals.products:,}"),
        *_labelled("net total", _net(totals, manifest)),
        "",
        *_months(totals, manifest.currency),
        "",
        *_largest(totals, manifest.currency),
        "",
        *_listed("missing", taken or ["No word was taken for missing."]),
        *_listed("guessed", [*guessed, *unsure] or ["Nothing."]),
        *_listed("please answer", [*totals.questions, *_swapped(manifest)] or ["Nothing."]),
    ]


def unsure_guesses(params: StudyParams, *, root: Path) -> list[str]:
    """Return the lines of the study's params and mappings that are still marked ``UNSURE``."""
    folder = root / "params"
    names = [
        f"{params.study}.yaml",
        *(f"sources/{name}.yaml" for name in mapping_names(params.source)),
    ]
    return [found for name in names for found in _unsure_in(folder / name, f"params/{name}")]


def _unsure_in(path: Path, name: str) -> Iterator[str]:
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    for number, line in enumerate(lines, start=1):
        text, mark, note = line.partition("UNSURE: ")
        if mark and not text.lstrip().startswith("# Search for"):
            stated = " ".join(text.rstrip(" #").split())
            yield f"{name} line {number}: {stated} ({note.strip()})"


def _labelled(label: str, text: str) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=f"  {label:<{LABEL}}",
        subsequent_indent=" " * (LABEL + 2),
        break_on_hyphens=False,
    )


def _listed(label: str, texts: list[str]) -> list[str]:
    first, *others = texts
    return [*_labelled(label, first), *(line for text in others for line in _labelled("", text))]


def _files(manifest: Manifest) -> str:
    names = [file.name for file in manifest.files]
    more = f" and {len(names) - FILES:,} more" if len(names) > FILES else ""
    return f"{len(names):,}: {', '.join(names[:FILES])}{more}"


def _rows(manifest: Manifest) -> str:
    entries = [entry for entry in manifest.ledger if entry.table == "order_lines"]
    refused, left_out = Counter[str](), Counter[str]()
    for entry in entries:
        refused.update(entry.rejected)
        left_out.update(entry.dropped)
    parts = [f"{sum(e.accepted for e in entries):,} of {sum(e.rows_in for e in entries):,} counted"]
    parts += [f"refused {_counted(refused)}" if refused else "none refused"]
    parts += [f"left out {_counted(left_out)}" if left_out else "none left out"]
    return "; ".join(parts)


def _counted(why: Counter[str]) -> str:
    return f"{why.total():,} ({', '.join(f'{n:,} {reason}' for reason, n in why.most_common())})"


def _days(totals: ControlTotals, as_of: date) -> str:
    if totals.first_day is None:
        return "none: no row became an order line"
    days = f"{totals.first_day} to {totals.last_day}, {totals.days:,} of them with orders"
    seen = totals.last_day is not None and totals.last_day < as_of  # if not, `doubts` counts them
    return f"{days}; all before the report date {as_of}" if seen else days


def _orders(totals: ControlTotals) -> str:
    returns = f", and {totals.returns:,} of returns alone" if totals.returns else ""
    return f"{totals.orders:,} in {totals.lines:,} lines{returns}"


def _customers(totals: ControlTotals) -> str:
    share = totals.guest_lines / totals.lines if totals.lines else 0.0
    return f"{totals.customers:,} who bought; {share:.0%} of the lines have no customer"


def _net(totals: ControlTotals, manifest: Manifest) -> str:
    text = f"{totals.net_amount:,.2f} {manifest.currency}"
    others = Counter[str]()
    for entry in manifest.ledger:
        for why, n in {**entry.rejected, **entry.dropped}.items():
            if found := re.fullmatch(r"its amounts are in (.+), the study's in \w+", why):
                others[found[1]] += n
    rest = ", ".join(f"{n:,} rows in {word}" for word, n in others.most_common())
    return f"{text}; not counted: {rest}" if rest else f"{text}, no other currency seen"


def _swapped(manifest: Manifest) -> list[str]:
    """Ask about files some of whose dates are dates only with day and month the other way round."""
    found = Counter[str]()
    for entry in manifest.ledger:
        if entry.table == "order_lines":
            found[entry.source] += sum(n for why, n in entry.rejected.items() if SWAPPED in why)
    return [
        f"{n:,} rows of {source} are dates only with day and month the other way round: rows of it "
        "from the first twelve days of a month may be read in the wrong order. Which order is it?"
        for source, n in found.items()
        if n
    ]


def _months(totals: ControlTotals, currency: str) -> list[str]:
    head = f"  {'month':<{LABEL}}{'orders':>12}{'lines':>14}{'net total ' + currency:>26}"
    rows = totals.by_month
    early = rows.iloc[: max(0, len(rows) - MONTHS)]
    lines = [head]
    if len(early):
        before = f"before {rows['month'].iloc[len(early)]:%Y-%m}"
        lines.append(_month(before, early[["orders", "lines", "net_amount"]].sum()))
    for row in rows.iloc[len(early) :].to_dict("records"):
        lines.append(_month(f"{row['month']:%Y-%m}", row))
    return lines


def _month(label: str, row: Any) -> str:
    counts = f"{int(row['orders']):>12,}{int(row['lines']):>14,}"
    return f"  {label:<{LABEL}}{counts}{row['net_amount']:>26,.2f}"


def _largest(totals: ControlTotals, currency: str) -> list[str]:
    head = (
        f"  {'largest orders':<28}{'day':<12}{'customer':<26}{'lines':>8}"
        f"{'net total ' + currency:>24}"
    )
    return [head, *(_order(row) for row in totals.largest.to_dict("records"))]


def _order(row: dict[Any, Any]) -> str:
    customer = row["customer_id"] if isinstance(row["customer_id"], str) else "(guest)"
    return (
        f"  {_short(str(row['order_id']), 26):<28}{row['day']!s:.10}  {_short(customer, 24):<26}"
        f"{int(row['lines']):>8,}{row['net_amount']:>24,.2f}"
    )


def _short(text: str, width: int) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= width else plain[: width - 1] + "…"


@dataclass(frozen=True)
class Readiness:
    """Whether a report can run: ``ready``, ``lacking`` data, or ``broken``; and why not."""

    report: str
    state: Literal["ready", "lacking", "broken"]
    reason: str = ""


def readiness(params: StudyParams, tables: Tables, *, root: Path) -> list[Readiness]:
    """Return whether each report can run on the ``tables`` of a study, in running order.

    Parameters
    ----------
    params
        The study's params.
    tables
        Its canonical tables.
    root
        Project root.
    """
    found: dict[str, Readiness] = {}
    for planned in make_plan(root / "notebooks").reports:
        report = planned.report
        try:
            checked_notebook(planned.path, params.notebook_parameters(report))
        except ParamsError as error:
            found[report] = Readiness(report, "broken", str(error))
            continue
        lacking = missing_tables(planned, tables.names()) or _without_values(planned, tables)
        for need in planned.upstream:
            if found[need].state != "ready":
                lacking = lacking or f"It needs {need}, which cannot run."
        found[report] = Readiness(report, "lacking" if lacking else "ready", lacking)
    return list(found.values())


def _without_values(planned: Planned, tables: Tables) -> str:
    """Return the sentence that says which column a report requires holds no value; or nothing."""
    for table, column in planned.columns:
        rows = getattr(tables, table)
        if column not in rows.columns or not rows[column].count().execute():
            return f"No row of {table} states its {column}."
    return ""


#: Share of the references of a key that find nothing before it is doubted.
HALF = 0.5


def doubts(params: StudyParams, *, root: Path) -> list[str]:
    """Return what makes an ingested study doubtful, in sentences; none if nothing does.

    Parameters
    ----------
    params
        The study's params.
    root
        Project root.
    """
    tables = open_study(params.study, settings=params.engine_settings(), root=root)
    try:
        return [*_beyond(tables, params), *_missed(tables)]
    finally:
        tables.close()


def _beyond(tables: Tables, params: StudyParams) -> list[str]:
    """Say how many order lines lie on the day ``as_of`` or later, which no report looks at."""
    if "order_lines" not in tables:
        return []
    lines = tables.order_lines
    later = lines.ordered_at >= ibis.timestamp(params.as_of.isoformat())
    counted = lines.agg(
        rows=lines.count(), later=later.fill_null(False).sum(), last=lines.ordered_at.max()
    )
    found = counted.to_pandas().iloc[0]
    if not found["rows"]:
        return ["There is no order line, so no report has anything to say."]
    if not found["later"]:
        return []
    after = (found["last"] + timedelta(days=1)).date()
    return [
        f"{int(found['later']):,} of {int(found['rows']):,} order lines lie on or after as_of "
        f"({params.as_of}), so no report looks at them; the last is of {found['last']:%Y-%m-%d}. "
        f"To count them, say as_of: {after}."
    ]


def _missed(tables: Tables) -> list[str]:
    """Name the keys of which less than half find what they refer to."""
    found = unmatched(tables)
    weak = found[found["share"] > HALF]
    return [
        f"{row.column} of {row.table}: only {row.rows - row.unmatched:,} of {row.rows:,} rows find "
        f"theirs in {row.refers_to}; is it the right column?"
        for row in weak.itertuples()
    ]


_WORDS = {"ready": "can run", "lacking": "cannot run", "broken": "BROKEN"}


@dataclass(frozen=True)
class Checked:
    """What a check found: lines to read, and whether a report is broken."""

    lines: tuple[str, ...]
    broken: bool


def check_study(params: StudyParams, result: IngestResult, *, root: Path) -> Checked:
    """Return what a look at the params and tables of a study finds, without running a report."""
    with closing(open_study(params.study, settings=params.engine_settings(), root=root)) as tables:
        found = readiness(params, tables, root=root)
        read = _what_was_read(params, tables, root)
    lines = (
        *ledger_lines(result),
        *refusals(params.study, root=root),
        *(f"doubt: {sentence}" for sentence in doubts(params, root=root)),
        *(f"{_WORDS[r.state]:<11}{r.report:<24}{r.reason}" for r in found),
        *read,
    )
    return Checked(
        tuple(line.rstrip() for line in lines), any(each.state == "broken" for each in found)
    )


def _what_was_read(params: StudyParams, tables: Tables, root: Path) -> list[str]:
    try:
        totals = control_totals(tables)
    except NotApplicable as reason:
        return [str(reason)]
    unsure = unsure_guesses(params, root=root)
    return page(totals, tables.manifest, as_of=params.as_of, unsure=unsure)
