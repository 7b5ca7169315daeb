"""A definition with its names made into what they stand for: addresses of pages and people.

Answers go where the owner said, not where a task says: recipients are those of workflow.yaml, and
the page that a visitor is sent to (JotForm can pass the answers along) is on a host of ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from workflow.config import Config
from workflow.errors import TaskError, TaskFailed, WorkflowError
from workflow.forms.definition import Definition, Question
from workflow.hugo.site import is_dev, is_local
from workflow.layout import CONFIG


@dataclass(frozen=True)
class Wanted:
    """What a form should be; what is None or empty stays as it is."""

    title: str | None = None
    fields: tuple[Question, ...] | None = None
    whole: bool = False
    """Whether `fields` are all that the form should have."""
    thank_you_url: str | None = None
    thank_you_text: str | None = None
    recipients: tuple[str, ...] = ()
    """Addresses, each once."""
    recipient_names: tuple[str, ...] = ()
    """What workflow.yaml calls them: addresses stand in no plan and no result."""
    subject: str | None = None


def wanted_of(definition: Definition, environment: str | None, config: Config) -> Wanted:
    """Raises TaskFailed `foreign_page`, `local_page`, `no_such_environment` or
    `environment_missing`."""
    thanks, told = definition.thank_you, definition.notification
    names = () if told is None else tuple(dict.fromkeys(told.to))
    addresses = (address for name in names for address in config.jotform.recipients[name])
    return Wanted(
        title=definition.title,
        fields=definition.fields,
        whole=definition.questions is not None,
        thank_you_url=None
        if thanks is None or thanks.url is None
        else _page(thanks.url, environment, config),
        thank_you_text=None if thanks is None else thanks.text,
        recipients=tuple(dict.fromkeys(addresses)),
        recipient_names=names,
        subject=None if told is None else told.subject,
    )


def _page(url: str, environment: str | None, config: Config) -> str:
    if url.startswith("/"):
        if environment is None:
            raise _failed(
                "environment_missing",
                f"the thank-you page {url} is a path, and nothing says of which environment's site",
                "name one in the task (`--env production`), or write the whole address",
            )
        try:
            name, configured = config.environment(environment)
        except WorkflowError as error:
            raise _failed(error.code, error.message, error.hint or "") from error
        if is_dev(name) and is_local(configured.base_url):
            raise _failed(
                "local_page",
                f"the thank-you page {url} would be on {configured.base_url}, where no visitor "
                "gets to",
                "name the environment that visitors see (`--env production`)",
            )
        return configured.base_url.rstrip("/") + url
    ours = sorted(_hosts(config))
    if _host(url) not in ours:
        raise _failed(
            "foreign_page",
            f"the thank-you page {url} is on no site of {CONFIG}: a visitor's answers could be "
            "passed to it",
            f"use a page on one of {', '.join(ours) or 'the environments there'}",
        )
    return url


def _hosts(config: Config) -> set[str]:
    urls = []
    for environment in config.environments.values():
        urls.append(environment.base_url)
        if environment.deploy is not None and environment.deploy.verify_url is not None:
            urls.append(environment.deploy.verify_url)
    return {host for host in map(_host, urls) if host is not None}


def _host(url: str) -> str | None:
    """Host and port; None for what is no address, or carries a name and password before its host,
    by which people are led astray."""
    try:
        split = urlsplit(url)
        port = split.port
    except ValueError:
        return None
    if split.hostname is None or "@" in split.netloc:
        return None
    return split.hostname if port is None else f"{split.hostname}:{port}"


def _failed(code: str, message: str, hint: str) -> TaskFailed:
    return TaskFailed(TaskError(code, message, "fix", "content", hint=hint))
