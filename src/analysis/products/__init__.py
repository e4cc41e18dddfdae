"""What sells together, instead of each other, and next.

What a notebook calls, by one name each; the rooms below hold the methods. Everywhere
there ``events`` are purchases by customer, day and item, ``baskets`` orders as sets, ``halves`` the
two periods of a search, ``level`` what an item is and ``confidence`` the coverage of intervals.
"""

from analysis.answers import face

__getattr__ = face(
    __name__,
    {
        "Halves": "association.pairs:Halves",
        "Search": "association.pairs:Search",
        "pairs": "association.pairs:find",
        "pairs_that_hold": "association.pairs:believed",
        "rules_to": "association.pairs:leading_to",
        "triples": "association.triples:find",
        "labels": "baskets.order_contents:labels",
        "return_rates": "baskets.return_rates:return_rates",
        "substitutes": "substitution.substitutes:substitutes",
        "surest_substitutes": "substitution.substitutes:surest",
        "cannibalisation": "substitution.brand_switching:at_risk",
        "brand_switching": "substitution.brand_switching:of_category",
        "bundles": "substitution.bundles:bundles",
        "cross_sell": "substitution.bundles:cross_sell",
        "value_thirds": "substitution.bundles:value_thirds",
        "shelf_groups": "substitution.bundles:shelf_groups",
        "purchases": "sequences.purchase_events:fetch",
        "FollowOn": "sequences.matched_follow_on:Design",
        "follow_on_screen": "sequences.follow_on_screen:screen",
        "matched_follow_on": "sequences.matched_follow_on:closest",
        "SequenceLimits": "sequences.sequential_patterns:Limits",
        "common_sequences": "sequences.sequential_patterns:most_common",
        "order_permutation_test": "sequences.sequential_patterns:order_permutation_test",
        "first_baskets": "sequences.first_baskets:first_baskets",
        "replenishment": "sequences.replenishment:replenishment",
        "due_check": "sequences.replenishment:held_out",
        "browsing_history": "recommend.browsing_history:judge",
        "evaluate_recommenders": "recommend.evaluation:evaluate",
        "recommendations": "recommend.recommend:next_best",
    },
)
