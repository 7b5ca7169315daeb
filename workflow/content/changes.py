"""Changes to a Markdown text with front matter: text in, text out.

Each change cuts the span of one value, or of one section, out of the text and puts the new one
there; comments, order, quotes, line ends and a byte order mark stay as they are. Then the text is
read again, and it is given back only if its data differ by the change that was asked and by
nothing else; if they differ otherwise, the change fails and says so.
"""

from __future__ import annotations

from workflow.content.data_edit import value_at
from workflow.content.failure import EditFailed
from workflow.content.matter import Kind, Matter, read
from workflow.content.paths import parse_path
from workflow.content.text_edit import replace_text
from workflow.yaml12 import Path

__all__ = [
    "EditFailed", "Kind", "Matter", "Path", "parse_path", "read", "replace_text", "value_at",
]  # fmt: skip
