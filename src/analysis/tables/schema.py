"""The canonical tables, declared once.

Ingest validates against this declaration inside the engine, the data dictionary in
``data/README.md`` is printed from it, and every analysis may rely on it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

ColumnType = Literal["string", "timestamp", "date", "money", "number", "integer", "boolean"]

#: Engine types by declared type. Money is exact, so sums do not depend on thread order.
ENGINE_TYPES: dict[ColumnType, str] = {
    "string": "string",
    "timestamp": "timestamp(6)",
    "date": "date",
    "money": "decimal(18, 2)",
    "number": "float64",
    "integer": "int64",
    "boolean": "boolean",
}


@dataclass(frozen=True)
class Column:
    """One column of a canonical table.

    Parameters
    ----------
    name
        Column name.
    type
        One of ``ColumnType``; see ``ENGINE_TYPES`` for what the engine stores.
    doc
        What the column means, with its unit.
    required
        The column must exist. An optional column may be absent as a whole.
    nullable
        Single values may be missing.
    minimum
        Smallest value allowed, for numbers and money.
    allowed
        The only values allowed, for strings.
    """

    name: str
    type: ColumnType
    doc: str
    required: bool = True
    nullable: bool = False
    minimum: float | None = None
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """One canonical table.

    Parameters
    ----------
    name
        Table name, as in ``tables.order_lines``.
    one_row
        What one row stands for.
    columns
        The columns, key columns first.
    key
        Columns that identify a row; empty where several equal rows are legitimate.
    references
        Column to table: a value found nowhere there is counted as unmatched, not rejected.
    open_columns
        Further columns are kept as they come (demographic attributes).
    """

    name: str
    one_row: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    references: dict[str, str] = field(default_factory=dict)
    open_columns: bool = False

    def column(self, name: str) -> Column:
        """Return the declared column ``name``; KeyError if there is none."""
        return next(c for c in self.columns if c.name == name)

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the columns that must exist."""
        return tuple(c.name for c in self.columns if c.required)


def _key(name: str, doc: str, *, nullable: bool = False) -> Column:
    return Column(name, "string", doc, nullable=nullable)


def _optional(name: str, type_: ColumnType, doc: str, **rules: object) -> Column:
    return Column(name, type_, doc, required=False, nullable=True, **rules)  # type: ignore[arg-type]


#: Column of ``customers`` that lists may show and reports never see.
PERSONAL_KEY = "personal_key"

CUSTOMERS = Table(
    "customers",
    "a customer",
    (
        _key("customer_id", "Customer; a household where the source knows households only"),
        _optional(
            PERSONAL_KEY,
            "string",
            "The e-mail address, phone number or name that customer_id is the pseudonym of; for "
            "contact lists alone, hidden from reports",
        ),
        _optional("joined_on", "date", "First day known to the retailer"),
        _optional("birth_date", "date", "Date of birth"),
        _optional("gender", "string", "Gender as the source states it"),
        _optional("region", "string", "Region of residence"),
        _optional("city", "string", "City of residence"),
        _optional("consent_email", "boolean", "May be written to by e-mail"),
        _optional("consent_sms", "boolean", "May be written to by text message"),
        _optional("consent_phone", "boolean", "May be called"),
        _optional("consent_app", "boolean", "May be sent app notifications"),
    ),
    key=("customer_id",),
    open_columns=True,
)

PRODUCTS = Table(
    "products",
    "a product",
    (
        _key("product_id", "Product (stock-keeping unit)"),
        Column("department", "string", "Top level of the product hierarchy"),
        Column("category", "string", "Second level of the product hierarchy", nullable=True),
        _optional("name", "string", "Product name"),
        _optional("subcategory", "string", "Third level of the product hierarchy"),
        _optional("brand", "string", "Brand, or national against private label"),
        _optional("unit_cost", "money", "Cost of one unit to the retailer", minimum=0),
        _optional("margin_rate", "number", "Assumed contribution margin as a share of net"),
        _optional("counted", "boolean", "Quantity counts units (false: litres, cents, weights)"),
        _optional("launched_on", "date", "First day on sale"),
    ),
    key=("product_id",),
    open_columns=True,
)

