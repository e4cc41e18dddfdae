# ruff: noqa: E501 (rows as the exports write them)
"""A stranger's files become published reports: a look, one edit, a run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from analysis import params
from analysis.ingest.ingest import ingest
from analysis.ingest.inspection.sniff import look
from analysis.ingest.inspection.value_forms import date_forms
from analysis.ingest.onboarding.draft import draft, refusals
from analysis.tables.engine import open_study
from tests import forked

REPOSITORY = Path(__file__).parents[2]
HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"


def orders(path: Path, *, days: int = 800, seed: int = 7) -> int:
    """Write a shop's lines with the quirks of Online Retail and return how many lines."""
    random, rows = np.random.default_rng(seed), []
    start = np.datetime64("2010-12-01")
    for number in range(4_000):
        day = str(start + int(random.integers(days)))
        when = f"{day[8:10]}/{day[5:7]}/{day[:4]} {random.integers(9, 18):02d}:{random.integers(60):02d}"
        customer = (
            "" if random.random() < 0.2 else f"{12_346 + int(random.pareto(1.2) * 20) % 600}.0"
        )
        cancelled = random.random() < 0.03
        for _ in range(int(random.integers(1, 4))):
            stock, price = int(random.integers(100)), int(random.integers(50, 2_000))
            sign = "£" if stock % 2 else ""
            rows.append(
                f'{"C" if cancelled else ""}{536_365 + number},{21_000 + stock},"SET OF 6, CAFÉ '
                f'{stock}",{"-" if cancelled else ""}{random.integers(1, 12)},{when},'
                f"{sign}{price / 100:.2f},{customer},United Kingdom"
            )
    rows += [
        "999001,TEST001,This is a test product.,5,09/01/2011 10:04,4.50,12346.0,United Kingdom"
    ]
    rows += ["999002,21001,,56,10/01/2011 11:52,0.00,,United Kingdom"]
    rows += [
        "999003,21001,MUG,a dozen,10/01/2011 11:52,1.00,12400.0,United Kingdom",
        "999004,21001",
    ]
    path.write_bytes("\r\n".join([HEADER, *rows]).encode("latin-1"))
    return len(rows)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A fresh copy of the project with a stranger's file in data/raw."""
    for folder in ("notebooks", "params"):
        shutil.copytree(REPOSITORY / folder, tmp_path / folder)
    (tmp_path / "data" / "raw" / "gifts").mkdir(parents=True)
    return tmp_path


def test_a_look_one_edit_and_the_tables_are_there(project: Path) -> None:
    file = project / "data" / "raw" / "gifts" / "till export.csv"
    lines = orders(file)
    said = draft("gifts", [file], root=project).said
    assert said[0] == "till export.csv: 8 columns, Windows-1252 (Latin-1)"
    path = project / "params" / "gifts.yaml"
    path.write_text(path.read_text().replace("default: 0.30 ", "default: 0.45 "))
    study = params.load("gifts", root=project)
    assert (study.currency, study.timezone) == ("GBP", "Europe/London")
    manifest = ingest(study.ingest_request(), root=project).manifest
    entry = next(e for e in manifest.ledger if e.table == "order_lines")
    assert entry.rows_in == lines
    assert entry.dropped == {"stock movement without price": 1, "test product": 1}
    skipped = {k: n for k, n in entry.rejected.items() if "clocks went forward" in k}
    assert dict(entry.rejected) == {
        "Quantity is not a number": 1,
        "it has 2 fields where the header has 8": 1,
        **skipped,
    }
    with_study = open_study("gifts", root=project)
    rows = with_study.order_lines.to_pandas()
    with_study.close()
    assert (rows.loc[rows["order_id"].str.startswith("C"), "net_amount"] < 0).all()
    assert rows["customer_id"].isna().mean() == pytest.approx(0.2, abs=0.03)
    assert not rows["customer_id"].dropna().str.endswith(".0").any()
    shown = "\n".join(refusals("gifts", root=project))
    assert "order_lines: 1 row refused because Quantity is not a number" in shown
    assert f"till export.csv line {lines}: InvoiceNo=999003 | StockCode=21001" in shown
    assert "to mend: a delimiter within a cell: put the cell in quotes" in shown


def test_nothing_is_overwritten(project: Path) -> None:
    file = project / "data" / "raw" / "gifts" / "a.csv"
    orders(file)
    draft("gifts", [file], root=project)
    again = forked.run("new", "gifts", str(file), cwd=project)
    assert again.returncode == 2
    assert "params/gifts.yaml is there already; nothing was written" in again.stderr


@pytest.mark.slow
def test_the_whole_path_on_the_command_line(project: Path) -> None:
    file = project / "data" / "raw" / "gifts" / "orders.csv"
    orders(file)
    new = forked.run("new", "gifts", str(file), cwd=project)
    assert new.returncode == 0, new.stderr
    assert "next: analysis check gifts, then: analysis run gifts" in new.stdout
    check = forked.run("check", "gifts", cwd=project)
    assert check.returncode == 0, check.stderr
    assert "order_lines: 1 row refused because Quantity is not a number" in check.stdout
    assert "can run    03_deciles" in check.stdout
    run = forked.run("run", "gifts", "--only", "03", "--jobs", "1", cwd=project)
    assert run.returncode == 0, run.stdout + run.stderr
    runs = (project / "reports" / "gifts").glob("*/run.json")
    record = next(path for path in runs if not path.parent.is_symlink())
    assert json.loads(record.read_text())["params"]["study"] == "gifts"


def test_days_are_told_from_months_by_days_in_the_middle(tmp_path: Path) -> None:
    """The first and the last days of a long file may all be ambiguous."""
    day = [f"{1 + i % 12:02}/{1 + i // 4000:02}/2023 10:00" for i in range(12_000)]
    day[5_000:6_000] = ["25/02/2023 10:00"] * 1_000
    lines = [f"{i},A,{when},1,2.00" for i, when in enumerate(day)]
    path = tmp_path / "till.csv"
    path.write_text("\n".join(["order id,sku,order date,qty,price", *lines]))
    found = look(path)
    dates = date_forms(found.values("order date"))
    assert dates.forms == ["%d/%m/%Y %H:%M"]
    assert not dates.unsure


@pytest.mark.parametrize("amount", ["amount", "unit_price"])
def test_a_file_without_quantities_counts_each_line_as_one(project: Path, amount: str) -> None:
    folder = project / "data" / "raw" / "plain"
    folder.mkdir(parents=True)
    lines = ["order_id,customer_id,order_date,product_id," + amount, "1,7,2024-01-05,a,2.50"]
    (folder / "orders.csv").write_text("\n".join([*lines, "1,7,2024-01-05,b,1.25"]) + "\n", "utf-8")
    made = draft("plain", [folder / "orders.csv"], root=project)
    assert "each line counts as one" in made.mapping.read_text("utf-8")
    ingest(params.load("plain", root=project).ingest_request(), root=project)
    with_study = open_study("plain", root=project)
    table = with_study.order_lines.to_pandas().sort_values("product_id")
    with_study.close()
    assert table["quantity"].astype(float).tolist() == [1, 1]
    assert table["net_amount"].astype(float).tolist() == [2.5, 1.25]
