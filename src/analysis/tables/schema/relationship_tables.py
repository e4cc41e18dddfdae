"""The canonical tables of the relationship: contacts, consents, web, feedback, loyalty."""

from __future__ import annotations

from analysis.tables.schema.declaration import Column, Table, key, optional

CONTACTS = Table(
    "contacts",
    "a message sent",
    (
        key("contact_id", "Contact"),
        key("customer_id", "Customer"),
        Column("channel", "string", "Channel: email, sms, phone, app, mail, social, wechat, web"),
        Column("sent_at", "timestamp", "When it was sent"),
        optional("promotion_id", "string", "Promotion it was sent for"),
        optional("delivered_at", "timestamp", "When it arrived"),
        optional("opened_at", "timestamp", "When it was first opened"),
        optional("clicked_at", "timestamp", "When a link in it was first followed"),
        optional("unsubscribed_at", "timestamp", "When the customer opted out through it"),
        optional("cost", "money", "What sending it cost", minimum=0),
        optional(
            "purpose",
            "string",
            "What it was for",
            allowed=("promotion", "care", "service", "transactional"),
        ),
        optional(
            "occasion",
            "string",
            "Occasion: birthday, festival, anniversary, after-sale, points, win-back",
        ),
        optional("variant", "string", "Variant of the text or the frequency, where several ran"),
        optional("bounced_at", "timestamp", "When it came back undelivered"),
        optional("complained_at", "timestamp", "When it was reported as spam"),
        optional("opened_by_machine", "boolean", "The open was a mail program's, not a person's"),
        optional("device", "string", "Device it was opened on"),
    ),
    key=("contact_id",),
    references={"customer_id": "customers", "promotion_id": "promotions"},
)

CONSENTS = Table(
    "consents",
    "a consent given for a channel",
    (
        key("customer_id", "Customer"),
        Column("channel", "string", "Channel it was given for, as in contacts"),
        Column("given_at", "timestamp", "When it was given"),
        Column(
            "withdrawn_at", "timestamp", "When it was withdrawn; missing while held", nullable=True
        ),
        optional("source", "string", "Where it was given: till, web, app, paper"),
    ),
    key=("customer_id", "channel", "given_at"),
    references={"customer_id": "customers"},
)

MEDIA_SPEND = Table(
    "media_spend",
    "a day's spending on a channel, beside the cost of single contacts",
    (
        Column("day", "date", "Day"),
        Column("channel", "string", "Channel: search, social, display, print, radio"),
        Column("amount", "money", "Money spent", minimum=0),
        optional("promotion_id", "string", "Promotion it was spent for"),
        optional("impressions", "integer", "Times it was shown", minimum=0),
        optional("clicks", "integer", "Times it was followed", minimum=0),
    ),
)

PAGE_VIEWS = Table(
    "page_views",
    "a page seen",
    (
        key("session_id", "Visit"),
        Column("viewed_at", "timestamp", "When the page was opened"),
        Column("page", "string", "Page, as a path or a type"),
        optional("customer_id", "string", "Customer, if known"),
        optional("referrer", "string", "Where the visit came from"),
        optional("seconds_on_page", "number", "Seconds until the next page", minimum=0),
        optional("event", "string", "What happened: view, cart, checkout, purchase"),
        optional("visitor_id", "string", "Visitor (browser), known or not as a customer"),
        optional("device", "string", "Device: desktop, phone, tablet, app"),
        optional("source", "string", "Source of the visit: search, social, email, direct"),
        optional("medium", "string", "Medium of the visit: organic, paid, referral"),
        optional("campaign", "string", "Campaign the visit came by"),
        optional("user_agent", "string", "What the browser calls itself"),
        optional("is_bot", "boolean", "The visitor is a program, as the source knows"),
        optional("load_ms", "number", "Milliseconds the page took to load", minimum=0),
        optional("status", "integer", "HTTP status of the page: 200, 404, 500"),
        optional("search_terms", "string", "Words searched for on the site"),
        optional("product_id", "string", "Product the page shows"),
        optional("order_id", "string", "Order a purchase made"),
    ),
    references={"customer_id": "customers"},
)

#: Kinds of interactions that are no contacts: education, community, games, service, and: an
#: invitation passed on to somebody, a claim of an offer that there is only so often.
INTERACTION_KINDS = (
    "guide", "video", "training", "event", "post", "reply", "share", "like", "check_in", "game",
    "chat", "call", "visit", "invite", "claim",
)  # fmt: skip

INTERACTIONS = Table(
    "interactions",
    "something a customer did with the retailer that is no order and no page view",
    (
        key("interaction_id", "Interaction"),
        key("customer_id", "Customer"),
        Column("at", "timestamp", "When"),
        Column("kind", "string", "Kind", allowed=INTERACTION_KINDS),
        optional("product_id", "string", "Product it is about"),
        optional("channel", "string", "Channel, as in contacts"),
        optional("topic", "string", "Topic"),
        optional("seconds", "number", "How long it took", minimum=0),
        optional(
            "completed", "boolean", "It was seen or played to its end; a claim: it was served"
        ),
        optional("promotion_id", "string", "Promotion or invitation it belongs to"),
        optional("in_reply_to", "string", "Interaction that this one answers"),
    ),
    key=("interaction_id",),
    references={"customer_id": "customers"},
)

