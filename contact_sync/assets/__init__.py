"""The spine: every table and step as a Dagster asset, in the order records flow. Wiring only.

Key grammar: `bronze/source__object`, `silver/source__object`, unified things without a source (`gold/contact`).
"""