ORDER_LINES = Table(
    "order_lines",
    "a product in an order",
    (
        _key("order_id", "Order: one basket at one till or one checkout"),
        _key("customer_id", "Customer; missing for a guest", nullable=True),
        _key("product_id", "Product"),
        Column("ordered_at", "timestamp", "Time of the order, local to the study's time zone"),
        Column("quantity", "number", "Units; negative for a return"),
        Column("net_amount", "money", "What the retailer receives; negative for a return"),
        _optional("store_id", "string", "Store, or web and app as stores of their own"),
        _optional("channel", "string", "Channel the order came through"),
        _optional("list_amount", "money", "Amount before discounts: net + discount"),
        _optional("discount_amount", "money", "Discount at the retailer's own cost"),
        _optional("coupon_amount", "money", "Part of net paid by a manufacturer's coupon"),
        _optional("cost_amount", "money", "Cost of the goods on this line"),
        _optional("returned_order_id", "string", "The order that this line returns, if named"),
    ),
    references={"customer_id": "customers", "product_id": "products"},
)

PROMOTIONS = Table(
    "promotions",
    "a promotion or campaign",
    (
        _key("promotion_id", "Promotion"),
        Column("name", "string", "Name people use for it"),
        Column("starts_on", "date", "First day"),
        Column("ends_on", "date", "Last day (inclusive)"),
        _optional("mechanic", "string", "How it works: coupon, price cut, points, mailing"),
        _optional("goal", "string", "What it is for: sales, traffic, launch, clearance, exposure"),
        _optional("fixed_cost", "money", "Cost that does not depend on contacts", minimum=0),
        _optional("contact_cost", "money", "Cost of one contact", minimum=0),
    ),
    key=("promotion_id",),
)

PROMOTION_PRODUCTS = Table(
    "promotion_products",
    "a product on offer in a promotion, by coupon where there are coupons",
    (
        _key("promotion_id", "Promotion"),
        _key("product_id", "Product on offer"),
        _optional("coupon_id", "string", "Coupon that carries the offer"),
    ),
    references={"promotion_id": "promotions", "product_id": "products"},
)

ASSIGNMENTS = Table(
    "assignments",
    "a customer given an arm of a promotion",
    (
        _key("promotion_id", "Promotion"),
        _key("customer_id", "Customer"),
        Column("arm", "string", "Arm: control, treatment, or the treatment's name"),
        Column("assigned_at", "timestamp", "When the arm was given"),
        Column("randomised", "boolean", "The arm was drawn at random"),
    ),
    key=("promotion_id", "customer_id"),
    references={"promotion_id": "promotions", "customer_id": "customers"},
)

REDEMPTIONS = Table(
    "redemptions",
    "a redemption",
    (
        _key("promotion_id", "Promotion"),
        _key("customer_id", "Customer"),
        Column("redeemed_at", "timestamp", "When it was redeemed"),
        _optional("coupon_id", "string", "Coupon redeemed"),
        _optional("order_id", "string", "Order it was redeemed in"),
    ),
    references={"promotion_id": "promotions", "customer_id": "customers"},
)

PLACEMENTS = Table(
    "placements",
    "a product displayed or mailed, by store and week",
    (
        _key("product_id", "Product"),
        _key("store_id", "Store"),
        Column("week_start", "date", "Monday of the week"),
        Column("display", "string", "Where it was displayed", nullable=True),
        Column("mailer", "string", "Where in the mailer it stood", nullable=True),
    ),
    key=("product_id", "store_id", "week_start"),
    references={"product_id": "products"},
)

