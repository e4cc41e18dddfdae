"""What segments say: every segment in a sentence that a store manager would say aloud."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from analysis.reporting import words

if TYPE_CHECKING:
    import pandas as pd

    from analysis.customers.buyers import Buyers

#: Fields of a finding, as `Report.finding` takes them.
Fields = dict[str, Any]

Meaning = Mapping[str, tuple[str, str]]


def sentences(table: pd.DataFrame, meaning: Meaning, currency: str) -> str:
    """Return one bullet a segment: who they are, what they bring, what to do.

    Parameters
    ----------
    table
        ``worth.worth``.
    meaning
        Segment to who they are and what to do.
    currency
        Currency of the amounts.
    """
    return "\n".join(_bullet(row, meaning, currency) for row in table.to_dict("records"))


def _bullet(row: Mapping[str, Any], meaning: Meaning, currency: str) -> str:
    who, what = meaning.get(row["group"], ("", ""))
    size = f"{words.count(row['customers'], 'customer')} ({words.percent(row['share'])})"
    brings = "brings" if row["customers"] == 1 else "bring"
    each = (
        ""
        if row["basket_value"] != row["basket_value"]
        else (
            f" {words.number(row['orders_per_customer'], 1)} orders each, "
            f"{words.money(row['basket_value'], 0, currency)} a basket, "
            f"last seen {words.number(row['recency_days'])} "
            f"{'day' if row['recency_days'] == 1 else 'days'} ago."
        )
    )
    return (
        f"- **{row['group']}**: {size} {brings} {words.percent(row['net_share'])} of sales. "
        f"{who}{each} *{what}*"
    )


def best(table: pd.DataFrame) -> pd.Series:
    """Return the segment that brings the largest share of sales."""
    return table.loc[table["net_share"].idxmax()]


def title(table: pd.DataFrame) -> str:
    """Return the page's title: the two segments that carry most, of how many."""
    top = table.sort_values("net_share", ascending=False).head(2)
    names = words.listing(top["group"])
    share, people = (words.percent(top[c].sum(), 0) for c in ("net_share", "share"))
    return f"{names}: {people} of the customers bring {share} of net sales"


def rfm_headline(table: pd.DataFrame) -> str:
    """Say which segment brings most, and what the ones that are slipping away brought."""
    row = best(table)
    return (
        f"{row['group']} are {words.percent(row['share'], 0)} of customers and bring "
        f"{words.percent(row['net_share'], 0)} of sales"
    )


def slipping(table: pd.DataFrame) -> Fields:
    """Return the finding on valuable customers who stay away."""
    slipping = table[table["group"].isin(["Cannot lose", "At risk"])]
    if slipping.empty:
        return {
            "key": "slipping_share",
            "sentence": "of sales came from customers who used to buy well and stay away",
            "value": None,
            "detail": "no segment of the rules is named so",
        }
    return {
        "key": "slipping_share",
        "sentence": "of sales came from customers who used to buy well and now stay away "
        "(cannot lose, at risk)",
        "value": float(slipping["net_share"].sum()),
        "unit": "%",
        "n": int(slipping["customers"].sum()),
        "noun": "customer",
        "direction": "up_bad",
    }


def best_finding(table: pd.DataFrame, confidence: float) -> Fields:
    """Return the finding on the segment that brings most."""
    row = best(table)
    return {
        "key": "largest_segment",
        "sentence": f"of net sales come from the segment {row['group']}, "
        f"{words.percent(row['share'], 0)} of customers",
        "value": row["net_share"],
        "low": row["net_share_low"],
        "high": row["net_share_high"],
        "unit": "%",
        "n": int(row["customers"]),
        "noun": "customer",
        "level": confidence,
    }


def ties(sizes: pd.DataFrame) -> str:
    """Say how unequal the groups are because ties stay together."""
    spread = sizes.groupby("score")["share"].agg(["min", "max"])
    parts = [
        f"{name} {words.percent(low, 0)} to {words.percent(high, 0)}"
        for name, low, high in spread.itertuples()
    ]
    return (
        "Customers with equal values stay in one group, so groups are not quite equal: "
        f"{words.listing(parts)} of customers each."
    )


