# ruff: noqa: E501 (rows as the exports write them)
"""The ready mappings, each on a small export of its kind made by its documentation."""

from __future__ import annotations

import shutil
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
import xlsxwriter

from analysis.ingest.mapping import model
from tests.ingest.shop import Shop

READY = Path(__file__).parents[2] / "params" / "sources"


@pytest.fixture
def ready(shop: Shop):
    def use(name: str) -> Shop:
        shutil.copy(READY / f"{name}.yaml", shop.root / "params" / "sources")
        shop.source = {"kind": "files", "mapping": name, "folder": "data/raw/shop"}
        return shop

    return use


def lines_of(shop: Shop) -> list[tuple]:
    rows = shop.table("order_lines")
    return sorted(
        (r["order_id"], r["product_id"], str(r["ordered_at"]), r["quantity"], r["net_amount"])
        for r in rows
    )


@pytest.mark.parametrize("path", sorted(READY.glob("*.yaml")), ids=lambda p: p.stem)
def test_every_mapping_in_the_project_is_valid(path: Path) -> None:
    assert model.load(path).mapping == path.stem


def test_online_retail(ready) -> None:
    shop = ready("online_retail")
    (shop.folder / "Online Retail.csv").write_bytes(
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\r\n"
        '536365,85123a,"HEART, WHITE",6,01/12/2010 08:26,2.55,17850.0,United Kingdom\r\n'
        "C536379,D,Discount,-1,01/12/2010 09:41,£27.50,14527.0,United Kingdom\r\n"
        "536414,22139,,56,01/12/2010 11:52,0.0,,United Kingdom\r\n"
        "A563185,B,Adjust bad debt,1,12/08/2011 14:50,11062.06,,United Kingdom\r\n"
        "C536400,22139,CAFÉ,4,01/12/2010 11:52,1.25,,France\r\n"
        "536500,TEST001,This is a test,1,01/12/2010 11:52,4.5,,United Kingdom\r\n".encode("latin-1")
    )
    result = shop.ingest()
    assert lines_of(shop) == [
        ("536365", "85123A", "2010-12-01 08:26:00", 6.0, Decimal("15.30")),
        ("C536379", "D", "2010-12-01 09:41:00", -1.0, Decimal("-27.50")),
        ("C536400", "22139", "2010-12-01 11:52:00", -4.0, Decimal("-5.00")),
    ]
    assert result.manifest.ledger[0].dropped == {
        "bad debt adjusted, not a sale": 1,
        "stock movement without price": 1,
        "test product": 1,
    }
    assert [r["customer_id"] for r in shop.table("customers")] == ["14527", "17850"]


def test_online_retail_ii_reads_both_sheets(ready) -> None:
    shop = ready("online_retail_ii")
    header = ["Invoice", "StockCode", "Description", "Quantity", "InvoiceDate", "Price",
              "Customer ID", "Country"]  # fmt: skip
    with xlsxwriter.Workbook(shop.folder / "online_retail_II.xlsx") as book:
        date = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        for name, year in (("Year 2009-2010", 2009), ("Year 2010-2011", 2010)):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, header)
            for row, invoice in ((1, 487_425 + year), (2, 536_365)):  # the second is in both
                sheet.write_row(row, 0, [invoice, "85048", "15CM GLOBE", 12])
                sheet.write_datetime(row, 4, datetime(year, 12, 15, 7, 45), date)
                sheet.write_row(row, 5, [6.95, 13085, "United Kingdom"])
    result = shop.ingest()
    assert [(e.source, e.accepted) for e in result.manifest.ledger if e.table == "order_lines"] == [
        ("online_retail_II.xlsx/Year 2009-2010", 1),
        ("online_retail_II.xlsx/Year 2010-2011", 2),
    ]
    shop.reconcile(result)
    assert lines_of(shop)[0] == (
        "489434", "85048", "2009-12-15 07:45:00", 12.0, Decimal("83.40")
    )  # fmt: skip
    assert [r["customer_id"] for r in shop.table("customers")] == ["13085"]


