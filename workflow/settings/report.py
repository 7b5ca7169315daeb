"""What workflow.yaml says of the page that `workflow report` writes."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, field_validator

from workflow.settings import AnyPath, Strict


class Report(Strict):
    """Where the page goes, and whether sweeps write it too."""

    after_sweep: bool = Field(
        default=False, description="write the page after each sweep that did something"
    )
    path: AnyPath | None = Field(
        default=None,
        description="an .html file, such as one that reaches your phone; default: "
        "results/report.html",
    )

    @field_validator("path")
    @classmethod
    def _is_a_page(cls, path: Path | None) -> Path | None:
        if path is not None and path.suffix != ".html":
            raise ValueError("must name a file that ends in .html")
        return path
