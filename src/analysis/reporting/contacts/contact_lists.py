"""Lists of customers to contact, by the rulings of the last good run.

Each goes into ``lists/<system>/`` of the run that made it, in the form that the CRM imports, with
the CRM's own ids and only those who agreed to be contacted; what is kept of it stands in
``lists/manifests/``. Only report 08 rules on single customers, so lists come from there alone.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ibis
import pandas as pd

from analysis.errors import AnalysisError
from analysis.ingest.identity.identity import own_ids, personal_keys
from analysis.reporting.contacts import crm_formats
from analysis.reporting.contacts.list_manifest import (
    FOLDER,
    HOLDOUT,
    TARGET,
    assignments_of,
    write_manifest,
)
from analysis.reporting.notebook import frames, words
from analysis.reporting.site.history import last_good
from analysis.reporting.store.layout import LISTS, RunFolder, StudyReports
from analysis.reporting.store.run_record import RunRecord
from analysis.tables.engine import canonical_dir, open_study
from analysis.tables.manifest import sha256_of
from analysis.tables.periods import as_date
from analysis.tables.schema import PERSONAL_KEY

if TYPE_CHECKING:
    from analysis.params import StudyParams
    from analysis.tables.engine import Tables

#: Channels whose consent the customers' own columns may hold.
CHANNELS = ("email", "sms", "phone", "app")


@dataclass(frozen=True)
class Consent:
    """Who agreed to what.

    Parameters
    ----------
    given
        Index customer_id; a column of true and false for each of ``known``.
    known
        The channels whose consent the study records; without any, nothing can be said.
    """

    given: pd.DataFrame
    known: tuple[str, ...]

    def channels(self, customer_ids: pd.Series) -> pd.Series:
        """Return the channels that each customer agreed to, such as ``email;sms``; empty: none."""
        given = self.given.reindex(customer_ids).fillna(False).astype("bool")
        joined = [
            ";".join(c for c, yes in zip(self.known, row, strict=True) if yes)
            for row in given.to_numpy()
        ]
        return type(customer_ids)(joined, index=customer_ids.index, dtype="str")

    def allows(self, customer_ids: pd.Series, channels: pd.Series) -> pd.Series:
        """Tell of each customer whether they agreed to the channel beside."""
        agreed = self.channels(customer_ids).str.split(";")
        both = zip(agreed, channels.fillna(""), strict=True)
        return pd.Series([c in each for each, c in both], customer_ids.index, dtype="bool")


def consent(tables: Tables, *, on: date | None = None) -> Consent:
    """Return the consent that a study records; what is not recorded is not given.

    The table ``consents`` counts where there is one, as it stood at the end of the day ``on``
    (None: as it stands in the data): of a channel that it names, it alone. For the other channels
    the customers' own columns count.
    """
    dated = _dated(tables, on)
    own = [c for c in CHANNELS if tables.has("customers", f"consent_{c}")]
    own = [c for c in own if c not in dated.columns]
    known = tuple(c for c in dict.fromkeys((*CHANNELS, *dated.columns)) if c in {*own, *dated})
    if not known:
        return Consent(pd.DataFrame(), ())
    columns = {c: f"consent_{c}" for c in own}
    people = tables.customers.select("customer_id", **columns).to_pandas()
    given = people.set_index("customer_id").join(dated, how="outer")
    return Consent(given[list(known)].fillna(False).astype("bool"), known)


def _dated(tables: Tables, on: date | None) -> pd.DataFrame:
    """Return who agreed by the table of consents: index customer_id, a column a channel."""
    if "consents" not in tables:
        return pd.DataFrame(index=pd.Index([], name="customer_id", dtype="str"))
    rows = tables.consents
    holds = rows.withdrawn_at.isnull()
    if on is not None:
        end = ibis.timestamp((on + timedelta(days=1)).isoformat())
        holds = (rows.given_at < end) & (rows.withdrawn_at.isnull() | (rows.withdrawn_at >= end))
    agreed = rows.group_by("customer_id", "channel").agg(agreed=holds.any())
    return agreed.to_pandas().pivot(index="customer_id", columns="channel", values="agreed")


#: CRMs that know customers by ids of their own.
CRMS = ("zoho_crm", "fxiaoke")

#: Days in which a list is measured where its report does not say.
MEASURED_DAYS = 28


@dataclass(frozen=True)
class ListSource:
    """A table of rulings: who is contacted, and who of them is held out.

    Parameters
    ----------
    report, table
        Where it is saved: customer_id, arm (target or holdout, empty for all others), channel,
        and any of offer, depth, hour, contact_on, reason, ruling, stratum, expected_margin, low,
        high, cost (of contact and offer), contact_cost. A column ``list`` makes each of its
        values a list of its own.
    name
        Name of the list, where the table has no such column.
    """

    report: str
    table: str
    name: str


#: What becomes a list; a table may be absent, for a report need not have found anybody.
SOURCES = (
    ListSource("08_targets", "rulings", "targets"),
    ListSource("08_targets", "service", "service"),
)


@dataclass(frozen=True)
class ContactList:
    """A list: the run that made it, its report and name, its rows, and customers by ruling."""

    folder: RunFolder
    report: str
    name: str
    rows: pd.DataFrame
    ruled: Mapping[str, int]

    @property
    def list_id(self) -> str:
        """Name that no other list has."""
        return f"{self.name}-{self.folder.run_id}"


@dataclass(frozen=True)
class _Writing:
    """What all lists of one call share."""

    params: StudyParams
    root: Path
    agreed: Consent
    channel: str | None
    back_to: Mapping[str, str | None]

    @property
    def version(self) -> Path:
        return canonical_dir(self.params.study, root=self.root) / "current"


def write_lists(
    params: StudyParams, *, root: Path, systems: tuple[str, ...] = (), channel: str | None = None
) -> list[str]:
    """Write the lists of the study's last good run and say what was written and who was left out.

    Parameters
    ----------
    params
        The study's params.
    root
        Project root.
    systems
        Any of ``crm_formats.System``; none means plain CSV and the CRMs that the study's sources
        come from.
    channel
        Only those who are to be contacted through this channel; None takes all.

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
            f"{params.study}`, which rules on them in {reports}"
        )
    tables = open_study(params.study, settings=params.engine_settings(), root=root)
    agreed = consent(tables, on=params.as_of)
    tables.close()
    writing = _Writing(params, root, agreed, channel, _sources_by_system(params.source))
    chosen = systems or ("csv", *writing.back_to)
    rooms = {each.folder.path / LISTS / name for each in found for name in (*chosen, FOLDER)}
    for room in rooms:
        shutil.rmtree(_half(room), ignore_errors=True)
    said = [_about_consent(agreed, channel)]
    for each in found:
        said += _write(each, chosen, writing)
    for room in (r for r in rooms if _half(r).is_dir()):
        shutil.rmtree(room, ignore_errors=True)
        _half(room).rename(room)
    return said


