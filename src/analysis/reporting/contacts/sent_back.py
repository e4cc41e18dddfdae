"""A list comes back: who of it was sent becomes assignments that the study measures.

Everybody of the list keeps the arm drawn, sent or not (intention to treat): whom the CRM left out
was chosen by the CRM, and leaving them out of the comparison would bring that choice into it.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ibis
import pandas as pd

from analysis.errors import AnalysisError, DataError, ParamsError
from analysis.ingest.identity.identity import own_ids, personal_keys
from analysis.ingest.mapping.file_mapping import FileSpec
from analysis.ingest.readers import archives, stage
from analysis.ingest.readers.staged_table import LINE
from analysis.ingest.sources.sent_lists import ASSIGNMENTS, PROMOTION, sent_dir
from analysis.promotions.planning.targeting.contact_consent import SERVICE
from analysis.reporting.contacts.crm_formats import HEADERS
from analysis.reporting.contacts.list_manifest import CONTROL, TARGET, ListManifest, find_manifest
from analysis.reporting.notebook import words
from analysis.tables.engine import canonical_dir
from analysis.tables.manifest import sha256_of
from analysis.tables.spilling import spill_path

if TYPE_CHECKING:
    from analysis.params import StudyParams

#: Headers that hold the customer and the time in what a CRM exports.
_WHO = tuple(dict.fromkeys(h["customer_id"] for h in HEADERS.values()))
_WHEN = ("sent_at", "Sent_At", "Sent_Time", "Sent Time", "发送时间", "触达时间")

#: Days after the list was made in which it must have gone out: later, what it knew is old.
LATEST = 60


@dataclass(frozen=True)
class Export:
    """What a CRM says it sent.

    Parameters
    ----------
    rows
        line, own (the customer as the CRM knows them), sent_at (missing where it says none).
    name
        The file's name.
    """

    rows: pd.DataFrame
    name: str


def take_back(
    params: StudyParams,
    wanted: str,
    *,
    root: Path,
    today: date,
    on: date | None = None,
    export: Path | None = None,
    who: str | None = None,
) -> list[str]:
    """Record that a list was sent; the same list with the same facts changes nothing.

    Parameters
    ----------
    params
        The study's params.
    wanted
        The list: its id, its name (the newest of that name), or the path of its manifest.
    root
        Project root.
    today
        The day on which this is said.
    on
        Day it went out; None takes the first time of the export, else ``today``.
    export
        The CRM's file of who was sent; None: everybody of the files that were written.
    who
        Column of the export with the customer, where it has none of the usual names.

    Returns
    -------
    list[str]
        What was recorded, in sentences.

    Raises
    ------
    AnalysisError
        If there is no such list.
    DataError
        If the export cannot be used; the sentence names file, row and column.
    """
    manifest = find_manifest(params.study, wanted, root=root)
    if manifest.content["study"] != params.study:
        raise AnalysisError(
            f"list {manifest.list_id} is of study {manifest.content['study']}, not {params.study}"
        )
    rows = manifest.assignments()
    said: list[str] = []
    if export is None:
        times = rows["arm"].eq(TARGET)
        day = on or today
        sent_at = pd.Series(pd.Timestamp(day).as_unit("us"), rows.index).where(times)
        said.append("Taken as sent: everybody of the list but those held out.")
    else:
        found = read_export(export, who=who)
        sent_at, said = _matched(rows, found, manifest, params, root, on or today)
        day = on or _first_day(sent_at, today)
    _check_day(day, manifest)
    rows = rows.assign(sent_at=sent_at.astype("datetime64[us]"))
    return [*said, *_about(rows), _record(rows, day, manifest, params, root)]


def read_export(path: Path, *, who: str | None = None) -> Export:
    """Return what a CRM's export says was sent.

    Raises
    ------
    DataError
        Naming the file and the columns it has, or the row that cannot be read.
    """
    spec = FileSpec(paths=(path.name,))
    connection = ibis.duckdb.connect(threads=1, temp_directory=str(spill_path()))
    try:
        with tempfile.TemporaryDirectory() as work:
            tables = [
                staged
                for i, member in enumerate(archives.members(path, path.name))
                for staged in stage.stage(connection, member, spec, Path(work) / str(i), ())
            ]
            parts = [_said_by(each, who) for each in tables]
    finally:
        connection.disconnect()
    return Export(pd.concat(parts, ignore_index=True), path.name)


def _said_by(staged: Any, who: str | None) -> pd.DataFrame:
    usual = [who] if who is not None else [n for n in _WHO if n in staged.columns]
    if not usual or usual[0] not in staged.columns:
        raise DataError(
            f"{staged.label}: no column {who or ' or '.join(_WHO)} holds the customer; its header "
            f"has {', '.join(staged.columns)}. Name the column with --who"
        )
    when = next((n for n in _WHEN if n in staged.columns), None)
    columns = {"own": staged.rows[staged.columns[usual[0]]].cast("string").strip()}
    columns["when"] = (
        staged.rows[staged.columns[when]].cast("string") if when else ibis.null("string")
    )
    rows = staged.rows.select(line=staged.rows[LINE], **columns).order_by("line").to_pandas()
    rows["own"] = rows["own"].str.removeprefix("'")  # a spreadsheet's mark of text
    empty = rows[rows["own"].isna() | rows["own"].eq("")]
    if len(empty):
        raise DataError(
            f"{staged.label}, row {int(empty['line'].iloc[0])}: {usual[0]} is empty; every row "
            "needs the customer it was sent to"
        )
    return rows.assign(sent_at=_times(rows, staged.label, when))[["line", "own", "sent_at"]]


def _times(rows: pd.DataFrame, label: str, when: str | None) -> pd.Series:
    text = rows["when"].replace("", None)
    times = pd.to_datetime(text, format="ISO8601", errors="coerce")
    wrong = rows[text.notna() & times.isna()]
    if len(wrong):
        raise DataError(
            f"{label}, row {int(wrong['line'].iloc[0])}: {when} is no time; write it as "
            "2026-01-31 or 2026-01-31 09:30"
        )
    return times.dt.tz_localize(None) if times.dt.tz is not None else times


def _matched(
    rows: pd.DataFrame,
    export: Export,
    manifest: ListManifest,
    params: StudyParams,
    root: Path,
    day: date,
) -> tuple[pd.Series, list[str]]:
    """Return when each customer of the list was sent, and what was odd."""
    names = _names(rows["customer_id"], params, root)
    found = export.rows.assign(customer_id=export.rows["own"].map(names))
    strange = found[found["customer_id"].isna()]
    if len(strange) == len(found):
        first = int(found["line"].iloc[0]) if len(found) else 1
        raise DataError(
            f"{export.name}, row {first}: none of its {words.count(len(found), 'customer')} is of "
            f"list {manifest.list_id}; check that this is the export of that list, and name the "
            "customer's column with --who"
        )
    known = found.dropna(subset=["customer_id"])
    known = known.assign(sent_at=known["sent_at"].fillna(pd.Timestamp(day)))
    first_sent = known.groupby("customer_id")["sent_at"].min()
    said = []
    if len(strange):
        said.append(
            f"{export.name}: {words.count(len(strange), 'row')} on customers who are not of this "
            f"list, the first in row {int(strange['line'].iloc[0])}: passed over."
        )
    return rows["customer_id"].map(first_sent), said


def _names(customers: pd.Series, params: StudyParams, root: Path) -> Mapping[str, str]:
    """Return the customer behind every name that an export may use for one of the list."""
    version = canonical_dir(params.study, root=root) / "current"
    names = dict(zip(customers, customers, strict=True))
    sources = params.source.get("sources") or {"": {}}
    given = [own_ids(customers, name, version=version) for name in sources]
    keys = personal_keys(customers, version=version)
    for own in [*given, *([keys] if keys is not None else [])]:
        for name, customer in zip(own, customers, strict=True):
            if isinstance(name, str):
                names.setdefault(name, customer)
    return names


def _first_day(sent_at: pd.Series, today: date) -> date:
    first = sent_at.min()
    return today if pd.isna(first) else first.date()


def _check_day(day: date, manifest: ListManifest) -> None:
    made = date.fromisoformat(str(manifest.content["as_of"]))
    if day < made:
        raise DataError(
            f"list {manifest.list_id} was made as of {made} and cannot have been sent on {day}; "
            "give the day with --on YYYY-MM-DD"
        )
    if day > made + timedelta(days=LATEST):
        raise DataError(
            f"list {manifest.list_id} was made as of {made}, more than {LATEST} days before {day}: "
            "say with --on when it went out"
        )


def _about(rows: pd.DataFrame) -> list[str]:
    """Return what became of the arms, in sentences."""
    target, held = rows[rows["arm"] == TARGET], rows[rows["arm"] == CONTROL]
    missed, leaked = int(target["sent_at"].isna().sum()), int(held["sent_at"].notna().sum())
    said = [
        f"{len(target) - missed:,} of {words.count(len(target), 'target')} were sent, "
        f"{len(held):,} held out."
    ]
    if missed:
        said.append(
            f"{missed:,} of the targets were not sent and still count as targets (intention to "
            "treat), so that what is measured is what the list brings, not the message."
        )
    if leaked:
        said.append(
            f"{leaked:,} who were to be held out were sent all the same; they still count as held "
            "out, and report 06 withholds the verdict where they are too many."
        )
    return said


def _record(
    rows: pd.DataFrame, day: date, manifest: ListManifest, params: StudyParams, root: Path
) -> str:
    """Write the list beside the study's data, whole or not at all; return what was done."""
    facts = manifest.content
    goal = sent_dir(params.study, root=root) / manifest.list_id
    beside = goal.with_name(f".{goal.name}")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    _save(rows, beside / ASSIGNMENTS)
    record = {
        "promotion_id": manifest.list_id,
        "name": f"List {facts['name']} of {facts['as_of']}",
        "starts_on": day.isoformat(),
        "ends_on": (day + timedelta(days=int(facts["measured_days"]) - 1)).isoformat(),
        "mechanic": SERVICE if facts.get("kind") == "service" else "target list",
        "contact_cost": _cost(rows),
        "manifest_sha256": sha256_of(manifest.path),
        "sha256": sha256_of(beside / ASSIGNMENTS),
    }
    (beside / PROMOTION).write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n")
    same, there = _same(goal, beside), goal.exists()
    if same:
        shutil.rmtree(beside)
        return f"List {manifest.list_id} is recorded so already; nothing changed."
    shutil.rmtree(goal, ignore_errors=True)
    beside.rename(goal)
    again = "is recorded anew, in place of what was said before" if there else "is recorded"
    return (
        f"List {manifest.list_id} {again}, from {record['starts_on']} to {record['ends_on']}. The "
        f"next run of {params.study} measures it (reports 06 and 08)."
    )


def _same(goal: Path, beside: Path) -> bool:
    names: Sequence[str] = (ASSIGNMENTS, PROMOTION)
    return goal.is_dir() and all(
        (goal / n).is_file() and sha256_of(goal / n) == sha256_of(beside / n) for n in names
    )


def _cost(rows: pd.DataFrame) -> str | None:
    if "contact_cost" not in rows:
        return None
    target = rows.loc[rows["arm"] == TARGET, "contact_cost"]
    return f"{float(target.mean()):.2f}" if target.notna().all() and len(target) else None


def _save(rows: pd.DataFrame, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(rows, preserve_index=False).replace_schema_metadata(None)
    pq.write_table(table, path, compression="zstd")


def sent_moment(text: str) -> date:
    """Return the day that ``--on`` names; ParamsError if it is none."""
    try:
        return datetime.fromisoformat(text).date()
    except ValueError:
        raise ParamsError(f"--on {text}: write the day as YYYY-MM-DD") from None
