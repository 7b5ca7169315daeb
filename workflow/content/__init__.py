"""Markdown with front matter, changed so that everything else stays byte for byte."""
