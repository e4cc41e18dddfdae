"""Lists of customers to contact, from what the reports of the last good run found.

Each goes into ``lists/<system>/`` of the run that found it, in the form that the CRM imports, with
the CRM's own ids and only those who agreed to be contacted.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pandas as pd

from analysis.errors import AnalysisError
from analysis.ingest.identity.identity import own_ids, personal_keys
from analysis.reporting.contacts import crm_formats
from analysis.reporting.contacts.consent import Consent, consent
from analysis.reporting.notebook import frames, words
from analysis.reporting.site.history import last_good
from analysis.reporting.store.layout import RunFolder, StudyReports
from analysis.tables.engine import canonical_dir, open_study
from analysis.tables.schema import PERSONAL_KEY

if TYPE_CHECKING:
    from analysis.params import StudyParams

SYSTEMS: tuple[str, ...] = get_args(crm_formats.System)


@dataclass(frozen=True)
class ListSource:
    """A result table that names customers to contact.

    Parameters
    ----------
    report, table
        Where it is saved.
    name
        Name of the list, or of the column whose every value becomes a list of its own.
    by
        ``name`` is a column.
    reason
        Why a customer is in the list, with columns of the table in braces.
    """

    report: str
    table: str
    name: str
    reason: str
    by: bool = False


#: What becomes a list; a table may be absent, for a report need not have found anybody.
SOURCES = (
    ListSource(
        "03_deciles", "worth_contacting", "worth_contacting", "margin at risk: {at_risk:,.2f}"
    ),
    ListSource("02_segmentation", "segments", "rfm", "{rfm}, {life_stage}", by=True),
)


@dataclass(frozen=True)
class ContactList:
    """Customers to contact: the run that found them, the list's name and its rows."""

    folder: RunFolder
    name: str
    rows: pd.DataFrame


def write_lists(
    params: StudyParams,
    *,
    root: Path,
    systems: tuple[str, ...] = (),
    channel: str | None = None,
) -> list[str]:
    """Write the lists of the study's last good run and say what was written and who was left out.

    Parameters
    ----------
    params
        The study's params.
    root
        Project root.
    systems
        Any of ``SYSTEMS``; none means plain CSV and the CRMs that the study's sources come from.
    channel
        Only those who agreed to this channel; None takes those who agreed to any.

    Raises
    ------
    AnalysisError
        If no run has found anybody to contact.
    """
    runs = StudyReports.of(params.study, root=root).runs()
    found = list(_found(runs[0])) if runs else []
    if not found:
        reports = words.listing(dict.fromkeys(source.report for source in SOURCES))
        raise AnalysisError(
            f"{params.study} has no run with customers to contact; first run `analysis run "
            f"{params.study}`, which makes them in {reports}"
        )
    tables = open_study(params.study, settings=params.engine_settings(), root=root)
    agreed = consent(tables)
    tables.close()
    back_to = _sources_by_system(params.source)
    said = [_about_consent(agreed, channel)]
    for system in systems or ("csv", *back_to):
        said += _write_system(found, system, params, root, agreed, channel, back_to.get(system))
    return said


def _found(newest: RunFolder) -> Iterator[ContactList]:
    for source in SOURCES:
        folder = last_good(source.report, newest.path)
        path = folder.stored(f"{source.report}/{source.table}") if folder else None
        if folder is None or path is None:
            continue
        rows = frames.load(path)
        reasons = [source.reason.format(**row) for row in rows.to_dict("records")]
        rows = rows.assign(reason=reasons)
        if not source.by:
            yield ContactList(folder, source.name, rows)
            continue
        for value, members in rows.groupby(source.name, observed=True, sort=True):
            name = f"{source.name}_{re.sub(r'[^a-z0-9]+', '_', str(value).lower()).strip('_')}"
            yield ContactList(folder, name, members)


def _write_system(
    found: list[ContactList],
    system: str,
    params: StudyParams,
    root: Path,
    agreed: Consent,
    channel: str | None,
    source: str | None,
) -> Iterator[str]:
    folders = {each.folder.path / "lists" / system for each in found}
    for folder in folders:
        shutil.rmtree(folder.with_name(f".{system}"), ignore_errors=True)
    for each in found:
        half = each.folder.path / "lists" / f".{system}"
        rows, left_out = _contactable(each.rows, agreed, channel)
        version = canonical_dir(params.study, root=root) / "current"
        rows, unknown = _named(rows, system, source, version)
        contacts = rows.assign(promotion_id=each.name) if system != "csv" else rows
        paths = crm_formats.write(contacts, half, name=each.name, system=system)  # type: ignore[arg-type]
        agreed_to = f"did not agree to {channel or 'be contacted'}"
        reasons = {agreed_to: left_out, f"not known to {source}": unknown}
        out = ", ".join(f"{n:,} {why}" for why, n in reasons.items() if n)
        where = (each.folder.path / "lists" / system / paths[0].name).relative_to(root)
        yield f"{where}: {words.count(len(rows), 'customer')}" + (
            f"; left out: {out}" if out else ""
        )
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
        folder.with_name(f".{system}").rename(folder)


def _contactable(
    rows: pd.DataFrame, agreed: Consent, channel: str | None
) -> tuple[pd.DataFrame, int]:
    """Return those who may be contacted, with the channels, and how many may not."""
    if not agreed.known:
        return rows, 0
    allowed = agreed.channels(rows["customer_id"])
    if channel is None:
        may = allowed != ""
    else:
        may = allowed.str.split(";").map(lambda each: channel in each)
        allowed = allowed.mask(may, channel)
    kept = rows.assign(channel=allowed)[may]
    return kept, len(rows) - len(kept)


def _named(
    rows: pd.DataFrame, system: str, source: str | None, version: Path
) -> tuple[pd.DataFrame, int]:
    """Return the rows with the ids that the source itself gave, and how many it does not know.

    A plain list keeps the study's ids, with what a pseudonym stands for beside it.
    """
    if system == "csv":
        keys = personal_keys(rows["customer_id"], version=version)
        return (rows, 0) if keys is None else (rows.assign(**{PERSONAL_KEY: keys}), 0)
    named = rows.assign(customer_id=own_ids(rows["customer_id"], source or "", version=version))
    known = named[named["customer_id"].notna()]
    return known, len(rows) - len(known)


def _sources_by_system(source: dict[str, Any]) -> dict[str, str | None]:
    """Return the CRMs whose mapping the study uses, with the source's name where it has one."""
    several = source.get("sources") or {"": source}
    return {
        one["mapping"]: name or None
        for name, one in several.items()
        if one.get("mapping") in SYSTEMS
    }


def _about_consent(agreed: Consent, channel: str | None) -> str:
    if not agreed.known:
        return (
            "Nobody is left out for want of consent: the study's customers have no consent_* "
            "column. Check whom you may contact before you do."
        )
    if channel is not None and channel not in agreed.known:
        raise AnalysisError(
            f"the study does not record who agreed to {channel}, only to "
            f"{words.listing(agreed.known)}; a list for {channel} would have nobody"
        )
    which = channel or f"any of {words.listing(agreed.known)}"
    return f"Only customers who agreed to {which} are in the lists."
