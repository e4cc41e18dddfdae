"""Columns of the tables of feedback."""

from __future__ import annotations

from analysis.reporting.notebook.formats import Columns

#: `survey_rows.count_kinds`
kinds = Columns("""
    kind: What | rows 0: Asked or given | answers: Given | texts: With words | customers
""")

#: `Response.rates`
rates = Columns("kind: Survey | by | group | asked 0 | answered 0 | share ± low: Response rate | q")

#: `text.shown_corrected`
corrected = Columns("""
    name: Score | asked 0 | answers | as_answered_shown: Those who answered
    as_answered_interval: {interval} | weighted_shown: All who were asked, weighted
    weighted_interval: {interval} | effective 0: Worth answers
""")

#: `text.shown_bounds`
bounds = Columns("name: Score | silent: If all who were silent were | shown: Score of all")

#: `text.shown_summary`
summary = Columns("score | shown: Value | interval: {interval} | answers | customers")

#: `text.shown_groups`
groups = Columns("""
    score | by | group | answers | shown: Value | interval: {interval}
    against: Against all others | q
""")

#: `Scores.withheld`
withheld = Columns("kind: Score | by | groups 0: Groups withheld | answers: Answers in them")

#: `Complaints.times`
waits = Columns("""
    step: Until | complaints 0 | done 0 | median 0.0 ± low: Median, days
    nine_in_ten 0.0 ± nine_low: Nine in ten by, days
""")

#: `Complaints.marks`
marks = Columns("step | days 0: Within days | share ± low: Done")

#: `Complaints.channels`
wait_channels = Columns("""
    channel: Channel of the order | complaints 0 | median 0.0 ± low: Median days to resolve
    week 0 % ±: Resolved within 7 days
""")

#: `Recovery.table`
recovery = Columns("""
    comparison | n_resolved 0: Resolved | resolved 0.0 %: Ordered again | n_open 0: Open
    open 0.0 %: Ordered again | difference +0.0 points ± low
""")

#: `Effort.bands`
effort = Columns("band: Resolved | answers | value 0.00 ± low: Effort score (high is easy)")

#: `Sentiment.accuracy`
accuracy = Columns("""
    language | texts: Held-out texts | sorry_found 0 % ±: Negative ones found
    glad_found 0 % ±: Positive ones found | auc | accuracy 0.0 %
    always 0.0 %: Always the commoner sentiment
""")

#: `Sentiment.kinds`
moods = Columns("""
    kind: Text | language | texts | sorry 0 %: Called negative
    corrected 0 % ±: Negative, corrected
""")

#: `Topics.shares`
topics = Columns("kind: Text | topic | texts | share ± low | sorry 0 % ±: With low stars")

#: `Sentiment.calibration`
mood_calibration = Columns("""
    chance: Chance of being positive | texts | forecast 0 %: Forecast positive | glad 0 %: Positive
""")

#: `Topics.words`
words = Columns("""
    word: Word, or pair of characters | texts: Reviews | sorry_share 0 %: Of them with low stars
    log_odds +0.00: Log odds, low against high stars | q
""")

#: `Topics.quotes`
quotes = Columns("topic | text: In their words | customers: Customers who wrote just this")

#: Columns of report 01's return rates, and those in their place where it has none.
RATED, COUNTED = ("rate", "usual_rate"), ("lines", "returned", "expected", "return_ratio")

#: `text_words.shown_alarms`, without one or the other of these.
alarms = Columns("""
    name: Product | department | rate 0.0 %: Come back (report 01) | usual_rate 0.0 %: Usual there
    lines 0: Lines sold | returned 0 | expected 0.0: Usual | return_ratio 0.0: Times the usual
    reviews 0: Texts | bad 0: Bad ones | bad_expected 0.0: Usual | q | signs
    since day: Alarm since
""")

#: `Drivers.effects`
drivers = Columns("""
    driver: Goes with | unit: Compared | effect +0.00 ± low: Score | q
    answers: Answers that have it
""")

#: `Drivers.late`
late = Columns("""
    channel | n_late 0: Late | late 0.00: Score | n_other 0: In time | other 0.00: Score
    difference +0.00 ± low
""")

#: `After.groups`
after = Columns("""
    kind: Survey | group: Score | customers | silent 0.0 % ±: Did not order again
    spend $ 0 ±: Spent, mean
""")

#: `After.compared`
compared = Columns("""
    kind: Survey | comparison | lowest 0.0 %: Lowest scores: did not order again
    highest 0.0 %: Highest scores | difference +0.0 points ± low
""")
