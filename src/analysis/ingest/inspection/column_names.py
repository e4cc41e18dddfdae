"""Names that columns of order data go by in several languages, and which column each idea is."""

from __future__ import annotations

import re
from collections.abc import Iterable

#: Names as they read without blanks, case and signs; the best first.
NAMES: dict[str, tuple[str, ...]] = {
    "order_id": (
        "orderid", "orderno", "ordernumber", "ordernr", "invoiceno", "invoicenumber", "invoiceid",
        "receiptno", "receiptid", "receiptnumber", "ticketnumber", "ticketid", "transactionid",
        "transactionno", "basketid", "billno", "billid", "saleid", "bonnr", "bonnummer",
        "belegnummer", "belegnr", "bestellnummer", "bestellnr", "rechnungsnummer", "rechnungsnr",
        "auftragsnummer", "auftragsnr", "auftrag", "beleg", "bon", "receipt", "invoice",
        "transaction", "basket", "ticket", "order", "订单编号", "订单号", "销售订单编号", "单号",
        "小票号", "流水号",
    ),
    "customer_id": (
        "customerid", "customerno", "customernumber", "customercode", "contactnameid",
        "accountnameid", "contactid", "clientid", "memberid", "membernumber", "userid", "buyerid",
        "householdid", "householdkey", "cardno", "cardnumber", "cardid", "loyaltycard",
        "kundennummer", "kundennr", "kundenid", "客户编号", "客户id", "用户id", "会员号",
        "会员编号", "会员id", "会员卡号", "买家会员名", "买家昵称", "会员名", "customer", "client",
        "member", "buyer", "card", "kunde", "email", "customeremail", "customername",
        "contactname", "accountname", "kundenname", "客户名称", "客户",
    ),
    "product_id": (
        "stockcode", "sku", "lineitemsku", "productid", "productcode", "productno", "productnumber",
        "itemid", "itemcode", "itemno", "itemnumber", "articleid", "articleno", "artikelnummer",
        "artikelnr", "artnr", "ean", "upc", "barcode", "plu", "product", "item", "article",
        "artikel", "productname", "itemname", "商品编号", "商品编码", "商品id", "产品编码",
        "产品编号", "商品条码", "货号", "商品", "产品名称", "商品名称",
    ),
    "ordered_at": (
        "invoicedate", "orderdate", "orderedat", "ordereddate", "createdat", "ordertime",
        "orderdatetime", "orderpurchasetimestamp", "timestamp", "datetime", "transactiondate",
        "transactiontime", "transactiondatetime", "purchasedate", "saledate", "salesdate",
        "receiptdate", "date", "bestelldatum", "belegdatum", "buchungsdatum", "rechnungsdatum",
        "kaufdatum", "auftragsdatum", "verkaufsdatum", "datumuhrzeit", "datum", "time", "zeit",
        "下单时间", "下单日期", "订单创建时间", "订单付款时间", "付款时间", "订单日期", "成交时间",
        "交易时间", "销售日期", "日期", "创建时间",
    ),
    "time_of_day": (
        "time", "ordertime", "transactiontime", "saletime", "receipttime", "uhrzeit", "zeit",
        "时间", "下单时刻",
    ),
    "quantity": (
        "quantity", "qty", "orderquantity", "quantityordered", "orderqty", "itemquantity",
        "units", "unitssold", "pieces", "menge", "anzahl", "stueck", "stück", "stückzahl", "count",
        "数量", "购买数量", "商品数量", "件数",
    ),
    "price": (
        "unitprice", "price", "itemprice", "priceeach", "priceperunit", "preis", "einzelpreis",
        "stückpreis", "stueckpreis", "单价", "销售单价", "商品单价", "单价元", "销售单价元", "价格",
    ),
    "net_amount": (
        "netamount", "lineamount", "linetotal", "linevalue", "linenet", "extendedprice",
        "netsales", "amount", "total", "totalprice", "totalsales", "salesvalue", "salesamount",
        "sales", "revenue", "net", "spend", "betrag", "nettobetrag", "gesamtbetrag", "gesamtpreis",
        "gesamt", "umsatz", "summe", "小计", "小计元", "金额", "销售额", "销售金额", "实付金额",
        "实收金额", "买家实际支付金额", "总金额", "订单金额", "ordertotal", "ordervalue",
        "orderamount", "invoicetotal", "baskettotal", "receipttotal", "grandtotal", "totalamount",
        "totalvalue", "invoiceamount",
    ),
    "discount": (
        "discount", "discountamount", "discountrate", "discountpercent", "discountpct", "rabatt",
        "nachlass", "折扣", "优惠", "优惠金额",
    ),
    "name": (
        "description", "productname", "itemname", "productdescription", "producttitle", "title",
        "bezeichnung", "artikelbezeichnung", "produktname", "商品名称", "产品名称", "name",
    ),
    "department": (
        "department", "productgroup", "productdepartment", "warengruppe", "abteilung",
        "hauptgruppe", "部门", "大类", "一级分类",
    ),
    "category": (
        "category", "productcategory", "aisle", "productcategoryname", "productline", "kategorie",
        "productsubcategory", "subcategory", "unterkategorie", "产品分类", "分类", "类别", "中类",
        "二级分类", "商品分类",
    ),
    "subcategory": (
        "subcategory", "productsubcategory", "unterkategorie", "subdepartment", "小类", "三级分类",
    ),
    "store_id": ("storeid", "storeno", "storecode", "storename", "store", "shop", "branch",
                 "outlet", "filialnr", "filiale", "门店", "店铺", "门店编号"),
    "channel": ("channel", "saleschannel", "kanal", "渠道"),
    "region": ("region", "state", "province", "bundesland", "customerstate", "省", "省份", "地区"),
    "country": ("country", "land", "billingcountry", "国家"),
    "city": ("city", "customercity", "ort", "stadt", "市", "城市"),
    "currency": ("currency", "currencycode", "währung", "waehrung", "币种"),
    "email": ("email", "customeremail", "emailaddress", "邮箱", "邮件"),
    "phone": ("phone", "phonenumber", "mobile", "telefon", "手机", "手机号", "电话"),
}  # fmt: skip

