"""Charts: a result table goes in, the axes come out.

Each module draws one topic. A function takes a result table and ``ax=`` and returns the axes;
what the chart shows is said by the heading above it, so a chart has no title of its own.
"""
