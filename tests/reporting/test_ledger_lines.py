"""What ingest did is said in a line a kind, however many files there are."""

from __future__ import annotations

from analysis.ingest.request import IngestResult
from analysis.reporting.checking.verify import ledger_lines
from analysis.tables.manifest import LedgerEntry, Manifest


def day(n: int) -> LedgerEntry:
    return LedgerEntry("order_lines", f"day{n:03}.csv", 10, 8, {"qty is missing": 1}, {"test": 1})


def test_many_files_of_one_kind_are_one_line() -> None:
    ledger = (*(day(n) for n in range(305)), LedgerEntry("products", "goods.csv", 4, 4))
    result = IngestResult(Manifest("shop", fingerprint="f", ledger=ledger), False, 1.25)
    assert [" ".join(line.split()) for line in ledger_lines(result)] == [
        "tables f were read in 1.2 s",
        "order_lines 2,440 of 3,050 from 305 files, day000.csv to day304.csv: "
        "305 qty is missing; 305 test",
        "products 4 of 4 from goods.csv",
    ]


def test_few_files_have_a_line_each_and_what_was_mended_comes_first() -> None:
    manifest = Manifest("shop", fingerprint="f", ledger=(day(1), day(2)))
    result = IngestResult(manifest, False, 1.25, ("new: day002.csv",), ("a part was damaged",))
    lines = ledger_lines(result)
    assert lines[1:3] == ["  a part was damaged", "  files new: day002.csv"]
    assert len(lines) == 5
