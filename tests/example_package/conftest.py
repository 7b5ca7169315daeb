"""The test is of the installed package: where it is not installed, there is nothing to test."""

from __future__ import annotations

from importlib.metadata import entry_points

installed = entry_points(group="workflow.handlers", name="site-weigh")
collect_ignore = [] if installed else ["test_weigh.py"]