def test_cdnow(ready) -> None:
    shop = ready("cdnow")
    text = " 00001 19970101  1   11.77\n 00002 19970112  1   12.00\n 00002 19970112  5   77.00\n"
    (shop.folder / "CDNOW_master.txt").write_text(text)
    shop.ingest()
    assert [
        (r["customer_id"], r["quantity"], r["net_amount"]) for r in shop.table("order_lines")
    ] == [
        ("00001", 1.0, Decimal("11.77")),
        ("00002", 1.0, Decimal("12.00")),
        ("00002", 5.0, Decimal("77.00")),
    ]
    assert len({r["order_id"] for r in shop.table("order_lines")}) == 3


def test_cdnow_with_a_header_line(ready) -> None:
    """A copy whose first line holds names: no customer is called ``customer``."""
    shop = ready("cdnow")
    text = "customer_id date cds dollars\n 00001 19970101  1   11.77\n"
    (shop.folder / "CDNOW_master.txt").write_text(text)
    result = shop.ingest()
    assert [r["customer_id"] for r in shop.table("customers")] == ["00001"]
    assert result.manifest.ledger[0].dropped == {"header line": 1}


SHOPIFY = (
    "Name,Email,Financial Status,Currency,Discount Amount,Created at,Lineitem quantity,"
    "Lineitem name,Lineitem price,Lineitem sku,Cancelled at,Refunded Amount,Vendor,Id,Source,"
    "Lineitem discount,Billing City,Billing Country,Billing Phone,Phone,Accepts Marketing\n"
)


def test_shopify(ready) -> None:
    shop = ready("shopify")
    (shop.folder / "orders_export_1.csv").write_text(
        SHOPIFY
        + "#1,Ann@X.com,paid,GBP,5.00,2024-07-01 10:00:00 +0200,2,Mask,34.90,M1,,10.00,Leaf,74,web,"
        "1.80,Paris,FR,,'+33610826417,yes\n"
        "#1,Ann@X.com,,,,2024-07-01 10:00:00 +0200,1,Balm,9.00,,,,Leaf,,,0.00,,,,,\n"
        "#2,,paid,GBP,0.00,2024-07-02 10:00:00 +0100,1,Mask,34.90,M1,,0.00,Leaf,75,pos,,,,,,\n"
        "#3,bo@x.com,voided,GBP,0.00,2024-07-02 11:00:00 +0100,1,Mask,34.90,M1,"
        "2024-07-03 09:00:00 +0100,0.00,Leaf,76,web,,,,,,\n"
    )
    shop.ingest()
    assert lines_of(shop) == [
        ("#1", "(order discount)", "2024-07-01 09:00:00", 0.0, Decimal("-5.00")),
        ("#1", "(refund)", "2024-07-01 09:00:00", 0.0, Decimal("-10.00")),
        ("#1", "Balm", "2024-07-01 09:00:00", 1.0, Decimal("9.00")),
        ("#1", "M1", "2024-07-01 09:00:00", 2.0, Decimal("68.00")),
        ("#2", "M1", "2024-07-02 10:00:00", 1.0, Decimal("34.90")),
    ]
    people = {r["personal_key"]: r for r in shop.table("customers")}
    ann = people["ann@x.com"]
    assert (ann["city"], ann["consent_email"]) == ("Paris", True)
    assert {r["customer_id"] for r in shop.table("order_lines")} == {ann["customer_id"], None}


REFUNDS = (
    "Name,Email,Financial Status,Currency,Subtotal,Shipping,Taxes,Total,Created at,"
    "Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Cancelled at,Refunded Amount\n"
)


def test_a_shopify_refund_gives_back_no_more_than_the_goods(ready) -> None:
    """The refund of order 1 holds tax and shipping (100 + 20 + 10): its goods come to nothing."""
    shop = ready("shopify")
    at = "2024-07-01 10:00:00 +0100"
    (shop.folder / "orders_export.csv").write_text(
        REFUNDS
        + f"#1,a@x.com,refunded,GBP,100.00,10.00,20.00,130.00,{at},1,Mask,60.00,M1,,130.00\n"
        + f"#1,a@x.com,,,,,,,{at},1,Balm,40.00,B1,,\n"
        + f"#2,b@x.com,partially_refunded,GBP,60.00,0,0,60.00,{at},1,Mask,60.00,M1,,15.00\n"
        + f"#3,b@x.com,expired,GBP,60.00,0,0,60.00,{at},1,Mask,60.00,M1,,0.00\n"
        + f"#4,b@x.com,voided,GBP,60.00,0,0,60.00,{at},1,Mask,60.00,M1,,60.00\n"
    )
    result = shop.ingest()
    nets: dict[str, Decimal] = {}
    for row in shop.table("order_lines"):
        nets[row["order_id"]] = nets.get(row["order_id"], Decimal(0)) + row["net_amount"]
    assert nets == {"#1": Decimal("0.00"), "#2": Decimal("45.00")}
    assert result.manifest.ledger[0].dropped == {"payment voided or expired": 2}


