"""A newcomer's path from raw bytes to canonical totals: `new`, at most three edits, the tables."""

from __future__ import annotations

import random
import shutil
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from analysis import params
from analysis.errors import ParamsError
from analysis.promotions.experiments import experiments
from analysis.promotions.experiments.estimates import Rules
from analysis.promotions.outcomes.outcomes import Spans
from analysis.reporting.checking.check_page import doubts
from analysis.tables.engine import open_study
from tests import forked
from tests.faults.newcomer import Newcomer

READY = Path(__file__).parents[2] / "params" / "sources"


@pytest.fixture
def newcomer(tmp_path: Path) -> Newcomer:
    shutil.copytree(READY, tmp_path / "params" / "sources")
    (tmp_path / "notebooks").mkdir()
    return Newcomer(tmp_path)


def test_a_till_without_customers_and_with_the_time_apart(newcomer: Newcomer) -> None:
    """A bakery's till: Date, Time, Transaction, Item, and neither customer nor amount."""
    lines = ["Date,Time,Transaction,Item", "2016-10-30,09:58:11,1,Bread"]
    lines += [f"2016-10-{30 + i % 2},{10 + i % 8}:0{i % 10}:34,{i},Coffee" for i in range(2, 60)]
    said = newcomer.drafts(newcomer.writes("bakery.csv", "\n".join(lines))).said
    assert "marked UNSURE" in said[-1]
    assert newcomer.line("order_id") == "order_id: Transaction"
    assert newcomer.line("customer_id").startswith('customer_id: {constant: ""}   # UNSURE')
    assert newcomer.as_of == date(2016, 11, 1)
    newcomer.reads()
    table = newcomer.lines()
    assert len(table) == len(lines) - 1
    assert str(table["ordered_at"].min()) == "2016-10-30 09:58:11"
    assert table["customer_id"].isna().all()
    assert "cannot run 08_targets              No row of order_lines states its customer_id." in (
        newcomer.checks()
    )
    newcomer.runs("00", "01")


def pizzeria(newcomer: Newcomer, *, orders: int = 300) -> float:
    """Write a pizzeria's four files as pizzaplace has them and return what was sold."""
    drawn = random.Random(3)
    kinds = {f"kind_{i}": ("Classic", "Veggie")[i % 2] for i in range(6)}
    prices = {f"{kind}_{size}": 9.25 + n for kind in kinds for n, size in enumerate("sml")}
    newcomer.writes(
        "pizza_types.csv",
        "pizza_type_id,name,category,ingredients\n"
        + "".join(f'{k},The {k} Pizza,{group},"Tomato, Basil"\n' for k, group in kinds.items()),
    )
    newcomer.writes(
        "pizzas.csv",
        "pizza_id,pizza_type_id,size,price\n"
        + "".join(f"{k},{k[:-2]},{k[-1].upper()},{price}\n" for k, price in prices.items()),
    )
    heads, details, sold = (
        ["order_id,date,time"],
        ["order_details_id,order_id,pizza_id,quantity"],
        0.0,
    )
    for order in range(1, orders + 1):
        day = date(2015, 1, 1) + timedelta(days=order)
        heads.append(f"{order},{day},{11 + order % 10}:{order % 60:02}:36")
        for _ in range(drawn.randint(1, 4)):
            pizza, quantity = drawn.choice(list(prices)), drawn.choice([1, 1, 2])
            details.append(f"{len(details)},{order},{pizza},{quantity}")
            sold += quantity * prices[pizza]
    newcomer.writes("orders.csv", "\n".join(heads))
    newcomer.writes("order_details.csv", "\n".join(details))
    return sold


def test_four_files_whose_keys_match_are_looked_up(newcomer: Newcomer) -> None:
    sold = pizzeria(newcomer)
    said = newcomer.drafts().said
    assert (
        "order_id of order_details is looked up in orders: 300 of 300 values are found there."
        in said
    )
    assert newcomer.as_of == date(2015, 1, 1) + timedelta(days=301)
    newcomer.reads()
    table = newcomer.lines()
    assert table["net_amount"].sum() == pytest.approx(sold)
    assert str(table["ordered_at"].min()) == "2015-01-02 12:01:36"
    products = newcomer.table("products").set_index("product_id")
    assert products.loc["kind_1_m", "category"] == "Veggie"
    assert products.loc["kind_1_m", "name"] == "The kind_1 Pizza"


