"""What the report on visits says of sessions, bounce, funnel and paths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.reporting.notebook import words
from analysis.stats.sizes import FEWEST_FOLLOWED

if TYPE_CHECKING:
    from analysis.engagement.web.clickstream import Clickstream
    from analysis.engagement.web.page_paths import PagePaths
    from analysis.engagement.web.purchase_funnel import PurchaseFunnel
    from analysis.engagement.web.session_summary import WebOverview
    from analysis.reporting.notebook.report import TrustLine

#: Fields of a finding, as `Report.finding` takes them.
Fields = dict[str, Any]

#: False discovery rate below which something stands out.
DISCOVERED = 0.05
#: Share of views that may be bots' before somebody should look at the tracking.
_MANY_BOTS = 0.10


def title(seen: WebOverview) -> str:
    """Return the title: what visits lead to."""
    return (
        f"{words.percent(seen.conversion['share'])} of "
        f"{words.count(int(seen.totals['sessions']), 'session')} on web and app end in an order"
    )


def conversion_finding(seen: WebOverview, confidence: float) -> Fields:
    """Return the finding on the share of sessions with an order."""
    row = seen.conversion
    return {
        "key": "web_conversion", "sentence": "of sessions end in an order",
        "value": float(row["share"]), "low": float(row["low"]), "high": float(row["high"]),
        "unit": "%", "n": int(row["trials"]), "noun": "session", "direction": "up_good",
        "level": confidence,
    }  # fmt: skip


def visits_headline(seen: WebOverview) -> str:
    """Return what a session is like."""
    t = seen.totals
    return (
        f"A session sees {words.number(t['views_a_session'], 1)} pages; "
        f"{words.percent(t['one_page'] / t['sessions'], 0)} see only one"
    )


def visits_reading(seen: WebOverview, web: Clickstream) -> str:
    """Return how many views, sessions and visitors there are, and who is known."""
    t = seen.totals
    lasting = (
        f" Sessions of two pages or more last {words.number(t['median_seconds'])} seconds in the "
        "median, the last page not counted."
        if t["sessions"] > t["one_page"]
        else " No session saw a second page: nothing can be said of time, paths or a funnel."
    )
    return (
        f"{words.count(int(t['views']), 'view')} of people from {web.period} make "
        f"{words.count(int(t['sessions']), 'session')} of "
        f"{words.count(int(t['visitors']), 'visitor')} (a session ends with {web.rule}).{lasting} "
        f"The customer is known in {words.percent(t['known'] / t['sessions'], 0)} of sessions."
    )


def bots_finding(web: Clickstream) -> Fields:
    """Return the finding on bots; they are left out already, so that nothing is to be decided."""
    people = web.robots.iloc[0]
    share = 1 - float(people["view_share"])
    return {
        "key": "programs",
        "sentence": "of views are by bots and are left out of everything else here", "value": share,
        "unit": "%", "n": int(web.robots["views"].iloc[-1]), "noun": "view", "direction": "up_bad",
    }  # fmt: skip


def bots_headline(web: Clickstream) -> str:
    """Return how many visitors are bots."""
    found = int(web.robots["visitors"].iloc[1:-1].sum())
    whole = int(web.robots["visitors"].iloc[-1])
    are = "is a bot" if found == 1 else "are bots"
    return f"{words.number(found)} of {words.count(whole, 'visitor')} {are} by a stated rule"


def bots_reading(web: Clickstream) -> str:
    """Return what the rules can and cannot tell, and what bots would do to conversion."""
    people, whole = web.robots.iloc[0], web.robots.iloc[-1]
    share = people["ordered"] / people["sessions"]
    mixed = whole["ordered"] / whole["sessions"]
    return (
        "A visitor that meets one rule is left out with all its views, and is counted under the "
        f"first it meets. With bots, {words.percent(mixed)} of sessions would have an order; "
        f"without, {words.percent(share)}. A bot that calls itself a browser and reads slowly "
        "is not told from a person."
    )


def rules_headline(table: pd.DataFrame) -> str:
    """Return how far the number of sessions depends on the rule."""
    far = table.loc[table["change"].abs().idxmax()]
    if not far["change"]:
        return "Every rule gives the same number of sessions"
    return (
        f"No rule tried moves the number of sessions by more than "
        f"{words.percent(abs(far['change']))} ({far['rule']})"
    )


def attention_headline(table: pd.DataFrame) -> str:
    """State which page is seen most, and how often it ends a session."""
    first = table.iloc[0]
    share, ends = words.percent(first["view_share"], 0), words.percent(first["exit_rate"], 0)
    return f"{share} of views are of {first['page']}; {ends} of them end the session"


def bounce_headline(table: pd.DataFrame) -> str:
    """Return between which rates bounce lies."""
    given = table.dropna(subset=["bounce"])
    low, high = given["bounce"].min(), given["bounce"].max()
    if high - low < 0.0005:
        return f"Every definition gives a bounce rate of {words.percent(low)}"
    return f"Bounce is {words.interval(low, high, 1)}, by whose definition is taken"


def bounce_reading(table: pd.DataFrame) -> str:
    """Return what the definitions cannot see here."""
    reasons = [f"{row.tool}: {row.reason}." for row in table.itertuples() if row.reason]
    return (
        "Compare a rate only with rates of the same tool. A single page whose end nobody saw "
        "counts as short, as it does in the tools. " + " ".join(reasons)
    ).strip()


def drop_finding(made: PurchaseFunnel, confidence: float) -> Fields | None:
    """Return the finding on the step at which most are lost; None where too few get near it."""
    row = _widest(made)
    if row is None or row["sessions"] + row["lost"] < FEWEST_FOLLOWED:
        return None
    return {
        "key": "funnel_loss",
        "sentence": f"of sessions that got as far as {_a(_before(made, row))} go on to "
        f"{_a(row['step'])}: the step at which most are lost "
        f"({words.count(int(row['lost']), 'session')})",
        "value": float(row["kept"]), "low": float(row["kept_low"]), "high": float(row["kept_high"]),
        "unit": "%", "n": int(row["sessions"] + row["lost"]), "noun": "session",
        "direction": "up_good", "level": confidence,
    }  # fmt: skip


def _a(step: str) -> str:
    return f"an {step}" if step[0] in "aeiou" else f"a {step}"


def _widest(made: PurchaseFunnel) -> pd.Series | None:
    """Return the step before which most sessions are lost; None where nobody gets that far.

    That a visit sees no product is no loss on the way to an order, where products are known.
    """
    inner = made.steps.iloc[2:] if len(made.steps) > 4 else made.steps.iloc[1:]
    inner = inner[(inner["sessions"] + inner["lost"] > 0) & (inner["lost"] > 0)]
    return None if inner.empty else made.steps.loc[inner["lost"].idxmax()]


def _before(made: PurchaseFunnel, row: pd.Series) -> str:
    """Return the step before that of ``row``."""
    steps = made.steps["step"].tolist()
    return str(steps[steps.index(row["step"]) - 1])


def funnel_headline(made: PurchaseFunnel) -> str:
    """Return where most sessions are lost."""
    row = _widest(made)
    if row is None:
        return "No session is lost on the way: none sees a product, or all that do order"
    return (
        f"Most are lost between {_before(made, row)} and {row['step']}: "
        f"{words.percent(row['kept'], 0)} go on"
    )


def funnel_reading(made: PurchaseFunnel) -> str:
    """Return what in order and in any order differ by."""
    steps = made.steps
    differ = int((steps["seen"] - steps["sessions"]).max())
    said = (
        "Steps come in their order in every session."
        if not differ
        else f"Up to {words.count(differ, 'session')} show a step without those before it: views "
        "that were not recorded, clocks that differ, or a way that skips a step."
    )
    return (
        f"{said} A step counts after the step before it, with any pages between. What a visitor "
        "does in a later session counts in the table of days alone."
    )


def orders_by_group(made: PurchaseFunnel) -> pd.DataFrame:
    """Return one group a row with what it keeps at each step and the share that orders.

    Returns
    -------
    pandas.DataFrame
        grouping, group, visits, basket, checkout, kept (shares of the step before), share (of all
        sessions, with an order), low, high.
    """
    table = made.groups.set_index(["grouping", "group"])
    last = table[table["step"] == "order"]
    kept = {s: table[table["step"] == s]["kept"] for s in ("basket", "checkout")}
    visits = table[table["step"] == "visit"]["sessions"]
    found = last[["kept", "share", "low", "high"]].assign(visits=visits, **kept)
    return found.reset_index()


def groups_headline(table: pd.DataFrame) -> str:
    """Return the device that orders least, against the one that orders most."""
    devices = table[table["grouping"] == "device"]
    if len(devices) < 2:
        return "Who orders, by source and history"
    best, worst = (devices.loc[devices["share"].agg(how)] for how in ("idxmax", "idxmin"))
    if worst["high"] >= best["low"]:
        return "Devices do not differ significantly in orders"
    return (
        f"On {best['group']} {words.percent(best['share'])} of sessions end in an order, on "
        f"{worst['group']} {words.percent(worst['share'])}"
    )


def groups_reading() -> str:
    """Return what groups may be compared for."""
    return (
        "Device and source are those of a session's first view, never of a later step. History is "
        "told only where the customer was known at the first view, so that its groups may be "
        "compared with each other alone: whoever logs in means to order more often. So are "
        "segments, those of the year before the period; their intervals hold for all at once. "
        "Groups differ in who is in them: a difference is a place to look, not an effect."
    )


def paths_headline(found: PagePaths) -> str:
    """Return the commonest entry and where from sessions end most."""
    every = found.moves[found.moves["sessions"] == "all"]
    entry = every[every["page"] == "(entry)"].nlargest(1, "moves").iloc[0]
    exits = every[every["next_page"] == "(exit)"]
    ended = exits.nlargest(1, "moves").iloc[0]
    return (
        f"{words.percent(entry['share'], 0)} of sessions begin on {entry['next_page']}; "
        f"{words.percent(ended['moves'] / exits['moves'].sum(), 0)} end on {ended['page']}, more "
        "than on any other page"
    )


def signs_headline(found: PagePaths) -> str:
    """Return what buyers do that others do not."""
    known = found.signs[found.signs["q"] <= DISCOVERED]
    if known.empty:
        return "Before the basket, buyers and others do not differ significantly"
    best = known.iloc[0]
    often = "more" if best["difference"] > 0 else "less"
    return (
        f"What buyers {often} often did before the basket: {best['sign']}, "
        f"{words.points(best['difference'])} at as many pages"
    )


def trust(web: Clickstream, seen: WebOverview) -> list[TrustLine]:
    """Return what a reader should know before relying on the report."""
    t, odd = seen.totals, int(seen.clock["odd"])
    recorded = web.tables.has("page_views", "visitor_id")
    unknown = t["sessions"] - t["known"]
    return [
        (
            "Visitors",
            None if recorded else False,
            "A visitor is a browser's number: who changes device or deletes it counts twice."
            if recorded
            else "page_views has no visitor_id: sessions of unknown visitors are the source's own, "
            "whatever rule it used.",
        ),
        (
            "Bots",
            1 - web.robots["view_share"].iloc[0] < _MANY_BOTS,
            f"{words.percent(1 - web.robots['view_share'].iloc[0])} of views are bots' and left "
            "out.",
        ),
        (
            "Clock",
            not odd,
            "Times are taken as they are written: a browser's clock that is wrong cannot be told. "
            + (
                f"{words.count(odd, 'view')} fell in an hour that the clock change repeats or "
                "skips; their sessions may be parted or joined wrongly."
                if odd
                else "No view fell in an hour that the clock change repeats or skips."
            ),
        ),
        (
            "Customers",
            None,
            f"In {words.percent(unknown / t['sessions'], 0)} of sessions the customer is not "
            "known; they are in every figure but those of customers.",
        ),
        (
            "Edges",
            None,
            f"Sessions under way at the first or last midnight of {web.period} are cut there.",
        ),
    ]
