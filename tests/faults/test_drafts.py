"""What `analysis new` makes of files that could be read several ways: right, marked, or asked."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest

from analysis.errors import ParamsError
from analysis.ingest.inspection.file_scans import day_counts
from analysis.ingest.inspection.sniff import look
from tests.faults.newcomer import Newcomer

READY = Path(__file__).parents[2] / "params" / "sources"
HEAD = "order id,customer id,sku,order date,qty,unit_price"


@pytest.fixture
def newcomer(tmp_path: Path) -> Newcomer:
    shutil.copytree(READY, tmp_path / "params" / "sources")
    (tmp_path / "notebooks").mkdir()
    return Newcomer(tmp_path)


def rows(count: int, **cells: str) -> list[dict[str, str]]:
    """Return order lines as texts, two an order, a day apart; ``cells`` are changed."""
    start = date(2023, 1, 1)
    return [
        {
            "order id": str(1001 + i // 2),
            "customer id": f"C{i // 2 % 9}",
            "sku": f"S{i % 5}",
            "order date": str(start + timedelta(days=i // 2)),
            "qty": str(1 + i % 3),
            "unit_price": f"{2 + i % 5}.50",
            **cells,
        }
        for i in range(count)
    ]


def csv_of(records: list[dict[str, str]]) -> str:
    return "\n".join([",".join(records[0]), *(",".join(r.values()) for r in records)])


def total(records: list[dict[str, str]]) -> float:
    return sum(float(r["qty"]) * float(r["unit_price"]) for r in records)


def sold(newcomer: Newcomer) -> float:
    newcomer.reads()
    return float(newcomer.lines()["net_amount"].sum())


# ---------------------------------------------------------------- files and days


@pytest.mark.parametrize("ready", [False, True])
def test_all_files_given_are_read_and_as_of_lies_after_the_last_of_all(
    newcomer: Newcomer, ready: bool
) -> None:
    head = HEAD if not ready else "InvoiceNo,CustomerID,StockCode,InvoiceDate,Quantity,UnitPrice"
    extra = ("", "") if not ready else (",Description,Country", ",MUG,France")
    for month in (1, 2, 3):
        lines = [f"{month}{n:03},12{n},8500{n % 9},{n}/{month}/2011 09:1{n % 10},2,1.50{extra[1]}"
                 for n in range(1, 29)]  # fmt: skip
        newcomer.writes(f"sales_{month}.csv", "\n".join([head + extra[0], *lines]))
    said = newcomer.drafts(*sorted(newcomer.folder.iterdir())).said
    assert ("The header is that of the ready mapping online_retail, which was copied." in said) is (
        ready
    )
    assert newcomer.as_of == date(2011, 3, 29)
    assert newcomer.line("paths").startswith('paths: ["sales_1.csv", "sales_2.csv", "sales_3.csv"]')
    assert sold(newcomer) == 3 * 28 * 3.0


def test_as_of_counts_every_row_of_a_file_larger_than_the_look(
    newcomer: Newcomer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last day stands in one row alone, where no sample of the file would find it."""
    monkeypatch.setattr("analysis.ingest.onboarding.draft.BUDGET", 20_000)
    records = rows(6_000)
    records[4_321] |= {"order date": "2031-07-15"}
    records[4_322] |= {"order date": "2031-07-14"}
    path = newcomer.writes("till.csv", csv_of(records))
    found = look(path, budget=20_000)
    assert not found.whole
    assert len(found.rows) < 1_000
    assert "2031-07-15" not in found.values("order date")
    newcomer.drafts(path)
    assert newcomer.as_of == date(2031, 7, 16)
    assert sold(newcomer) == total(records)


