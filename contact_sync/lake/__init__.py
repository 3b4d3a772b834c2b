"""The lake: bronze tables that only grow, and the published gold tables, all Delta Lake, on local disk or S3."""
