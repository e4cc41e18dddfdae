"""``analysis check`` ends with a page of what was read, from raw bytes to the till's totals."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from analysis import cli
from tests.ingest.shop import MAPPING, Shop
from tests.projects import notebook

PARAMS: dict[str, Any] = {
    "study": "shop",
    "title": "Shop",
    "source": {"kind": "files", "mapping": "shop", "folder": "data/raw/shop"},
    "as_of": "2024-03-31",
    "timezone": "Europe/London",
    "currency": "GBP",
    "engine": {"memory": "1GB", "threads": 1},
}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    made = Shop(tmp_path)
    raw = copy.deepcopy(MAPPING)
    raw["files"]["sales"]["missing"] = ["NULL"]
    made.map(raw)
    text = yaml.safe_dump(PARAMS, sort_keys=False)
    note = "   # UNSURE: no currency sign was seen"
    (tmp_path / "params" / "shop.yaml").write_text(text.replace("GBP", f"GBP{note}"))
    (tmp_path / "notebooks" / "10_a.ipynb").write_text(json.dumps(notebook("10_a")))
    monkeypatch.chdir(tmp_path)
    return made


def checked(*doubts: str) -> str:
    result = CliRunner().invoke(cli.main, ["check", "shop"])
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert tuple(line for line in lines if line.startswith("doubt: ")) == doubts
    page = lines[lines.index("What was read: hold it against the till") :]
    assert max(map(len, page)) <= 100
    return "\n".join(page)


def test_the_page_is_what_a_hand_would_add_up(shop: Shop) -> None:
    shop.deliver(
        "jan.csv",
        "1,C1,A,2024-01-30 10:00,2,5.00,x",
        "1,C1,B,2024-01-30 10:00,1,2.50,NULL",
        "2,NULL,A,2024-01-31 11:00,1,1000.00,x",
    )
    shop.deliver(
        "feb.csv",
        "3,C2,A,2024-02-10 10:00,1,7.25,x",
        "4,C3,A,2024-02-11 10:00,-1,7.25,x",
        "5,C2,A,2024-04-01 10:00,1,1.00,x",
        "6,C2,A,2024-02-12 10:00,1,€9.00,x",
        "7,C2,TEST1,2024-02-12 10:00,1,9.00,x",
    )
    assert (
        checked(
            "doubt: 1 of 6 order lines lie on or after as_of (2024-03-31), so no report looks at "
            "them; the last is of 2024-04-01. To count them, say as_of: 2024-04-02."
        )
        == """\
What was read: hold it against the till
  files         2: feb.csv, jan.csv
  rows          6 of 8 counted; refused 1 (1 its amounts are in €, the study's in GBP); left out 1
                (1 test product)
  days          2024-01-30 to 2024-04-01, 5 of them with orders
  orders        4 in 6 lines, and 1 of returns alone
  customers     2 who bought; 17% of the lines have no customer
  products      2
  net total     1,013.50 GBP; not counted: 1 rows in €

  month               orders         lines             net total GBP
  2024-01                  2             3                  1,012.50
  2024-02                  1             2                      0.00
  2024-04                  1             1                      1.00

  largest orders              day         customer                     lines           net total GBP
  2                           2024-01-31  (guest)                          1                1,000.00
  1                           2024-01-30  C1                               2                   12.50
  3                           2024-02-10  C2                               1                    7.25
  5                           2024-04-01  C2                               1                    1.00
  4                           2024-02-11  C3                               1                   -7.25

  missing       Taken for missing in jan.csv: "NULL" 2 times.
  guessed       params/shop.yaml line 9: currency: GBP (no currency sign was seen)
  please answer Nothing."""
    )


def test_the_till_s_own_customer_is_asked_about(shop: Shop) -> None:
    cash = [f"{n},CASH,A,2024-03-01 10:{n:02d},1,1.00,x" for n in range(30)]
    others = [f"2{n:02d},C{n},A,2024-03-02 10:{n:02d},1,1.00,x" for n in range(20)]
    shop.deliver("sales.csv", *cash, *others)
    asked = (
        "please answer Customer CASH has 60% of the orders: is it the guest? If so, say "
        'customer_id: {column: ..., values: {"CASH": ""}} in the mapping, and nobody is counted as '
        "that customer."
    )
    assert asked in " ".join(checked().split())
    raw = copy.deepcopy(MAPPING)
    for table in (raw["tables"][0], raw["tables"][2]):
        table["columns"]["customer_id"] = {"column": "customer", "values": {"CASH": ""}}
    shop.map(raw)
    text = " ".join(checked().split())
    assert "please answer Nothing." in text
    assert "20 who bought; 60% of the lines have no customer" in text


def test_receipt_numbers_that_restart_within_a_file_are_asked_about(shop: Shop) -> None:
    rows = [f"{n},C{n},A,2024-0{m}-1{n} 10:00,1,1.00,x" for m in (1, 2, 3) for n in (1, 2, 3)]
    shop.deliver("sales.csv", *rows)
    text = " ".join(checked().split())
    assert (
        "3 orders have lines 7 or more days apart, such as 1 (2024-01-11 and 2024-03-11): do "
        "receipt numbers restart? If so, join the month or the store to the key"
    ) in text


def test_dates_of_the_other_order_cast_doubt_on_the_rest_of_their_file(shop: Shop) -> None:
    days = ["31/01/2024 10:00", "04/02/2024 10:00", "02/14/2024 10:00", "02/15/2024 10:00"]
    shop.deliver("sales.csv", *[f"{n},C1,A,{day},1,1.00,x" for n, day in enumerate(days)])
    text = " ".join(checked().split())
    assert "2 of 4 counted; refused 2 (2 when is a date only with day and month the other" in text
    assert (
        "please answer 2 rows of sales.csv are dates only with day and month the other way round: "
        "rows of it from the first twelve days of a month may be read in the wrong order."
    ) in text
