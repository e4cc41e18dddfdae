"""Statistics: intervals, resampling, multiplicity, shrinkage, regressions, minimum sizes."""
