"""The truth about messages, visits to web and app, voices and the loyalty scheme."""

from __future__ import annotations

from analysis.simulator.engagement import (
    acquisition,
    loyalty_club,
    messages,
    order_deliveries,
    robots,
    view_details,
    web_sessions,
)
from analysis.simulator.goods.catalogue import DEFECTIVE
from analysis.simulator.people import history_effects
from analysis.simulator.selling import promotion_plan as pp
from analysis.simulator.shop_plan import Plan
from analysis.simulator.truth.planted import Counts, Planted, ratio
from analysis.simulator.voices import feedback_files, survey_answers, voice_texts

CHANNELS = "11_channels"
FEEDBACK, LOYALTY = "10_feedback", "09_loyalty"


def truths(plan: Plan, counts: Counts) -> dict[str, Planted]:
    """Return the truths about engagement."""
    return {
        **_messages(),
        **_details(),
        **_won(),
        **_web(plan),
        **_surveys(counts),
        **_voices(plan),
        **_words(plan),
        **_club(plan, counts),
    }


def _messages() -> dict[str, Planted]:
    return {
        "channel_response": Planted(
            "Channels differ in being opened and clicked, and in cost.",
            CHANNELS,
            "P(opened | delivered, no message in the 28 days before), P(clicked | opened), cost.",
            {"delivered": messages.DELIVERED},
            {
                "opened": dict(messages.OPENED),
                "clicked": dict(messages.CLICKED),
                "cost": dict(pp.MESSAGE_COST),
            },
        ),
        "fatigue": Planted(
            "Every message in the 28 days before makes opening less likely, leaving more likely.",
            CHANNELS,
            "Fall of the log odds of opening for each such message; P(unsubscribed | delivered) "
            "for each such message and the one at hand (newsletters).",
            {"days": messages.FATIGUE_DAYS},
            {"log_odds": -messages.FATIGUE, "unsubscribed": messages.UNSUBSCRIBED},
        ),
        "newsletter_null": Planted(
            "Newsletters change nothing about what is bought: any credit by last click is false.",
            CHANNELS,
            "Effect of a newsletter on purchases.",
            superpopulation={"effect": 0.0},
        ),
    }


def _details() -> dict[str, Planted]:
    paces = dict(zip(messages.VARIANTS, messages.NEWS_RATES, strict=True))
    # Of what is opened, clicks are persons', and so is the share of the rest that is no program's.
    clicked = messages.CLICKED["email"]
    persons = clicked + (1 - clicked) * (1 - messages.MACHINE)
    return {
        "machine_opens": Planted(
            "Mail programs open e-mail; for some customers the program does not say so.",
            CHANNELS,
            "Of e-mail opened, the share that persons opened.",
            {"programs_that_do_not_say": messages.SILENT_PROGRAMS},
            {"persons": persons},
        ),
        "bounces": Planted(
            "Messages come back, and e-mail is reported as spam.",
            CHANNELS,
            "Share of messages sent that bounce; share of e-mail delivered that is complained of.",
            superpopulation={
                "bounced": (1 - messages.DELIVERED) * messages.BOUNCED,
                "complained": messages.COMPLAINED,
            },
        ),
        "newsletter_frequency": Planted(
            "How often the newsletter comes is drawn at random for each customer.",
            CHANNELS,
            "Effect of a higher frequency on margin, against the lowest; messages a week by "
            "variant stand in the parameters.",
            {"messages_a_week": paces},
            {"effect": 0.0},
        ),
        "consent_lag": Planted(
            "The register keeps consents that were withdrawn since; the log of consents knows.",
            CHANNELS,
            "Messages of promotions to customers whose consent for the channel was withdrawn "
            "before; newsletters stop at once, so of them there are none.",
            superpopulation={"newsletters_without": 0.0},
        ),
    }


def _won() -> dict[str, Planted]:
    shares = acquisition.expected_shares()
    return {
        "acquisition": Planted(
            "Newcomers are won through channels that differ in cost and in how often they order.",
            CHANNELS,
            "Media money spent for a new customer by channel; share of each channel.",
            {"tilt_of_order_rate": dict(acquisition.TILT), "share": dict(shares)},
            {name: acquisition.COST[name] for name in acquisition.PER_THOUSAND},
        )
    }


def _surveys(counts: Counts) -> dict[str, Planted]:
    return {
        "nps_nonresponse": Planted(
            "Who orders much likes the shop more and answers more often.",
            FEEDBACK,
            "Mean score and NPS over all who were invited, not only those who answered. Answering "
            "depends on x alone: log(1 + purchases in the 182 days up to the invitation).",
            {
                "log_odds_of_answering": [
                    survey_answers.NPS_ANSWERS,
                    survey_answers.NPS_ANSWER_SLOPE,
                ],
                "x_centre": survey_answers.NPS_CENTRE,
            },
            realised={who: _said(counts, "nps", who) for who in ("asked", "answered")},
            tables=("surveys",),
        ),
        "csat_nonresponse": Planted(
            "The unhappy answer more often: nothing known repairs the mean.",
            FEEDBACK,
            "Mean score over all who were invited; log odds of answering by score.",
            {
                "log_odds_of_answering": [
                    survey_answers.CSAT_ANSWERS,
                    survey_answers.CSAT_ANSWER_SLOPE,
                ]
            },
            realised={who: _said(counts, "csat", who) for who in ("asked", "answered")},
            tables=("surveys",),
        ),
        "score_foretells": _foretells(),
    }


