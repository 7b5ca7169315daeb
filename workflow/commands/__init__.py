"""A verb a file: parse, call, answer."""
