"""Browser tests: what a person sees who starts the demo and looks at it."""
