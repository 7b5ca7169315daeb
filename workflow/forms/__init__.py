"""JotForm: its API, and what tasks ask of it."""
