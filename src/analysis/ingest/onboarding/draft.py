"""Write a study's first params file and mapping from a look at its files.

Every guess that could be wrong is marked ``UNSURE`` with what to check, so that a newcomer's first
edit is a search for one word. What cannot be guessed at all is a question, ``?``, which nothing
is read before somebody answers.

After the first ingest, say which rows were refused: file, line, what stands there, how to mend it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from analysis.errors import DataError, ParamsError
from analysis.ingest.inspection.file_scans import day_counts
from analysis.ingest.inspection.foreign_keys import Kind, kinds_of
from analysis.ingest.inspection.header_search import periods_across
from analysis.ingest.inspection.sniff import BUDGET, Look, look
from analysis.ingest.inspection.value_forms import days_of, without_lone
from analysis.ingest.mapping.model import UNANSWERED
from analysis.ingest.onboarding.draft_experiment import experiment_text, files_of_trials
from analysis.ingest.onboarding.draft_mapping import file_lines, heading, mapping_text, zone_of
from analysis.ingest.onboarding.draft_params import Facts, params_text
from analysis.ingest.onboarding.draft_plan import Plan, currency_of, plan
from analysis.ingest.onboarding.ready_mappings import (
    Fitting,
    dates_of,
    made_theirs,
    offered,
    ordered_at,
)
from analysis.ingest.readers.encodings import known_as
from analysis.ingest.readers.stage import FORMATS
from analysis.tables.engine import canonical_dir, connect, read_parquet


def baskets_text(study: str, kind: Kind, folder: Path) -> str:
    """Return the mapping of baskets that state neither day nor customer nor amount."""
    lines = [
        *heading(study, f"{kind.looks[0].path.name}, a basket a line"),
        *file_lines(kind, folder),
        "",
        "tables:",
        "  - table: order_lines",
        f"    from: {kind.name}",
        "    columns:",
        "      order_id: {line: true}",
        '      customer_id: {constant: ""}   # the file names no customers, so all are guests',
        "      product_id: item",
        f'      ordered_at: {{constant: "{UNANSWERED}"}}   # UNSURE: on which day (YYYY-MM-DD)? '
        "The file states none; all baskets get it",
        '      quantity: {constant: "1"}',
        '      net_amount: {constant: "0"}   # the file states no amounts',
        *_counts(kind),
        "",
        "  - table: products",
        f"    from: {kind.name}",
        "    once_per_key: true",
        "    columns:",
        "      product_id: item",
        "      department: {constant: ALL}",
        "      category: {constant: ALL}",
        "      name: item",
        *_counts(kind),
    ]
    return "\n".join(lines) + "\n"


def _counts(kind: Kind) -> list[str]:
    """Return the rule for how many products a basket has, where a header numbers them."""
    if kind.pooled.header_line == 0:
        return []
    return [
        "    drop:",
        "      - rule: a number, not a product",
        "        when: {column: item, matches: '^[0-9]+$'}   # UNSURE: a count of the products?",
    ]


#: Bytes looked at of all files together, and of each of very many at least.
ALL_TOGETHER, AT_LEAST = 16_000_000, 60_000
#: Files of a kind that are said one by one.
SAID = 5


@dataclass(frozen=True)
class Draft:
    """What was written.

    Parameters
    ----------
    params, mapping
        The two files.
    said
        What was recognised and what to check, in sentences.
    """

    params: Path
    mapping: Path
    said: tuple[str, ...]


@dataclass(frozen=True)
class _Written:
    """The text of a mapping, what the params say, and sentences about both."""

    mapping: str
    facts: Facts
    said: tuple[str, ...] = ()


def draft(
    study: str, files: list[Path], *, root: Path, progress: Callable[[int, int], None] | None = None
) -> Draft:
    """Look at ``files`` and write ``params/<study>.yaml`` and ``params/sources/<study>.yaml``.

    Parameters
    ----------
    study
        Key of the study.
    files
        Its files, or the folder that holds them.
    root
        Project root.
    progress
        Told how many files were looked at, of how many.

    Raises
    ------
    ParamsError
        If one of the two is there already, the name is none, or the files lie in several folders.
    DataError
        If a file cannot be read.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", study):
        raise ParamsError(f"{study!r}: a study's name is lower case letters, digits and _")
    targets = root / "params" / f"{study}.yaml", root / "params" / "sources" / f"{study}.yaml"
    for target in targets:
        if target.exists():
            raise ParamsError(f"{target.relative_to(root)} is there already; nothing was written")
    paths = _delivered(files)
    folders = {path.parent for path in paths}
    if len(folders) != 1:
        raise ParamsError("the files lie in several folders; put a study's files into one")
    folder = folders.pop()
    looks = _looks(paths, progress)
    written = _written(study, looks, folder, root)
    texts = params_text(study, folder, root, written.facts), written.mapping
    for target, content in zip(targets, texts, strict=True):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, "utf-8")
    return Draft(*targets, (*_seen(looks), *written.said, _questions("".join(texts))))


