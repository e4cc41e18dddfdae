"""Which records of several sources are one customer, and why.

Exact rules: records that share a CRM id, a card, an e-mail address or a phone number are one
customer, and so are those connected through others (connected components). A value that more
records share than a household would, such as the shop's own phone, connects nobody and is said.

The name that a customer has in the source they came from, which is not always the study's.

A study of several sources puts a source's name before its ids, unified customers bear the id of
one of their records, and a customer known by an e-mail address goes by a pseudonym. What goes back
to a source must bear that source's own id.

Keys are compared in the one spelling that each has here: of e-mail, phone, card, name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd

from analysis.ingest.mapping.model import UnifyOptions
from analysis.ingest.parts import Part
from analysis.tables.schema import PERSONAL_KEY

PREFIX = "_identity_"

SOURCE_ID, UNIFIED_ID = "source_id", "unified_id"


@dataclass(frozen=True)
class Unified:
    """The customers after unification.

    Parameters
    ----------
    links
        A row for each record that was merged: source_id, unified_id, rule (the key that
        connects it), matched_on (the value it shares).
    mapping
        ``source_id`` to ``unified_id`` for those records, in the engine.
    notes
        What was merged and what was not, in sentences.
    """

    links: pd.DataFrame
    mapping: ibis.Table
    notes: list[str] = field(default_factory=list)

    def applied(self, rows: ibis.Table, columns: Iterable[str]) -> ibis.Table:
        """Return ``rows`` with the unified customer in each of ``columns``."""
        kept = list(rows.columns)
        for name in (c for c in columns if c in kept):
            renamed = self.mapping.rename(_source=SOURCE_ID, _unified=UNIFIED_ID)
            joined = rows.left_join(renamed, rows[name] == renamed["_source"])
            rows = joined.mutate(**{name: joined["_unified"].fill_null(joined[name])}).select(kept)
        return rows


@dataclass(frozen=True)
class Merged:
    """Who is merged with whom.

    Parameters
    ----------
    links
        As ``Unified.links``.
    notes
        Sentences about it.
    report
        Tables about likely pairs by name: ``matches`` (left, right, probability, why, merged) and
        ``model`` (key, agreement, m, u); none where that is switched off.
    """

    links: pd.DataFrame
    notes: list[str]
    report: dict[str, pd.DataFrame] = field(default_factory=dict)


def unify(
    connection: Any, parts: Sequence[Part], options: UnifyOptions, *, target: Path
) -> Unified:
    """Merge the customers of all parts and write who was merged, and why, beside the tables.

    Parameters
    ----------
    connection
        DuckDB through Ibis.
    parts
        The parts of the study.
    options
        Keys in order of trust, the region of phone numbers without a country code, how many
        records may share a value, and from which likeness on records without a common key are
        one.
    target
        Directory of the version; ``identity/links.parquet`` is written there, and, where
        likeness counts, ``matches.parquet`` and ``model.parquet``.
    """
    records = _records(connection, parts)
    found = merged(records, options)
    folder = target / "identity"
    folder.mkdir(parents=True)
    links = _with_personal_keys(found.links, records)
    for name, table in {"links": links, **found.report}.items():
        table.to_parquet(folder / f"{name}.parquet", index=False)
    mapping = connection.create_table(
        "unified_customers", found.links[[SOURCE_ID, UNIFIED_ID]], temp=True
    )
    return Unified(found.links, mapping, found.notes)


def merged(records: pd.DataFrame, options: UnifyOptions) -> Merged:
    """Return who is merged with whom, and why.

    Parameters
    ----------
    records
        ``customer_id``, ``rank`` (place of its source) and a column for each identity key.
    options
        As for ``unify``.
    """
    shared, notes = _shared_values(records, options)
    component = _components(records, shared)
    report: dict[str, pd.DataFrame] = {}
    if options.likely is not None:
        from analysis.ingest.identity.record_linkage import likely_edges

        likely = likely_edges(records, shared, component, options)
        shared, report = likely.joined(shared), likely.report
        component = _components(records, shared)
        notes += likely.notes
    links = _links(records, component, shared)
    people = links[UNIFIED_ID].nunique()
    said = (
        f"{len(links):,} customer records of the sources are {people:,} customers, connected by "
        f"{', '.join(options.keys)}{' or likeness' if report else ''}; identity/links.parquet "
        "lists them."
        if people
        else f"No two customer records share any of {', '.join(options.keys)}."
    )
    return Merged(links, [said, *notes], report)


def _records(connection: Any, parts: Sequence[Part]) -> pd.DataFrame:
    """Return every customer record of the parts with its identity keys."""
    frames = []
    for part in parts:
        for feed in (f for f in part.feeds if f.table == "customers"):
            paths = [str(part.directory / n) for n in feed.files if not n.startswith("rejected/")]
            rows = connection.read_parquet(paths)
            keys = [n for n in rows.columns if n.startswith(PREFIX)]
            frame = rows.select("customer_id", PERSONAL_KEY, *keys).to_pandas()
            frames.append(frame.rename(columns=lambda n: n.removeprefix(PREFIX)))
            frames[-1]["rank"] = feed.rank
    if not frames:
        return pd.DataFrame({"customer_id": pd.Series(dtype="str"), "rank": []})
    return pd.concat(frames, ignore_index=True)


def _with_personal_keys(links: pd.DataFrame, records: pd.DataFrame) -> pd.DataFrame:
    """Return the links with what a pseudonym stands for in its source, where there are any."""
    if PERSONAL_KEY not in records.columns or records[PERSONAL_KEY].isna().all():
        return links
    known = records.dropna(subset=[PERSONAL_KEY]).drop_duplicates("customer_id")
    keys = known.set_index("customer_id")[PERSONAL_KEY]
    return links.assign(**{PERSONAL_KEY: links[SOURCE_ID].map(keys).astype("str")})


def _shared_values(records: pd.DataFrame, options: UnifyOptions) -> tuple[pd.DataFrame, list[str]]:
    """Return customer_id, rule, and matched_on of every value that records share."""
    spelled, found, notes = normalisers(options.phone_region), [], []
    for key in (k for k in options.keys if k in records.columns):
        values = records[["customer_id", key]].dropna()
        values = values.assign(matched_on=spelled_alike(values[key], spelled[key])).dropna()
        values = values[["customer_id", "matched_on"]].drop_duplicates()
        holders = values.groupby("matched_on")["customer_id"].transform("size")
        crowd = values[holders > options.shared_by_at_most]
        if len(crowd):
            notes.append(
                f"{crowd['matched_on'].nunique():,} values of {key} are shared by more than "
                f"{options.shared_by_at_most} customer records each and connect nobody."
            )
        pairs = values[(holders > 1) & (holders <= options.shared_by_at_most)]
        found.append(pairs.assign(rule=key))
    columns = ["customer_id", "matched_on", "rule"]
    if not found:
        return pd.DataFrame({c: pd.Series(dtype="object") for c in columns}), notes
    return pd.concat(found, ignore_index=True), notes


def _components(records: pd.DataFrame, edges: pd.DataFrame) -> pd.Series:
    """Return the number of its component by customer record."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    people = pd.Index(records["customer_id"].unique())
    values = pd.MultiIndex.from_frame(edges[["rule", "matched_on"]]).factorize()[0]
    rows = people.get_indexer(edges["customer_id"])
    size = len(people) + (int(values.max()) + 1 if len(values) else 0)
    graph = coo_matrix((np.ones(len(rows)), (rows, len(people) + values)), shape=(size, size))
    _, label = connected_components(graph, directed=False)
    return pd.Series(label[: len(people)], index=people)