@pytest.mark.parametrize("form", ["gz", "gbk", "jsonl", "parquet", "blanks"])
def test_the_days_of_every_row_are_counted_in_every_form(
    newcomer: Newcomer, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import gzip
    import json

    import pandas as pd

    monkeypatch.setattr("analysis.ingest.onboarding.draft.BUDGET", 20_000)
    monkeypatch.setattr("analysis.ingest.inspection.sniff.ROWS", 200)
    records = rows(5_000)
    records[2_600]["order date"] = "2029-12-30"
    if form == "gz":
        path = newcomer.writes("till.csv.gz", gzip.compress(csv_of(records).encode()))
    elif form == "gbk":
        path = newcomer.writes("till.csv", csv_of(rows(1, sku="茶")[:1] + records), encoding="gbk")
    elif form == "jsonl":
        path = newcomer.writes("till.jsonl", "\n".join(json.dumps(r) for r in records))
    elif form == "parquet":
        path = newcomer.folder / "till.parquet"
        pd.DataFrame(records).to_parquet(path, row_group_size=500)
    else:
        text = "\n".join(" ".join(r.values()) for r in records)
        path = newcomer.writes("till.txt", text)
    assert not look(path, budget=20_000).whole
    newcomer.drafts(path)
    assert newcomer.line("as_of") == "as_of: 2029-12-31"


def test_all_files_of_an_archive_count(newcomer: Newcomer) -> None:
    import io
    import zipfile

    records = rows(80)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.csv", csv_of(records[:40]))
        archive.writestr("b.csv", csv_of(records[40:]))
    newcomer.drafts(newcomer.writes("till.zip", packed.getvalue()))
    assert newcomer.as_of == date(2023, 1, 1) + timedelta(days=40)
    assert sold(newcomer) == total(records)


def test_all_sheets_with_the_same_header_count(newcomer: Newcomer) -> None:
    import xlsxwriter

    records = rows(80)
    with xlsxwriter.Workbook(newcomer.folder / "till.xlsx") as book:
        for part in (records[:40], records[40:]):
            sheet = book.add_worksheet()
            sheet.write_row(0, 0, ["Takings of the shop"])
            for place, row in enumerate([list(records[0]), *(list(r.values()) for r in part)]):
                sheet.write_row(2 + place, 0, row)
    newcomer.drafts()
    assert "    sheet: all" in newcomer.mapping_text
    assert newcomer.as_of == date(2023, 1, 1) + timedelta(days=40)
    assert sold(newcomer) == total(records)


def test_sheets_with_another_header_are_named(newcomer: Newcomer) -> None:
    import xlsxwriter

    with xlsxwriter.Workbook(newcomer.folder / "till.xlsx") as book:
        sheet = book.add_worksheet("Sales")
        for place, row in enumerate([list(rows(1)[0]), *(list(r.values()) for r in rows(20))]):
            sheet.write_row(place, 0, row)
        book.add_worksheet("Notes").write_row(0, 0, ["who", "what"])
    newcomer.drafts()
    assert "sheet: first   # UNSURE: of other columns, and not read: Notes" in newcomer.mapping_text


def test_keys_are_looked_for_in_every_row_of_a_large_file(
    newcomer: Newcomer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analysis.ingest.onboarding.draft.BUDGET", 20_000)
    heads = [f"{n},2024-01-{1 + n % 28:02},C{n % 50},a note that makes the file long" for n in
             range(4_000)]  # fmt: skip
    lines = [f"{3 * n},S{n % 9},1,2.00" for n in range(300)]
    newcomer.writes("orders.csv", "\n".join(["order_id,order_date,customer_id,note", *heads]))
    newcomer.writes("items.csv", "\n".join(["order_id,sku,qty,price", *lines]))
    said = newcomer.drafts().said
    assert "order_id of items is looked up in orders: 300 of 300 values are found there." in said
    assert newcomer.as_of == date(2024, 1, 29)
    assert sold(newcomer) == 600.0


def test_a_line_that_names_the_delimiter_is_not_counted(newcomer: Newcomer) -> None:
    """Ingest leaves it out before it counts lines, so the mapping says nothing of it."""
    text = "sep=|\n" + csv_of(rows(20)).replace(",", "|")
    newcomer.drafts(newcomer.writes("till.csv", text))
    assert "    delimiter: pipe" in newcomer.mapping_text
    assert "header:" not in newcomer.mapping_text
    assert newcomer.line("order_id") == "order_id: order id"
    assert newcomer.as_of == date(2023, 1, 11)


def test_a_delimiter_at_the_end_of_each_record_is_no_column(newcomer: Newcomer) -> None:
    head, *lines = csv_of(rows(20)).split("\n")
    path = newcomer.writes("till.csv", "\n".join([head, *(f"{line}," for line in lines)]))
    assert len(look(path).rows) == 20
    newcomer.drafts(path)
    assert newcomer.as_of == date(2023, 1, 11)


def test_a_file_of_nothing_known_is_drafted_as_questions(newcomer: Newcomer) -> None:
    newcomer.drafts(newcomer.writes("what.csv", "alpha,beta\nx,1.25\ny,2.50\n"))
    assert "    # not used: alpha, beta" in newcomer.mapping_text
    assert newcomer.line("ordered_at").startswith('ordered_at: {constant: "?"}   # UNSURE')
    assert newcomer.line("net_amount").startswith('net_amount: "?"   # UNSURE: no name tells an')


def test_a_lone_day_far_from_all_others_is_no_as_of(newcomer: Newcomer) -> None:
    records = rows(800)
    records[17]["order date"] = "2032-06-01"
    newcomer.drafts(newcomer.writes("till.csv", csv_of(records)))
    assert newcomer.line("as_of").startswith("as_of: 2024-02-05    # UNSURE: 2032-06-01 lies far")


def test_days_that_no_format_reads_are_asked_for(newcomer: Newcomer) -> None:
    """There is no as_of that nobody stated."""
    records = rows(40)
    for i, record in enumerate(records):
        record["order date"] = f"week {i // 7} of 2024"
    newcomer.drafts(newcomer.writes("till.csv", csv_of(records)))
    assert "dates: \"?\"}   # UNSURE: no format known reads 'week 0 of 2024'" in newcomer.line(
        "ordered_at"
    )
    assert newcomer.line("as_of").startswith('as_of: "?"    # UNSURE')
    with pytest.raises(ParamsError, match=r"as_of: '\?' is neither a date"):
        newcomer.reads()


@pytest.mark.parametrize(
    ("form", "as_of"),
    [
        ("%m/%d/%Y %I:%M %p", date(2023, 1, 21)),
        ("%b %d, %Y", date(2023, 1, 21)),
        ("%Y-%m-%d %H:%M:%S +0100", date(2023, 1, 21)),
        ("%Y%m%d", date(2023, 1, 21)),
    ],
)
def test_days_in_other_forms_are_read(newcomer: Newcomer, form: str, as_of: date) -> None:
    import csv
    import io
    from datetime import datetime

    records = rows(40)
    for record in records:
        day = datetime.fromisoformat(record["order date"]).replace(hour=15, minute=30)
        record["order date"] = day.strftime(form)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(records[0]))
    writer.writeheader()
    writer.writerows(records)
    newcomer.drafts(newcomer.writes("till.csv", text.getvalue()))
    assert newcomer.as_of == as_of
    assert sold(newcomer) == total(records)


def test_two_orders_of_day_and_month_in_one_column_are_marked(newcomer: Newcomer) -> None:
    records = rows(600)
    for i, record in enumerate(records):
        day = date.fromisoformat(record["order date"])
        record["order date"] = day.strftime("%m/%d/%Y" if i % 3 == 0 else "%d/%m/%Y")
    newcomer.drafts(newcomer.writes("till.csv", csv_of(records)))
    assert "UNSURE: some dates read only with the day first, others only with the month first" in (
        newcomer.line("ordered_at")
    )


def test_a_note_with_a_line_break_late_in_the_file(newcomer: Newcomer) -> None:
    records = [r | {"note": "fine"} for r in rows(9_000)]
    records[3_450]["note"] = '"a note\nof two ""lines"", and more"'
    newcomer.drafts(newcomer.writes("till.csv", csv_of(records)))
    assert sold(newcomer) == total(records)


def test_names_of_files_are_no_patterns(newcomer: Newcomer) -> None:
    records = rows(20)
    newcomer.drafts(newcomer.writes("orders[1].csv", csv_of(records)))
    assert sold(newcomer) == total(records)


@pytest.mark.parametrize("excel", [False, True])
@pytest.mark.parametrize(
    ("above", "below", "dropped"),
    [
        ([["Takings of the shop"], [], ["Branch", "South"], []], [], 0),
        ([], [["Total", "", "", "2024-02-05", "119", "999.50"]], 1),
        ([["Takings"]], [[], [], ["", "", "Grand total:", "", "119", "999.50"]], 1),
        ([], [["合计", "", "", "", "119", "999.50"], [], ["printed 2024-02-05"]], 1),
    ],
)
def test_titles_above_and_totals_below_the_table_are_no_orders(
    newcomer: Newcomer, above: list[list[str]], below: list[list[str]], dropped: int, excel: bool
) -> None:
    """Blank rows between, a day in the total's row, and what is printed below change nothing."""
    import xlsxwriter

    records = rows(60)
    table = [list(records[0]), *(list(r.values()) for r in records)]
    table.insert(31, [])
    cells = [(line + [""] * 6)[:6] for line in [*above, *table, *below]]
    if excel:
        with xlsxwriter.Workbook(newcomer.folder / "till.xlsx") as book:
            sheet = book.add_worksheet()
            for place, line in enumerate(cells):
                for column, cell in enumerate(line):
                    if cell:
                        number = column > 3 and cell[0].isdigit()
                        sheet.write(place, column, float(cell) if number else cell)
        newcomer.drafts()
    else:
        newcomer.drafts(newcomer.writes("till.csv", "\n".join(map(",".join, cells))))
    assert newcomer.as_of == date(2023, 1, 31)
    manifest = newcomer.reads()
    entry = next(e for e in manifest.ledger if e.table == "order_lines")
    assert entry.dropped.get("row of a total", 0) == dropped
    assert float(newcomer.lines()["net_amount"].sum()) == total(records)
    assert newcomer.table("products")["product_id"].nunique() == 5
    assert newcomer.table("customers")["customer_id"].nunique() == 9


def test_a_product_called_total_is_sold(newcomer: Newcomer) -> None:
    records = rows(60)
    records[7]["sku"] = "Total"
    newcomer.drafts(newcomer.writes("till.csv", csv_of(records)))
    assert "row of a total" not in newcomer.mapping_text
    assert sold(newcomer) == total(records)


# ---------------------------------------------------------------- which column is it


def test_order_numbers_with_a_letter_are_no_returns_unless_amounts_are_below_zero(
    newcomer: Newcomer,
) -> None:
    records = rows(60)
    for record in records[::3]:
        record["order id"] = f"W{record['order id']}"
    newcomer.drafts(newcomer.writes("till.csv", csv_of(records)))
    assert "returns:" not in newcomer.mapping_text
    assert sold(newcomer) == total(records)


def test_a_letter_of_returns_with_amounts_above_zero_is_asked_about(newcomer: Newcomer) -> None:
    records = rows(60)
    for record in records[::6]:
        record["order id"] = f"C{record['order id']}"
    newcomer.drafts(newcomer.writes("till.csv", csv_of(records)))
    assert '    # returns: {column: "order id"' in newcomer.mapping_text.replace(
        "column: order id", 'column: "order id"'
    )
    assert "UNSURE: orders that begin with C have amounts above zero" in newcomer.mapping_text
    assert sold(newcomer) == total(records)


def test_a_line_total_after_discount_is_taken_and_the_identity_said(newcomer: Newcomer) -> None:
    """qty x unit_price is not what was paid where 20 % went off."""
    records = [
        r | {"line_total": f"{float(r['qty']) * float(r['unit_price']) * 0.8:.2f}"}
        for r in rows(60)
    ]
    newcomer.drafts(newcomer.writes("till.csv", csv_of(records)))
    assert "UNSURE: it is qty x unit_price in only 0 of 60 rows" in newcomer.line("net_amount")
    assert sold(newcomer) == pytest.approx(0.8 * total(records))


@pytest.mark.parametrize("kind", ["amount", "share", "percent"])
def test_a_discount_column_explains_the_line_total(newcomer: Newcomer, kind: str) -> None:
    records, paid = [], 0.0
    for i, record in enumerate(rows(60)):
        product = float(record["qty"]) * float(record["unit_price"])
        off = (i % 3) / 10
        paid += (net := round(product * (1 - off), 2))
        shown = {"amount": f"{product - net:.2f}", "share": f"{off:.2f}", "percent": f"{off:.0%}"}
        records.append(record | {"discount": shown[kind], "line_total": f"{net:.2f}"})
    newcomer.drafts(newcomer.writes("till.csv", csv_of(records)))
    assert "it is qty x unit_price less discount in 60 of 60 rows" in newcomer.line("net_amount")
    assert sold(newcomer) == pytest.approx(paid)
    lists = newcomer.table("order_lines")["list_amount"].astype(float).sum()
    assert lists == pytest.approx(total(records))


def test_a_line_total_that_is_the_product_is_said_to_be(newcomer: Newcomer) -> None:
    records = [r | {"amount": f"{float(r['qty']) * float(r['unit_price']):.2f}"} for r in rows(60)]
    newcomer.drafts(newcomer.writes("till.csv", csv_of(records)))
    assert "# it is qty x unit_price in 60 of 60 rows" in newcomer.line("net_amount")
    assert sold(newcomer) == pytest.approx(total(records))


def test_an_order_total_on_each_line_is_not_added_up(newcomer: Newcomer) -> None:
    records = rows(60)
    for first, second in zip(records[::2], records[1::2], strict=True):
        first["total"] = second["total"] = f"{total([first, second]):.2f}"
    newcomer.drafts(newcomer.writes("till.csv", csv_of(records)))
    assert "total is the order's total, on each line of 30 of 30 orders" in newcomer.line(
        "net_amount"
    )
    assert sold(newcomer) == pytest.approx(total(records))


def test_an_order_total_and_nothing_else_is_a_question(newcomer: Newcomer) -> None:
    records = [
        {k: v for k, v in r.items() if k != "unit_price"} | {"total": f"{5 + i // 2}.00"}
        for i, r in enumerate(rows(60))
    ]
    newcomer.drafts(newcomer.writes("till.csv", csv_of(records)))
    assert newcomer.line("net_amount").startswith('net_amount: "?"   # UNSURE: total is the same')
    with pytest.raises(ParamsError, match=r"order_lines\.columns\.net_amount still says \?"):
        newcomer.reads()


def test_a_price_that_grows_with_the_quantity_is_the_lines(newcomer: Newcomer) -> None:
    records = rows(60)
    paid = total(records)
    for record in records:
        record["unit_price"] = f"{float(record['qty']) * float(record['unit_price']):.2f}"
    text = csv_of(records).replace("unit_price", "price")
    newcomer.drafts(newcomer.writes("till.csv", text))
    assert "UNSURE: it grows with qty" in newcomer.line("net_amount")
    assert sold(newcomer) == pytest.approx(paid)


def test_an_id_beats_a_name(newcomer: Newcomer) -> None:
    """CRMs export a look-up twice; names are no keys."""
    orders = [
        f"{n},2024-01-{1 + n % 28:02},Ann Lee,77{n % 8:04},P{n % 3},1,4.00" for n in range(60)
    ]
    people = [f"77{n:04},Ann Lee,Leaf" for n in range(8)]
    newcomer.writes(
        "orders.csv",
        "\n".join(["Order No,Order Date,Contact Name,Contact Name.id,SKU,Qty,Price", *orders]),
    )
    newcomer.writes("contacts.csv", "\n".join(["Record Id,Full Name,City", *people]))
    newcomer.drafts()
    newcomer.reads()
    assert newcomer.lines()["customer_id"].nunique() == 8
    assert set(newcomer.table("customers")["customer_id"]) == set(newcomer.lines()["customer_id"])


def test_a_key_that_joins_less_than_half_is_said(newcomer: Newcomer) -> None:
    newcomer.writes("orders.csv", csv_of(rows(80)))
    newcomer.writes("customers.csv", "\n".join(["customer id,city", "C1,Leaf", "C2,Leaf", "X,Y"]))
    newcomer.drafts()
    assert "UNSURE: only 2 of 9 customers of the lines are found here" in newcomer.mapping_text


def test_thousands_that_could_be_decimals_are_a_question(newcomer: Newcomer) -> None:
    records = rows(30, qty="1", unit_price="12.500")
    newcomer.drafts(newcomer.writes("till.csv", csv_of(records)))
    assert "UNSURE: 12.500 may have decimals (decimal: '.') or thousands (decimal: ',')?" in (
        newcomer.mapping_text.replace("; 12.500", "UNSURE: 12.500")
    )
    newcomer.answers('decimal: "?"', 'decimal: ","')
    assert sold(newcomer) == 30 * 12_500


def test_a_decimal_comma_is_weighed_over_all_columns_of_numbers(newcomer: Newcomer) -> None:
    """0,800 kg beside a price of 3,20 is less than a kilo, not eight hundred."""
    lines = [
        f"{n};K{n % 4};2024-01-{1 + n % 28:02};A{n % 3};0,{n % 9 + 1}00;3,20" for n in range(60)
    ]
    newcomer.drafts(
        newcomer.writes("bons.csv", "\n".join(["Bonnr;Kunde;Datum;Artikel;Menge;Preis", *lines]))
    )
    assert sold(newcomer) == pytest.approx(
        sum(round((n % 9 + 1) / 10 * 3.2, 2) for n in range(60)), abs=0.31
    )


def test_rows_in_another_currency_are_left_out_by_name(newcomer: Newcomer) -> None:
    records = rows(60, currency="EUR")
    for record in records[::4]:
        record["currency"] = "USD"
    newcomer.drafts(newcomer.writes("till.csv", csv_of(records)))
    assert newcomer.line("currency").startswith("currency: EUR    # UNSURE: EUR, USD were seen")
    manifest = newcomer.reads()
    entry = next(e for e in manifest.ledger if e.table == "order_lines")
    assert entry.dropped == {"amount in another currency than EUR": 15}
    euros = total([r for r in records if r["currency"] == "EUR"])
    assert newcomer.lines()["net_amount"].sum() == pytest.approx(euros)


def test_a_sign_of_two_currencies_is_asked_about(newcomer: Newcomer) -> None:
    records = [r | {"unit_price": f"¥{r['unit_price']}"} for r in rows(30)]
    newcomer.drafts(newcomer.writes("till.csv", csv_of(records)))
    assert newcomer.line("currency") == (
        "currency: CNY    # UNSURE: the sign may be that of the yen (JPY)"
    )
    assert sold(newcomer) == total(rows(30))


# ---------------------------------------------------------------- ready mappings


def test_another_studys_mapping_is_named_and_not_copied(newcomer: Newcomer) -> None:
    records = rows(40)
    path = newcomer.writes("till.csv", csv_of(records))
    newcomer.drafts(path)
    own = newcomer.root / "params" / "sources" / "mine.yaml"
    own.write_text(
        newcomer.mapping_text.replace(
            "  - table: products",
            "    drop:\n      - rule: all\n        when: {column: sku, starts: S}\n"
            "  - table: products",
        )
    )
    (newcomer.root / "params" / "sources" / "broken.yaml").write_text("mapping: [")
    other = Newcomer(newcomer.root, "other")
    said = other.drafts(other.writes("till.csv", csv_of(records))).said
    assert any(
        "The mapping mine of another study fits as well; it was not copied" in s for s in said
    )
    assert any(s.startswith("broken.yaml is not valid YAML") for s in said)
    assert "rule: all" not in other.mapping_text
    assert sold(other) == total(records)


def test_what_a_ready_mapping_knows_reaches_the_params(newcomer: Newcomer) -> None:
    head = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
    lines = [f"5{n},8500{n % 9},MUG,2,{n}/12/2010 08:26,1.50,17850.0,France" for n in range(1, 29)]
    newcomer.drafts(newcomer.writes("Online Retail.csv", "\n".join([head, *lines])))
    from analysis import params

    study = params.load("mine", root=newcomer.root)
    assert (study.currency, study.timezone) == ("GBP", "Europe/London")
    assert study.notebook_parameters("04_forecast")["country"] == "GB"
    assert study.notebook_parameters("05_baskets")["without"] == ["SERVICES"]
    assert "ready:" not in newcomer.mapping_text


def test_zoho_modules_with_ids_and_names_are_the_ready_mapping(newcomer: Newcomer) -> None:
    newcomer.writes(
        "Contacts.csv", "Record Id,Email,Last Name\n7001,a@x.com,Lee\n7002,b@x.com,Lee\n"
    )
    newcomer.writes("Accounts.csv", "Record Id,Account Name\n8001,Leaf\n")
    newcomer.writes("Products.csv", "Record Id,Product Name\n9001,Tea\n")
    newcomer.writes(
        "Sales_Orders.csv",
        "Record Id,Contact Name,Contact Name.id,Created Time\n"
        "1,Lee,7001,2024-03-01T10:00:00+01:00\n2,Lee,7002,2024-03-05T10:00:00+01:00\n",
    )
    newcomer.writes(
        "Ordered_Items.csv",
        "Record Id,Parent Id,Parent Id.id,Product Name,Product Name.id,Quantity,List Price\n"
        "11,SO1,1,Tea,9001,2,3.00\n12,SO2,2,Tea,9001,1,3.00\n",
    )
    said = newcomer.drafts().said
    assert "The header is that of the ready mapping zoho_crm, which was copied." in said
    assert newcomer.as_of == date(2024, 3, 6)
    assert sold(newcomer) == 9.0
    assert sorted(newcomer.lines()["customer_id"]) == ["7001", "7002"]


def test_fxiaoke_objects_with_numbers_and_names_are_the_ready_mapping(newcomer: Newcomer) -> None:
    """The preset objects as they are exported, each with its own number beside names."""
    import xlsxwriter

    objects = {
        "客户": [
            ["客户名称", "客户编号", "电话", "省", "市", "客户级别", "创建时间"],
            ["上海百货", "C-001", "13800138000", "上海", "上海市", "A", "2023-01-05 10:00"],
            ["北京书店", "C-002", "13800138001", "北京", "北京市", "B", "2023-01-06 10:00"],
        ],
        "产品": [
            ["产品名称", "产品编码", "产品分类", "标准价格（元）"],
            ["茶壶", "P-01", "厨具", 650],
            ["茶杯", "P-02", "厨具", 20],
        ],
        "销售订单": [
            ["销售订单编号", "客户名称", "下单日期", "销售订单金额（元）", "订单状态"],
            ["SO-1", "上海百货", "2024-03-01", "1,380.00", "已确认"],
            ["SO-2", "北京书店", "2024-03-04", "20.00", "已确认"],
            ["SO-3", "北京书店", "2024-03-05", "20.00", "已作废"],
        ],
        "订单产品": [
            ["订单产品编号", "销售订单编号", "产品名称", "数量", "销售单价（元）", "小计（元）"],
            ["SOP-1", "SO-1", "茶壶", 2, 650, "￥1,300.00"],
            ["SOP-2", "SO-1", "茶杯", 4, 20, "￥80.00"],
            ["SOP-3", "SO-2", "茶杯", 1, 20, "￥20.00"],
            ["SOP-4", "SO-3", "茶杯", 1, 20, "￥20.00"],
        ],
    }
    for name, table in objects.items():
        with xlsxwriter.Workbook(newcomer.folder / f"{name}.xlsx") as book:
            sheet = book.add_worksheet()
            for place, row in enumerate(table):
                sheet.write_row(place, 0, row)
    said = newcomer.drafts().said
    assert "The header is that of the ready mapping fxiaoke, which was copied." in said
    assert newcomer.as_of == date(2024, 3, 6)
    assert sold(newcomer) == 1_400.0
    assert newcomer.lines()["customer_id"].nunique() == 2
    assert set(newcomer.table("customers")["level"]) == {"A", "B"}


# ---------------------------------------------------------------- many files, large files


def test_a_folder_of_three_hundred_files_is_one_pattern(newcomer: Newcomer) -> None:
    paid = 0.0
    for day in range(300):
        when = date(2023, 1, 1) + timedelta(days=day)
        records = [
            r | {"order id": f"{day}-{r['order id']}", "order date": str(when)} for r in rows(10)
        ]
        paid += total(records)
        newcomer.writes(f"till_{when:%Y%m%d}.csv", csv_of(records))
    said = newcomer.drafts().said
    assert said[0] == "till_20230101.csv with 299 others like it: 6 columns"
    assert newcomer.line("paths") == 'paths: ["till_*.csv"]'
    assert newcomer.as_of == date(2023, 10, 28)


def test_a_large_file_is_looked_at_with_little_memory(newcomer: Newcomer) -> None:
    import tracemalloc

    line = "{n},C{n},S{n},2024-01-{d:02},1,2.00,a note of some length to make the file large\n"
    path = newcomer.folder / "till.csv"
    with path.open("w") as file:
        file.write(HEAD + ",note\n")
        for n in range(400_000):
            file.write(line.format(n=n, d=1 + n // 14_400))
    tracemalloc.start()
    found = look(path, budget=1_000_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert path.stat().st_size > 25_000_000
    assert peak < 25_000_000
    assert 5_000 < len(found.rows) < 20_000
    assert len(set(found.values("order date"))) > 20


def test_a_quote_that_nothing_closes_hides_no_later_day(tmp_path: Path) -> None:
    """The engine's own reader of text would take all that follows for one broken row."""
    lines = [f"{n},C{n},S{n},2024-01-{1 + n // 40:02},1,2.00\n" for n in range(1_000)]
    lines.insert(300, '7,C7,"S7,2024-01-05,1,2.00\n')
    path = tmp_path / "till.csv"
    path.write_text(HEAD + "\n" + "".join(lines))
    found = look(path, budget=6_000)
    assert not found.whole
    days = day_counts([found], "order date")
    assert (days.total(), min(days), max(days)) == (1_000, "2024-01-01", "2024-01-25")
