"""As `effect`, but must never be repeated by itself: a deploy, say."""

from __future__ import annotations

from workflow_test_handlers.effect import Params, resources, run

SUMMARY = "Leave a line in effects.log; must not be repeated"
SAFE_TO_REPEAT = False
QUICK = False

__all__ = ["Params", "resources", "run"]
