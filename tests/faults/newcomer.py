"""A newcomer's path: files, a draft, the edits that answer its questions, tables, reports."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from analysis import params
from analysis.errors import NotApplicable
from analysis.ingest.ingest import ingest
from analysis.ingest.onboarding.draft import Draft, draft
from analysis.project import ROOT
from analysis.reporting.checking.check_page import check_study, readiness
from analysis.reporting.store.layout import STAGING, RunFolder
from analysis.reporting.store.run_record import Status
from analysis.tables.engine import open_study
from analysis.tables.manifest import Manifest
from tests.notebooks.on_engine import execute
from tests.projects import LEAST

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"

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

    def checks(self) -> str:
        """Return what `analysis check` says of the study, with the project's own notebooks."""
        notebooks = self.root / "notebooks"
        if not notebooks.is_symlink():
            notebooks.rmdir()
            notebooks.symlink_to(NOTEBOOKS)
        study = params.load(self.study, root=self.root)
        checked = check_study(study, ingest(study.ingest_request(), root=self.root), root=self.root)
        assert not checked.broken
        return "\n".join(checked.lines)

    def runs(self, *done: str) -> dict[str, str]:
        """Run every report that can run, in this process, and return why others do not apply.

        Those of the numbers ``done`` are done; of all others a sentence says why there is none.
        """
        study = params.load(self.study, LEAST, root=self.root)
        tables = open_study(self.study, root=self.root)
        found = readiness(study, tables, root=self.root)
        tables.close()
        reasons = {each.report: each.reason for each in found if each.state != "ready"}
        folder = RunFolder(self.root / "run")
        folder.path.mkdir()
        folder.params_json.write_text(study.model_dump_json())
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(STAGING, str(folder.path))
            patch.setenv(ROOT, str(self.root))
            for report in (each.report for each in found if each.state == "ready"):
                try:
                    execute(NOTEBOOKS / f"{report}.ipynb", study)
                except NotApplicable as reason:
                    reasons[report] = str(reason)
                outcome = "not_applicable" if report in reasons else "done"
                Status(report, outcome, reasons.get(report, "")).write(folder.status(report))
        assert {each.report[:2] for each in found if each.report not in reasons} == set(done)
        assert all(reason.endswith(".") for reason in reasons.values()), reasons
        return reasons
