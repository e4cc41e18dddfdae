"""What sold and what will sell: series, forecasts, what drives them, what changed.

What a notebook calls, by one name each; the rooms below hold the methods.
"""

from analysis.answers import face

__getattr__ = face(
    __name__,
    {
        "changes": "change.contribution:changes",
        "revenue_tree": "change.revenue_tree:revenue_tree",
        "weekdays": "change.trading_pattern:weekdays",
        "weekday_hours": "change.trading_pattern:weekday_hours",
        "weekly_sales": "change.trading_pattern:weekly_sales",
    },
)
