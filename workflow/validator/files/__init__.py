"""A folder: every file of it that has facts, read once, by as many processes as there are."""
