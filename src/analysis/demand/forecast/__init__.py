"""Forecasts: model selection, coherent forecasts, their intervals and accuracy."""
