"""Why a text cannot be changed as was asked."""

from __future__ import annotations


class EditFailed(Exception):
    """The text stays as it is. `code` is stable, `hint` the next step; `line` and `column` count
    from 1 in the text that was given."""

    def __init__(
        self,
        code: str,
        message: str,
        hint: str = "",
        *,
        line: int | None = None,
        column: int | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.line = line
        self.column = column