def next_headline(table: pd.DataFrame) -> str:
    """Say how far apart the segments were afterwards."""
    known = table[table["customers"] >= 10]
    high, low = known.loc[known["bought"].idxmax()], known.loc[known["bought"].idxmin()]
    return (
        f"Of {high['group']}, {words.percent(high['bought'], 0)} bought again; of "
        f"{low['group']}, {words.percent(low['bought'], 0)}"
    )


def movement_labels(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with its rows as they are read."""
    place = table["place"].map({"all": "all customers", "best": "best group"})
    return table.assign(label=table["score"].str.capitalize() + ", " + place)


def movement(table: pd.DataFrame) -> str:
    """Say how much of the movement is real."""
    row = table[(table["score"] == "monetary") & (table["place"] == "all")].iloc[0]
    return (
        f"{words.percent(1 - row['stayed'], 0)} changed their monetary group; "
        f"{words.percent(1 - row['noise'], 0)} would have if nobody had changed"
    )


def tiers(table: pd.DataFrame, uplift: float, currency: str) -> str:
    """Say what may be spent on the best tier and on the last."""
    first, last = table.iloc[0], table.iloc[-1]
    return (
        f"If a treatment lifts margin by {words.percent(uplift, 0)}, it may cost "
        f"{words.money(first['bound'], 2, currency)} a year for a high-value customer, "
        f"{words.money(last['bound'], 2, currency)} for a low one"
    )


def buyers_headline(table: pd.DataFrame) -> str:
    """Say who surely buys for the price and who surely does not, and what both bring."""
    rows = table.set_index("group")
    price = rows.reindex(["Price buyer", "Valuable deal seeker"]).fillna(0)
    return (
        f"{words.percent(price['share'].sum(), 0)} of customers surely buy for the price; they "
        f"bring {words.percent(price['margin_share'].sum(), 0)} of margin"
    )


def buyers_rule(found: Buyers) -> str:
    """Disclose the threshold, the certainty asked for, and what shrinks the shares."""
    a, b = found.prior
    return (
        f"A price buyer buys more than {words.percent(found.threshold)} of lines on offer with a "
        f"certainty of {words.percent(found.certainty, 0)} or more; on average customers buy "
        f"{words.percent(a / (a + b))} on offer. Much margin means belonging to those who "
        f"together bring the first {words.percent(found.top_margin, 0)}. Lines of one order say as "
        f"much as one line in {words.number(found.design_effect, 1)}; each share is drawn towards "
        f"the average with the weight of {words.number(a + b, 0)} such lines."
    )


def buyers_finding(found: Buyers) -> Fields:
    """Return the finding on price buyers."""
    called = found.table["buyer"].isin(["Price buyer", "Valuable deal seeker"])
    unsure = (found.table["buyer"] == "Uncertain").mean()
    return {
        "key": "price_buyers",
        "sentence": f"of customers surely buy more than {words.percent(found.threshold, 0)} of "
        "their lines on offer",
        "value": float(called.mean()),
        "unit": "%",
        "n": len(found.table),
        "noun": "customer",
        "detail": f"{words.percent(float(unsure), 0)} cannot be called either way",
    }


def buyers_next(table: pd.DataFrame) -> str:
    """Say who stayed in the time after."""
    rows = table.set_index("group")
    if not {"Price buyer", "Relationship customer"} <= set(rows.index):
        return "What each kind of buyer did in the time after"
    price, loyal = rows.loc["Price buyer"], rows.loc["Relationship customer"]
    return (
        f"Of price buyers {words.percent(price['bought'], 0)} bought again, of relationship "
        f"customers {words.percent(loyal['bought'], 0)}"
    )


def rhythm_headline(table: pd.DataFrame) -> str:
    """Say how many shop by the clock."""
    clock = table[table["group"].str.startswith("By the clock")]
    return (
        f"{words.percent(clock['share'].sum(), 0)} of customers surely shop by the clock; they "
        f"bring {words.percent(clock['net_share'].sum(), 0)} of sales"
    )


def regularity(common: Any) -> str:
    """Say what Wheat and Morrison's k is for everybody."""
    return (
        f"Over all customers, Wheat and Morrison's k is {words.number(common.shape, 2)} "
        f"({words.interval(common.low, common.high, 2, '')}, "
        f"{words.count(common.customers, 'customer')}); 1 would be a shopper without memory."
    )


def rhythm_finding(table: pd.DataFrame) -> Fields:
    """Return the finding on customers who shop by the clock."""
    clock = table[table["group"].str.startswith("By the clock")]
    return {
        "key": "by_the_clock",
        "sentence": "of customers shop more regularly than by lot, beyond doubt",
        "value": float(clock["share"].sum()),
        "unit": "%",
        "n": int(table["customers"].sum()),
        "noun": "customer",
    }


def stages_headline(table: pd.DataFrame) -> str:
    """Say how many have been away longer than their own rhythm explains."""
    away = table[table["group"].isin(["At risk", "Lapsed"])]
    return (
        f"{words.number(away['customers'].sum())} customers have been away longer than their own "
        f"rhythm explains; they brought {words.percent(away['net_share'].sum(), 0)} of sales"
    )


def stages_finding(table: pd.DataFrame) -> Fields:
    """Return the finding on unusual silence."""
    away = table[table["group"].isin(["At risk", "Lapsed"])]
    return {
        "key": "unusually_silent",
        "sentence": "of customers have been away longer than their own rhythm explains",
        "value": float(away["share"].sum()),
        "unit": "%",
        "n": int(table["customers"].sum()),
        "noun": "customer",
        "direction": "up_bad",
        "alert": bool(away["net_share"].sum() > 0.10),
        "detail": f"they brought {words.percent(float(away['net_share'].sum()))} of sales",
    }


def transitions(table: pd.DataFrame) -> str:
    """Say what became of the customers at risk."""
    rows = table[table["was"] == "At risk"].set_index("became")["share"]
    if rows.empty:
        return "Where each life stage is later"
    back = rows.reindex(["Active", "Won back", "Growing", "Declining"]).fillna(0).sum()
    return f"{words.percent(back, 0)} of customers at risk were buying again later"


def second(row: pd.Series, newcomers: int) -> str:
    """Say how many newcomers come back."""
    return (
        f"{words.percent(row['returned'], 0)} of {words.count(newcomers, 'newcomer')} came back "
        f"within {row.name} days ({words.interval(row['low'], row['high'], 0)})"
    )


def second_finding(row: pd.Series, newcomers: int, confidence: float) -> Fields:
    """Return the finding on the second order."""
    return {
        "key": "second_order",
        "sentence": f"of newcomers placed a second order within {row.name} days",
        "value": row["returned"],
        "low": row["low"],
        "high": row["high"],
        "unit": "%",
        "n": newcomers,
        "noun": "newcomer",
        "direction": "up_good",
        "level": confidence,
    }


def win_back(table: pd.DataFrame) -> str:
    """Say what contacting silent customers went with, and that it is no effect."""
    row = table.iloc[0]
    who = f"{row['stage']} customers who were contacted came back"
    if not row["low"] > 0:
        return f"{who} no more often than others, as far as can be told"
    points = words.points(row["difference"], 0, signed=False)
    return f"{who} more often by {points}; they were chosen, so this is no effect"


def tested(table: pd.DataFrame) -> str:
    """Say what offers drawn by lot brought back."""
    row = table.loc[table["low"].idxmax()]
    points = words.points(row["difference"], 0, signed=False)
    known = words.interval(row["low"], row["high"], 0, "points")
    if not row["low"] > 0:
        return "No offer drawn by lot surely brought silent customers back"
    return f"Drawn by lot, {row['promotion_id']} brought back {points} more ({known})"


def paused(table: pd.DataFrame) -> str:
    """Say who stayed when there were no discounts."""
    rows = table.set_index("group")["stayed"]
    low, high = rows.idxmin(), rows.idxmax()
    return (
        f"Without discounts, {low.lower()}s kept {words.percent(rows[low], 0)} of their orders, "
        f"{high.lower()}s {words.percent(rows[high], 0)}"
    )


def clusters(found: Any) -> str:
    """Say whether there are clusters worth naming."""
    if found.worth_naming:
        return f"{found.best} kinds of customers come back in every resample and stand apart"
    return "There are no clusters worth naming: these customers are one cloud"


def clusters_text(found: Any) -> str:
    """Say by which criteria, and what the challengers find."""
    row = found.criteria.set_index("clusters").loc[found.best]
    noise = found.challenger["noise"]
    return (
        f"The most stable cut is into {found.best}: its least stable part comes back with a "
        f"Jaccard similarity of {words.number(row['stability_least'], 2)}, its silhouette is "
        f"{words.number(row['silhouette'], 2)} where one single cloud has up to "
        f"{words.number(row['cloud_high'], 2)} and structure begins at 0.25. A Gaussian mixture "
        f"agrees with it to {words.number(row['mixture_agreement'], 2)} (adjusted Rand index). "
        f"HDBSCAN finds {words.count(found.challenger['clusters'], 'dense group')} and leaves "
        f"{words.percent(noise, 0)} of customers in none."
    )


def clusters_finding(found: Any) -> Fields:
    """Return the finding on clusters; none is a possible answer."""
    row = found.criteria.set_index("clusters").loc[found.best]
    return {
        "key": "clusters",
        "sentence": "clusters of customers are worth naming",
        "value": found.best if found.worth_naming else 0,
        "n": len(found.members),
        "noun": "customer",
        "detail": f"best silhouette {words.number(row['silhouette'], 2)}; structure begins at 0.25",
    }


def cluster_sentences(reading: Any, sizes: pd.DataFrame) -> str:
    """Return one bullet a cluster, and how well the short tree tells them apart."""
    both = reading.sentences.merge(sizes, on="cluster")
    bullets = "\n".join(
        f"- **Cluster {r['cluster']}** ({words.count(r['customers'], 'customer')}, comes back "
        f"with {words.number(r['jaccard'], 2)}). {r['sentence']}."
        for r in both.to_dict("records")
    )
    return (
        f"{bullets}\n\nThe rules below put {words.percent(reading.accuracy, 0)} of customers in "
        f"their cluster; guessing the largest gets {words.percent(reading.largest, 0)}."
    )


def compared(table: pd.DataFrame, one: str, other: str) -> str:
    """Say what sets two segments furthest apart."""
    if table.empty:
        return f"{one} and {other} differ in nothing beyond chance"
    apart = (table["one_index"] / table["other_index"].clip(lower=1)).abs()
    row = table.loc[apart.clip(lower=0.01).map(lambda r: max(r, 1 / r)).idxmax()]
    return (
        f"{one} and {other} differ most in {str(row['item']).lower()}: "
        f"{words.number(row['one_index'])} against {words.number(row['other_index'])}, "
        "everybody 100"
    )


def areas(table: pd.DataFrame, what: str, currency: str) -> str:
    """Say how far areas really differ once small ones are shrunk."""
    first, last = table.iloc[0], table.iloc[-1]
    return (
        f"{what} differ from {words.money(last['shrunk'], 0, currency)} to "
        f"{words.money(first['shrunk'], 0, currency)} a customer once luck is taken out; raw "
        f"means run from {words.money(table['mean'].min(), 0, currency)} to "
        f"{words.money(table['mean'].max(), 0, currency)}"
    )


def as_grid(moves: pd.DataFrame) -> pd.DataFrame:
    """Return transitions with a row a stage before and a column a stage later."""
    order = list(dict.fromkeys(moves["became"]))
    rows = list(dict.fromkeys(moves["was"]))
    wide = moves.pivot(index="was", columns="became", values="share").loc[rows, order]
    return wide.loc[:, wide.sum() > 0]


def as_triangle(kept: pd.DataFrame, *, most: int = 14) -> pd.DataFrame:
    """Return retention with a row a cohort and a column a month later, the last cohorts."""
    later = kept[kept["months_later"] > 0]
    wide = later.pivot(index="cohort", columns="months_later", values="share")
    wide.index = [f"{day:%b %Y}" for day in wide.index]
    return wide.tail(most).dropna(axis="columns", how="all")


def retention(kept: pd.DataFrame) -> str:
    """Say how many of a cohort buy a quarter later."""
    rows = kept[kept["known"] & (kept["months_later"] == 3)]
    if rows.empty:
        return "Too short a history to see newcomers a quarter later"
    share = rows["bought"].sum() / rows["customers"].sum()
    return f"{words.percent(share, 0)} of newcomers buy in the third month after their first"


def clusters_again(again: Any) -> str:
    """Say whether the clusters are there in the other period."""
    stayed = (again.table["stayed"] * again.table["customers"]).sum()
    share = stayed / again.table["customers"].sum()
    return (
        f"Placed by the earlier window alone, {words.percent(share, 0)} of customers are in the "
        f"same cluster (adjusted Rand index {words.number(again.agreement, 2)}; with clusters "
        f"found anew there, {words.number(again.matched, 2)})."
    )


def tastes(portraits: pd.DataFrame, fdr: float) -> str:
    """Return one bullet a segment: what it clearly buys more of than everybody."""
    bullets = []
    for name, rows in portraits.groupby("segment", sort=False):
        clear = rows[(rows["q"] <= fdr) & (rows["index"] > 100)]
        parts = [
            f"{item.lower()} ({words.number(index)})"
            for part in ("tastes", "proxies", "demography")
            for item, index in clear.loc[clear["part"] == part]
            .nlargest(3, "index")[["item", "index"]]
            .itertuples(index=False)
        ]
        said = words.listing(parts) if parts else "nothing beyond chance"
        bullets.append(f"- **{name}** over-index in {said}.")
    return "Everybody is 100.\n\n" + "\n".join(bullets)


def reaction(table: pd.DataFrame) -> str:
    """Say who reacts to deeper discounts."""
    clear = table[table["low"] > 0]
    if clear.empty:
        return "No kind of buyer reacts to deeper discounts more than the others, beyond doubt"
    row = clear.loc[clear["reaction"].idxmax()]
    return (
        f"{row['group']}s react most: ten points more discount raise their part of a category by "
        f"{words.percent(row['reaction'], 1)}"
    )


def kinds(table: pd.DataFrame) -> str:
    """Say what the table of segments holds."""
    names = [
        c for c in table.columns if table[c].dtype.kind in "OUT" or str(table[c].dtype) == "str"
    ]
    named = [c.replace("_", " ") for c in names if c != "customer_id"]
    return (
        f"{words.count(len(table), 'customer')}, each with {words.listing(named)}, in one table "
        "that other reports join by customer."
    )


def trust(
    *,
    rows: int,
    simulated: bool,
    calibration: pd.DataFrame,
    bought: pd.DataFrame,
    margin: str,
    gap: str,
) -> list[tuple[str, bool | None, str]]:
    """Return the lines of the trust panel.

    Parameters
    ----------
    rows
        Customers judged.
    simulated
        Whether the study is simulated.
    calibration
        ``silence.calibration``.
    bought
        ``worth.what_next`` of the RFM segments.
    margin
        The sentence on where margin comes from.
    gap
        Why growth could not be judged; empty if it was.
    """
    tenth = calibration.iloc[0]
    off = abs(tenth["called"] - tenth["expected"])
    order = bought[bought["customers"] >= 10]
    apart = order["bought"].max() - order["bought"].min()
    return [
        ("Held-out check", bool(apart > 0.1), "Segments were formed on what was known before and "
         f"checked on what followed: from most to least {words.points(apart, 0)} in buying again."),
        ("Silence", bool(off < 0.03), f"The model calls {words.percent(tenth['called'])} of past "
         "gaps unusual where it should call 10 %; the cuts are set by the gaps themselves, not by "
         "the model."),
        ("Growth", None if gap else True, gap or "Rises and falls are held to the false discovery "
         "rate of the parameters; most customers buy too seldom to be called."),
        ("Margin", None if "assum" in margin else True, margin),
        ("Data", None if simulated else True, "Simulated: nothing in it happened." if simulated
         else f"{words.count(rows, 'customer')} with an order in the window; guests are nobody."),
    ]  # fmt: skip