@pytest.mark.slow
def test_an_order_export_with_a_customers_file_and_a_products_file(newcomer: Newcomer) -> None:
    newcomer.writes(
        "customers.csv",
        "Customer ID,Customer Name,City,Region,Country\n"
        + "".join(f"C{i:03},Name {i % 9},Town {i % 5},North,Chile\n" for i in range(40)),
    )
    newcomer.writes(
        "products.csv",
        "Product ID,Product Name,Category,Sub-Category\n"
        + "".join(f"P{i:03},Thing {i},Office,Paper {i % 3}\n" for i in range(25)),
    )
    lines = ["Order ID,Order Date,Customer ID,Product ID,Quantity,Unit Price"]
    lines += [f"CA-{i // 2},{1 + i // 40}/{13 + i % 15}/2023,C{i // 2 % 40:03},P{i % 25:03},"
              f"{1 + i % 3},{2 + i % 25}.50" for i in range(240)]  # fmt: skip
    newcomer.writes("orders.csv", "\n".join(lines))
    newcomer.drafts()
    assert 'dates: ["%m/%d/%Y"]}' in newcomer.line("ordered_at")
    assert "UNSURE" not in newcomer.line("ordered_at")
    newcomer.reads()
    expected = sum((1 + i % 3) * (2.5 + i % 25) for i in range(240))
    assert newcomer.lines()["net_amount"].sum() == pytest.approx(expected)
    customers = newcomer.table("customers").set_index("customer_id")
    assert len(customers) == 40
    assert tuple(customers.loc["C003", ["region", "country", "city"]]) == (
        "North",
        "Chile",
        "Town 3",
    )
    products = newcomer.table("products").set_index("product_id")
    assert tuple(products.loc["P004", ["department", "category"]]) == ("Office", "Paper 1")
    assert "can run    02_segmentation" in newcomer.checks()
    newcomer.runs("00", "01", "02", "03", "04", "08")


def test_daily_files_in_a_folder_whose_receipts_restart(newcomer: Newcomer) -> None:
    """Three days with receipts 1 to 50 each are 150 orders, not 50."""
    for day in (1, 2, 3):
        rows = [f"{r},2024-03-0{day} 10:{r:02},S{r % 7},1,2.00" for r in range(1, 51)]
        newcomer.writes(f"till_{day}.csv", "\n".join(["receipt no,time,sku,qty,price", *rows]))
    newcomer.drafts()
    assert "stand for several orders" in newcomer.line("order_id")
    assert "    overlap:" not in newcomer.mapping_text
    assert newcomer.as_of == date(2024, 3, 4)
    newcomer.reads()
    table = newcomer.lines()
    assert table["order_id"].nunique() == len(table) == 150
    assert table["net_amount"].sum() == 300.0
    assert "cannot run 03_deciles" in newcomer.checks()
    reasons = newcomer.runs("00", "01")
    assert reasons["04_forecast"] == "1 week is too few to test forecasts of 8: 21 are the least."


def test_monthly_files_that_hold_orders_again_are_read_once(newcomer: Newcomer) -> None:
    """The last days of a month stand in the next export as well."""
    start = date(2024, 1, 1)
    for name, first, last in (("a_01", 0, 40), ("a_02", 31, 70), ("a_03", 60, 91)):
        rows = [
            f"{1000 + day},{start + timedelta(days=day)},C{day % 7},S{day % 5},1,3.00"
            for day in range(first, last)
        ]
        head = "order id,order date,customer id,sku,qty,price"
        newcomer.writes(f"{name}.csv", "\n".join([head, *rows]))
    newcomer.drafts(*sorted(newcomer.folder.iterdir()))
    assert newcomer.line("overlap").startswith("overlap: order_id")
    assert "UNSURE: 19 order numbers stand in several files" in newcomer.line("overlap")
    assert newcomer.line("paths") == 'paths: ["a_01.csv", "a_02.csv", "a_03.csv"]'
    assert newcomer.as_of == start + timedelta(days=91)
    newcomer.reads()
    assert newcomer.lines()["net_amount"].sum() == 3.0 * 91


