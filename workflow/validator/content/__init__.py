"""The Markdown that a site is made from, as Hugo reads it."""
