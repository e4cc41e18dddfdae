"""Tests of the choice whom to contact."""