def test_receipts_that_restart_each_month_in_one_file(newcomer: Newcomer) -> None:
    rows = [
        f"{day}/{month:02}/2024 12:00,{day * 10 + r},A{r},C{r * month},1,1.00"
        for month in (1, 2, 3)
        for day in range(1, 29)
        for r in range(5)
    ]
    newcomer.drafts(
        newcomer.writes("till.csv", "\n".join(["date,receipt,sku,customer id,qty,price", *rows]))
    )
    assert "so the month joins them" in newcomer.line("order_id")
    newcomer.reads()
    assert newcomer.lines()["order_id"].nunique() == 3 * 28 * 5


@pytest.mark.slow
def test_an_experiment_file(newcomer: Newcomer) -> None:
    """Hillstrom's columns: no customer, no day; the mean spend by arm is as in the file."""
    drawn = random.Random(5)
    arms, spent, rows = ("Mens E-Mail", "Womens E-Mail", "No E-Mail"), {}, []
    for n in range(600):
        arm = arms[n % 3]
        amount = round(drawn.uniform(20, 200), 2) if drawn.random() < 0.2 else 0
        spent[arm] = spent.get(arm, 0.0) + amount
        rows.append(
            f"{1 + n % 12},2) $100 - $200,{drawn.uniform(30, 900):.2f},{n % 2},Urban,Web,{arm},"
            f"{int(amount > 0 or n % 5 == 0)},{int(amount > 0)},{amount}"
        )
    head = "recency,history_segment,history,newbie,zip_code,channel,segment,visit,conversion,spend"
    newcomer.drafts(newcomer.writes("email_test.csv", "\n".join([head, *rows])))
    assert 'values: {"No E-Mail": control}}' in newcomer.line("arm")
    with pytest.raises(ParamsError, match=r"as_of"):
        newcomer.reads()
    newcomer.answers('&start "?"', "&start 2008-03-01")
    newcomer.answers('&end "?"', "&end 2008-03-14")
    newcomer.answers('as_of: "?"', "as_of: 2008-03-15")
    newcomer.reads()
    assigned = newcomer.table("assignments")
    assert assigned["arm"].value_counts().to_dict() == dict.fromkeys(
        ("control", "Mens E-Mail", "Womens E-Mail"), 200
    )
    lines = newcomer.lines().merge(assigned, on="customer_id")
    sums = lines.groupby("arm")["net_amount"].sum()
    assert sums["control"] == pytest.approx(spent["No E-Mail"])
    assert sums["Mens E-Mail"] == pytest.approx(spent["Mens E-Mail"])
    assert set(newcomer.table("customers")["zip_code"]) == {"Urban"}
    tables = open_study("mine", root=newcomer.root)
    spans = Spans(newcomer.as_of, before_days=14, after_days=7)
    judged = experiments.judge(tables, spans, Rules(primary="net"), experiments.Standards())
    tables.close()
    estimates = judged.estimates.query("primary").set_index("arm")
    for arm in ("Mens E-Mail", "Womens E-Mail"):
        plain = (spent[arm] - spent["No E-Mail"]) / 200
        assert estimates.loc[arm, "difference"] == pytest.approx(plain, abs=1e-9)
    assert "can run    06_promotions" in newcomer.checks()
    newcomer.runs("00", "01", "02", "03", "06", "08")


def test_an_experiment_without_amounts_counts_who_came_back(newcomer: Newcomer) -> None:
    """Cookie Cats' columns: a version, and whether the player came back after 1 and 7 days."""
    rows = [f"{n},gate_{30 + 10 * (n % 2)},{n % 50},{n % 3 == 0},{n % 7 == 0}" for n in range(210)]
    head = "userid,version,sum_gamerounds,retention_1,retention_7"
    newcomer.drafts(newcomer.writes("cookie_cats.csv", "\n".join([head, *rows])))
    assert "UNSURE: which arm is the control?" in newcomer.line("arm")
    assert "UNSURE: is that the outcome, or retention_1?" in newcomer.mapping_text
    newcomer.answers('&start "?"', "&start 2016-01-01")
    newcomer.answers('&end "?"', "&end 2016-01-08")
    newcomer.answers('as_of: "?"', "as_of: 2016-01-09")
    newcomer.reads()
    assert len(newcomer.lines()) == sum(n % 7 == 0 for n in range(210))


