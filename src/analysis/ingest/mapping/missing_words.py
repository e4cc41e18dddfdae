"""How often words that mean nothing, such as NULL, stand in a file and are taken for missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.ingest.mapping.values import trimmed

if TYPE_CHECKING:
    from analysis.ingest.mapping.file_mapping import FileSpec
    from analysis.ingest.readers.staged_table import Staged

#: How the sentences about them begin, by which the page of what was read finds them.
TAKEN = "Taken for missing"


def taken_for_missing(staged: Staged, names: tuple[str, ...], spec: FileSpec) -> tuple[str, ...]:
    """Return a sentence with each word of ``missing:`` that stands in the columns in use.

    Parameters
    ----------
    staged
        The file.
    names
        Columns that the mapping uses, those of the file itself.
    spec
        How the mapping describes the file.
    """
    if not spec.missing:
        return ()
    columns = [staged.column(name, spec) for name in names]
    texts = [trimmed(c, odd_spaces=staged.odd_spaces) for c in columns if c.type().is_string()]
    if not texts:
        return ()
    sums = {
        f"w{i}_{j}": (text == word).sum()
        for i, word in enumerate(spec.missing)
        for j, text in enumerate(texts)
    }
    (counted,) = staged.rows.agg(**sums).to_pyarrow().to_pylist()
    found = [
        (word, sum(counted[f"w{i}_{j}"] or 0 for j in range(len(texts))))
        for i, word in enumerate(spec.missing)
    ]
    said = ", ".join(f'"{word}" {n:,} times' for word, n in found if n)
    return (f"{TAKEN} in {staged.label}: {said}.",) if said else ()
