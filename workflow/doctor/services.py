"""What lies beyond this machine: where sites are published, and JotForm."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

from workflow import layout
from workflow.config import Config, Environment
from workflow.doctor.finding import Finding, State
from workflow.errors import TaskFailed, nearest
from workflow.exchange import Exchange


def deploys(config: Config, *, offline: bool) -> Iterator[Finding]:
    """Whether each environment could be published, and what AWS says to it."""
    from workflow.deploy import conflicts

    for found in conflicts.shared_buckets(config):
        yield Finding(
            f"deploys to {found.first} and {found.second}",
            "failed",
            found.reason,
            "give each a bucket or a prefix of its own, and to both shared_bucket: true if they "
            f"share one, in {layout.CONFIG}",
        )
    places = [one for one in config.environments.items() if one[1].deploy is not None]
    if not places:
        return
    # Side by side: who waits for one network waits for all of them.
    with ThreadPoolExecutor(len(places)) as looking:
        found_in = looking.map(lambda one: list(_deploy(one[0], one[1], config, offline)), places)
        yield from chain.from_iterable(found_in)


def _deploy(
    name: str, environment: Environment, config: Config, offline: bool
) -> Iterator[Finding]:
    from workflow.deploy import readiness
    from workflow.deploy.target import Params, locate

    deploy = environment.deploy
    assert deploy is not None
    subject = f"deploy to {name}"
    lacks = list(readiness.missing(deploy, config))
    lax = [*readiness.misleading(name, environment), *readiness.unguarded(name, environment)]
    yield from (Finding(subject, "failed", one.message, one.hint) for one in lacks)
    yield from (Finding(subject, "warning", one.message, one.hint) for one in lax)
    if lacks:
        return
    identity = ""
    if deploy.strategy == "native" and not offline:
        from workflow.deploy.rights import try_rights

        try:
            target = locate(Params(environment=name), config)
        except TaskFailed:
            return  # told with the sites
        refused = False
        for tried in try_rights(deploy, str(target), target.private):
            identity = f" ({tried.identity})" if tried.identity else ""
            if tried.error is not None:
                refused = True
                state: State = "warning" if tried.error.action == "retry" else "failed"
                yield Finding(subject, state, tried.error.message, tried.error.hint)
        if refused:
            return
    if not lax:
        yield Finding(subject, "ok", readiness.destination(deploy) + identity)


def jotform_account(config: Config, *, offline: bool) -> Iterator[Finding]:
    """Whether the account can be asked, where there is anything to ask it; the key is not shown."""
    if offline or not (config.forms or config.jotform.model_fields_set):
        return
    from workflow.forms.client import JotForm

    try:
        with JotForm.open(config, lambda: None, tries=1) as api:
            left = api.get("/user/usage").limit_left
    except TaskFailed as failure:
        error = failure.error
        state: State = "warning" if error.action == "retry" else "failed"
        yield Finding("jotform", state, error.message, error.hint)
    else:
        calls = "" if left is None else f"; {left:,} calls are left for today"
        yield Finding("jotform", "ok", f"the key is let in{calls}")


def notifications(exchange: Exchange, config: Config) -> Iterator[Finding]:
    """Whether each channel could be used, and what could not be sent; nothing is sent."""
    if not config.notify:
        return
    from workflow.notify import LOG, secret, services
    from workflow.notify import outbox as outboxes

    outbox = outboxes.read(exchange)
    said = _last_line(exchange.path(LOG))
    if said:
        yield Finding("notify", "warning", f"a defect of ours: {said}", f"report it, with {LOG}")
    for name, channel in config.notify.items():
        subject = f"notify {name}"
        lacks = services.missing(channel)
        if lacks is not None:
            yield Finding(subject, "warning", lacks, "see docs/notifications.md")
            continue
        try:
            found = secret.find(name, channel)
        except secret.NoSecret as error:
            yield Finding(subject, "warning", str(error), error.hint)
            continue
        unknown = [one for one in channel.environments if one not in config.environments]
        if unknown:
            near = nearest(unknown[0], list(config.environments))
            yield Finding(
                subject,
                "warning",
                f"there is no environment {unknown[0]}",
                f"did you mean {near[0]}?" if near else f"correct it in {layout.CONFIG}",
            )
        given_up = [one for one in outbox.given_up if one["channel"] == name] if outbox else []
        last = outbox.sent.get(name, "") if outbox else ""
        if given_up and given_up[-1]["at"] > last:
            said = f"the last message was given up at {given_up[-1]['at']}: {given_up[-1]['why']}"
            yield Finding(subject, "warning", said, f"workflow notify {name} --test")
        elif not unknown:
            way = f"{channel.via}, by {found.source}" if found.source else channel.via
            yield Finding(subject, "ok", way)


def _last_line(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return (file.read(65_536).strip().splitlines() or [""])[-1][:200]
    except OSError:
        return ""
