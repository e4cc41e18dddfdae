"""The canonical tables of a shop: customers, products, orders, promotions, placements, stock."""

from __future__ import annotations

from analysis.tables.schema.declaration import Column, Table, key, optional

#: Column of ``customers`` that lists may show and reports never see.
PERSONAL_KEY = "personal_key"

CUSTOMERS = Table(
    "customers",
    "a customer",
    (
        key("customer_id", "Customer; a household where the source knows households only"),
        optional(
            PERSONAL_KEY,
            "string",
            "The e-mail address, phone number or name that customer_id is the pseudonym of; for "
            "contact lists alone, hidden from reports",
        ),
        optional("joined_on", "date", "First day known to the retailer"),
        optional("birth_date", "date", "Date of birth"),
        optional("gender", "string", "Gender as the source states it"),
        optional("region", "string", "Region of residence"),
        optional("city", "string", "City of residence"),
        optional("consent_email", "boolean", "May be written to by e-mail"),
        optional("consent_sms", "boolean", "May be written to by text message"),
        optional("consent_phone", "boolean", "May be called"),
        optional("consent_app", "boolean", "May be sent app notifications"),
        optional("acquisition_channel", "string", "Channel the customer was won through"),
        optional("acquisition_promotion_id", "string", "Promotion the customer was won by"),
        optional("acquisition_cost", "money", "What winning the customer cost", minimum=0),
    ),
    key=("customer_id",),
    open_columns=True,
)

PRODUCTS = Table(
    "products",
    "a product",
    (
        key("product_id", "Product (stock-keeping unit)"),
        Column("department", "string", "Top level of the product hierarchy"),
        Column("category", "string", "Second level of the product hierarchy", nullable=True),
        optional("name", "string", "Product name"),
        optional("subcategory", "string", "Third level of the product hierarchy"),
        optional("brand", "string", "Brand, or national against private label"),
        optional("unit_cost", "money", "Cost of one unit to the retailer", minimum=0),
        optional("margin_rate", "number", "Assumed contribution margin as a share of net"),
        optional("counted", "boolean", "Quantity counts units (false: litres, cents, weights)"),
        optional("launched_on", "date", "First day on sale"),
    ),
    key=("product_id",),
    open_columns=True,
)

ORDER_LINES = Table(
    "order_lines",
    "a product in an order",
    (
        key("order_id", "Order: one basket at one till or one checkout"),
        key("customer_id", "Customer; missing for a guest", nullable=True),
        key("product_id", "Product"),
        Column("ordered_at", "timestamp", "Time of the order, local to the study's time zone"),
        Column("quantity", "number", "Units; negative for a return"),
        Column("net_amount", "money", "What the retailer receives; negative for a return"),
        optional("store_id", "string", "Store, or web and app as stores of their own"),
        optional("channel", "string", "Channel the order came through"),
        optional("list_amount", "money", "Amount before discounts: net + discount"),
        optional("discount_amount", "money", "Discount at the retailer's own cost"),
        optional("coupon_amount", "money", "Part of net paid by a manufacturer's coupon"),
        optional("cost_amount", "money", "Cost of the goods on this line"),
        optional("returned_order_id", "string", "The order that this line returns, if named"),
        optional("return_reason", "string", "Why it was returned, as the customer said"),
    ),
    references={"customer_id": "customers", "product_id": "products"},
)

ORDERS = Table(
    "orders",
    "an order as a whole: payment, delivery, device",
    (
        key("order_id", "Order, as in order_lines"),
        optional("customer_id", "string", "Customer; missing for a guest"),
        optional("payment_method", "string", "How it was paid"),
        optional("shipping_amount", "money", "What the customer paid for delivery", minimum=0),
        optional("promised_on", "date", "Day the delivery was promised for"),
        optional("delivered_at", "timestamp", "When it was delivered"),
        optional("cancelled_at", "timestamp", "When it was cancelled"),
        optional("device", "string", "Device it was placed with: desktop, phone, tablet, app"),
    ),
    key=("order_id",),
    references={"customer_id": "customers"},
)