def test_a_shopify_export_of_two_currencies_counts_only_the_study_s(ready) -> None:
    shop = ready("shopify")
    at = "2024-07-01 10:00:00 +0100"
    (shop.folder / "orders_export.csv").write_text(
        REFUNDS
        + f"#1,a@x.com,paid,GBP,60.00,0,0,60.00,{at},1,Mask,60.00,M1,,0.00\n"
        + f"#2,a@x.com,paid,EUR,70.00,0,0,70.00,{at},1,Mask,70.00,M1,,0.00\n"
    )
    result = shop.ingest()
    assert [r["net_amount"] for r in shop.table("order_lines")] == [Decimal("60.00")]
    assert result.manifest.ledger[0].rejected == {"its amounts are in EUR, the study's in GBP": 1}


WOO = (
    "order_id,date,status,billing_email,order_currency,order_total,refunded_total,item_name,"
    "item_sku,item_quantity,item_subtotal,item_total,item_refunded,item_refunded_qty\n"
)


def test_woocommerce_refunds_stated_for_the_order_alone(ready) -> None:
    """Order 1 is refunded whole (goods 30, with tax and shipping 42), order 2 by half, order 3
    for one item; trash and cancelled orders are no sales."""
    shop = ready("woocommerce")
    at = "2024-02-29 10:00:00"
    (shop.folder / "orders.csv").write_text(
        WOO
        + f"1,{at},refunded,a@x.com,GBP,42.00,42.00,Mug,MUG,2,20.00,20.00,0,0\n"
        + f"1,{at},refunded,a@x.com,GBP,42.00,42.00,Cup,CUP,1,10.00,10.00,0,0\n"
        + f"2,{at},completed,a@x.com,GBP,40.00,-20.00,Mug,MUG,2,30.00,30.00,0,0\n"
        + f"3,{at},completed,b@x.com,GBP,36.00,12.00,Mug,MUG,2,20.00,20.00,10.00,1\n"
        + f"3,{at},completed,b@x.com,GBP,36.00,12.00,Cup,CUP,1,10.00,10.00,0,0\n"
        + f"4,{at},trash,b@x.com,GBP,36.00,0,Cup,CUP,1,10.00,10.00,0,0\n"
        + f"5,{at},wc-cancelled,b@x.com,GBP,36.00,0,Cup,CUP,1,10.00,10.00,0,0\n"
    )
    result = shop.ingest()
    nets: dict[str, Decimal] = {}
    for row in shop.table("order_lines"):
        nets[row["order_id"]] = nets.get(row["order_id"], Decimal(0)) + row["net_amount"]
    assert nets == {"1": Decimal("0.00"), "2": Decimal("15.00"), "3": Decimal("20.00")}
    assert result.manifest.ledger[0].dropped == {"order not paid": 2}


def test_woocommerce(ready) -> None:
    shop = ready("woocommerce")
    (shop.folder / "orders.csv").write_text(
        "order_id,order_number,date,status,customer_id,billing_email,billing_city,billing_country,"
        "billing_phone,item_id,item_name,item_product_id,item_sku,item_quantity,item_subtotal,"
        "item_total,item_refunded,item_refunded_qty\n"
        "7,7,2024-02-29 10:00:00,completed,3,Ann@X.com,Leeds,GB,,1,Mug,11,MUG,2,20.00,18.00,9.00,1\n"
        "8,8,2024-03-01 10:00:00,cancelled,3,ann@x.com,Leeds,GB,,2,Mug,11,MUG,1,10.00,10.00,0,0\n"
    )
    shop.ingest()
    assert lines_of(shop) == [
        ("7", "MUG", "2024-02-29 10:00:00", -1.0, Decimal("-9.00")),
        ("7", "MUG", "2024-02-29 10:00:00", 2.0, Decimal("18.00")),
    ]


