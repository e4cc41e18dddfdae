"""The relationship beyond the till: loyalty, feedback, channels, web.

What a notebook calls, by one name each.
"""

from analysis.answers import face

__getattr__ = face(
    __name__,
    {
        "after_scores": "feedback.after_scores:follow_up",
        "complaint_effort": "feedback.complaint_recovery:effort_by_wait",
        "complaint_recovery": "feedback.complaint_recovery:recover",
        "complaint_waits": "feedback.complaint_times:wait",
        "feedback_kinds": "feedback.survey_rows:count_kinds",
        "feedback_topics": "feedback.text_topics:find",
        "open_complaints": "feedback.complaint_times:open_list",
        "product_alarms": "feedback.product_alarms:warn",
        "review_sentiment": "feedback.text_sentiment:judge",
        "satisfaction_drivers": "feedback.satisfaction_drivers:explain",
        "survey_response": "feedback.response_rates:respond",
        "survey_scores": "feedback.survey_scores:score",
        "surveys": "feedback.survey_rows:fetch",
        "written_feedback": "feedback.written_feedback:read",
    },
)
