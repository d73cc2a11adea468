"""Monitoring: what Data Capture holds, as a table; baselines, drift and reports."""
