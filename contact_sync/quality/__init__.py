"""The quality of silver: rules and profiles measured in one pass, drift against the days before, breaks of schemas."""
