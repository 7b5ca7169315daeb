"""python -m workflow.claude: make anew what this repository ships and shows of these files.

The plugin in deploy/, and the guide of the repository's own exchange: after a change of the tables
of commands or types, or of the texts.
"""

from __future__ import annotations

import sys
from pathlib import Path

from workflow.claude import plugin, texts
from workflow.claude.install import GUIDE
from workflow.claude.sections import signed
from workflow.config import load_config


def main(repository: Path) -> None:
    """Write them. Raises OSError, WorkflowError."""
    plugin.write(repository / "deploy/claude-plugin")
    guide = signed(texts.guide(load_config(repository)))
    (repository / GUIDE).write_text(guide, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