def _delivered(files: Sequence[Path]) -> list[Path]:
    """Return the files, those of a folder that can be read in place of it."""
    found: list[Path] = []
    for path in files:
        if path.is_dir():
            inside = sorted(p for p in path.iterdir() if p.is_file() and not p.is_symlink())
            readable = [p for p in inside if _suffix(p) in FORMATS or p.suffix.lower() == ".zip"]
            if not readable:
                raise ParamsError(f"{path} holds no file that can be read: {', '.join(FORMATS)}")
            found += readable
        elif path.is_symlink() or not path.is_file():
            raise ParamsError(f"{path} is no file")
        else:
            found.append(path)
    return list(dict.fromkeys(path.absolute() for path in found))


def _suffix(path: Path) -> str:
    last = path.suffix.lower()
    return Path(path.stem).suffix.lower() if last == ".gz" else last


def _looks(paths: list[Path], progress: Callable[[int, int], None] | None) -> list[Look]:
    budget = max(AT_LEAST, min(BUDGET, ALL_TOGETHER // len(paths)))
    looks = []
    for number, path in enumerate(paths, start=1):
        looks.append(look(path, budget=budget))
        if progress is not None:
            progress(number, len(paths))
    return looks


def _written(study: str, looks: list[Look], folder: Path, root: Path) -> _Written:
    kinds = kinds_of(looks)
    offers = offered(kinds, root)
    if offers.ready is None:
        _refuse_wide(kinds)
    said = [f"{each} (it is passed over)" for each in offers.broken]
    said += [
        f"The mapping {name} of another study fits as well; it was not copied, since what it "
        "leaves out and takes for granted is that study's."
        for name in offers.others
    ]
    if offers.ready is not None:
        name = offers.ready.mapping.mapping
        said.append(f"The header is that of the ready mapping {name}, which was copied.")
        made = _from_ready(study, offers.ready, folder)
    elif kinds[0].pooled.baskets and len(kinds) == 1:
        made = _Written(baskets_text(study, kinds[0], folder), Facts("UTC", None))
    elif (trial := files_of_trials(kinds)) is not None:
        made = _Written(experiment_text(study, *trial, folder), Facts("UTC", None))
    else:
        made = _from_plan(plan(study, kinds), folder)
    return _Written(made.mapping, made.facts, (*said, *made.said))


def _refuse_wide(kinds: Sequence[Kind]) -> None:
    """Refuse a table with a column for each period: no row of it is a sale."""
    if any("order_id" in kind.pooled.columns for kind in kinds):
        return
    for kind in kinds:
        periods = periods_across(kind.pooled.header, kind.pooled.rows)
        if periods:
            raise DataError(
                f"{_named(kind)} has a column for each period, from {periods[0]} to {periods[-1]}, "
                "so that no row is a sale with its day; turn it round first (in Excel: Unpivot "
                "Columns, in pandas: DataFrame.melt), to rows with a product, a day and a number"
            )


def _from_ready(study: str, fitting: Fitting, folder: Path) -> _Written:
    forms, days = dates_of(fitting).forms, Counter[date]()
    for kind, column in ordered_at(fitting):
        days += days_of(day_counts(kind.looks, column), forms)
    kept = without_lone(days)
    lone = tuple(sorted(set(days) - set(kept)))
    found = next(iter(fitting.files.values())).pooled
    money, signs = currency_of(found)
    facts = Facts(zone_of(found), money, kept, lone, fitting.mapping.ready, signs)
    return _Written(made_theirs(study, fitting, folder), facts)


def _from_plan(made: Plan, folder: Path) -> _Written:
    text = mapping_text(made, folder)
    money, signs = currency_of(made.found)
    facts = Facts(zone_of(made.found), money, made.days, made.lone, None, signs)
    return _Written(text, facts, tuple(_about(made, text)))


def _about(made: Plan, text: str) -> list[str]:
    said = [
        f"{reference.match} of {made.lines.name} is looked up in {reference.other.name}: "
        f"{reference.joined:,} of {reference.of:,} values are found there."
        for reference in made.looked_up
        if f"files: {reference.other.name}," in text
    ]
    said += [f"{_named(kind)} is not used." for kind in made.unused]
    return said


def _named(kind: Kind) -> str:
    names = [each.path.name for each in kind.looks]
    return names[0] if len(names) == 1 else f"{names[0]} with {len(names) - 1} others like it"


def _seen(looks: list[Look]) -> list[str]:
    """Return a line a file; of many of a kind, one for all."""
    if len(looks) <= SAID:
        return [f"{each.path.name}: {_form(each)}" for each in looks]
    return [f"{_named(kind)}: {_form(kind.looks[0])}" for kind in kinds_of(looks)]


def _form(found: Look) -> str:
    if found.baskets:
        return "a basket a line"
    known = "" if found.encoding in {"", "utf-8", "ascii"} else f", {known_as(found.encoding)}"
    return f"{len(found.header)} columns{known}"


def _questions(text: str) -> str:
    unsure = sum("UNSURE: " in line and "Search for" not in line for line in text.splitlines())
    guesses = "1 guess is" if unsure == 1 else f"{unsure} guesses are"
    return f"{guesses} marked UNSURE; check what stands there, then run: analysis check"


SHOWN_ROWS, SHOWN_CHARACTERS = 2, 110

#: How to mend it, by what the reason says.
REMEDIES = (
    (
        r"its amounts are in",
        "state rates, as currency: {rates: {EUR: 0.85}} in the mapping, or others: drop there",
    ),
    (r"decimal comma or with", 'state decimal: "," or decimal: "." for the column in the mapping'),
    (
        r"is not a number|not an amount",
        "state decimal: or missing: in the mapping, or mend the cell",
    ),
    (r"both orders of", "leave one of the two orders under dates: in the mapping"),
    (r"other way round", "ask where these rows come from; state their order under dates:"),
    (
        r"is not a (time|date)",
        "add the cell's format to dates: in the mapping; timezone: offset where it has an offset",
    ),
    (r"does not exist in", "state the right timezone:, or gaps: shift in the mapping"),
    (r"outside the years", "a placeholder? name it under missing: in the mapping"),
    (r"fields where the header has", "a delimiter within a cell: put the cell in quotes"),
    (r"quote", "double the quotes within a quoted cell, close the last one"),
    (r"is not valid", "state encoding: in the mapping, or export the file as UTF-8"),
    (r"stands in several rows", "keep one row, or say once_per_key: true in the mapping"),
    (r"is missing", "fill the cell, or leave such rows out by a rule under drop:"),
)


def refusals(study: str, *, root: Path | None = None) -> list[str]:
    """Return a line for every reason, with examples and a remedy, the most frequent first.

    Parameters
    ----------
    study
        Key of an ingested study.
    root
        Project root; None looks upwards from the working directory.
    """
    home = canonical_dir(study, root=root) / "current" / "rejected"
    folders = sorted(home.iterdir()) if home.is_dir() else []
    return [line for folder in folders for line in _of_table(folder)]


def _of_table(folder: Path) -> list[str]:
    connection = connect()
    rows = read_parquet(connection, folder)
    if "source_row" not in rows.columns:  # sources that know their rows by key, not by line
        connection.disconnect()
        return []
    frame = rows.order_by("source", "line").to_pandas()
    connection.disconnect()
    lines = []
    for reason in frame["reason"].value_counts().index:
        same = frame[frame["reason"] == reason]
        rows = "1 row" if len(same) == 1 else f"{len(same):,} rows"
        lines.append(f"  {folder.name}: {rows} refused because {reason}")
        for row in same.head(SHOWN_ROWS).itertuples():
            shown = " ".join(str(row.source_row).split())[:SHOWN_CHARACTERS]
            lines.append(f"    {row.source} line {row.line}: {shown}")
        remedy = next((r for pattern, r in REMEDIES if re.search(pattern, str(reason))), None)
        if remedy:
            lines.append(f"    to mend: {remedy}")
    return lines
