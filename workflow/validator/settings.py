"""From what workflow.yaml says of a site and an environment to what the validator is to do.

The settings are taken as they were read; nothing of pydantic is imported here, so that a check
without a workflow.yaml starts without it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from workflow.validator.grading import Ignore
from workflow.validator.validation import Wish

if TYPE_CHECKING:
    from workflow.config import Config
    from workflow.settings.validate import External
    from workflow.validator.external.verdict import Options

_PRODUCTION = ("production", "prod", "live")
BASELINES = "baselines"
"""Folder beside workflow.yaml where a site's known findings are, unless it names another file."""


def is_production(environment: str | None, approval: str | None = None) -> bool:
    """Whether search engines are meant to find what is published there: by the environment's name,
    or because it takes a person's phrase to publish there."""
    return environment in _PRODUCTION or approval == "phrase"


def configured(
    config: Config,
    site: str | None,
    environment: str | None,
    base_url: str | None,
    public: Path,
    *,
    external: bool = False,
) -> Wish:
    """How the configuration wants a folder to be checked.

    `site` and `environment` are names in it, or None: then what it says for all counts. `base_url`
    is what the site was built for, if anybody knows; else that of the environment. `external`: ask
    other hosts, whether or not it says so.
    """
    chosen = config.environments[environment] if environment is not None else None
    rules = config.validation.with_own(chosen.validation if chosen else None)
    known = rules.baseline
    if known is None and site is not None:
        known = Path(BASELINES, f"{site}.json")
    folder = None
    if site is not None:
        folder = Path(os.path.realpath(config.path(config.sites[site].path)))
    return Wish(
        public=public,
        base_url=base_url or (chosen.base_url if chosen else None),
        environment=environment,
        is_production=is_production(environment, chosen.approval if chosen else None),
        form_ids=frozenset(form.id for form in config.forms.values()) or None,
        grades={str(code): grade for code, grade in rules.rules.items()},
        ignores=[Ignore(one.reason, one.rule, one.page, one.url) for one in rules.ignore],
        fail_on=rules.fail_on,
        baseline=config.path(known) if known is not None else None,
        hugo_site=folder,
        external=_options(rules.external) if external or rules.external.enabled else None,
    )


def _options(asked: External) -> Options:
    from workflow.validator.external.verdict import Options

    return Options(**asked.model_dump(exclude={"enabled"}))
