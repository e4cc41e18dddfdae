"""Forecasting models and the backtest that judges them."""
