"""Data quality: what a retailer checks before believing a report.

What a notebook calls, by one name each.
"""

from analysis.answers import face

__getattr__ = face(
    __name__,
    {
        "calendar": "date_coverage:calendar",
        "filled": "date_coverage:completeness",
        "mix_drift": "drift:mix_drift",
        "outliers": "extremes:extremes",
        "reconcile": "reconciliation:reconcile",
        "run_checks": "checks:run_checks",
        "store_gaps": "store_days:store_gaps",
    },
)