def test_zoho_crm(ready) -> None:
    shop = ready("zoho_crm")
    files = {
        "Contacts_1.csv": "Id,First_Name,Last_Name,Email,Phone,Mobile,Mailing_City,Mailing_State,"
        "Email_Opt_Out,Created_Time,Account_Name\n"
        "c1,Ann,Lee,ann@x.com,,,Leeds,Yorkshire,true,2024-01-01T09:00:00+05:30,a1\n"
        "c2,Bo,Li,,,,,,false,2024-01-02T09:00:00+05:30,\n",
        "Accounts.csv": "Id,Account_Name,Industry\na1,Acme,Retail\n",
        "Products.csv": "Id,Product_Name,Product_Category\np1,Kettle,Kitchen\n",
        "Sales_Orders.csv": "Id,Subject,Contact_Name,Created_Time,Status\n"
        "s1,x,c1,2024-06-01T12:00:00+05:30,Created\ns2,y,c2,2024-06-02T12:00:00+05:30,Cancelled\n",
        "Ordered_Items.csv": "Id,Parent_Id,Product_Name,Quantity,List_Price,Discount\n"
        "i1,s1,p1,2,30,5\ni2,s2,p1,1,30,0\ni3,s9,p1,1,30,0\n",
        "Deals.csv": "Id,Deal_Name,Contact_Name,Amount,Stage,Created_Time\n"
        "d1,Big,c1,1000,Closed Won,2024-06-03T12:00:00+05:30\n"
        "d2,Lost,c1,1000,Closed Lost,2024-06-03T12:00:00+05:30\n",
        "Campaigns.csv": "Id,Campaign_Name,Start_Date,End_Date,Type,Actual_Cost\n"
        "k1,Spring,2024-03-01,2024-03-31,Email,500\n",
    }
    for name, text in files.items():
        (shop.folder / name).write_text(text)
    result = shop.ingest()
    assert lines_of(shop) == [
        ("deal:d1", "(deal)", "2024-06-03 07:30:00", 1.0, Decimal("1000.00")),
        ("s1", "p1", "2024-06-01 07:30:00", 2.0, Decimal("55.00")),
    ]
    items = next(e for e in result.manifest.ledger if e.source == "Ordered_Items.csv")
    assert items.dropped == {"order cancelled": 1}
    assert items.rejected == {"ordered_at is missing": 1}  # its order was not exported
    ann, bo = shop.table("customers")
    assert (ann["consent_email"], ann["industry"], bo["consent_email"]) == (False, "Retail", True)
    assert result.manifest.rows["promotions"] == 1


def workbook(path: Path, header: list[str], *rows: list) -> None:
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate([header, *rows]):
            sheet.write_row(number, 0, row)


def test_fxiaoke(ready) -> None:
    shop = ready("fxiaoke")
    shop.currency = "CNY"
    workbook(shop.folder / "客户_导出.xlsx", ["客户名称", "电话", "省", "市", "客户级别", "创建时间"],
             ["上海百货", "13800138000", "上海", "上海市", "A", "2024-01-05 10:00"])  # fmt: skip
    workbook(shop.folder / "产品.xlsx", ["产品名称", "产品分类"], ["茶壶", "厨具"])
    workbook(shop.folder / "销售订单.xlsx", ["销售订单编号", "客户名称", "下单日期", "订单状态"],
             ["SO-1", "上海百货", "2024-03-01", "已确认"], ["SO-2", "上海百货", "2024-03-02", "已作废"])  # fmt: skip
    workbook(shop.folder / "订单产品.xlsx", ["销售订单编号", "产品名称", "数量", "小计（元）"],
             ["SO-1", "茶壶", 2, "￥1,299.00"], ["SO-2", "茶壶", 1, 10])  # fmt: skip
    shop.ingest()
    assert [(o, p, q, n) for o, p, _, q, n in lines_of(shop)] == [
        ("SO-1", "茶壶", 2.0, Decimal("1299.00"))
    ]
    assert shop.table("customers")[0]["level"] == "A"
