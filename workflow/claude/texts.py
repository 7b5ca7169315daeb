"""The texts for Claude Code, made from our own tables so that they cannot drift from them."""

from __future__ import annotations

from workflow.approval import policy_of
from workflow.claude.verbs import having
from workflow.cli import COMMANDS
from workflow.config import Config
from workflow.handlers import all_types
from workflow.initialise import data_folder

_EXAMPLES = ("build", "publish", "production", "content")
_ASKS = {"none": "nobody", "approve": "a person's yes", "phrase": "a person's yes, and the phrase"}


def guide(config: Config) -> str:
    """task-system-guide.md, for the environments of this exchange."""
    first = next(iter(config.environments), "dev")
    return _filled(
        _template("task-system-guide.md"),
        DEV=first,
        TYPES=_types(config),
        ENVIRONMENTS=_environments(config),
        COMMANDS=_commands(),
        EXAMPLES="".join(f"\n{text}" for text in examples(config).values()).rstrip("\n"),
    )


def skill(config: Config | None = None) -> str:
    """SKILL.md; without a configuration, what holds in every exchange."""
    commands = "\n".join(f"- `workflow {name}`: {COMMANDS[name].summary}" for name in _shown())
    return _filled(_template("SKILL.md"), TYPES=_types(config), COMMANDS=commands)


def section() -> str:
    """Four lines for the CLAUDE.md of the exchange."""
    return _template("CLAUDE.md")


def site_section(config: Config) -> str:
    """For the CLAUDE.md of a site that tasks work on. It names no place: it is the site's own."""
    types, environments = _types(config), _environments(config)
    return _filled(_template("site-CLAUDE.md"), TYPES=types, ENVIRONMENTS=environments)


def examples(config: Config) -> dict[str, str]:
    """The jobs that this exchange can do, each with the environment that suits it."""
    by_policy: dict[str, str] = {}
    for name, one in config.environments.items():
        by_policy.setdefault(policy_of(name, one, required=False), name)
    first = next(iter(config.environments), "dev")
    asks = by_policy.get("approve") or by_policy.get("phrase")
    meant = {
        "build": first,
        "publish": by_policy.get("approve"),
        "production": by_policy.get("phrase"),
        "content": asks or first,
    }
    texts = {}
    for name in _EXAMPLES:
        environment = meant[name]
        if environment is not None:
            configured = config.environments.get(environment)
            phrase = "" if configured is None else configured.phrase
            text = _template(f"examples/{name}.md")
            texts[name] = _filled(text, ENV=environment, PHRASE=phrase)
    return texts


def _template(name: str) -> str:
    return (data_folder() / "claude" / name).read_text(encoding="utf-8")


def _filled(text: str, **values: str) -> str:
    for mark, value in values.items():
        text = text.replace(f"@{mark}@", value)
    return text


def _types(config: Config | None) -> str:
    return "\n".join(f"- `{name}`: {row.summary}" for name, row in all_types(config).items())


def _environments(config: Config) -> str:
    rows = []
    for name, one in config.environments.items():
        asks = _ASKS[policy_of(name, one, required=False)]
        where = "" if one.deploy else "; workflow.yaml does not say where it is published"
        rows.append(f"- `{name}`: {one.base_url}; a deploy asks for {asks}{where}")
    return "\n".join(rows) or "- none yet: the person adds them to workflow.yaml"


def _shown() -> list[str]:
    """The commands that are Claude's, in the order of the table, and the one that asks a person."""
    return [*(name for name, _ in having("allow")), "approve"]


def _commands() -> str:
    return "\n".join(f"| `workflow {name}` | {COMMANDS[name].summary} |" for name in _shown())
