"""A file-based task exchange between Claude Code and deterministic handlers."""

__version__ = "0.1.0"