def _half(room: Path) -> Path:
    """Return where the files of a folder of lists stand until all are written."""
    return room.with_name(f".{room.name}")


def _found(newest: RunFolder) -> Iterator[ContactList]:
    for source in SOURCES:
        folder = last_good(source.report, newest.path)
        path = folder.stored(f"{source.report}/{source.table}") if folder else None
        if folder is None or path is None:
            continue
        rows = frames.load(path)
        by = rows["list"] if "list" in rows else pd.Series(source.name, rows.index)
        for value, members in rows.groupby(by, observed=True, sort=True):
            name = re.sub(r"[^a-z0-9]+", "_", str(value).lower()).strip("_")
            listed = members[members["arm"].isin([TARGET, HOLDOUT])]
            if len(listed):
                yield ContactList(folder, source.report, name, listed, _ruled(members))


def _ruled(members: pd.DataFrame) -> dict[str, int]:
    """Return how many customers each ruling has; a ruling is a rule's name, never words."""
    if "ruling" not in members:
        return {}
    counts = members["ruling"].fillna("none").astype("str").value_counts().sort_index()
    return {str(rule): int(n) for rule, n in counts.items()}


def _write(each: ContactList, systems: tuple[str, ...], writing: _Writing) -> Iterator[str]:
    """Write one list in every form, then its assignments and manifest; yield what was said."""
    run = RunRecord.read(each.folder.run_json)
    section = _parameters(run, each)
    rows, left_out = _contactable(_with_contact_cost(each, section), section, writing)
    if rows.empty:
        yield f"{each.name}: nobody may be contacted; {words.count(left_out, 'customer')} left out"
        return
    made = as_date(run.as_of)
    targets = rows[rows["arm"] == TARGET].assign(promotion_id=each.list_id)
    if "contact_on" not in targets:
        targets = targets.assign(contact_on=made.isoformat())
    files: dict[str, str] = {}
    for system in systems:
        paths, unknown = _form(targets, each, system, writing)
        files |= {f"{system}/{p.name}": sha256_of(p) for p in paths}
        yield _said(paths, len(targets) - unknown, left_out, unknown, system, writing)
    folder = each.folder.path / LISTS / FOLDER
    facts = _facts(each, run, writing, left_out) | {"files": files}
    manifest = write_manifest(
        _half(folder), each.name, assignments_of(rows, list_id=each.list_id, on=made), facts
    )
    held = int((rows["arm"] == HOLDOUT).sum())
    yield (
        f"{(folder / manifest.path.name).relative_to(writing.root)}: list {each.list_id}, "
        f"{words.count(held, 'customer')} held out; once it is sent: `analysis sent "
        f"{writing.params.study} {each.list_id}`"
    )


def _parameters(run: RunRecord, each: ContactList) -> Mapping[str, Any]:
    """Return the parameters that the list's report ran with, defaults and all."""
    return run.reports[each.report].parameters


def _with_contact_cost(each: ContactList, section: Mapping[str, Any]) -> pd.DataFrame:
    """Return the rows with what the message alone costs, by the report's params."""
    costs = section.get("channel_costs", {})
    if "contact_cost" in each.rows or "channel" not in each.rows or not costs:
        return each.rows
    return each.rows.assign(contact_cost=each.rows["channel"].map(costs).astype("float64"))