def test_a_basket_file(newcomer: Newcomer) -> None:
    """Groceries: a basket a line, padded nowhere, no header."""
    drawn, goods = random.Random(2), [f"item {i}" for i in range(30)]
    baskets = [drawn.sample(goods, drawn.randint(1, 9)) for _ in range(200)]
    said = newcomer.drafts(
        newcomer.writes("groceries.csv", "\n".join(",".join(b) for b in baskets))
    ).said
    assert said[0] == "groceries.csv: a basket a line"
    newcomer.answers('{constant: "?"}', "{constant: 2024-01-31}")
    newcomer.answers('as_of: "?"', "as_of: 2024-02-01")
    newcomer.reads()
    table = newcomer.lines()
    assert len(table) == sum(map(len, baskets))
    assert table["order_id"].nunique() == 200
    counted = table["product_id"].value_counts()
    assert counted["item 7"] == sum("item 7" in b for b in baskets)
    assert "can run    05_baskets" in newcomer.checks()
    reasons = newcomer.runs("00", "01")
    assert reasons["05_baskets"].startswith("All orders are of 31 Jan 2024, none of")


def test_baskets_padded_under_a_numbered_header(newcomer: Newcomer) -> None:
    drawn, goods = random.Random(2), [f"good {i}" for i in range(20)]
    baskets = [drawn.sample(goods, drawn.randint(1, 8)) for _ in range(60)]
    lines = ["Item(s)," + ",".join(f"Item {i}" for i in range(1, 9))]
    lines += [",".join([str(len(b)), *b, *[""] * (8 - len(b))]) for b in baskets]
    newcomer.drafts(newcomer.writes("groceries.csv", "\n".join(lines)))
    newcomer.answers('{constant: "?"}', "{constant: 2024-01-31}")
    newcomer.answers('as_of: "?"', "as_of: 2024-02-01")
    manifest = newcomer.reads()
    entry = next(e for e in manifest.ledger if e.table == "order_lines")
    assert entry.dropped == {"a number, not a product": 60}
    assert len(newcomer.lines()) == sum(map(len, baskets))


def test_a_file_without_a_header_asks_which_column_is_the_amount(newcomer: Newcomer) -> None:
    lines = [f" {i // 3:05} 1997{1 + i // 28 % 12:02}{1 + i % 28:02} {1 + i % 3} {10 + i % 7}.77"
             for i in range(400)]  # fmt: skip
    newcomer.drafts(newcomer.writes("purchases.txt", "\n".join(lines)))
    assert "UNSURE: no name tells an amount; is it column 4?" in newcomer.line("net_amount")
    assert newcomer.as_of == date(1997, 12, 29)
    newcomer.answers('net_amount: "?"', "net_amount: column 4")
    newcomer.answers('customer_id: {constant: ""}', "customer_id: column 1")
    newcomer.reads()
    assert newcomer.lines()["net_amount"].sum() == pytest.approx(
        sum(10.77 + i % 7 for i in range(400))
    )