#: Kinds of answers; each has its own scale.
FEEDBACK_KINDS = ("nps", "csat", "ces", "review", "complaint", "interview", "exit")

FEEDBACK = Table(
    "feedback",
    "an answer or a review",
    (
        key("feedback_id", "Answer"),
        Column("submitted_at", "timestamp", "When it was given; missing if never", nullable=True),
        Column("kind", "string", "Kind", allowed=FEEDBACK_KINDS),
        optional("customer_id", "string", "Customer, if known"),
        optional("invited_at", "timestamp", "When it was asked for"),
        optional("score", "number", "Score on the kind's own scale"),
        optional("text", "string", "Words"),
        optional("product_id", "string", "Product it is about"),
        optional("channel", "string", "Channel it came through"),
        optional("resolved_at", "timestamp", "When a complaint was resolved"),
        optional("wave", "string", "Wave of the survey"),
        optional("question", "string", "Question as it was put"),
        optional("scale_min", "number", "Lowest score that could be given"),
        optional("scale_max", "number", "Highest score that could be given"),
        optional("order_id", "string", "Order it is about"),
        optional("first_response_at", "timestamp", "When a complaint was first answered"),
        optional("compensation", "money", "What a complaint was compensated with", minimum=0),
        optional("verified", "boolean", "The reviewer is known to have bought the product"),
    ),
    key=("feedback_id",),
    references={"customer_id": "customers", "product_id": "products"},
)

POINTS = Table(
    "points",
    "a movement of loyalty points",
    (
        key("entry_id", "Movement"),
        key("customer_id", "Customer"),
        Column("posted_at", "timestamp", "When it was posted"),
        Column("kind", "string", "Kind", allowed=("earn", "redeem", "expire", "adjust")),
        Column("points", "number", "Points; negative when they leave the account"),
        optional("expires_on", "date", "Day these points expire"),
        optional("order_id", "string", "Order they belong to"),
        optional(
            "reason", "string", "Why: purchase, check_in, review, share, referral, birthday, refund"
        ),
        optional("reverses_entry_id", "string", "Movement that this one takes back"),
    ),
    key=("entry_id",),
    references={"customer_id": "customers"},
)

STORED_VALUE = Table(
    "stored_value",
    "a movement of money kept on a customer's account or gift card",
    (
        key("entry_id", "Movement"),
        key("customer_id", "Customer"),
        Column("posted_at", "timestamp", "When it was posted"),
        Column("kind", "string", "Kind", allowed=("load", "bonus", "spend", "expire", "adjust")),
        Column("amount", "money", "Money; negative when it leaves the account"),
        optional("expires_on", "date", "Day it expires"),
        optional("order_id", "string", "Order it belongs to"),
    ),
    key=("entry_id",),
    references={"customer_id": "customers"},
)

TIERS = Table(
    "tiers",
    "a membership tier held",
    (
        key("customer_id", "Customer"),
        Column("tier", "string", "Tier"),
        Column("valid_from", "date", "First day held"),
        Column("valid_to", "date", "First day no longer held; missing while held", nullable=True),
        optional("fee", "money", "What a paid membership costs for this time", minimum=0),
        optional("qualifying_amount", "money", "Amount it was earned by"),
        optional("qualifying_from", "date", "First day whose amount counted for it"),
    ),
    key=("customer_id", "valid_from"),
    references={"customer_id": "customers"},
)

SUBSCRIPTIONS = Table(
    "subscriptions",
    "a term of a subscription or paid membership",
    (
        key("subscription_id", "Term"),
        key("customer_id", "Customer"),
        Column("started_on", "date", "First day"),
        Column("ends_on", "date", "First day no longer covered", nullable=True),
        optional("product_id", "string", "Product subscribed to"),
        optional("renewed_from", "string", "Term that this one renews"),
        optional("amount", "money", "Price of the term", minimum=0),
        optional("auto_renew", "boolean", "It renews unless the customer says no"),
    ),
    key=("subscription_id",),
    references={"customer_id": "customers"},
)

REFERRALS = Table(
    "referrals",
    "a referral",
    (
        key("referrer_id", "Customer who referred"),
        key("referred_id", "Customer who came"),
        Column("referred_at", "timestamp", "When"),
        optional("reward", "money", "What the referrer was given", minimum=0),
        optional("code", "string", "Code that was shared"),
        optional("shared_at", "timestamp", "When it was shared"),
        optional("status", "string", "How far it came: shared, joined, ordered, rewarded"),
        optional("referred_reward", "money", "What the new customer was given", minimum=0),
        optional("first_order_id", "string", "First order of the new customer"),
    ),
    key=("referred_id",),
    references={"referrer_id": "customers", "referred_id": "customers"},
)
