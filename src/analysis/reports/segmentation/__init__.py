"""Report 02: segmentation."""
