"""Every planted truth, and the analysis that must find it.

A report that finds a truth names here the tests that hold it to that. The tests under ``planted``
show that the truth is really in the data; those under ``found`` that the analysis finds it, within
its own interval at about its nominal rate. A truth whose report is still to be written has no
``found`` yet.
"""

from __future__ import annotations

from dataclasses import dataclass

from analysis.simulator.goods.demand_plan import DEMANDS

PROFILING = "tests/truth/test_found_by_profiling.py"
DECILES = "tests/truth/test_found_by_deciles.py"
PROCESSES = "tests/truth/test_processes.py"
TRAITS = "tests/truth/test_traits.py"
ASSOCIATIONS = "tests/truth/test_associations.py"
SERIES = "tests/truth/test_demand_series.py"
PROMOTIONS = "tests/truth/test_promotions.py"
ENGAGEMENT = "tests/truth/test_engagement.py"

FORECAST = "tests/truth/test_found_by_forecast.py"
SEGMENTS = "tests/truth/test_found_by_segmentation.py"
BASKETS = "tests/truth/test_found_by_baskets.py"
PORTRAITS = "tests/truth/test_found_by_portraits.py"
LOYALTY = "tests/truth/test_found_by_loyalty.py"
BY_LOT = "tests/truth/test_found_by_promotions.py"
FEEDBACK = "tests/truth/test_found_by_feedback.py"
CAMPAIGNS = "tests/truth/test_found_by_campaigns.py"
CHANNELS = "tests/truth/test_found_by_channels.py"
WEB = "tests/truth/test_web_details.py"
VISITS = "tests/truth/test_found_by_web.py"

#: Reports that exist: what they own is found, or it is named here as still open.
WRITTEN = (
    "01_profiling",
    "02_segmentation",
    "03_deciles",
    "04_forecast",
    "05_baskets",
    "06_promotions",
    "09_loyalty",
    "10_feedback",
    "11_channels",
    "12_web",
)


@dataclass(frozen=True)
class Owner:
    """Who must find a truth, and the tests that show it planted and found (file::function)."""

    report: str
    planted: tuple[str, ...]
    found: tuple[str, ...] = ()


def _profiled(*functions: str) -> Owner:
    tests = tuple(f"{PROFILING}::{name}" for name in functions)
    return Owner("01_profiling", tests, tests)


def _owned(report: str, file: str, *functions: str, found: tuple[str, ...] = ()) -> Owner:
    return Owner(report, tuple(f"{file}::{name}" for name in functions), found)


def _found_only(function: str) -> Owner:
    """Return the owner of a truth of report 09 whose finding shows it planted, too."""
    return Owner("09_loyalty", (f"{LOYALTY}::{function}",), (f"{LOYALTY}::{function}",))


_CALM = ("test_products_that_nothing_moves_are_not_called",)
_SLOPES = ("test_trends_are_as_planted", "test_trends_are_called_and_flat_products_are_not")
_WAVE = ("test_the_yearly_wave_is_as_planted",)
_RUN_UP = ("test_holidays_lift_their_run_up_as_planted",)
_OFFERED = (
    "test_promotions_lift_as_planted",
    "test_regressors_are_read_from_the_tables_as_planted",
)
_MOVED = ("test_level_shifts_are_found_dated_and_measured",)
_LIVES = ("test_launches_and_ends_are_told_with_their_weeks",)
_SPARSE = ("test_intermittent_demand_is_told_and_its_rate_forecast",)

#: Tests that find each demand series.
_SERIES_FOUND: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("flat", "flat_noisy", "steady", "slow"), (*_CALM, _SLOPES[1])),
    "rising": (*_SLOPES, "test_intervals_of_called_slopes_cover"),
    "falling": (*_SLOPES, "test_intervals_of_called_slopes_cover"),
    **dict.fromkeys(("summer", "winter"), (*_WAVE, *_CALM)),
    "rising_summer": (*_WAVE, *_SLOPES),
    "promoted": _OFFERED,
    "promoted_deep": _OFFERED,
    "easter": _RUN_UP,
    "christmas": _RUN_UP,
    "rising_christmas": (*_RUN_UP, *_SLOPES),
    "shift_up": _MOVED,
    "shift_down": _MOVED,
    **dict.fromkeys(("new", "very_new", "delisted"), _LIVES),
    "intermittent": _SPARSE,
    "rare": _SPARSE,
    "dearer": (
        "test_the_price_elasticity_is_as_planted",
        "test_a_shift_that_a_change_of_price_explains_is_said_to_be_one",
    ),
    "out_of_stock": ("test_weeks_without_stock_are_suspected_and_no_others",),
    "freak": ("test_the_freak_week_is_found_and_is_neither_trend_nor_shift",),
}