def test_an_order_export_of_a_marketplace(newcomer: Newcomer) -> None:
    """Olist's files: heads, items, payments, customers, products and their categories."""
    start = datetime(2017, 1, 1)
    heads = [f'"o{i:04}","k{i:04}","delivered","{start + timedelta(hours=7 * i)}",""'
             for i in range(200)]  # fmt: skip
    items = [f'"o{i // 2:04}","{1 + i % 2}","p{i % 30:03}","s{i % 4}",'
             f'"{start + timedelta(days=i)}","{10 + i % 30}.90","8.72"'
             for i in range(400)]  # fmt: skip
    files = {
        "orders": ("order_id,customer_id,order_status,order_purchase_timestamp,"
                   "order_delivered_customer_date", heads),
        "items": ("order_id,order_item_id,product_id,seller_id,shipping_limit_date,price,"
                  "freight_value", items),
        "payments": ("order_id,payment_type,payment_value",
                     [f'"o{i:04}","card","25.00"' for i in range(200)]),
        "customers": ("customer_id,customer_unique_id,customer_city,customer_state",
                      [f'"k{i:04}","u{i:04}","franca","SP"' for i in range(200)]),
        "products": ("product_id,product_category_name,product_weight_g",
                     [f'"p{i:03}","perfumaria","225"' for i in range(30)]),
    }  # fmt: skip
    for name, (head, lines) in files.items():
        newcomer.writes(f"olist_{name}_dataset.csv", "\n".join([head, *lines]))
    said = newcomer.drafts().said
    assert "olist_payments_dataset.csv is not used." in said
    assert newcomer.as_of == (start + timedelta(hours=7 * 199)).date() + timedelta(days=1)
    newcomer.reads()
    expected = sum(10.9 + i % 30 for i in range(400))
    assert newcomer.lines()["net_amount"].sum() == pytest.approx(expected)
    assert set(newcomer.table("customers")["region"]) == {"SP"}
    assert set(newcomer.table("products")["category"]) == {"perfumaria"}


def test_check_says_lines_beyond_as_of_and_keys_that_miss(newcomer: Newcomer) -> None:
    lines = [f"{n},C{n % 10},2024-01-{1 + n % 28:02},S{n % 4},1,2.00" for n in range(280)]
    head = "order id,customer id,order date,sku,qty,price"
    newcomer.writes("orders.csv", "\n".join([head, *lines]))
    newcomer.writes("customers.csv", "customer id,city\nC1,Leaf\nC2,Leaf\nX9,Leaf\n")
    newcomer.drafts()
    newcomer.answers("as_of: 2024-01-29", "as_of: 2024-01-20")
    newcomer.reads()
    study = params.load("mine", root=newcomer.root)
    assert doubts(study, root=newcomer.root) == [
        "90 of 280 order lines lie on or after as_of (2024-01-20), so no report looks at them; the "
        "last is of 2024-01-28. To count them, say as_of: 2024-01-29.",
        "customer_id of order_lines: only 56 of 280 rows find theirs in customers; is it the right "
        "column?",
    ]


@pytest.mark.parametrize("guest", ["0"])
def test_a_customer_with_an_impossible_share_is_asked_about(newcomer: Newcomer, guest: str) -> None:
    """Six of ten receipts are of one customer; an edit makes them nobody's, and totals stay."""
    lines = [f"{n},{guest if n % 5 < 3 else f'K{n % 43}'},2024-01-{1 + n % 28:02},S{n % 4},1,2.00"
             for n in range(300)]  # fmt: skip
    head = "order id,customer id,order date,sku,qty,price"
    newcomer.drafts(newcomer.writes("orders.csv", "\n".join([head, *lines])))
    said = newcomer.checks()
    assert f"Customer {guest} has 60% of the orders: is it the guest? If so, say" in said
    newcomer.answers(
        "customer_id: customer id\n      product_id",
        f'customer_id: {{column: customer id, values: {{"{guest}": ""}}}}\n      product_id',
    )
    assert "is it the guest" not in newcomer.checks()
    table = newcomer.lines()
    assert table["net_amount"].sum() == 600.0
    assert table["customer_id"].isna().sum() == 180


def test_a_folder_on_the_command_line(newcomer: Newcomer) -> None:
    for folder in ("notebooks", "params"):
        shutil.copytree(READY.parents[1] / folder, newcomer.root / folder, dirs_exist_ok=True)
    pizzeria(newcomer, orders=40)

    def analysis(*words: str) -> str:
        done = forked.run(*words, cwd=newcomer.root)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "pizzas.csv: 4 columns" in analysis("new", "mine", "data/raw/mine")
    newcomer.answers("as_of: 2015-02-11", "as_of: 2015-01-31")
    said = analysis("check", "mine")
    assert "doubt: " in said
    assert "order lines lie on or after as_of (2015-01-31)" in said


def test_an_unanswered_question_is_refused_by_its_key(newcomer: Newcomer) -> None:
    rows = [",".join("abcdefgh"[: 1 + i % 6]) for i in range(40)]
    newcomer.drafts(newcomer.writes("baskets.csv", "\n".join(rows)))
    newcomer.answers('as_of: "?"', "as_of: 2024-02-01")
    words = r"mine\.yaml: tables\.order_lines\.columns\.ordered_at\.constant still says \?; answer"
    with pytest.raises(ParamsError, match=words):
        newcomer.reads()


