"""Who the customers are, which carry the business, which are fading.

What a notebook calls, by one name each; the rooms below hold the methods.
"""

from analysis.answers import face

__getattr__ = face(
    __name__,
    {
        "bought_in": "features.features:fetch",
        "enough": "features.coverage:require",
        "attributes": "features.attributes:customer_attributes",
        "attribute_coverage": "segments.attribute_coverage:known_against_unknown",
        "portrait": "segments.profile:portrait",
        "sales_bridge": "retention.sales_bridge:customer_bridge",
        "contact_plan": "retention.contact_plan:plan_contacts",
        "ContactTerms": "retention.contact_plan:ContactTerms",
        "decline": "retention.decline:judge",
        "recovery": "retention.decline:rebound",
        "coverage": "features.coverage:measure",
        "weekly": "features.weekly:fetch",
        "monetary_deciles": "value.deciles:monetary_deciles",
        "purchase_deciles": "value.concentration:purchase_deciles",
        "pareto_curve": "value.concentration:pareto_curve",
        "lorenz_curve": "value.concentration:lorenz_curve",
        "concentration": "value.concentration:concentration",
        "losses": "value.concentration:losses",
        "rank_agreement": "value.rank_agreement:rank_agreement",
        "profit_groups": "value.profit_groups:value_groups",
        "decile_migration": "value.decile_migration:persistence",
        "observed_history": "lifetime.purchase_counts:observed_history",
        "purchase_summary": "lifetime.purchase_counts:fetch",
        "forecast_gates": "lifetime.lifetime_value:gates",
        "passed_gates": "lifetime.lifetime_value:require_gates",
        "snapshot": "lifetime.snapshots:fetch",
        "past_snapshots": "lifetime.snapshots:fetch_all",
        "value_scorecard": "lifetime.value_scorecard:scorecard",
        "ValueSettings": "lifetime.lifetime_value:ValueSettings",
        "value_customers": "lifetime.valuation:value_customers",
        "newcomers": "lifetime.valuation:newcomers",
        "early_signs": "lifetime.early_signs:early_signs",
        "retention_offer": "churn.retention_value:offer_for",
        "churn_forecast": "churn.churn_forecast:churn_forecast",
        "value_at_risk": "churn.retention_value:value_at_risk",
        "next_purchases": "churn.next_purchase:forecast",
        "next_purchase_check": "churn.next_purchase:check",
    },
)