def _links(records: pd.DataFrame, component: pd.Series, edges: pd.DataFrame) -> pd.DataFrame:
    """Return the records that are not alone, with the customer they are and what connects them."""
    people = records.groupby("customer_id", as_index=False)["rank"].min()
    people["component"] = people["customer_id"].map(component)
    people["size"] = people.groupby("component")["customer_id"].transform("size")
    several = people[people["size"] > 1].sort_values(["component", "rank", "customer_id"])
    several[UNIFIED_ID] = several.groupby("component")["customer_id"].transform("first")
    why = edges.drop_duplicates("customer_id", keep="first")
    links = several.merge(why, on="customer_id", how="left")
    links = links.rename(columns={"customer_id": SOURCE_ID})
    links = links[[SOURCE_ID, UNIFIED_ID, "rule", "matched_on"]]
    kinds = {SOURCE_ID: "str", UNIFIED_ID: "str", "rule": "str", "matched_on": "str"}
    links = pd.DataFrame(links).astype(kinds)
    return links.sort_values([UNIFIED_ID, SOURCE_ID]).reset_index(drop=True)


def own_ids(customer_ids: pd.Series, source: str, *, version: Path) -> pd.Series:
    """Return each customer's id in ``source``; missing where that source does not know them.

    Parameters
    ----------
    customer_ids
        Ids as the study has them.
    source
        Name of one of the study's several sources; empty where there is only one.
    version
        Directory of the study's current tables.
    """
    prefix = f"{source}:" if source else ""
    keys = _stood_for(version)
    own = {i: keys.get(i, i.removeprefix(prefix)) for i in customer_ids if i.startswith(prefix)}
    links = _own_ids_links(version)
    if links is not None:
        links = links[links["source_id"].str.startswith(prefix)].sort_values("source_id")
        for row in links.drop_duplicates("unified_id").itertuples():
            found = keys.get(row.source_id, row.source_id.removeprefix(prefix))
            own[row.unified_id] = own.get(row.unified_id, found)
    return customer_ids.map(own)