def test_a_german_export_with_titles_above_the_header(newcomer: Newcomer) -> None:
    lines = ["Verkäufe der Filiale Süd;;;;;", "Stand 05.02.2024;;;;;", ";;;;;"]
    lines += ["Belegnr;Datum;Kundennr;Artikelnr;Menge;Einzelpreis"]
    lines += [f"{i // 2};{13 + i % 15}.01.2024;K{i // 2 % 9};A{i % 6};{1 + i % 2};1.2{i % 10}5,50"
              for i in range(80)]  # fmt: skip
    path = newcomer.writes("export.csv", "\r\n".join(lines), encoding="cp1252")
    newcomer.drafts(path)
    assert "    header: 4" in newcomer.mapping_text
    newcomer.reads()
    expected = sum((1 + i % 2) * (1205.5 + 10 * (i % 10)) for i in range(80))
    assert newcomer.lines()["net_amount"].sum() == pytest.approx(expected)
    assert newcomer.as_of == date(2024, 1, 28)
    assert "can run    02_segmentation" in newcomer.checks()
    reasons = newcomer.runs("00", "01", "08")
    assert reasons["02_segmentation"].startswith("Only 9 customers bought from 13 Jan 2024 to")


def test_a_chinese_export_in_gbk(newcomer: Newcomer) -> None:
    lines = ["订单编号,买家会员名,商品名称,数量,单价,订单创建时间"]
    lines += [f"{900_000 + i},会员{i % 11},茶叶{i % 4}号,{1 + i % 3},{20 + i % 4}.80,"
              f"2020/2/{1 + i % 28} {i % 24}:0{i % 10}" for i in range(120)]  # fmt: skip
    newcomer.drafts(newcomer.writes("天猫订单.csv", "\n".join(lines), encoding="gbk"))
    newcomer.reads()
    expected = sum((1 + i % 3) * (20.8 + i % 4) for i in range(120))
    assert newcomer.lines()["net_amount"].sum() == pytest.approx(expected)
    assert newcomer.lines()["customer_id"].nunique() == 11
    assert newcomer.as_of == date(2020, 2, 29)
    assert "timezone: Asia/Shanghai" in newcomer.params_text
    assert "can run    03_deciles" in newcomer.checks()
    reasons = newcomer.runs("00", "01", "02", "08")
    assert reasons["03_deciles"].startswith("Only 11 customers bought from 1 Mar 2019 to")


@pytest.mark.slow
def test_a_history_of_four_years(newcomer: Newcomer) -> None:
    """Superstore's columns: two levels of product, Region and Country, a discount in Sales."""
    rows = []
    for i in range(1460):
        day = date(2014, 1, 3) + timedelta(days=i)
        rows.append(
            f"{i},CA-{i // 2},{day.month}/{day.day}/{day.year},{day.month}/{day.day}/{day.year},"
            f"AB-{i // 2 % 60},Consumer,United States,West,OFF-{i % 40},Furniture,Chairs,"
            f"Chair {i % 40},{10 + i % 40}.25,{1 + i % 4},{(i % 3) / 10}"
        )
    head = (
        "Row ID,Order ID,Order Date,Ship Date,Customer ID,Segment,Country,Region,Product ID,"
        "Category,Sub-Category,Product Name,Sales,Quantity,Discount"
    )
    newcomer.drafts(newcomer.writes("superstore.csv", "\n".join([head, *rows])))
    assert newcomer.line("net_amount").startswith("net_amount: Sales ")
    newcomer.reads()
    assert newcomer.lines()["net_amount"].sum() == sum(10.25 + i % 40 for i in range(1460))
    assert newcomer.as_of == date(2014, 1, 3) + timedelta(days=1460)
    assert 'category: {column: "Sub-Category"' in newcomer.mapping_text
    assert "country: Country" in newcomer.mapping_text
    assert "can run    04_forecast" in newcomer.checks()
    newcomer.runs("00", "01", "02", "03", "04", "05", "08")
