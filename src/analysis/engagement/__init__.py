"""The relationship beyond the till: loyalty, feedback, channels, web.

What a notebook calls, by one name each.
"""

from analysis.answers import face

__getattr__ = face(
    __name__,
    {
        "after_scores": "feedback.after_scores:follow_up",
        "complaint_recovery": "feedback.complaint_recovery:recover",
        "complaint_waits": "feedback.complaint_times:wait",
        "feedback_topics": "feedback.text_topics:find",
        "product_alarms": "feedback.product_alarms:warn",
        "review_sentiment": "feedback.text_sentiment:judge",
        "satisfaction_drivers": "feedback.satisfaction_drivers:explain",
        "survey_response": "feedback.response_rates:respond",
        "survey_scores": "feedback.survey_scores:score",
        "surveys": "feedback.survey_rows:fetch",
        "written_feedback": "feedback.written_feedback:read",
        "acquisition_cost": "channels.acquisition_cost:measure",
        "attribution": "channels.attribution:attribute",
        "buying_channels": "channels.buying_channels:study",
        "channel_overlap": "channels.channel_overlap:overlap",
        "consents_on_the_day": "channels.consent_history:on_the_day",
        "contact_fatigue": "channels.fatigue:judge",
        "contact_preferences": "channels.contact_preferences:choose",
        "contact_rates": "channels.contact_rates:rates",
        "dose_curve": "channels.dose_response:measure",
        "event_intervals": "channels.event_table:interval_between",
        "event_returns": "channels.event_table:returned_between",
        "events": "channels.event_table:collect",
        "holdout_lift": "channels.holdout_lift:measure",
        "sent_messages": "channels.contact_events:fetch",
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
