"""Names that columns of order data go by in several languages, and which column each idea is."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

#: Names as they read without blanks, case, signs and accents; the best first.
NAMES: dict[str, tuple[str, ...]] = {
    "order_id": (
        "orderid", "orderno", "ordernumber", "ordernr", "invoiceno", "invoicenumber", "invoiceid",
        "receiptno", "receiptid", "receiptnumber", "ticketnumber", "ticketid", "transactionid",
        "transactionno", "basketid", "billno", "billid", "saleid", "bonnr", "bonnummer",
        "belegnummer", "belegnr", "bestellnummer", "bestellnr", "rechnungsnummer", "rechnungsnr",
        "auftragsnummer", "auftragsnr", "transactionsid", "ordersid", "numerocommande",
        "ncommande", "nocommande", "numerodecommande", "idcommande", "referencecommande",
        "numeroticket", "noticket", "numerofacture", "nofacture", "idpedido", "pedidoid",
        "numeropedido", "nopedido", "numpedido", "numerodepedido", "idfactura", "numerofactura",
        "nofactura", "idventa", "ventaid", "numeroventa", "idtransaccion", "nodopedido",
        "numerodopedido", "codigodopedido", "codigopedido", "idvenda", "vendaid", "numerovenda",
        "notafiscal", "numeronota", "numeroscontrino", "nscontrino", "scontrino", "numeroordine",
        "nordine", "idordine", "numerofattura", "nfattura", "idvendita", "ordernummer",
        "factuurnummer", "bestelnummer", "numerzamowienia", "nrzamowienia", "idzamowienia",
        "numerparagonu", "nrparagonu", "idtransakcji", "transakcjaid", "numerfaktury",
        "nrfaktury", "cisloobjednavky", "cislouctenky", "ordrenummer", "kvittonummer",
        "номерзаказа", "idзаказа", "номерчека", "номердокумента", "siparisno", "siparisid",
        "siparisnumarasi", "fisno", "faturano", "islemno", "注文番号", "注文id", "受注番号",
        "伝票番号", "取引番号", "レシート番号", "売上番号", "주문번호", "주문id", "거래번호",
        "영수증번호", "전표번호", "订单id", "交易编号", "訂單編號", "訂單號碼", "訂單號",
        "交易編號", "發票號碼", "單號", "auftrag", "beleg", "bon", "receipt", "invoice",
        "transaction", "basket", "ticket", "order", "订单编号", "订单号", "销售订单编号", "单号",
        "小票号", "流水号", "commande", "facture", "pedido", "factura", "transaccion",
        "cupomfiscal", "cupom", "ordine", "fattura", "kassabon", "zamowienie", "paragon",
        "transakcja", "objednavka", "заказ", "чек", "документ", "siparis", "fatura",
    ),
    "customer_id": (
        "customerid", "customerno", "customernumber", "customercode", "contactnameid",
        "accountnameid", "contactid", "clientid", "memberid", "membernumber", "userid", "buyerid",
        "householdid", "householdkey", "cardno", "cardnumber", "cardid", "loyaltycard",
        "kundennummer", "kundennr", "kundenid", "客户编号", "客户id", "用户id", "会员号",
        "会员编号", "会员id", "会员卡号", "买家会员名", "买家昵称", "会员名", "custid",
        "custcode", "custno", "shopperid", "userpseudoid", "buyeruserid", "idclient",
        "clientcode", "numeroclient", "noclient", "codeclient", "idcliente", "clienteid",
        "codigocliente", "codigodocliente", "codcliente", "numerocliente", "cpf", "codicecliente",
        "numerotessera", "tessera", "klantnummer", "klantid", "klantnr", "idklienta", "klientid",
        "numerklienta", "nrklienta", "kodklienta", "nabywca", "kundnummer", "idклиента",
        "кодклиента", "номерклиента", "idпокупателя", "номеркарты", "musteriid", "musterino",
        "musterinumarasi", "musterikodu", "顧客id", "顧客番号", "顧客コード", "お客様番号",
        "会員番号", "会員id", "고객번호", "고객id", "고객코드", "회원번호", "회원id", "會員卡號",
        "會員編號", "客戶編號", "客戶id", "顧客編號", "customer", "client", "member", "buyer",
        "card", "kunde", "email", "customeremail", "customername", "contactname", "accountname",
        "kundenname", "客户名称", "客户", "cust", "buyerusername", "buyeremail",
        "fromemailaddress", "cliente", "klant", "klient", "zakaznik", "kund", "клиент",
        "покупатель", "musteri", "顧客", "顧客名", "会員", "고객", "고객명", "회원", "會員",
        "客戶",
    ),
    "product_id": (
        "stockcode", "sku", "lineitemsku", "productid", "productcode", "productno",
        "productnumber", "itemid", "itemcode", "itemno", "itemnumber", "articleid", "articleno",
        "artikelnummer", "artikelnr", "artnr", "ean", "upc", "barcode", "plu", "prodcode",
        "prodid", "asin", "codearticle", "codeproduit", "refarticle", "referenceproduit",
        "idproduit", "produitid", "idproducto", "productoid", "codigoproducto", "codigoarticulo",
        "codarticulo", "idproduto", "produtoid", "codigoproduto", "codigodoproduto", "codproduto",
        "codicearticolo", "codiceprodotto", "idprodotto", "artikelcode", "kodproduktu",
        "idproduktu", "produktid", "kodtowaru", "kodzbozi", "varenummer", "артикул", "кодтовара",
        "idтовара", "urunkodu", "urunid", "urunno", "stokkodu", "barkod", "商品コード",
        "商品番号", "品番", "janコード", "상품코드", "상품번호", "상품id", "제품코드", "품번",
        "产品id", "商品代码", "商品編號", "商品代號", "產品編號", "產品id", "product", "item",
        "article", "artikel", "productname", "itemname", "商品编号", "商品编码", "商品id",
        "产品编码", "产品编号", "商品条码", "货号", "商品", "产品名称", "商品名称", "produit",
        "producto", "articulo", "produto", "prodotto", "articolo", "produkt", "towar", "zbozi",
        "vara", "товар", "названиетовара", "наименованиетовара", "номенклатура", "наименование",
        "urun", "urunadi", "商品名", "品名", "상품", "상품명", "제품명", "제품", "商品名稱",
        "產品名稱",
    ),
    "ordered_at": (
        "invoicedate", "orderdate", "orderedat", "ordereddate", "createdat", "ordertime",
        "orderdatetime", "orderpurchasetimestamp", "timestamp", "datetime", "transactiondate",
        "transactiontime", "transactiondatetime", "purchasedate", "saledate", "salesdate",
        "receiptdate", "date", "bestelldatum", "belegdatum", "buchungsdatum", "rechnungsdatum",
        "kaufdatum", "auftragsdatum", "verkaufsdatum", "datumuhrzeit", "datum", "time", "zeit",
        "下单时间", "下单日期", "订单创建时间", "订单付款时间", "付款时间", "订单日期",
        "成交时间", "交易时间", "销售日期", "日期", "创建时间", "createddate", "createddateutc",
        "completedtime", "completedat", "shopdate", "eventdate", "dateofpurchase", "datecommande",
        "datedecommande", "datevente", "datedevente", "dateachat", "datedachat", "datefacture",
        "datetransaction", "fechapedido", "fechadepedido", "fechaventa", "fechadeventa",
        "fechacompra", "fechafactura", "fechahora", "fecha", "datapedido", "datadopedido",
        "datavenda", "datadavenda", "datacompra", "datadacompra", "datahora", "dataordine",
        "datavendita", "dataacquisto", "besteldatum", "verkoopdatum", "orderdatum",
        "datazamowienia", "datasprzedazy", "datatransakcji", "datazakupu", "datumobjednavky",
        "kopdatum", "датазаказа", "датапродажи", "датапокупки", "датачека", "датаивремя", "дата",
        "siparistarihi", "satistarihi", "islemtarihi", "faturatarihi", "tarih", "注文日時",
        "注文日", "受注日", "購入日時", "購入日", "売上日", "販売日", "取引日時", "日付", "日時",
        "주문일시", "주문일자", "주문일", "주문날짜", "결제일시", "결제일", "구매일자", "구매일",
        "판매일자", "판매일", "거래일시", "거래일", "날짜", "일자", "일시", "訂單日期",
        "下單時間", "交易時間", "交易日期", "銷售日期", "data",
    ),
    "time_of_day": (
        "time", "ordertime", "transactiontime", "saletime", "receipttime", "uhrzeit", "zeit",
        "时间", "下单时刻", "hora", "horaventa", "ora", "heure", "heurevente", "tijd", "godzina",
        "czas", "время", "saat", "時刻", "時間", "시간", "시각", "tid",
    ),
    "quantity": (
        "quantity", "qty", "orderquantity", "quantityordered", "orderqty", "itemquantity",
        "units", "unitssold", "pieces", "menge", "anzahl", "stueck", "stuck", "stuckzahl",
        "count", "数量", "购买数量", "商品数量", "件数", "pcs", "qtysold", "quantitysold",
        "bottlessold", "quantite", "qte", "cantidad", "unidades", "quantidade", "qtde", "qtd",
        "quantita", "qta", "pezzi", "aantal", "hoeveelheid", "stuks", "ilosc", "liczba", "sztuki",
        "szt", "mnozstvi", "antal", "количество", "колво", "количествопродаж", "adet", "miktar",
        "個数", "点数", "수량", "주문수량", "판매수량", "개수", "數量",
    ),
    "price": (
        "unitprice", "price", "itemprice", "priceeach", "priceperunit", "preis", "einzelpreis",
        "stuckpreis", "stueckpreis", "单价", "销售单价", "商品单价", "单价元", "销售单价元",
        "价格", "retailprice", "sellingprice", "saleprice", "soldfor", "prixunitaire", "prix",
        "precounitario", "precounit", "preciounitario", "precio", "preco", "valorunitario",
        "prezzounitario", "prezzo", "stukprijs", "eenheidsprijs", "prijs", "cenajednostkowa",
        "cena", "styckpris", "pris", "ценазаединицу", "цена", "birimfiyat", "birimfiyati",
        "fiyat", "単価", "販売単価", "販売価格", "価格", "단가", "판매단가", "판매가", "판매가격",
        "가격", "單價",
    ),
    "net_amount": (
        "netamount", "lineamount", "linetotal", "linevalue", "linenet", "extendedprice",
        "netsales", "amount", "total", "totalprice", "totalsales", "salesvalue", "salesamount",
        "sales", "revenue", "net", "spend", "betrag", "nettobetrag", "gesamtbetrag",
        "gesamtpreis", "gesamt", "umsatz", "summe", "小计", "小计元", "金额", "销售额",
        "销售金额", "实付金额", "实收金额", "买家实际支付金额", "总金额", "订单金额",
        "ordertotal", "ordervalue", "orderamount", "invoicetotal", "baskettotal", "receipttotal",
        "grandtotal", "totalamount", "totalvalue", "invoiceamount", "linesubtotal", "itemtotal",
        "subtotal", "totalsale", "saleamount", "saledollars", "grossamt", "grossamount",
        "grosssales", "money", "montantht", "totalht", "montant", "prixtotal", "revenu",
        "chiffredaffaires", "importe", "importetotal", "importefinal", "monto", "montototal",
        "totalventa", "valortotal", "receita", "faturamento", "valor", "importo", "totale",
        "ricavo", "bedrag", "totaalbedrag", "totaal", "omzet", "wartoscnetto", "kwotanetto",
        "wartosc", "wartoscsprzedazy", "kwota", "suma", "castka", "celkem", "belopp", "summa",
        "сумма", "стоимость", "общаястоимость", "выручка", "итого", "tutar", "toplamtutar",
        "toplam", "ciro", "税抜金額", "売上金額", "売上", "金額", "合計金額", "合計", "小計",
        "결제금액", "판매금액", "주문금액", "매출액", "매출", "금액", "총금액", "합계", "銷售額",
        "銷售金額", "總金額",
    ),
    "discount": (
        "discount", "discountamount", "discountrate", "discountpercent", "discountpct", "rabatt",
        "nachlass", "折扣", "优惠", "优惠金额", "descuento", "desconto", "sconto", "remise",
        "korting", "rabat", "скидка", "indirim", "割引", "値引", "할인", "할인금액",
    ),
    "name": (
        "description", "productname", "itemname", "productdescription", "producttitle", "title",
        "bezeichnung", "artikelbezeichnung", "produktname", "商品名称", "产品名称", "name",
        "itemtitle", "itemdescription", "designation", "nomproduit", "descripcion",
        "nombreproducto", "nombre", "descricao", "nomeproduto", "descrizione", "nomeprodotto",
        "omschrijving", "nazwaproduktu", "nazwatowaru", "nazwa", "названиетовара",
        "наименованиетовара", "наименование", "номенклатура", "urunadi", "urunismi", "商品名",
        "品名", "상품명", "제품명", "商品名稱", "產品名稱", "item", "product", "article",
        "artikel", "produit", "producto", "produto", "prodotto", "produkt", "товар", "urun",
    ),
    "department": (
        "department", "productgroup", "productdepartment", "warengruppe", "abteilung",
        "hauptgruppe", "部门", "大类", "一级分类", "deptid", "dept", "departamento", "familia",
        "rayon", "reparto", "afdeling", "dzial", "отдел", "bolum", "部門", "部門名",
    ),
    "category": (
        "category", "productcategory", "aisle", "productcategoryname", "productline", "kategorie",
        "productsubcategory", "subcategory", "unterkategorie", "产品分类", "分类", "类别", "中类",
        "二级分类", "商品分类", "productcategoryid", "categoryname", "categorie", "categoria",
        "gamme", "groep", "groupe", "grupo", "kategoria", "grupa", "категория", "категориятовара",
        "группа", "kategori", "カテゴリ", "カテゴリー", "分類", "분류", "카테고리", "商品分類",
        "类目",
    ),
    "subcategory": (
        "subcategory", "productsubcategory", "unterkategorie", "subdepartment", "小类",
        "三级分类", "子类别", "子类", "souscategorie", "subcategoria", "sottocategoria",
        "podkategoria", "подкатегория", "altkategori", "サブカテゴリ", "소분류",
    ),
    "store_id": (
        "storeid", "storeno", "storecode", "storename", "store", "shop", "branch", "outlet",
        "filialnr", "filiale", "门店", "店铺", "门店编号", "storenumber", "shoppingmall", "mall",
        "magasin", "boutique", "tienda", "sucursal", "loja", "negozio", "puntovendita", "winkel",
        "filiaal", "sklep", "магазин", "magaza", "sube", "店舗", "店舗名", "매장", "매장명",
        "지점", "門市", "location",
    ),
    "channel": (
        "channel", "saleschannel", "kanal", "渠道", "canal", "canale", "канал", "チャネル",
        "채널", "通路",
    ),
    "region": (
        "region", "state", "province", "bundesland", "customerstate", "省", "省份", "地区",
        "provincia", "regione", "regio", "wojewodztwo", "uf", "регион", "bolge", "都道府県",
        "지역", "省自治区",
    ),
    "country": (
        "country", "land", "billingcountry", "国家", "shipcountry", "pais", "paese", "pays",
        "kraj", "страна", "ulke", "国", "국가", "國家",
    ),
    "city": (
        "city", "customercity", "ort", "stadt", "市", "城市", "ville", "ciudad", "cidade",
        "citta", "plaats", "woonplaats", "miasto", "город", "sehir", "市区町村", "도시",
    ),
    "currency": (
        "currency", "currencycode", "wahrung", "waehrung", "币种", "devise", "moneda", "moeda",
        "valuta", "waluta", "валюта", "parabirimi", "通貨", "통화", "幣別", "币别",
    ),
    "email": (
        "email", "customeremail", "emailaddress", "邮箱", "邮件", "courriel", "correo",
        "correoelectronico", "epost", "почта", "eposta", "メールアドレス", "メール", "이메일",
        "emailadres",
    ),
    "phone": (
        "phone", "phonenumber", "mobile", "telefon", "手机", "手机号", "电话", "telephone",
        "telefono", "telefone", "telefoon", "телефон", "電話番号", "電話", "전화번호", "휴대폰",
    ),
}  # fmt: skip

#: No column serves two of these.
KEYS = ("order_id", "customer_id", "product_id", "ordered_at")
#: What stands behind the name of a thing where its identifier has a column of its own.
OF_IDS = ("id", "no", "nr", "code", "编号", "编码")
NOT_THE_ORDER = re.compile(
    r"birth|ship|deliver|update|modif|expir|due|geburt|liefer|nacimiento|nascimento|nascita|"
    r"naissance|urodz|рожд|dogum|envio|entrega|consegna|livraison|wysyl|доставк|退|发货|出貨|生日|"
    r"発送|配送|배송|생일|생년"
)
#: First words of names that others may stand before.
OF_A_SALE = frozenset([
    "order", "invoice", "receipt", "transaction", "customer", "product", "purchase", "sale",
    "line", "unit",
])  # fmt: skip
#: Letters that no accent makes of another.
STROKED = str.maketrans("ıłøđ", "ilod")
#: Voicing of a Japanese sound, which is no accent.
VOICED = "\u3099\u309a"


def plain(name: str) -> str:
    """Return a column's name without case, blanks, signs and accents."""
    apart = unicodedata.normalize("NFKD", name.casefold())
    letters = (c for c in apart if c in VOICED or not unicodedata.combining(c))
    whole = unicodedata.normalize("NFKC", "".join(letters)).casefold()
    return re.sub(r"[\W_]", "", whole.translate(STROKED))