CONTACTS = Table(
    "contacts",
    "a message sent",
    (
        _key("contact_id", "Contact"),
        _key("customer_id", "Customer"),
        Column("channel", "string", "Channel: email, sms, phone, app, mail"),
        Column("sent_at", "timestamp", "When it was sent"),
        _optional("promotion_id", "string", "Promotion it was sent for"),
        _optional("delivered_at", "timestamp", "When it arrived"),
        _optional("opened_at", "timestamp", "When it was first opened"),
        _optional("clicked_at", "timestamp", "When a link in it was first followed"),
        _optional("unsubscribed_at", "timestamp", "When the customer opted out through it"),
        _optional("cost", "money", "What sending it cost", minimum=0),
    ),
    key=("contact_id",),
    references={"customer_id": "customers", "promotion_id": "promotions"},
)

PAGE_VIEWS = Table(
    "page_views",
    "a page seen",
    (
        _key("session_id", "Visit"),
        Column("viewed_at", "timestamp", "When the page was opened"),
        Column("page", "string", "Page, as a path or a type"),
        _optional("customer_id", "string", "Customer, if known"),
        _optional("referrer", "string", "Where the visit came from"),
        _optional("seconds_on_page", "number", "Seconds until the next page", minimum=0),
        _optional("event", "string", "What happened: view, cart, checkout, purchase"),
    ),
    references={"customer_id": "customers"},
)

FEEDBACK = Table(
    "feedback",
    "an answer or a review",
    (
        _key("feedback_id", "Answer"),
        Column("submitted_at", "timestamp", "When it was given; missing if never", nullable=True),
        Column("kind", "string", "Kind", allowed=("nps", "csat", "review", "complaint")),
        _optional("customer_id", "string", "Customer, if known"),
        _optional("invited_at", "timestamp", "When it was asked for"),
        _optional("score", "number", "Score on the kind's own scale"),
        _optional("text", "string", "Words"),
        _optional("product_id", "string", "Product it is about"),
        _optional("channel", "string", "Channel it came through"),
        _optional("resolved_at", "timestamp", "When a complaint was resolved"),
    ),
    key=("feedback_id",),
    references={"customer_id": "customers", "product_id": "products"},
)

POINTS = Table(
    "points",
    "a movement of loyalty points",
    (
        _key("entry_id", "Movement"),
        _key("customer_id", "Customer"),
        Column("posted_at", "timestamp", "When it was posted"),
        Column("kind", "string", "Kind", allowed=("earn", "redeem", "expire", "adjust")),
        Column("points", "number", "Points; negative when they leave the account"),
        _optional("expires_on", "date", "Day these points expire"),
        _optional("order_id", "string", "Order they belong to"),
    ),
    key=("entry_id",),
    references={"customer_id": "customers"},
)

TIERS = Table(
    "tiers",
    "a membership tier held",
    (
        _key("customer_id", "Customer"),
        Column("tier", "string", "Tier"),
        Column("valid_from", "date", "First day held"),
        Column("valid_to", "date", "First day no longer held; missing while held", nullable=True),
    ),
    key=("customer_id", "valid_from"),
    references={"customer_id": "customers"},
)

REFERRALS = Table(
    "referrals",
    "a referral",
    (
        _key("referrer_id", "Customer who referred"),
        _key("referred_id", "Customer who came"),
        Column("referred_at", "timestamp", "When"),
        _optional("reward", "money", "What the referrer was given", minimum=0),
    ),
    key=("referred_id",),
    references={"referrer_id": "customers", "referred_id": "customers"},
)

#: Every canonical table by name, in the order of the data dictionary.
TABLES: dict[str, Table] = {
    t.name: t
    for t in (
        CUSTOMERS,
        PRODUCTS,
        ORDER_LINES,
        PROMOTIONS,
        PROMOTION_PRODUCTS,
        ASSIGNMENTS,
        REDEMPTIONS,
        PLACEMENTS,
        CONTACTS,
        PAGE_VIEWS,
        FEEDBACK,
        POINTS,
        TIERS,
        REFERRALS,
    )
}


def customer_columns(table: str) -> list[str]:
    """Return the columns of ``table`` that name customers."""
    own = ["customer_id"] if table == "customers" else []
    return own + [c for c, target in TABLES[table].references.items() if target == "customers"]