PROMOTIONS = Table(
    "promotions",
    "a promotion or campaign",
    (
        key("promotion_id", "Promotion"),
        Column("name", "string", "Name people use for it"),
        Column("starts_on", "date", "First day"),
        Column("ends_on", "date", "Last day (inclusive)"),
        optional("mechanic", "string", "How it works: coupon, price cut, points, mailing"),
        optional("goal", "string", "What it is for: sales, traffic, launch, clearance, exposure"),
        optional("fixed_cost", "money", "Cost that does not depend on contacts", minimum=0),
        optional("contact_cost", "money", "Cost of one contact", minimum=0),
        optional("quantity_limit", "integer", "Offers there are in all (first come)", minimum=0),
        optional("per_customer_limit", "integer", "Offers a customer may take", minimum=0),
        optional("starts_at", "timestamp", "Hour it opens, where it opens within starts_on"),
        optional("ends_at", "timestamp", "Hour it closes, where it closes within ends_on"),
    ),
    key=("promotion_id",),
)

PROMOTION_PRODUCTS = Table(
    "promotion_products",
    "a product on offer in a promotion, by coupon where there are coupons",
    (
        key("promotion_id", "Promotion"),
        key("product_id", "Product on offer"),
        optional("coupon_id", "string", "Coupon that carries the offer"),
    ),
    references={"promotion_id": "promotions", "product_id": "products"},
)

ASSIGNMENTS = Table(
    "assignments",
    "a customer given an arm of a promotion",
    (
        key("promotion_id", "Promotion"),
        key("customer_id", "Customer"),
        Column("arm", "string", "Arm: control, treatment, or the treatment's name"),
        Column("assigned_at", "timestamp", "When the arm was given"),
        Column("randomised", "boolean", "The arm was drawn at random"),
        optional("planned_share", "number", "Share of customers that this arm was drawn with"),
        optional("sent_at", "timestamp", "When it was sent; missing where it was not"),
        optional("offer", "string", "Offer of a list, also of those held out of it"),
        optional("channel", "string", "Channel of a list, as in contacts"),
        optional("depth", "number", "Discount of the offer, as a share of the price"),
        optional("stratum", "string", "Stratum within which the arm was drawn"),
        optional("promised_margin", "number", "Incremental margin foreseen, before the contact"),
        optional("promised_low", "number", "Lower end of its interval"),
        optional("promised_high", "number", "Upper end of its interval"),
        optional("contact_cost", "money", "What contacting this customer costs", minimum=0),
    ),
    key=("promotion_id", "customer_id"),
    references={"promotion_id": "promotions", "customer_id": "customers"},
)

REDEMPTIONS = Table(
    "redemptions",
    "a redemption",
    (
        key("promotion_id", "Promotion"),
        key("customer_id", "Customer"),
        Column("redeemed_at", "timestamp", "When it was redeemed"),
        optional("coupon_id", "string", "Coupon redeemed"),
        optional("order_id", "string", "Order it was redeemed in"),
    ),
    references={"promotion_id": "promotions", "customer_id": "customers"},
)

PLACEMENTS = Table(
    "placements",
    "a product displayed or mailed, by store and week",
    (
        key("product_id", "Product"),
        key("store_id", "Store"),
        Column("week_start", "date", "Monday of the week"),
        Column("display", "string", "Where it was displayed", nullable=True),
        Column("mailer", "string", "Where in the mailer it stood", nullable=True),
    ),
    key=("product_id", "store_id", "week_start"),
    references={"product_id": "products"},
)

STOCK = Table(
    "stock",
    "a product's stock in a store at the end of a day",
    (
        key("product_id", "Product"),
        key("store_id", "Store, or the warehouse of the web shop"),
        Column("day", "date", "Day"),
        Column("on_hand", "number", "Units that can be sold"),
    ),
    key=("product_id", "store_id", "day"),
    references={"product_id": "products"},
)
