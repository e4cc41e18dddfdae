"""The user's own files and databases, read as a mapping in ``params/sources/`` says."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import ibis
from pydantic import ValidationError

from analysis.errors import DataError, ParamsError
from analysis.ingest.bounded_yaml import in_words
from analysis.ingest.identity.pseudonyms import Pseudonyms, customer_key, study_secret
from analysis.ingest.mapping import decimal_marks, model
from analysis.ingest.mapping.arithmetic import computed_columns
from analysis.ingest.mapping.expressions import columns_used
from analysis.ingest.mapping.file_mapping import FileSpec
from analysis.ingest.mapping.model import OWN_KEYS, FilesOptions, OneSource
from analysis.ingest.mapping.source_rows import IDENTITY, canonical_rows
from analysis.ingest.mapping.values import as_text, taken_for_missing, trimmed
from analysis.ingest.parts import RANKS_A_SOURCE, Delivery, PartFeed
from analysis.ingest.readers import archives, stage
from analysis.ingest.readers.staged_table import LINE, TEXT, Looked, Staged
from analysis.ingest.request import IngestRequest
from analysis.tables.engine import canonical_dir
from analysis.tables.schema import ENGINE_TYPES, PERSONAL_KEY, TABLES

SHOWN_COLUMNS = 60


class Files:
    """Adapter for kinds ``files`` and ``database``.

    Parameters
    ----------
    request
        ``options`` as ``FilesOptions`` declares them.
    root
        Project root.
    """

    simulated = False
    notes: tuple[str, ...] = ()

    def __init__(self, request: IngestRequest, root: Path) -> None:
        self._request, self._root = request, root
        #: What was found damaged of a database's snapshots and read again, a sentence each.
        self.mended: list[str] = []
        try:
            self.options = FilesOptions.model_validate(_plain(request.options))
            self._sources = self.options.named()
        except ValidationError as error:
            where = f"{request.study}.yaml: source"
            raise ParamsError(in_words(error, where, FilesOptions)) from None
        folder = root / "params" / "sources"
        self._mappings = {
            name: model.load(folder / f"{one.mapping}.yaml") for name, one in self._sources.items()
        }

    def settings(self) -> str:
        """Return the mappings and everything of the study that decides a part."""
        maps = {name: m.model_dump(mode="json") for name, m in self._mappings.items()}
        sources = {n: [s.mapping, s.own_keys] for n, s in self._sources.items()}
        own = [self._request.timezone, self._request.currency]
        return json.dumps([maps, sources, *own], sort_keys=True)

    def secret_label(self) -> str:
        """Return what changes with the secret that customers' pseudonyms are made with."""
        return self._pseudonyms.label

    def files(self) -> list[Path]:
        """Return every file that is read; DataError if a kind of file has none."""
        return [delivery.path for delivery in self.deliveries()]

    def deliveries(self) -> list[Delivery]:
        """Return the files of every source, in the order of their names within each."""
        return [d for name in self._sources for d in self._delivered[name]]

    @functools.cached_property
    def _delivered(self) -> dict[str, list[Delivery]]:
        """The files of every source, looked for once: what is hashed is what is read."""
        return {name: list(self._look_for(name)) for name in self._sources}

    def part_feeds(
        self, connection: Any, delivery: Delivery, directory: Path
    ) -> tuple[list[PartFeed], tuple[str, ...]]:
        """Return the feeds of one file and the sentences about how it was read."""
        spec = self._mappings[delivery.source].files[delivery.origin]
        wanted = self._mappings[delivery.source].reading(delivery.origin)
        used = columns_used(wanted, spec)
        self._pseudonyms.declare(connection)
        directory.mkdir(parents=True)
        lookups = self._lookups(connection, delivery, directory, used)
        staged = [
            _with_marks(replace(each, lookups=lookups), wanted, spec)
            for each in self._staged(connection, delivery, directory / "own", used)
        ]
        feeds = [feed for each in staged for feed in self._feeds(connection, delivery, each)]
        return feeds, tuple(note for each in staged for note in each.notes)

    def depends_on(self, delivery: Delivery) -> list[str]:
        """Return the names of the other files whose contents decide this file's part."""
        spec = self._mappings[delivery.source].files[delivery.origin]
        origins = {lookup.files for lookup in spec.lookup}
        return [
            d.name for d in self.deliveries() if d.source == delivery.source and d.origin in origins
        ]

    def columns_of(self, table: str) -> dict[str, str]:
        """Return the columns that ``table`` has in this study, with their engine types."""
        declared = {c.name: ENGINE_TYPES[c.type] for c in TABLES[table].columns}
        used: dict[str, str] = {}
        for one in self._mappings.values():
            for spec in (t for t in one.tables if t.table == table):
                used |= {name: declared.get(name, "string") for name in spec.columns}
                used |= {IDENTITY + name: "string" for name in spec.identity}
        if table == "customers":
            used[PERSONAL_KEY] = declared[PERSONAL_KEY]
        return {n: used[n] for n in [*declared, *used] if n in used}

    @functools.cached_property
    def _pseudonyms(self) -> Pseudonyms:
        return Pseudonyms(study_secret(self._home))

    @property
    def _home(self) -> Path:
        return canonical_dir(self._request.study, root=self._root)

    def _look_for(self, name: str) -> Iterator[Delivery]:
        one, prefix = self._sources[name], f"{name}/" if name else ""
        for origin, spec in self._mappings[name].files.items():
            if one.url is not None:
                yield from self._snapshots(name, origin)
                continue
            folder = (self._root / str(one.folder)).absolute()
            if not folder.is_dir():
                raise DataError(f"source.folder: {one.folder} is no folder in {self._root}")
            found = archives.find(folder, spec.paths)
            if not found and not spec.optional:
                raise DataError(
                    f"no file in {one.folder} matches {' or '.join(spec.paths)}, which "
                    f"{one.mapping}.yaml names as its {origin}"
                )
            for path in found:
                yield Delivery(f"{prefix}{path.relative_to(folder)}", origin, name, path)

    def _snapshots(self, name: str, origin: str) -> Iterator[Delivery]:
        from analysis.ingest.readers.database import Wanted, snapshots

        one, prefix = self._sources[name], f"{name}/" if name else ""
        password = _password(one)
        home = self._home / ".snapshots"
        spec = self._mappings[name].files[origin]
        wanted = Wanted(spec.paths, spec.watermark)
        folder = home / (name or "db")
        for table, path in snapshots(
            str(one.url), password, wanted, folder, say=self.mended.append
        ):
            yield Delivery(f"{prefix}{table}", origin, name, path)

    def _staged(
        self, connection: Any, delivery: Delivery, directory: Path, wanted: tuple[str, ...]
    ) -> list[Staged]:
        spec = self._mappings[delivery.source].files[delivery.origin]
        directory.mkdir(parents=True)
        return [
            staged
            for i, member in enumerate(archives.members(delivery.path, delivery.name))
            for staged in stage.stage(connection, member, spec, directory / f"m{i}", wanted)
        ]

    def _lookups(
        self, connection: Any, delivery: Delivery, directory: Path, used: tuple[str, ...]
    ) -> dict[str, Looked]:
        spec = self._mappings[delivery.source].files[delivery.origin]
        found = {}
        for lookup in spec.lookup:
            prefix = f"{lookup.files}."
            wanted = [name.removeprefix(prefix) for name in used if name.startswith(prefix)]
            staged = [
                each
                for i, d in enumerate(self._delivered[delivery.source])
                if d.origin == lookup.files
                for each in self._staged(
                    connection, d, directory / f"{lookup.files}{i}", (lookup.key, *wanted)
                )
            ]
            other = self._mappings[delivery.source].files[lookup.files]
            rows = looked_up(staged, lookup.key, wanted, other)
            columns = {prefix + name: f"l{i}" for i, name in enumerate(wanted)}
            found[lookup.files] = Looked(lookup.match, rows, columns)
        return found

    def _feeds(self, connection: Any, delivery: Delivery, staged: Staged) -> Iterator[PartFeed]:
        one = self._mappings[delivery.source]
        offset = RANKS_A_SOURCE * list(self._sources).index(delivery.source)
        for rank, table in enumerate(one.tables):
            if table.origin != delivery.origin:
                continue
            rows = canonical_rows(
                staged,
                table,
                one.files[table.origin],
                connection=connection,
                timezone=self._request.timezone,
                currency=self._request.currency,
            )
            rows = self._pseudonyms.applied(rows, table.table, customer_key(one))
            rows = self._own(rows, delivery.source)
            yield PartFeed(
                table.table,
                staged.label,
                offset + rank,
                rows,
                _source_text(staged),
                table.once_per_key,
                table.overlap or "",
            )

    def _own(self, rows: ibis.Table, source: str) -> ibis.Table:
        """Put the source's name before identifiers that another source may give out as well."""
        own = self._sources[source].own_keys
        names = OWN_KEYS if own is None else own
        if len(self._sources) == 1:
            return rows
        found = [n for n in names if n in rows.columns]
        return rows.mutate(**{n: f"{source}:" + rows[n] for n in found})