def _form(
    targets: pd.DataFrame, each: ContactList, system: str, writing: _Writing
) -> tuple[list[Path], int]:
    """Write a list in one form; return its files and how many the system does not know."""
    chosen = targets
    if system == "mail" and "channel" in targets:
        chosen = targets[targets["channel"] == "email"]
    rows, unknown = _named(chosen, system, writing)
    half = _half(each.folder.path / LISTS / system)
    paths = crm_formats.write(rows, half, name=each.name, system=system)  # type: ignore[arg-type]
    return paths, unknown + len(targets) - len(chosen)


def _contactable(
    rows: pd.DataFrame, section: Mapping[str, Any], writing: _Writing
) -> tuple[pd.DataFrame, int]:
    """Return those who may be contacted, and how many may not; both arms by the same rule.

    A consent that is recorded counts. For a channel of which none is recorded, the report's params
    must say that it may be assumed (``consent_assumed``).
    """
    if writing.channel is not None and "channel" in rows:
        rows = rows[rows["channel"] == writing.channel]
    agreed = writing.agreed
    assumed = [c for c in section.get("consent_assumed", ()) if c not in agreed.known]
    if "channel" in rows:
        may = rows["channel"].isin(assumed)
        if agreed.known:
            may |= agreed.allows(rows["customer_id"], rows["channel"])
    elif agreed.known:
        may = agreed.channels(rows["customer_id"]) != ""
    else:
        may = pd.Series(False, rows.index)
    return rows[may], int((~may).sum())


def _named(rows: pd.DataFrame, system: str, writing: _Writing) -> tuple[pd.DataFrame, int]:
    """Return the rows with the ids that the source itself gave, and how many it does not know.

    A plain list keeps the study's ids, with what a pseudonym stands for beside it; a mail tool
    takes what it stands for, and those whose address is in another program, by their id.
    """
    version = writing.version
    if system in CRMS:
        source = writing.back_to.get(system)
        own = own_ids(rows["customer_id"], source or "", version=version)
        named = rows.assign(customer_id=own)
        known = named[named["customer_id"].notna()]
        return known, len(rows) - len(known)
    keys = personal_keys(rows["customer_id"], version=version)
    if keys is None:
        return rows, 0
    if system == "mail":
        return rows.assign(customer_id=keys.fillna(rows["customer_id"])), 0
    return rows.assign(**{PERSONAL_KEY: keys}), 0


def _said(
    paths: list[Path], count: int, left_out: int, unknown: int, system: str, writing: _Writing
) -> str:
    agreed_to = f"did not agree to {writing.channel or 'be contacted'}"
    lacking = "not by e-mail" if system == "mail" else f"not known to {writing.back_to.get(system)}"
    reasons = {agreed_to: left_out, lacking: unknown}
    out = ", ".join(f"{n:,} {why}" for why, n in reasons.items() if n)
    room = paths[0].parent.with_name(system) / paths[0].name
    said = f"{room.relative_to(writing.root)}: {words.count(count, 'customer')}"
    return f"{said}; left out: {out}" if out else said


def _facts(each: ContactList, run: RunRecord, writing: _Writing, left_out: int) -> dict[str, Any]:
    section = _parameters(run, each)
    basis = (
        each.rows["basis"].astype("str").value_counts().sort_index() if "basis" in each.rows else {}
    )
    return {
        "list_id": each.list_id,
        "name": each.name,
        "kind": str(each.rows["kind"].iloc[0]) if "kind" in each.rows else "promotion",
        "study": run.study,
        "run": run.run_id,
        "report": each.report,
        "as_of": run.as_of,
        "measured_days": int(section.get("list_days", MEASURED_DAYS)),
        "seed": run.seed,
        "params": dict(section),
        "code": dict(run.code),
        "tables": run.data.get("fingerprint", ""),
        "rulings": dict(each.ruled),
        "by_basis": {str(k): int(n) for k, n in basis.items()},
        "left_out": {"no consent when the list was written": left_out},
        "consent_recorded": list(writing.agreed.known),
    }


def _sources_by_system(source: dict[str, Any]) -> dict[str, str | None]:
    """Return the CRMs whose mapping the study uses, with the source's name where it has one."""
    several = source.get("sources") or {"": source}
    return {
        one["mapping"]: name or None for name, one in several.items() if one.get("mapping") in CRMS
    }


def _about_consent(agreed: Consent, channel: str | None) -> str:
    if not agreed.known:
        return (
            "The study records no consent. Only channels for which its params take it as given "
            "(reports.08_targets.consent_assumed) are in the lists."
        )
    if channel is not None and channel not in agreed.known:
        raise AnalysisError(
            f"the study does not record who agreed to {channel}, only to "
            f"{words.listing(agreed.known)}; a list for {channel} would have nobody"
        )
    which = channel or f"any of {words.listing(agreed.known)}"
    return f"Only customers who agreed to {which} are in the lists."
