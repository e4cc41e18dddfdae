"""Charts of segments: what each brings, what it did next, where it stands."""

from analysis.reporting.charts.segmentation.attitudes import (
    buyers_map,
)
from analysis.reporting.charts.segmentation.natural_kinds import (
    cluster_map,
    structure_lines,
)
from analysis.reporting.charts.segmentation.portraits import (
    areas_forest,
    side_by_side,
)
from analysis.reporting.charts.segmentation.stages import (
    heat_map,
    return_curve,
    shape_histogram,
)
from analysis.reporting.charts.segmentation.value import (
    bought_again,
    movement_dots,
    worth_bars,
)

__all__ = [
    "areas_forest",
    "bought_again",
    "buyers_map",
    "cluster_map",
    "heat_map",
    "movement_dots",
    "return_curve",
    "shape_histogram",
    "side_by_side",
    "structure_lines",
    "worth_bars",
]