#: No column serves two of these.
KEYS = ("order_id", "customer_id", "product_id", "ordered_at")
#: What stands behind the name of a thing where its identifier has a column of its own.
OF_IDS = ("id", "no", "nr", "code", "编号", "编码")
NOT_THE_ORDER = re.compile(r"birth|ship|deliver|update|modif|expir|due|geburt|liefer|退|发货|生日")


def plain(name: str) -> str:
    """Return a column's name without case, blanks, signs and what a look-up put before it."""
    return re.sub(r"[\W_]", "", name.casefold())


def ideas_of(header: Iterable[str], *, prefixes: Iterable[str] = ()) -> dict[str, str]:
    """Return the column that each idea most likely is.

    Parameters
    ----------
    header
        Names of the columns; those of a looked-up file begin with its name and a point.
    prefixes
        Names of the looked-up files.
    """
    names = list(header)
    places: dict[str, str] = {}
    for name in reversed(names):
        start = next((f"{p}." for p in prefixes if name.startswith(f"{p}.")), "")
        places[plain(name.removeprefix(start))] = name
    own = [n for n in reversed(names) if not any(n.startswith(f"{p}.") for p in prefixes)]
    places |= {plain(n): n for n in own}
    found: dict[str, str] = {}
    for idea, known in NAMES.items():
        taken = {found.get(key) for key in KEYS}
        free = {p: n for p, n in places.items() if n not in taken or idea in {"email", "name"}}
        match = next((_best(p, free, idea) for p in known if p in free), None)
        if match is not None:
            found[idea] = match
    return _levels(found)


def _best(known: str, free: dict[str, str], idea: str) -> str:
    """Return the column of that name, or, of a thing, the one with its identifier."""
    if idea in {"order_id", "customer_id", "product_id"}:
        ids = (free[known + suffix] for suffix in OF_IDS if known + suffix in free)
        return next(ids, free[known])
    return free[known]


def _levels(found: dict[str, str]) -> dict[str, str]:
    """Return the ideas, a category with levels below it taken for the department."""
    category, below = found.get("category"), found.get("subcategory")
    if below is None or "department" in found:
        return found
    rest = {k: v for k, v in found.items() if k != "subcategory"}
    if category is None or category == below:
        return rest | {"category": below}
    return rest | {"department": category, "category": below}
