"""What sold and what will sell: series, forecasts, what drives them, what changed.

What a notebook calls, by one name each; the rooms below hold the methods.
"""

from analysis.answers import face

__getattr__ = face(
    __name__,
    {
        "LEVELS": "series.sales_series:LEVELS",
        "Plan": "forecast.level_regressors:Plan",
        "best_sellers": "series.sales_series:best_sellers",
        "boosted_challenger": "models.gradient_boosting:challenge",
        "changes": "change.contribution:changes",
        "price_index": "change.price_index:price_index",
        "continuing": "series.product_lifecycle:continuing",
        "covariates": "drivers.future_covariates:gather",
        "daily_parts": "change.decomposition:daily_parts",
        "doubled_placements": "drivers.placement_effects:doubled",
        "errors_by_horizon": "forecast.accuracy:by_horizon",
        "horizon_totals": "forecast.horizon_totals:over_horizon",
        "in_stock": "series.sales_series:censor",
        "level_covariates": "forecast.level_regressors:gather",
        "like_for_like": "change.contribution:like_for_like",
        "lifecycle": "series.product_lifecycle:statuses",
        "merchandise": "series.sales_series:merchandise",
        "outliers": "change.changepoints:outliers",
        "placement_effects": "drivers.placement_effects:search",
        "placements": "drivers.regressors:placements_by",
        "predict": "forecast.forecast:predict",
        "product_effects": "drivers.product_effects:search",
        "product_plan": "drivers.what_if:compare_plans",
        "product_to_weigh": "drivers.what_if:product_to_weigh",
        "revenue_tree": "change.revenue_tree:revenue_tree",
        "sales": "series.sales_series:fetch",
        "scoreboard": "forecast.accuracy:scoreboard",
        "shifts": "change.changepoints:shifts",
        "slopes": "change.trends:slopes",
        "stockouts": "change.stockouts:suspected",
        "successions": "series.product_lifecycle:successions",
        "surest_placement": "drivers.placement_effects:surest",
        "track_record": "forecast.track_record:score",
        "weekdays": "change.trading_pattern:weekdays",
        "weekday_hours": "change.trading_pattern:weekday_hours",
        "weekly_sales": "change.trading_pattern:weekly_sales",
        "with_holidays": "drivers.regressors:with_holidays",
        "with_price_changes": "change.changepoints:with_price_changes",
        "without_shifts": "change.changepoints:without_shifts",
    },
)