def ideas_of(header: Iterable[str], *, prefixes: Iterable[str] = ()) -> dict[str, str]:
    """Return the column that each idea most likely is.

    Parameters
    ----------
    header
        Names of the columns; those of a looked-up file begin with its name and a point.
    prefixes
        Names of the looked-up files.
    """
    places = places_of(header, prefixes)
    found: dict[str, str] = {}
    for idea, known in NAMES.items():
        taken = {found.get(key) for key in KEYS}
        free = {p: n for p, n in places.items() if n not in taken or idea in {"email", "name"}}
        match = next((_best(p, free, idea) for p in known if p in free), None)
        if match is not None:
            found[idea] = match
    return _levels(found)


def places_of(header: Iterable[str], prefixes: Iterable[str] = ()) -> dict[str, str]:
    """Return the column that each plain name is; a file's own before those looked up."""
    names = list(header)[::-1]
    places: dict[str, str] = {}
    for name in names:
        start = next((f"{p}." for p in prefixes if name.startswith(f"{p}.")), "")
        places[plain(name.removeprefix(start))] = name
    own = [n for n in names if not any(n.startswith(f"{p}.") for p in prefixes)]
    shorter = {short: n for n in own for short in _shorter(n)}
    return shorter | places | {plain(n): n for n in own}


def _shorter(name: str) -> list[str]:
    """Return what else a name reads as: without brackets, without its first words but two.

    ``Grand Total (Base)`` is a grand total, and ``amazon-order-id`` an order's id.
    """
    bare = re.sub(r"\(.*?\)|\[.*?\]|\s+in\s+\S+$|[\s,/]*[£€$¥%]$", "", name)
    words = re.findall(r"[^\W_]+", bare)
    ends = (words[at:] for at in range(1, len(words) - 1) if words[at].casefold() in OF_A_SALE)
    return [plain(part) for part in (bare, *("".join(end) for end in ends))]


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