def _said(function: str, *, found: str) -> Owner:
    return Owner("10_feedback", (f"{ENGAGEMENT}::{function}",), (f"{FEEDBACK}::{found}",))


_LEDGER = "test_ingest_accounts_for_every_row_as_planted"
_SUMS = "test_totals_are_those_of_the_truth"

OWNERS: dict[str, Owner] = {
    "totals": _profiled(_SUMS),
    "guests": _profiled(_SUMS, "test_checks_count_what_was_planted"),
    "returns": _profiled(_SUMS, "test_checks_count_what_was_planted"),
    "department_shares": _profiled("test_departments_sell_what_the_truth_says"),
    "delivered_twice": _profiled(_LEDGER),
    "late_rows": _profiled(_LEDGER),
    "damaged_rows": _profiled(_LEDGER),
    "training_till": _profiled(_LEDGER),
    "customers_sent_twice": _profiled(_LEDGER),
    "unregistered_customers": _profiled("test_checks_count_what_was_planted"),
    "missing_demographics": _profiled("test_completeness_shows_who_has_no_demographics"),
    "closed_days": _profiled("test_days_without_sales_are_the_closed_ones"),
    "lost_delivery": _profiled("test_the_lost_delivery_is_the_only_empty_day_of_a_store"),
    "unlisted_product": _profiled("test_checks_count_what_was_planted"),
    "defective_product": Owner(
        "01_profiling",
        (f"{ENGAGEMENT}::test_the_defective_product_is_returned_and_reviewed_badly",),
        (f"{PROFILING}::test_the_defective_product_comes_back_most",),
    ),
    "app_growth": _profiled("test_drift_finds_that_the_app_grew"),
    "spend_concentration": Owner(
        "03_deciles",
        (f"{DECILES}::test_realised_shares_are_those_of_the_features",),
        (
            f"{DECILES}::test_realised_shares_are_those_of_the_features",
            f"{DECILES}::test_intervals_of_shares_cover_at_their_nominal_rate",
        ),
    ),
    "bgnbd": _owned(
        "customers.value",
        PROCESSES,
        "test_main_customers_buy_by_bgnbd",
        "test_who_left_never_comes_back",
    ),
    "gamma_gamma": _owned("customers.value", PROCESSES, "test_order_values_are_gamma_gamma"),
    "rhythm_weekly": _owned(
        "02_segmentation",
        PROCESSES,
        "test_fixed_rhythms_have_their_erlang_shape",
        found=(f"{SEGMENTS}::test_fixed_rhythms_are_recovered",),
    ),
    "rhythm_monthly": _owned(
        "02_segmentation",
        PROCESSES,
        "test_fixed_rhythms_have_their_erlang_shape",
        found=(f"{SEGMENTS}::test_fixed_rhythms_are_recovered",),
    ),
    "big_ticket": _owned(
        "02_segmentation",
        TRAITS,
        "test_big_tickets_are_rare_and_large",
        found=(f"{PORTRAITS}::test_rare_big_tickets_are_never_taken_for_a_rhythm",),
    ),
    "price_attitudes": _owned(
        "02_segmentation",
        TRAITS,
        "test_attitudes_show_in_discount_shares",
        found=(f"{SEGMENTS}::test_price_buyers_with_precision_and_recall",),
    ),
    "depth_response": _owned(
        "02_segmentation",
        TRAITS,
        "test_discount_customers_take_more",
        found=(f"{SEGMENTS}::test_discount_customers_take_more_of_deeper_offers",),
    ),
    "discount_pause": _owned(
        "02_segmentation",
        PROCESSES,
        "test_discount_customers_stay_away_in_the_pause",
        found=(f"{SEGMENTS}::test_price_buyers_stay_away_without_discounts",),
    ),
    "life_stages": _owned(
        "02_segmentation",
        TRAITS,
        "test_life_stages_have_their_tastes",
        found=(f"{PORTRAITS}::test_young_families_over_index_on_babies_and_the_retired_on_health",),
    ),
    "region_and_income": _owned(
        "02_segmentation",
        TRAITS,
        "test_the_north_and_the_rich_buy_more",
        found=(f"{PORTRAITS}::test_the_north_is_worth_more",),
    ),
    "growing": _owned(
        "02_segmentation",
        PROCESSES,
        "test_growing_and_declining_customers_turn_on_their_day",
        found=(f"{PORTRAITS}::test_growing_and_declining_customers_are_called_so",),
    ),
    "declining": Owner(
        "02_segmentation",
        (f"{PROCESSES}::test_growing_and_declining_customers_turn_on_their_day",),
        (
            f"{DECILES}::test_fading_finds_declining_customers_and_hardly_any_others",
            f"{PORTRAITS}::test_growing_and_declining_customers_are_called_so",
        ),
    ),
    "win_back": _owned(
        "02_segmentation",
        PROCESSES,
        "test_won_back_customers_come_at_their_rates",
        found=(f"{SEGMENTS}::test_the_randomised_win_back_is_measured",),
    ),
    "value_groups": _owned(
        "02_segmentation",
        TRAITS,
        "test_value_groups_order_customers",
        found=(f"{PORTRAITS}::test_tiers_go_with_expected_value",),
    ),
    "referrals": _owned(
        "09_loyalty",
        ENGAGEMENT,
        "test_referred_customers_order_more_often",
        found=(f"{LOYALTY}::test_the_quality_of_referred_customers_is_found",),
    ),
    "independent": _owned(
        "05_baskets",
        ASSOCIATIONS,
        "test_independent_products_have_no_association",
        found=(f"{BASKETS}::test_independent_products_make_no_rule",),
    ),
    **{
        f"pair_{i}": _owned(
            "05_baskets",
            ASSOCIATIONS,
            "test_pairs_have_their_support_and_confidence",
            found=(
                f"{BASKETS}::test_every_pair_is_found_with_its_lift_and_confidence",
                f"{BASKETS}::test_true_pairs_hold_under_every_control",
            ),
        )
        for i in range(3)
    },
    "brands": _owned(
        "05_baskets",
        ASSOCIATIONS,
        "test_brands_replace_each_other",
        found=(f"{BASKETS}::test_brands_of_cola_are_substitutes_and_switched_as_planted",),
    ),
    "bundle": _owned(
        "05_baskets",
        ASSOCIATIONS,
        "test_a_bundle_is_bought_as_a_whole",
        found=(
            f"{BASKETS}::test_the_bundle_of_three_is_found_as_a_whole",
            f"{BASKETS}::test_only_the_bundle_is_a_three_beyond_its_pairs",
        ),
    ),
    "leaflet": _owned(
        "05_baskets",
        ASSOCIATIONS,
        "test_a_leaflet_fakes_an_association",
        found=(f"{BASKETS}::test_the_pair_that_only_a_leaflet_made_is_flagged",),
    ),
    "local": _owned(
        "05_baskets",
        ASSOCIATIONS,
        "test_a_store_and_a_season_fake_associations",
        found=(f"{BASKETS}::test_pairs_of_a_store_or_a_season_disappear_within_it",),
    ),
    "summer": _owned(
        "05_baskets",
        ASSOCIATIONS,
        "test_a_store_and_a_season_fake_associations",
        found=(f"{BASKETS}::test_pairs_of_a_store_or_a_season_disappear_within_it",),
    ),
    "tv_audio": _owned(
        "05_baskets",
        ASSOCIATIONS,
        "test_audio_follows_televisions_at_the_planted_rate",
        "test_audio_without_a_television_keeps_the_base_rate",
        found=(f"{BASKETS}::test_audio_follows_a_television_at_the_planted_rate",),
    ),
    "tv_cable": _owned(
        "05_baskets",
        ASSOCIATIONS,
        "test_cables_come_with_the_television_or_not_at_all",
        found=(f"{BASKETS}::test_a_cable_never_comes_next",),
    ),
    **{
        key.replace("_", ".", 1): _owned(
            "04_forecast",
            SERIES,
            "test_units_are_poisson_about_the_expectation"
            if demand.occurs == 1
            else "test_intermittent_demand_occurs_as_often_as_planted",
            "test_levels_trends_and_lifts_are_in_the_expectation",
            found=tuple(
                f"{FORECAST}::{name}" for name in _SERIES_FOUND[key.removeprefix("series_")]
            ),
        )
        for key, demand in DEMANDS.items()
    },
    "placements": _owned(
        "06_promotions",
        SERIES,
        "test_placements_lift_as_planted",
        found=(
            f"{CAMPAIGNS}::test_places_and_prices_lift_as_planted",
            f"{CAMPAIGNS}::test_incremental_units_are_what_the_lift_says",
        ),
    ),
    "T1": _owned(
        "06_promotions",
        PROMOTIONS,
        "test_a_randomised_effect_is_the_difference_in_means",
        "test_the_effect_differs_by_life_stage",
        found=(
            f"{BY_LOT}::test_effects_are_recovered_with_the_uncertainty_they_claim",
            f"{BY_LOT}::test_every_promotion_gets_its_verdict",
            f"{BY_LOT}::test_young_families_are_found_to_gain_most",
        ),
    ),
    "T2": _owned(
        "06_promotions",
        PROMOTIONS,
        "test_the_null_promotion_does_nothing",
        found=(
            f"{BY_LOT}::test_effects_are_recovered_with_the_uncertainty_they_claim",
            f"{BY_LOT}::test_every_promotion_gets_its_verdict",
            f"{BY_LOT}::test_no_segment_gains_from_the_null_promotion",
        ),
    ),
    "T3": _owned(
        "06_promotions",
        PROMOTIONS,
        "test_pulling_forward_gains_now_and_loses_after",
        found=(
            f"{BY_LOT}::test_effects_are_recovered_with_the_uncertainty_they_claim",
            f"{BY_LOT}::test_every_promotion_gets_its_verdict",
            f"{BY_LOT}::test_what_only_moved_is_seen_where_it_came_from",
            f"{CAMPAIGNS}::test_pulling_forward_shows_in_the_weeks_after",
        ),
    ),
    "T4": _owned(
        "06_promotions",
        PROMOTIONS,
        "test_cannibalising_moves_units_and_loses_margin",
        found=(
            f"{BY_LOT}::test_effects_are_recovered_with_the_uncertainty_they_claim",
            f"{BY_LOT}::test_every_promotion_gets_its_verdict",
            f"{BY_LOT}::test_what_only_moved_is_seen_where_it_came_from",
            f"{CAMPAIGNS}::test_cannibalising_shows_in_the_neighbours",
        ),
    ),
    "T5": _owned(
        "06_promotions",
        PROMOTIONS,
        "test_the_broken_log_shows_in_the_sample_ratio_and_misleads",
        found=(
            f"{BY_LOT}::test_every_promotion_gets_its_verdict",
            f"{BY_LOT}::test_the_broken_log_blocks_the_verdict_by_its_sizes",
        ),
    ),
    "T6": _owned(
        "06_promotions",
        PROMOTIONS,
        "test_targeting_misleads_by_the_stated_amount",
        "test_targeting_depends_on_past_spend_alone_so_weighting_repairs_it",
        found=(
            f"{CAMPAIGNS}::test_the_naive_figure_misleads_about_the_targeted_promotion",
            f"{CAMPAIGNS}::test_like_with_like_recovers_the_targeted_promotion",
            f"{CAMPAIGNS}::test_weighting_recovers_what_the_targeted_bought_of_the_offer",
        ),
    ),
    "T7": _owned(
        "06_promotions",
        PROMOTIONS,
        "test_every_arm_has_its_effect",
        found=(
            f"{BY_LOT}::test_effects_are_recovered_with_the_uncertainty_they_claim",
            f"{BY_LOT}::test_every_promotion_gets_its_verdict",
            f"{BY_LOT}::test_the_arms_are_ranked_as_planted",
        ),
    ),
    "T8": _owned(
        "06_promotions",
        PROMOTIONS,
        "test_every_arm_has_its_effect",
        found=(
            f"{BY_LOT}::test_effects_are_recovered_with_the_uncertainty_they_claim",
            f"{BY_LOT}::test_every_promotion_gets_its_verdict",
            f"{BY_LOT}::test_intervals_hold_for_all_arms_of_a_promotion_at_once",
        ),
    ),
    "channel_response": _owned(
        "11_channels",
        ENGAGEMENT,
        "test_channels_respond_and_tire_as_planted",
        found=(
            f"{CHANNELS}::test_response_of_channels_is_published_as_planted",
            f"{CHANNELS}::test_the_ranking_after_cost_is_the_planted_one",
        ),
    ),
    "fatigue": _owned(
        "11_channels",
        ENGAGEMENT,
        "test_channels_respond_and_tire_as_planted",
        found=(f"{CHANNELS}::test_fatigue_is_recovered_at_its_nominal_rate",),
    ),
    "newsletter_null": _owned(
        "11_channels",
        ENGAGEMENT,
        "test_newsletters_change_nothing_about_purchases",
        found=(f"{CHANNELS}::test_credit_is_not_cause",),
    ),
    "machine_opens": _owned(
        "11_channels",
        ENGAGEMENT,
        "test_programs_open_and_messages_come_back_as_planted",
        found=(f"{CHANNELS}::test_opens_by_persons_are_recovered",),
    ),
    "bounces": _owned(
        "11_channels",
        ENGAGEMENT,
        "test_programs_open_and_messages_come_back_as_planted",
        found=(f"{CHANNELS}::test_response_of_channels_is_published_as_planted",),
    ),
    "newsletter_frequency": _owned(
        "11_channels",
        ENGAGEMENT,
        "test_frequencies_are_drawn_as_planted",
        found=(f"{CHANNELS}::test_no_frequency_is_said_to_pay",),
    ),
    "consent_lag": _owned(
        "11_channels",
        ENGAGEMENT,
        "test_consents_end_where_customers_opt_out",
        found=(f"{CHANNELS}::test_messages_without_consent_are_counted",),
    ),
    "acquisition": _owned(
        "11_channels",
        ENGAGEMENT,
        "test_newcomers_are_won_as_planted",
        found=(f"{CHANNELS}::test_cost_of_a_new_customer_is_recovered",),
    ),
    "bounce": _owned(
        "12_web",
        ENGAGEMENT,
        "test_sessions_bounce_and_convert_as_planted",
        found=(f"{VISITS}::test_bounce_is_found_by_source",),
    ),
    "funnel": _owned(
        "12_web",
        ENGAGEMENT,
        "test_sessions_bounce_and_convert_as_planted",
        "test_every_session_that_buys_has_its_order",
        found=(
            f"{VISITS}::test_the_funnel_is_found",
            f"{VISITS}::test_intervals_of_conversion_hold_the_planted_one",
        ),
    ),
    "page_paths": _owned(
        "12_web",
        ENGAGEMENT,
        "test_pages_follow_their_chain",
        found=(f"{VISITS}::test_paths_are_found_where_nothing_was_put_in_a_basket",),
    ),
    "phone_checkout": _owned(
        "12_web",
        WEB,
        "test_phones_give_up_at_the_checkout_as_planted",
        found=(f"{VISITS}::test_phones_lose_at_the_checkout_as_planted",),
    ),
    **{
        key: _owned(
            "12_web",
            WEB,
            "test_faults_go_with_orders_as_planted",
            found=(f"{VISITS}::test_the_slow_checkout_and_the_failing_basket_are_found",),
        )
        for key in ("slow_checkout", "failing_basket")
    },
    "poor_search": _owned(
        "12_web",
        WEB,
        "test_one_search_leads_nowhere",
        found=(f"{VISITS}::test_the_search_that_leads_nowhere_is_found",),
    ),
    "robots": _owned(
        "12_web",
        WEB,
        "test_programs_come_as_often_and_as_fast_as_planted",
        found=(f"{VISITS}::test_programs_are_told_and_no_person_is_called_one",),
    ),
    "nps_nonresponse": _said(
        "test_nps_of_those_who_answer_misleads_and_weighting_by_orders_repairs_it",
        found="test_weights_bring_the_nps_back_to_all_who_were_asked",
    ),
    "csat_nonresponse": _said(
        "test_csat_of_those_who_answer_is_too_low",
        found="test_the_bounds_hold_the_score_of_all_who_were_asked",
    ),
    "score_foretells": _said(
        "test_scores_fall_before_customers_leave", found="test_low_scores_foretell_silence"
    ),
    "reviews": _said(
        "test_the_defective_product_is_returned_and_reviewed_badly",
        found="test_the_defective_product_is_called_and_hardly_any_other",
    ),
    "complaints": Owner(
        "10_feedback",
        (f"{ENGAGEMENT}::test_complaints_have_their_topics_and_times",),
        (
            f"{FEEDBACK}::test_waits_for_a_settlement_are_as_planted",
            f"{FEEDBACK}::test_topics_of_complaints_and_reviews_are_those_planted",
        ),
    ),
    "review_words": Owner(
        "10_feedback",
        (f"{ENGAGEMENT}::test_reviews_say_what_their_stars_do_but_for_the_planted_share",),
        (
            f"{FEEDBACK}::test_moods_are_learnt_as_well_as_the_planted_noise_allows",
            f"{FEEDBACK}::test_languages_are_told_and_nothing_personal_is_left",
            f"{FEEDBACK}::test_topics_of_complaints_and_reviews_are_those_planted",
        ),
    ),
    "late_scores": _said(
        "test_late_deliveries_have_lower_scores",
        found="test_late_deliveries_go_with_lower_scores_as_planted",
    ),
    "complaint_null": _said(
        "test_complaints_change_nothing_about_purchases",
        found="test_a_settled_complaint_is_not_said_to_bring_customers_back",
    ),
    "effort": _said(
        "test_effort_falls_with_the_time_to_settlement",
        found="test_effort_falls_with_the_days_a_complaint_takes",
    ),
    "breakage": _owned(
        "09_loyalty",
        ENGAGEMENT,
        "test_points_break_as_planted_and_never_fall_below_zero",
        found=(f"{LOYALTY}::test_breakage_and_what_is_owed_are_found",),
    ),
    "tier_bunching": _owned(
        "09_loyalty",
        ENGAGEMENT,
        "test_members_bunch_above_gold",
        "test_gold_is_held_by_who_earned_it",
        found=(f"{LOYALTY}::test_topping_up_is_found_at_gold_and_nowhere_else",),
    ),
    "points_taken_back": _found_only(
        "test_points_taken_back_are_found_and_those_kept_on_returned_goods"
    ),
    "first_come": _found_only("test_offers_to_the_first_are_read_only_where_they_can_be"),
    "invitations": _found_only("test_the_quality_of_referred_customers_is_found"),
    "cancellations": Owner(
        "10_feedback",
        (f"{FEEDBACK}::test_waits_for_a_settlement_are_as_planted",),
        (f"{FEEDBACK}::test_waits_for_a_settlement_are_as_planted",),
    ),
    "points_owed": _found_only("test_breakage_and_what_is_owed_are_found"),
    "renewal": _found_only("test_renewal_is_found_by_mode"),
    "club_life_null": _found_only(
        "test_taking_part_is_selection_and_the_random_invitation_says_so"
    ),
    "invited_video": _found_only("test_taking_part_is_selection_and_the_random_invitation_says_so"),
    "birthday_null": _found_only("test_no_birthday_is_found_where_there_is_none"),
}

#: Truths whose report exists and has yet to find them; whoever makes it find one takes it out.
STILL_OPEN: frozenset[str] = frozenset()
