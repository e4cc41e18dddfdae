"""A canonical table that was edited or replaced is named and made again before a run reads it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from analysis.reporting.store.layout import RunFolder
from tests.faults.test_evidence import published, verify  # noqa: F401
from tests.projects import Project


def replaced(path: Path) -> None:
    """Put another valid Parquet there, of one more in every quantity."""
    rows = pd.read_parquet(path)
    rows.assign(quantity=rows["quantity"] + 1).to_parquet(path)


def edited_unseen(path: Path) -> None:
    """Change a byte in the middle of the data and put the times back."""
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("edit", [replaced, edited_unseen])
def test_edited_tables_are_named_and_made_again_before_a_run(
    published: tuple[Project, RunFolder],  # noqa: F811
    edit: Callable[[Path], None],
) -> None:
    project, folder = published
    (path,) = project.journey.canonical.resolve().glob("order_lines/*.parquet")
    sound = path.read_bytes()
    edit(path)
    result = project.journey.ingest()
    (said,) = result.mended
    assert "order_lines/part-0.parquet holds other bytes than were written" in said
    (again,) = project.journey.canonical.resolve().glob("order_lines/*.parquet")
    assert again.read_bytes() == sound
    assert verify(project, folder).same
