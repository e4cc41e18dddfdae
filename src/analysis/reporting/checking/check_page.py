"""The page at the end of ``analysis check``: what was read, to be held against the till."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.ingest.mapping.expressions import SWAPPED
from analysis.ingest.mapping.values import TAKEN
from analysis.quality.control_totals import ControlTotals
from analysis.reporting.store.run_record import mapping_names
from analysis.tables.manifest import Manifest

if TYPE_CHECKING:
    from analysis.params import StudyParams

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
