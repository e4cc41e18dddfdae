"""Sales series: weekly sums, their hierarchy, seasonality and life cycle."""
