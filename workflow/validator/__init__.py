"""The validator: links and search engines' basics over a built site, each page read once.

files → facts of each page (cached by content) → rules over them all → findings
"""
