"""The truth about visits to web and app: funnel, paths, faults, search and programs."""

from __future__ import annotations

from analysis.simulator.engagement import robots, view_details, web_sessions
from analysis.simulator.shop_plan import Plan
from analysis.simulator.truth.planted import Planted

WEB = "12_web"


def truths(plan: Plan) -> dict[str, Planted]:
    """Return the truths about visits."""
    return {**_visits(plan), **_met(), **_searches(), **_programs()}


def _visits(plan: Plan) -> dict[str, Planted]:
    tracked = min(web_sessions.TRACKED_WEEKS, plan.calendar.weeks)
    since = plan.calendar.date_of(plan.calendar.days - 7 * tracked).isoformat()
    kept = [1 - b for b in web_sessions.BOUNCES.values()]
    stays = sum(s * k for s, k in zip(web_sessions.REFERRERS.values(), kept, strict=True))
    reached = [sum(web_sessions.STAGE_SHARES[i:]) for i in range(len(web_sessions.STAGES))]
    return {
        "bounce": Planted(
            "Visits bounce (one page) with a chance that depends on where they come from.",
            WEB,
            "Share of sessions with one page, by referrer.",
            {"tracked_since": since, "referrers": dict(web_sessions.REFERRERS)},
            {**web_sessions.BOUNCES, "overall": 1 - stays},
        ),
        "funnel": Planted(
            "Visits that do not bounce go a known way down to the purchase.",
            WEB,
            "Share of sessions with more than one page that reach cart, checkout, purchase; share "
            "of all sessions that buy.",
            superpopulation={
                **dict(zip(web_sessions.STAGES[1:], reached[1:], strict=True)),
                "conversion": web_sessions.conversion(),
            },
        ),
        "page_paths": Planted(
            "Browsing moves between pages by a Markov chain.",
            WEB,
            "P(next page | page) in sessions without a cart, from one browsed page to the next.",
            {"pages": list(web_sessions.PAGES[:4]), "lands_on": list(web_sessions.LANDS)},
            {"next": [list(row) for row in web_sessions.NEXT]},
        ),
    }


def _met() -> dict[str, Planted]:
    """Return what visits met on their way, drawn given where they ended."""
    _, _, checkout, bought = web_sessions.STAGE_SHARES
    on_phone, elsewhere = (_of_device(device) for device in ("phone", "desktop"))
    d = view_details
    return {
        "phone_checkout": Planted(
            "On phones more visits end at the checkout than on desktops.",
            WEB,
            "P(purchase | checkout) of web visits by device.",
            superpopulation={"phone": on_phone, "desktop": elsewhere},
        ),
        "slow_checkout": Planted(
            "Visits that gave up at the checkout met a slow page more often.",
            WEB,
            "P(purchase | checkout) where the checkout took more than 3 s, and where it did not.",
            superpopulation={
                "slow": given(bought, checkout, d.SLOW_ORDERED, d.SLOW_GAVE_UP),
                "fast": given(bought, checkout, 1 - d.SLOW_ORDERED, 1 - d.SLOW_GAVE_UP),
            },
        ),
        "failing_basket": Planted(
            "Visits that gave up at the basket met a failing page more often.",
            WEB,
            "P(purchase | basket) where the basket page failed (status 500), and where it did not.",
            superpopulation={
                "failed": _ordered_after(d.FAILED_WENT_ON, d.FAILED_GAVE_UP),
                "well": _ordered_after(1 - d.FAILED_WENT_ON, 1 - d.FAILED_GAVE_UP),
            },
        ),
    }


def given(went_on: float, gave_up: float, chance_on: float, chance_up: float) -> float:
    """Return the share that went on among those who met what is met with these chances."""
    return went_on * chance_on / (went_on * chance_on + gave_up * chance_up)


def _ordered_after(chance_on: float, chance_up: float) -> float:
    """Return the share that ordered among those who met at the basket what comes so often."""
    _, cart, checkout, bought = web_sessions.STAGE_SHARES
    on = given(checkout + bought, cart, chance_on, chance_up)
    return on * bought / (checkout + bought)


def _of_device(device: str) -> float:
    place = view_details.DEVICES.index(device)
    _, at_checkout, ordered = view_details.DEVICE_SHARES
    _, _, checkout, bought = web_sessions.STAGE_SHARES
    return given(bought, checkout, ordered[place], at_checkout[place])


def _searches() -> dict[str, Planted]:
    return {
        "poor_search": Planted(
            "One search leads to no product far more often than the others.",
            WEB,
            "Share of the searches without a click, and of those with one, that were for it.",
            {"terms": view_details.TERMS[0]},
            {
                "no_click": view_details.POOR_NO_PRODUCT,
                "click": view_details.POOR_PRODUCT,
            },
        )
    }


def _programs() -> dict[str, Planted]:
    return {
        "robots": Planted(
            "Programs visit as well: some say what they are, a few show by their pace alone.",
            WEB,
            "Which visitors are programs; visits of them for each visit of a person.",
            {"agent": robots.AGENT},
            dict(zip(robots.KINDS, robots.SHARES, strict=True)),
            tables=("robots",),
        )
    }
