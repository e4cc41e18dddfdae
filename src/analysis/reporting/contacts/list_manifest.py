"""What is kept of a list beside the files that are imported: who was drawn, and a manifest.

``lists/manifests/`` of a run holds, for each list, ``<list>.json`` (counts by rule, what was
promised, seed, versions, hashes; nobody by name) and ``<list>_assignments`` (everybody of the
list with the arm drawn; those held out stand there alone).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.errors import AnalysisError, DataError
from analysis.reporting.notebook import frames
from analysis.reporting.store.atomic import write_json
from analysis.reporting.store.layout import LISTS, StudyReports
from analysis.tables.manifest import UNREADABLE, sha256_of

FOLDER = "manifests"

#: Arms of a list, as a ruling names them and as assignments do.
TARGET, HOLDOUT, CONTROL = "target", "holdout", "control"

#: Columns of a ruling that become columns of assignments.
KEPT = {
    "offer": "offer",
    "channel": "channel",
    "depth": "depth",
    "stratum": "stratum",
    "expected_margin": "promised_margin",
    "low": "promised_low",
    "high": "promised_high",
    "contact_cost": "contact_cost",
}


@dataclass(frozen=True)
class ListManifest:
    """The manifest of a list on disk.

    Parameters
    ----------
    path
        Its file.
    content
        What it holds.
    """

    path: Path
    content: Mapping[str, Any]

    @property
    def list_id(self) -> str:
        """Name of the list that no other has: its name and the run that made it."""
        return str(self.content["list_id"])

    def assignments(self) -> pd.DataFrame:
        """Return who was drawn into which arm; DataError if it is not what was written."""
        path = self.path.with_name(str(self.content["assignments"]["file"]))
        if not path.is_file() or sha256_of(path) != self.content["assignments"]["sha256"]:
            raise DataError(
                f"{path.name} of list {self.list_id} is missing or holds other bytes than were "
                "written; run `analysis lists` again, before the list is sent"
            )
        return frames.load(path)


def assignments_of(rows: pd.DataFrame, *, list_id: str, on: date) -> pd.DataFrame:
    """Return the assignments of a list, sorted by customer.

    Parameters
    ----------
    rows
        Everybody of the list: customer_id, arm (target or holdout) and any of `KEPT`.
    list_id
        Name of the list.
    on
        Day for which the list was made.
    """
    held = rows["arm"].eq(HOLDOUT)
    share = float(held.mean())
    kept = {new: rows[old].to_numpy() for old, new in KEPT.items() if old in rows}
    table = pd.DataFrame(
        {
            "promotion_id": list_id,
            "customer_id": rows["customer_id"].to_numpy(),
            "arm": held.map({True: CONTROL, False: TARGET}).to_numpy(),
            "assigned_at": pd.Timestamp(on).as_unit("us"),
            "randomised": bool(0 < share < 1),
            "planned_share": held.map({True: share, False: 1 - share}).to_numpy(),
            **kept,
        }
    )
    return table.sort_values("customer_id", ignore_index=True)


def write_manifest(
    folder: Path, name: str, assignments: pd.DataFrame, facts: Mapping[str, Any]
) -> ListManifest:
    """Write a list's assignments and manifest into ``folder``.

    Parameters
    ----------
    folder
        Directory of manifests.
    name
        Name of the list.
    assignments
        As `assignments_of` returns them.
    facts
        Further content: what the list was made with, and the files written.
    """
    stem = folder / f"{name}_assignments"
    frames.save(assignments, stem)
    file = stem.with_name(f"{stem.name}.parquet")
    content = {
        **facts,
        "customers": _by(assignments, "arm"),
        "by_channel": _by(assignments, "channel"),
        "by_offer": _by(assignments, "offer"),
        "promised": _promised(assignments),
        "assignments": {"file": file.name, "sha256": sha256_of(file), "rows": len(assignments)},
    }
    path = folder / f"{name}.json"
    write_json(path, content)
    return ListManifest(path, content)


def _by(rows: pd.DataFrame, column: str) -> dict[str, int]:
    if column not in rows:
        return {}
    counts = rows[column].fillna("none").value_counts().sort_index()
    return {str(value): int(n) for value, n in counts.items()}


def _promised(rows: pd.DataFrame) -> dict[str, float]:
    """Return the margin promised of all targets together, and its interval if all err alike."""
    targets = rows[rows["arm"] == TARGET]
    names = [n for n in ("promised_margin", "promised_low", "promised_high") if n in rows]
    return {n.removeprefix("promised_"): round(float(targets[n].sum()), 2) for n in names}


def find_manifest(study: str, wanted: str, *, root: Path) -> ListManifest:
    """Return the manifest that ``wanted`` means: a file, a list's id, or the name of the newest.

    Raises
    ------
    AnalysisError
        If there is none; the lists there are stand in the sentence.
    """
    if wanted.endswith(".json") and Path(wanted).is_file():
        return read_manifest(Path(wanted))
    paths = [
        path
        for run in StudyReports.of(study, root=root).runs()
        for path in sorted((run.path / LISTS / FOLDER).glob("*.json"))
    ]
    found = [read_manifest(path) for path in paths]
    fits = [m for m in found if wanted in (m.list_id, str(m.content["name"]))]
    if fits:
        return fits[0]
    known = ", ".join(_newest(found)) or "none: `analysis lists` writes them"
    raise AnalysisError(f"{study} has no list {wanted!r}; it has {known}")


def _newest(found: Sequence[ListManifest]) -> list[str]:
    return [m.list_id for m in found[:12]]


def read_manifest(path: Path) -> ListManifest:
    """Return a manifest; DataError if it cannot be read."""
    try:
        content = json.loads(path.read_text("utf-8"))
        for key in ("list_id", "name", "study", "as_of", "assignments"):
            content[key]
    except UNREADABLE as error:
        raise DataError(f"{path} cannot be read as the manifest of a list ({error})") from None
    return ListManifest(path, content)
