"""The `contact-sync` command: one module per group of verbs; every verb has --json."""
