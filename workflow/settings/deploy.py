"""What workflow.yaml says of publishing an environment: where to, how, and within which limits."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from workflow.settings import AnyPath, Strict, Url

_HEADER = r"^[ -~]+$"
_PREFIX = r"^([A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*/?)?$"


class ObjectRule(Strict):
    """How objects are stored whose path in the site matches. Of several the last one that says a
    thing counts."""

    match: str = Field(description="`*.pdf` anywhere, `downloads/**` below a folder", min_length=1)
    content_type: str | None = Field(default=None, pattern=_HEADER)
    cache_control: str | None = Field(default=None, pattern=_HEADER)
    compress: Literal["none", "gzip", "brotli"] | None = None


class MaxDeletes(Strict):
    """How many objects a deploy may delete. Ten always may go, however small the site is."""

    number: int = Field(default=100, ge=0)
    share: float = Field(default=0.25, ge=0, le=1, description="of the objects that are live")

    @model_validator(mode="before")
    @classmethod
    def _of_two_limits(cls, said: object) -> object:
        if isinstance(said, (dict, cls)):
            return said
        raise ValueError("has two limits, as in `max_deletes: {number: 100, share: 0.25}`")


class Exceptions(Strict):
    """Paths, as in `objects`, for which a guard looks away."""

    localhost: tuple[str, ...] = Field(default=(), description="pages that may link to localhost")
    secrets: tuple[str, ...] = Field(default=(), description="files that look like secrets")


class Invalidate(Strict):
    """What CloudFront is told to forget."""

    most_paths: int = Field(
        default=15, ge=1, le=3000, description="paths; above, one wildcard stands for all"
    )
    wait: bool = Field(default=False, description="until CloudFront says that it is done")


class Verify(Strict):
    """What is fetched from the site once it is published."""

    sample: int = Field(default=10, ge=0, le=1000, description="pages and assets compared")
    timeout_seconds: float = Field(
        default=120, ge=0, le=3600, description="how long the network of caches may take"
    )


class Releases(Strict):
    """What `workflow rollback` can go back to."""

    keep: int = Field(default=10, ge=0, le=1000, description="releases; 0 keeps none")
    in_bucket: bool = Field(
        default=False, description="also leave their manifests in the bucket, for the record"
    )


class Script(Strict):
    """What the owner's own script is given, and how what it prints is read."""

    arguments: tuple[str, ...] = ()
    interpreter: AnyPath | None = Field(
        default=None, description="program that runs it; default: Python for .py, else itself"
    )
    working_folder: AnyPath | None = Field(default=None, description="default: the script's own")
    answers: tuple[str, ...] = Field(
        default=(), description="lines for what it asks on its standard input, once approved"
    )
    outputs: dict[str, str] = Field(
        default={}, description="output name: pattern; its first group, or how often it matches"
    )


class Deploy(Strict):
    """Where an environment is published to. Credentials come from where boto3 finds them."""

    strategy: Literal["native", "script"]
    bucket: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")
    prefix: str = Field(default="", description="folder in the bucket", pattern=_PREFIX)
    region: str | None = Field(default=None, pattern=r"^[a-z0-9-]+$")
    profile: str | None = Field(
        default=None,
        pattern=r"^[^\s\[\]]+$",
        description="AWS profile whose credentials are used, and no others; default: those that "
        "boto3 finds",
    )
    cloudfront_id: str | None = Field(default=None, pattern=r"^[A-Z0-9]+$")
    verify_url: Url | None = Field(default=None, description="default: the base URL")
    account: str | None = Field(
        default=None, pattern=r"^\d{12}$", description="AWS account that must own the bucket"
    )
    shared_bucket: bool = Field(
        default=False, description="other environments have prefixes of their own in this bucket"
    )
    script: AnyPath | None = None
    script_options: Script = Script()
    endpoint_url: Url | None = Field(default=None, description="of an S3-compatible server")
    cloudfront_endpoint_url: Url | None = None
    objects: tuple[ObjectRule, ...] = ()
    compress: Literal["none", "gzip", "brotli"] = Field(
        default="none", description="store text compressed; every browser can read either"
    )
    redirects: bool = Field(
        default=False, description="let the website endpoint answer Hugo's aliases with 301"
    )
    keep: tuple[str, ...] = Field(default=(), description="paths that are never deleted")
    max_deletes: MaxDeletes = MaxDeletes()
    keep_superseded_days: float = Field(
        default=7, ge=0, le=365, description="for fingerprinted assets that pages named before"
    )
    min_files: int = Field(default=1, ge=1)
    min_share: float = Field(
        default=0.5, ge=0, le=1, description="of what is live; a smaller site is refused"
    )
    require_build: bool = Field(
        default=True, description="public/ must come from a hugo-build task for this environment"
    )
    allow: Exceptions = Exceptions()
    invalidate: Invalidate = Invalidate()
    verify: Verify = Verify()
    releases: Releases = Releases()
    private_prefix: str = Field(
        default=".workflow/",
        pattern=r"^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*/$",
        description="below `prefix`: the lock, what is owed, releases; never part of the site",
    )
    workers: int = Field(default=96, ge=1, le=256, description="requests under way at once")

    @model_validator(mode="after")
    def _complete(self) -> Deploy:
        if self.strategy == "native" and self.bucket is None:
            raise ValueError("strategy native needs a bucket")
        if self.strategy == "script" and self.script is None:
            raise ValueError("strategy script needs a script")
        return self
