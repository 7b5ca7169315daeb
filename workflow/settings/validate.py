"""What workflow.yaml says of checking a built site: what counts how much, what is let pass, what
fails."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from workflow.settings import AnyPath, Strict

Grade = Literal["off", "notice", "warning", "error"]
FailOn = Literal["error", "warning", "notice", "never"]

RuleCode = Literal[
    "alt-missing", "base-many", "canonical-body", "canonical-broken", "canonical-chain",
    "canonical-differs", "canonical-foreign", "canonical-home", "canonical-many",
    "canonical-missing", "canonical-noindex", "canonical-page", "canonical-redirect",
    "canonical-relative", "charset-missing", "charset-other", "cite-broken", "content-alt-missing",
    "content-date", "content-fragment", "content-front-matter", "content-image-broken",
    "content-link-broken", "content-ref-broken", "content-shortcode", "content-shortcode-unknown",
    "content-title-missing", "css-broken", "description-double", "description-long",
    "description-many", "description-missing", "doctype-missing", "external-broken",
    "external-fragment", "external-redirect", "external-refused", "external-unreachable",
    "feed-broken", "feed-invalid", "feed-relative", "feed-self", "form-action-broken",
    "form-invalid", "form-unknown", "frame-broken", "h1-many", "h1-missing", "heading-skip",
    "hreflang-broken", "hreflang-canonical", "hreflang-double", "hreflang-invalid",
    "hreflang-no-return", "hreflang-no-self", "hreflang-relative", "hreflang-target", "icon-broken",
    "icon-missing", "id-double", "image-broken", "jsonld-broken", "jsonld-invalid", "lang-invalid",
    "lang-missing", "link-broken", "link-case", "link-empty", "link-folder", "link-fragment",
    "link-insecure", "link-invalid", "link-localhost", "link-nameless", "link-no-index",
    "link-outside", "link-plus", "link-redirect", "link-untidy", "mail-invalid", "manifest-broken",
    "manifest-invalid", "markup-unclosed", "media-broken", "mixed-content", "noindex", "og-broken",
    "og-differs", "og-empty", "og-many", "og-missing", "og-relative", "page-orphan",
    "preload-broken", "refresh-broken", "refresh-delay", "refresh-invalid", "robots-blocks",
    "robots-invalid", "robots-noindex", "robots-place", "robots-sitemap", "script-broken",
    "script-empty", "sitemap-broken", "sitemap-canonical", "sitemap-double", "sitemap-foreign",
    "sitemap-invalid", "sitemap-lastmod", "sitemap-missing", "sitemap-noindex", "sitemap-redirect",
    "sitemap-relative", "sitemap-unlisted", "srcset-broken", "srcset-invalid", "style-broken",
    "template-leftover", "title-double", "title-empty", "title-long", "title-many", "title-missing",
    "title-short", "twitter-invalid", "use-broken", "viewport-fixed", "viewport-missing",
]  # fmt: skip
"""Every rule of the validator. Written out so that a wrong one is told with its line, and that
editors offer them; the validator itself is not imported for that. A test holds the two alike."""


class Ignored(Strict):
    """Findings that somebody has looked at and lets pass. All patterns that are given must match.

    Patterns are those of `deploy.objects`: `*.pdf`, `blog/**`, `/about/index.html`.
    """

    reason: str = Field(min_length=1, description="why, for whoever reads this next year")
    rule: RuleCode | None = None
    page: str | None = Field(default=None, min_length=1, description="path in the site")
    url: str | None = Field(default=None, min_length=1, description="the reference, as written")

    @model_validator(mode="after")
    def _says_what(self) -> Ignored:
        if self.rule is None and self.page is None and self.url is None:
            raise ValueError("must say which findings it means: rule, page, url, or several")
        return self


class External(Strict):
    """How other hosts are asked about links to them. Patterns: `example.org`, `*.example.org`,
    `example.org/blog/*`."""

    enabled: bool = Field(default=False, description="in every check, not only when asked for")
    allow: tuple[str, ...] = Field(default=(), description="what is asked; none: everything")
    deny: tuple[str, ...] = Field(default=(), description="what is not asked, whatever is allowed")
    private: tuple[str, ...] = Field(
        default=(), description="hosts that are asked although they are in this network"
    )
    accept: frozenset[int] = Field(
        default=frozenset(), description="statuses that are fine besides 2xx"
    )
    check_fragments: bool = Field(default=False, description="fetch pages to look for their ids")
    concurrency: int = Field(default=16, ge=1, le=64, description="requests at once, to all hosts")
    per_host: int = Field(default=2, ge=1, le=16, description="requests at once to one host")
    delay: float = Field(default=0.25, ge=0, le=60, description="seconds between two to one host")
    seconds: float = Field(default=20, gt=0, le=300, description="for one request")
    total_seconds: float = Field(default=600, gt=0, le=86_400, description="for all of them")
    retries: int = Field(default=2, ge=0, le=10)
    max_age_hours: float = Field(
        default=168, ge=0, le=8760, description="for how long a good answer is believed"
    )


class Validate(Strict):
    """How findings are graded, and which of them fail the task."""

    rules: dict[RuleCode, Grade] = Field(default={}, description="severity of a rule, or off")
    ignore: tuple[Ignored, ...] = ()
    fail_on: FailOn = Field(
        default="error", description="the least severity of a new finding that fails the task"
    )
    baseline: AnyPath | None = Field(
        default=None,
        description="file of findings that are known; default: baselines/SITE.json, if it is there",
    )

    external: External = External()

    def with_own(self, own: Validate | None) -> Validate:
        """These general settings with those of an environment, whose word counts where both
        speak; what it ignores is added."""
        if own is None:
            return self
        said = {name: getattr(own, name) for name in own.model_fields_set}
        said["rules"] = {**self.rules, **own.rules}
        said["ignore"] = (*self.ignore, *own.ignore)
        return self.model_copy(update=said)
