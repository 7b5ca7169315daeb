"""What a task may ask of a Hugo build. Nothing in it names a program, a path or a configuration."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from workflow import handler
from workflow.config import Url


class Params(handler.Params):
    site_path: str | None = Field(
        default=None, description="site to build, by its name or path; default: the first one"
    )
    environment: str | None = Field(
        default=None, description="environment to build for; default: the first one"
    )
    base_url: Url | None = Field(
        default=None,
        pattern=r"^[^\s\x00-\x1f\x7f]+$",
        description="address the site will have; default: the environment's",
    )
    minify: bool = Field(default=True, description="make HTML, CSS, JS, JSON, SVG and XML smaller")
    clean: bool = Field(
        default=True,
        description="start from an empty folder; false: keep files that Hugo does not write",
    )
    build_drafts: bool = Field(default=False, description="include drafts")
    build_future: bool = Field(default=False, description="include pages dated in the future")
    build_expired: bool = Field(default=False, description="include expired pages")
    gc: bool = Field(default=False, description="remove unused files from Hugo's cache afterwards")
    ignore_cache: bool = Field(default=False, description="do not use Hugo's file caches")
    enable_git_info: bool = Field(
        default=False, description="give pages their git revision, date and author"
    )
    panic_on_warning: bool = Field(default=False, description="fail at Hugo's first warning")
    allow_missing_layouts: bool = Field(
        default=False,
        description="publish even if Hugo leaves out the home page or pages for want of a template",
    )
    print_path_warnings: bool = Field(
        default=True, description="warn if two pages want the same address"
    )
    print_i18n_warnings: bool = Field(default=False, description="warn of missing translations")
    print_unused_templates: bool = Field(default=False, description="warn of unused templates")
    template_metrics: bool = Field(default=False, description="put template timings into the log")
    log_level: Literal["warn", "info", "debug"] | None = Field(
        default=None, description="how much Hugo says in the log"
    )

    def arguments(self) -> list[str]:
        """The switches for Hugo that stand for these parameters."""
        switches = [switch for name, switch in _SWITCHES.items() if getattr(self, name)]
        return switches + ([f"--logLevel={self.log_level}"] if self.log_level else [])


_SWITCHES = {
    "minify": "--minify",
    "clean": "--cleanDestinationDir",
    "build_drafts": "--buildDrafts",
    "build_future": "--buildFuture",
    "build_expired": "--buildExpired",
    "gc": "--gc",
    "ignore_cache": "--ignoreCache",
    "enable_git_info": "--enableGitInfo",
    "panic_on_warning": "--panicOnWarning",
    "print_path_warnings": "--printPathWarnings",
    "print_i18n_warnings": "--printI18nWarnings",
    "print_unused_templates": "--printUnusedTemplates",
    "template_metrics": "--templateMetrics",
}
