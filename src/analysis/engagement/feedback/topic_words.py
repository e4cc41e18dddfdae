"""The words that each topic is known by, in English and in Chinese: a list anybody can read."""

from __future__ import annotations

DEFECT = "defect"

#: Beginnings of English words (or whole phrases) and Chinese words, by topic.
TOPICS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "delivery": (
        ("deliver", "parcel", "shipping", "shipment", "courier", "arrived late", "late", "postman"),
        ("快递", "送货", "物流", "包裹", "发货", "配送", "迟到", "晚到"),
    ),
    "price": (
        ("price", "expensive", "cheap", "charged", "money", "value", "cost", "overpriced"),
        ("价格", "太贵", "便宜", "标价", "收银", "多收", "性价比", "价廉", "划算", "贵"),
    ),
    "quality": (
        ("quality", "well made", "cheaply made", "poor", "worth keeping", "material", "does what"),
        ("质量", "做工", "材质", "粗糙", "精致", "马马虎虎"),
    ),
    DEFECT: (
        ("broke", "broken", "defect", "faulty", "stopped working", "does not work", "damaged",
         "crack", "leak"),
        ("坏了", "坏的", "缺陷", "断裂", "次品", "不能用", "故障", "裂", "漏"),
    ),
    "packaging": (
        ("packag", "packed", "box", "wrapp", "dented", "crushed"),
        ("包装", "盒子", "压扁", "压坏", "洒了"),
    ),
    "staff and service": (
        ("staff", "unfriendly", "rude", "friendly", "service", "cashier", "helped", "treated"),
        ("店员", "服务", "态度", "工作人员", "客服", "不理人"),
    ),
    "range and stock": (
        ("out of stock", "sold out", "selection", "range", "choice", "available"),
        ("缺货", "没货", "品种", "种类", "选择", "断货"),
    ),
    "returns and refund": (
        ("refund", "return", "sent the", "money back", "exchange"),
        ("退款", "退货", "换货", "退钱"),
    ),
    "size and fit": (
        ("too small", "too large", "too big", "size", "fits", "tight"),
        ("尺寸", "大小", "太小", "太大", "合身"),
    ),
    "web, app and payment": (
        ("website", "the app", "checkout", "login", "payment", "password"),
        ("网站", "应用", "支付", "付款", "登录", "密码"),
    ),
    "moved or another shop": (
        ("moved away", "another shop", "competitor", "no store nearby"),
        ("搬家", "另一家", "附近没有"),
    ),
}  # fmt: skip