def personal_keys(customer_ids: pd.Series, *, version: Path) -> pd.Series | None:
    """Return what each customer's pseudonym stands for, for contact lists; missing for an id.

    None where no customer of the study goes by a pseudonym.
    """
    keys = _stood_for(version)
    return customer_ids.map(keys) if keys else None


def _stood_for(version: Path) -> dict[str, str]:
    """Return the personal key behind each pseudonym: those of each source first."""
    found: dict[str, str] = {}
    folder = version / "customers"
    for path in sorted(folder.glob("*.parquet")) if folder.is_dir() else []:
        people = pd.read_parquet(path)
        if PERSONAL_KEY in people.columns:
            known = people.dropna(subset=[PERSONAL_KEY])
            found |= dict(zip(known["customer_id"], known[PERSONAL_KEY], strict=True))
    links = _own_ids_links(version)
    if links is not None and PERSONAL_KEY in links.columns:
        known = links.dropna(subset=[PERSONAL_KEY])
        found |= dict(zip(known["source_id"], known[PERSONAL_KEY], strict=True))
    return found


def _own_ids_links(version: Path) -> pd.DataFrame | None:
    path = version / "identity" / "links.parquet"
    return pd.read_parquet(path) if path.is_file() else None


def normalisers(region: str) -> dict[str, Callable[[str], str | None]]:
    """Return, by key, the function that gives a value its one spelling, or None for no value."""
    return {
        "email": email,
        "phone": partial(phone, region=region),
        "card": code,
        "crm_id": code,
        "name": words,
        "birth_date": words,
        "postcode": code,
    }


def email(text: str) -> str | None:
    """Return an e-mail address in lower case; None if it cannot be one."""
    plain = text.strip().lower().removeprefix("mailto:")
    return plain if re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", plain) else None


def phone(text: str, *, region: str) -> str | None:
    """Return a phone number as E.164; None if it is no possible number."""
    import phonenumbers

    try:
        number = phonenumbers.parse(text.strip().lstrip("'"), region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def code(text: str) -> str | None:
    """Return a card or an id without blanks and dashes, in upper case; None if nothing is left."""
    return re.sub(r"[\s\-_/.]", "", text).upper() or None


def words(text: str) -> str | None:
    """Return words in lower case with single blanks."""
    return " ".join(text.casefold().split()) or None


def spelled_alike(values: pd.Series, spelling: Callable[[str], str | None]) -> pd.Series:
    """Return the values in their one spelling; None where there is none."""
    return values.map({v: spelling(str(v)) for v in values.dropna().unique()})
