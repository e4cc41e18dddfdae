"""The relationship beyond the till: loyalty, feedback, channels, web.

What a notebook calls, by one name each.
"""

from analysis.answers import face

__getattr__ = face(
    __name__,
    {
        "abandoned_baskets": "web.abandoned_baskets:abandoned_baskets",
        "bounce_definitions": "web.bounce_definitions:bounce_definitions",
        "clickstream": "web.clickstream:clickstream",
        "page_attention": "web.session_summary:page_attention",
        "page_faults": "web.page_faults:page_faults",
        "page_paths": "web.page_paths:page_paths",
        "purchase_funnel": "web.purchase_funnel:purchase_funnel",
        "RobotRules": "web.robot_rules:RobotRules",
        "rule_sensitivity": "web.sessionisation:rule_sensitivity",
        "SessionRule": "web.sessionisation:SessionRule",
        "site_search": "web.site_search:site_search",
        "visits": "web.session_summary:overview",
    },
)
