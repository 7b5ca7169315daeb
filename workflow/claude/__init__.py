"""The files for Claude Code: written by `workflow init --claude`, made from our own tables."""
