"""The steps of the pipeline, from extraction to reconciliation, as plain functions on one installation.

The command line and the assets call the same steps. No Dagster here, and no rule that a layer below could hold.
"""
