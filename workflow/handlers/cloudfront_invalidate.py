"""Lets CloudFront forget paths of an environment, without publishing anything.

Not repeated by itself: each path counts. Within one task it is harmless, since CloudFront answers
the same task and paths with the invalidation that it made before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from workflow import handler
from workflow.config import Config
from workflow.deploy.cloudfront import MOST_WILDCARDS, Distribution, Invalidation, encoded
from workflow.errors import TaskError, TaskFailed
from workflow.handler import Context, Outcome
from workflow.hugo.site import Place, locate_place
from workflow.layout import CONFIG

__all__ = ["EXAMPLE", "OUTPUTS", "Params", "resources", "run"]

OUTPUTS: Mapping[str, str] = {
    "invalidation_id": "string: CloudFront's",
    "paths": "array: what is forgotten, as CloudFront was told",
    "status": "string: completed or in-progress",
    "distribution": "string: the environment's",
}
EXAMPLE = ("--env", "staging", "--set", "paths=[/, /about/]")

_WAIT_SECONDS = 900.0
_NAMED = 3


def _invalid(path: str) -> str:
    """A path that CloudFront takes, before it is encoded."""
    if not path.startswith("/"):
        raise ValueError("must start with a slash: it is relative to the distribution")
    if any(ord(sign) < 32 or ord(sign) == 127 for sign in path):
        raise ValueError("holds a control character")
    if "*" in path[:-1]:
        raise ValueError("may hold a * only as its last character")
    return path


def _few_wildcards(paths: tuple[str, ...]) -> tuple[str, ...]:
    if sum(encoded(path, keep_percent=True).endswith("*") for path in paths) > MOST_WILDCARDS:
        raise ValueError(f"CloudFront takes {MOST_WILDCARDS} paths with a * at once: use /*")
    return paths


def _listed(written: Any) -> Any:
    """One path alone is a list of one."""
    paths = [written] if isinstance(written, str) else written
    if not isinstance(paths, (list, tuple)):
        raise ValueError("must be a list of paths, such as [/, /blog/*]")
    return paths


InvalidPath = Annotated[str, Field(max_length=1000), AfterValidator(_invalid)]


class Params(handler.Params):
    environment: str | None = Field(
        default=None, description="whose distribution; default: the first one"
    )
    paths: Annotated[
        tuple[InvalidPath, ...], AfterValidator(_few_wildcards), BeforeValidator(_listed)
    ] = Field(
        default=("/*",),
        min_length=1,
        max_length=3000,
        description="to forget, as in an address: /, /about/, /images/*",
    )
    wait: bool = Field(default=True, description="until CloudFront says that it is done")
    dry_run: bool = Field(default=False, description="tell what would be forgotten; send nothing")


def resources(params: Params, config: Config) -> Sequence[str]:
    """The distribution: no two tasks invalidate one at once."""
    try:
        place = locate_place(None, params.environment, config)
        return (f"cloudfront:{_distribution(place)}",)
    except TaskFailed:
        return ()  # `run` says what is wrong


def run(context: Context) -> Outcome:
    params: Params = context.params
    place = locate_place(None, params.environment, context.config)
    distribution = _distribution(place)
    wanted = sorted({encoded(path, keep_percent=True) for path in params.paths})
    named = _named(wanted)
    outputs: dict[str, Any] = {
        "invalidation_id": "not-made",
        "paths": wanted,
        "status": "dry-run",
        "distribution": distribution,
    }
    if params.dry_run:
        return Outcome(
            outputs={**outputs, "dry_run": True},
            verdict=f"Dry run: CloudFront {distribution} ({place.environment}) would forget "
            f"{named}. Nothing was sent.",
            rehearsal=True,
        )
    assert place.configured.deploy is not None
    cloudfront = Distribution(
        distribution,
        endpoint_url=place.configured.deploy.cloudfront_endpoint_url,
        profile=place.configured.deploy.profile,
        check=context.check,
    )
    context.say(f"CloudFront {distribution}: forget {named}")
    made = cloudfront.invalidate(wanted, context.task_id)
    outputs.update(_told(made))
    context.record(outputs)
    if params.wait:
        outputs.update(_told(_waited(cloudfront, made, outputs)))
    done = outputs["status"] == "completed"
    said = "has forgotten" if done else "was told to forget"
    then = "" if done else ", which takes it a minute or two"
    return Outcome(
        outputs=outputs,
        verdict=f"CloudFront {distribution} ({place.environment}) {said} {named}{then}.",
        statistics={"Invalidation": made.id, "Paths": len(wanted)},
        next_steps=[
            f"Look at it: {place.configured.deploy.verify_url or place.configured.base_url}"
        ],
    )


def _named(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    return ", ".join(paths[:_NAMED]) + more


def _distribution(place: Place) -> str:
    """The environment's. Raises TaskFailed `no_distribution`: a task can name no other."""
    deploy = place.configured.deploy
    if deploy is not None and deploy.cloudfront_id is not None:
        return deploy.cloudfront_id
    raise TaskFailed(
        TaskError(
            "no_distribution",
            f"{CONFIG} names no CloudFront distribution for {place.environment}",
            "escalate",
            "configuration",
            hint=f"if it has one, add environments.{place.environment}.deploy.cloudfront_id to "
            f"{CONFIG}; if not, there is no cache to clear",
        )
    )


def _waited(cloudfront: Distribution, made: Invalidation, outputs: dict[str, Any]) -> Invalidation:
    try:
        return cloudfront.wait(made.id, _WAIT_SECONDS)
    except TaskFailed as failure:
        raise TaskFailed(
            failure.error, outputs={**outputs, **failure.outputs}, status=failure.status
        ) from failure.__cause__


def _told(invalidation: Invalidation) -> dict[str, str]:
    status = "completed" if invalidation.is_done else "in-progress"
    return {"invalidation_id": invalidation.id, "status": status}
