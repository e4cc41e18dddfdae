"""The truth about messages, page views, voices and the loyalty scheme."""

from __future__ import annotations

from analysis.simulator.engagement import acquisition, loyalty_club, messages, order_deliveries
from analysis.simulator.goods.catalogue import DEFECTIVE
from analysis.simulator.people import history_effects
from analysis.simulator.selling import promotion_plan as pp
from analysis.simulator.shop_plan import Plan
from analysis.simulator.truth import about_web
from analysis.simulator.truth.planted import Counts, Planted, ratio
from analysis.simulator.voices import further_voices, survey_answers, voice_texts

CHANNELS = "11_channels"
FEEDBACK, LOYALTY = "10_feedback", "09_loyalty"


def truths(plan: Plan, counts: Counts) -> dict[str, Planted]:
    """Return the truths about engagement."""
    return {
        **_messages(),
        **_details(),
        **_won(),
        **about_web.truths(plan),
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
            {"tilt_of_order_rate": dict(acquisition.TILT), "share": shares},
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
            {"base": further_voices.CES_BASE, "noise": further_voices.CES_NOISE},
            {"slope": -further_voices.CES_SLOPE},
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