def _foretells() -> Planted:
    known = {"slope_in_x": survey_answers.NPS_SLOPE, "noise": survey_answers.NPS_NOISE}
    return Planted(
        "Main customers who leave within 90 days score lower beforehand.",
        FEEDBACK,
        "Fall of the latent NPS score (before rounding and cutting) of those who leave.",
        {"days": survey_answers.LEAVING_DAYS, **known},
        {"fall": survey_answers.LEAVING},
        tables=("surveys", "customers"),
    )


def _said(counts: Counts, kind: str, who: str) -> dict[str, float | int | None]:
    asked = counts[f"{kind}.{who}"]
    mean = ratio(counts[f"{kind}.{who}.score"], asked)
    found: dict[str, float | int | None] = {"customers": asked, "mean_score": mean}
    if kind == "nps":
        net = counts[f"nps.{who}.promoters"] - counts[f"nps.{who}.detractors"]
        found["nps"] = ratio(100 * net, asked)
    return found


def _voices(plan: Plan) -> dict[str, Planted]:
    goods = plan.catalogue
    return {
        "reviews": Planted(
            "One product is reviewed badly, the same that comes back often.",
            FEEDBACK,
            "Latent mean of stars (before rounding and cutting at 1 and 5).",
            {
                "product_id": goods.product_id(goods.number(DEFECTIVE)),
                "noise": survey_answers.STAR_NOISE,
            },
            {"defective": survey_answers.DEFECTIVE_STARS, "others": survey_answers.STARS},
        ),
        "complaints": Planted(
            "Complaints have four topics and take their time.",
            FEEDBACK,
            "Share by topic; median days to settlement of those settled; share never settled.",
            superpopulation={
                "topics": dict(survey_answers.TOPICS),
                "median_days": survey_answers.SETTLED_DAYS,
                "never": survey_answers.NEVER_SETTLED,
            },
        ),
    }


def _words(plan: Plan) -> dict[str, Planted]:
    bad = plan.catalogue.product_id(plan.catalogue.number(DEFECTIVE))
    web, app = (order_deliveries.late_difference(channel) for channel in (1, 2))
    return {
        "review_words": Planted(
            "Reviews and complaints are written in English and Chinese, glad, mixed or sorry as "
            "their stars say but for a share; some name a person.",
            FEEDBACK,
            "Share of glad and sorry reviews that sound the other way; shares of topics of "
            "reviews; share of sorry reviews of the defective product that tell of its defect; "
            "share of texts that name a person or an order.",
            {"chinese_customers": voice_texts.CHINESE, "bare": voice_texts.BARE, "bad": bad},
            {
                "wrong_mood": voice_texts.WRONG_MOOD,
                "defect": voice_texts.DEFECT_SHARE,
                "personal_reviews": voice_texts.NAMES_REVIEW,
                "personal_complaints": voice_texts.NAMES_COMPLAINT,
                "topics": dict(voice_texts.REVIEW_TOPICS),
            },
            tables=("voices",),
        ),
        "late_scores": Planted(
            "Late deliveries go with lower satisfaction.",
            FEEDBACK,
            "Mean CSAT score of late deliveries less that of others, among those who answer, by "
            "channel. Whether a delivery is late is drawn given the score.",
            {"log_odds_of_late_a_point": order_deliveries.LATE_SLOPE},
            {"web": web, "app": app},
        ),
        "cancellations": Planted(
            "Orders to be delivered are cancelled before they are; they have no order lines.",
            FEEDBACK,
            "Share of the orders with a promised day that are cancelled.",
            superpopulation={"share": order_deliveries.CANCELLED},
        ),
        "complaint_null": Planted(
            "Neither a complaint nor its settlement changes what is bought afterwards.",
            FEEDBACK,
            "Effect of a settled complaint on later orders.",
            superpopulation={"effect": 0.0},
        ),
        "effort": Planted(
            "The longer a complaint takes, the harder it was: effort, 1 (hard) to 7 (easy).",
            FEEDBACK,
            "Fall of the latent effort score for each unit of log days to settlement.",
            {"base": feedback_files.CES_BASE, "noise": feedback_files.CES_NOISE},
            {"slope": -feedback_files.CES_SLOPE},
        ),
    }


def _club(plan: Plan, counts: Counts) -> dict[str, Planted]:
    return {
        "breakage": Planted(
            "A share of the points earned is never redeemed.",
            LOYALTY,
            "Share of points earned at least "
            f"{loyalty_club.LIFE_DAYS} days before the end that expired.",
            {"life_days": loyalty_club.LIFE_DAYS},
            {"breakage": loyalty_club.BREAKAGE},
            {
                "points": counts["points.ripe"],
                "breakage": ratio(counts["points.expired"], counts["points.ripe"]),
            },
            present=plan.calendar.days > loyalty_club.LIFE_DAYS,
        ),
        "tier_bunching": Planted(
            "Club members just below gold at the end of a loyalty year place an order to get over.",
            LOYALTY,
            "Orders placed in the last days of the loyalty year to reach gold; chance of it within "
            "the notch below the threshold.",
            {
                "threshold": history_effects.TIER_POINTS["gold"],
                "notch": history_effects.NOTCH,
                "chance": history_effects.TOPS_UP,
                "last_days": history_effects.LAST_DAYS,
                "year_weeks": history_effects.TIER_WEEKS,
            },
            realised={"orders": counts["tiers.top_ups"]},
            present=plan.calendar.weeks >= history_effects.TIER_WEEKS,
        ),
    }


WEB = "12_web"


def _web(plan: Plan) -> dict[str, Planted]:
    """Return the _web about visits."""
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
            {"no_click": view_details.POOR_NO_PRODUCT, "click": view_details.POOR_PRODUCT},
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
