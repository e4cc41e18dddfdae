"""The runner: plan, dispatch, execute, cache and verify a study's reports."""
