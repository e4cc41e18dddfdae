"""A newcomer's path: files, a draft, the edits that answer its questions, the tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd

from analysis import params
from analysis.ingest.ingest import ingest
from analysis.ingest.onboarding.draft import Draft, draft
from analysis.tables.engine import open_study
from analysis.tables.manifest import Manifest

#: Edits that a newcomer may need at most before the tables are there.
MOST_EDITS = 3


@dataclass
class Newcomer:
    """Somebody with files and no mapping."""

    root: Path
    study: str = "mine"
    edits: int = 0

    @property
    def folder(self) -> Path:
        folder = self.root / "data" / "raw" / self.study
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def writes(self, name: str, text: str | bytes, *, encoding: str = "utf-8") -> Path:
        """Put a file into the folder."""
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return path

    def drafts(self, *files: Path) -> Draft:
        """Draft from the files given, or from the folder."""
        return draft(self.study, list(files) or [self.folder], root=self.root)

    @property
    def params_text(self) -> str:
        return (self.root / "params" / f"{self.study}.yaml").read_text("utf-8")

    @property
    def mapping_text(self) -> str:
        path = self.root / "params" / "sources" / f"{self.study}.yaml"
        return path.read_text("utf-8")

    def answers(self, old: str, new: str) -> None:
        """Make one edit, in the one place where ``old`` stands."""
        for path in (
            self.root / "params" / f"{self.study}.yaml",
            self.root / "params" / "sources" / f"{self.study}.yaml",
        ):
            text = path.read_text("utf-8")
            if old in text:
                assert text.count(old) == 1, f"{old!r} is no single place"
                path.write_text(text.replace(old, new), "utf-8")
                self.edits += 1
                assert self.edits <= MOST_EDITS
                return
        raise AssertionError(f"{old!r} stands nowhere:\n{self.params_text}\n{self.mapping_text}")

    def line(self, key: str) -> str:
        """Return the one line of the mapping, or of the params, that sets ``key``."""
        text = self.params_text + self.mapping_text
        (found,) = [n for n in text.splitlines() if n.strip().startswith(f"{key}:")]
        return found.strip()

    @property
    def as_of(self) -> date:
        return params.load(self.study, root=self.root).as_of

    def reads(self) -> Manifest:
        """Ingest the study."""
        return ingest(
            params.load(self.study, root=self.root).ingest_request(), root=self.root
        ).manifest

    def table(self, name: str) -> pd.DataFrame:
        """Return a canonical table."""
        tables = open_study(self.study, root=self.root)
        frame = getattr(tables, name).to_pandas()
        tables.close()
        return frame

    def lines(self) -> pd.DataFrame:
        """Return the order lines with numbers as floats."""
        frame = self.table("order_lines")
        return frame.assign(
            quantity=frame["quantity"].astype(float), net_amount=frame["net_amount"].astype(float)
        )