def _with_marks(staged: Staged, tables: list[model.TableSpec], spec: FileSpec) -> Staged:
    """Return the staged table with how its numbers are written, decided over all its columns."""
    marks, notes = decimal_marks.decide(staged, tables, spec)
    own = tuple(n for n in columns_used(tables, spec) if n not in computed_columns(staged, spec))
    missing = taken_for_missing(staged, own, spec)
    return replace(staged, marks=marks, notes=(*staged.notes, *notes, *missing))


def looked_up(staged: list[Staged], key: str, wanted: list[str], spec: FileSpec) -> ibis.Table:
    """Return ``key`` and the ``wanted`` columns as l0, l1 and so on: the last row of each key."""
    tables = [
        each.rows.select(
            key=trimmed(as_text(each.column(key, spec)), odd_spaces=each.odd_spaces),
            place=ibis.literal(i, "int64") * 10_000_000_000 + each.rows[LINE],
            **{f"l{n}": as_text(each.column(name, spec)) for n, name in enumerate(wanted)},
        )
        for i, each in enumerate(staged)
    ]
    rows = ibis.union(*tables) if len(tables) > 1 else tables[0]
    rows = rows.filter(rows.key.notnull())
    latest = {f"l{n}": rows[f"l{n}"].argmax(rows.place) for n in range(len(wanted))}
    return rows.group_by("key").agg(**latest)


def _source_text(staged: Staged) -> ibis.Table:
    """Return each row as the file has it, to show with the reason why it was refused."""
    rows = staged.rows
    shown = list(staged.columns.items())[:SHOWN_COLUMNS]
    cells = [f"{name}=" + rows[c].cast("string").fill_null("") for name, c in shown]
    joined = ibis.literal(" | ").join(cells) if cells else ibis.literal("")
    return rows.select(line_of_text=rows[LINE], source_row=rows[TEXT].fill_null(joined))


def _password(one: OneSource) -> str | None:
    if one.password_env is None:
        return None
    if one.password_env not in os.environ:
        raise ParamsError(
            f"source.password_env: the environment has no {one.password_env}; set it to the "
            "database's password"
        )
    return os.environ[one.password_env]


def _plain(value: Any) -> Any:
    """Return mappings and tuples as the dictionaries and lists that the models check."""
    if hasattr(value, "items"):
        return {k: _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, list | tuple) else value
