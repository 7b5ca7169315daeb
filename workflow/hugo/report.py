"""What a build has to tell: its outputs, its warnings, the words for a person."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

from workflow import figures
from workflow.errors import TaskError
from workflow.handler import Outcome
from workflow.hugo import log as hugo_log
from workflow.hugo.log import Log
from workflow.hugo.params import Params
from workflow.hugo.program import Hugo
from workflow.hugo.site import Place, is_local
from workflow.layout import CONFIG
from workflow.publicdir import Manifest

MOST_WARNINGS = 100


@dataclass
class Build:
    """What is known of this build; grows as it proceeds, so that a failure can tell it too."""

    params: Params
    place: Place
    hugo: Hugo | None = None
    seconds: float = 0.0
    log: Log = field(default_factory=lambda: Log((), {}, ""))
    errors: list[TaskError] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def base_url(self) -> str:
        return self.params.base_url or self.place.configured.base_url

    def outputs(self, success: bool) -> dict[str, Any]:
        """What every build tells, a failed one too."""
        said: dict[str, Any] = {
            "build_success": success,
            "site": self.place.site,
            "environment": self.place.environment,
            "base_url": self.base_url,
            "errors": [error.as_dict() for error in self.errors],
            "warnings": self.warnings,
            "duration_seconds": round(self.seconds, 3),
        }
        if self.hugo is not None:
            said |= {"hugo_version": self.hugo.version, "hugo_extended": self.hugo.extended}
        return said


def warnings(build: Build) -> list[str]:
    """What Hugo warned of, and what is odd about this build."""
    found = []
    params, url = build.params, build.base_url
    if build.log.statistics.get("pages_generated") == 0:
        found.append("the site has no pages: Hugo generated none")
    if not build.place.is_dev and is_local(url):
        found.append(
            f"the base URL {url} is this machine, but the build is for {build.place.environment}"
        )
    if url.rstrip("/") != build.place.configured.base_url.rstrip("/"):
        found.append(
            f"the base URL {url} is not that of {build.place.environment} in {CONFIG} "
            f"({build.place.configured.base_url})"
        )
    if params.build_drafts and not build.place.is_dev:
        found.append(f"drafts are included in a build for {build.place.environment}")
    site = os.path.join(build.place.folder, "")
    found += [line.replace(site, "") for line in hugo_log.warnings(build.log)]
    if len(found) > MOST_WARNINGS:
        more = len(found) - MOST_WARNINGS
        found = [*found[:MOST_WARNINGS], f"{more} more warnings are in the log"]
    return found


def outcome(build: Build, manifest: Manifest) -> Outcome:
    statistics = dict.fromkeys(hugo_log.STATISTICS.values(), 0) | build.log.statistics
    pages, files, size = statistics["pages_generated"], len(manifest.files), manifest.total_bytes
    outputs = {
        **build.outputs(True),
        "file_count": files,
        "total_bytes": size,
        **statistics,
        "public_dir": os.fspath(build.place.public),
        "manifest_digest": manifest.digest,
    }
    troubles = [figures.counted(len(build.errors), "error")] if build.errors else []
    troubles += [figures.counted(len(build.warnings), "warning")] if build.warnings else []
    suffix = f", with {' and '.join(troubles)}" if troubles else ""
    listed = [f"- {error.message}" for error in build.errors]
    listed += [f"- {warning}" for warning in build.warnings]
    return Outcome(
        outputs=outputs,
        verdict=f"Built {build.place.site} for {build.place.environment}: "
        f"{figures.counted(pages, 'page')}, {figures.counted(files, 'file')}, {figures.size(size)} "
        f"in {build.seconds:.1f} s{suffix}.",
        summary="\n".join(
            [
                f"`{build.place.public}` now holds the site as it will be at {build.base_url}.",
                *listed,
            ]
        ),
        statistics={
            "Pages": pages,
            "Assets": max(0, files - pages),
            "Total files": files,
            "Size": figures.size(size),
            "Duration": f"{build.seconds:.1f} seconds",
        },
        next_steps=_next_steps(build),
    )


def _next_steps(build: Build) -> list[str]:
    steps = (
        ["Look at the errors and warnings above first."] if build.errors + build.warnings else []
    )
    if build.place.configured.deploy is not None:
        steps.append(
            f"Ready for deployment: `workflow submit hugo-deploy-{build.place.environment}`"
        )
    else:
        steps.append(f"Look at the site in {build.place.public}")
    return steps
