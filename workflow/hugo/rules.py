"""What Hugo says, and what we make of it: the one table, in order.

The first row whose pattern is found in a message decides. What the machine lacks comes before what
the site has wrong, since a full disk fails in the midst of a template.
"""

from __future__ import annotations

from typing import NamedTuple

from workflow.errors import Action


class Rule(NamedTuple):
    pattern: str
    """A regular expression; its group `name` is what is missing or wrong."""
    code: str
    category: str
    action: Action
    hint: str
    """One sentence; `{name}` is the pattern's group."""
    message: str | None = None
    """Else Hugo's own words from the innermost place on."""
    kind: str | None = None
    """Where names like `name` are looked for: see `hugo_names`."""


RULES = (
    Rule(r"no space left on device|disk quota exceeded", "disk_full",
         "environment", "escalate", "free some space on that disk, then run the task again"),
    Rule(r"(permission denied|operation not permitted|read-only file system)\s*$",
         "permission_denied", "environment", "escalate",
         "give the user who runs the sweep the right to read and write there"),
    Rule(r"(?i)cannot allocate memory|out of memory|failed to reserve page summary memory",
         "out_of_memory", "environment", "escalate",
         "free memory, or limit Hugo with the variable HUGO_MEMORYLIMIT (in gigabytes)"),
    Rule(r'template for shortcode "(?P<name>[^"]+)" not found', "hugo_missing_shortcode",
         "content", "fix", "write layouts/shortcodes/{name}.html, or correct the name",
         "the shortcode {name!r} does not exist", "shortcode"),
    Rule(r"failed to extract shortcode|unclosed shortcode"
         r'|shortcode "(?P<name>[^"]+)" must be closed|shortcode "[^"]+" does not evaluate \.Inner',
         "hugo_shortcode_syntax", "content", "fix", "close the shortcode's call at that place"),
    Rule(r'partial "(?P<name>[^"]+)" not found', "hugo_missing_partial", "template", "fix",
         "write layouts/partials/{name}, or correct the name",
         "the partial {name!r} does not exist", "partial"),
    Rule(r'no such template "(?P<name>[^"]+)"|template: "?(?P<other>[^" ]+)"? is undefined',
         "hugo_missing_layout", "template", "fix", "write the template, or correct its name",
         "the template {name!r} does not exist", "template"),
    Rule(r'REF_NOT_FOUND: Ref "(?P<name>[^"]*)".*is ambiguous', "hugo_broken_ref", "content", "fix",
         "write its whole path from content/ on, starting with /",
         "the reference {name!r} could mean several pages", "page"),
    Rule(r'REF_NOT_FOUND: Ref "(?P<name>[^"]*)"', "hugo_broken_ref", "content", "fix",
         "correct the reference, or write the page",
         "the reference {name!r} leads to no page", "page"),
    Rule(r'binary with name "(?P<name>[^"]+)" not found|You need to install (?P<other>Dart Sass)',
         "hugo_missing_tool", "environment", "escalate",
         "install {name} where the sweep's PATH finds it", "this site needs {name}, which is not "
         "installed"),
    Rule(r"you need the extended version|resource transformation feature is not available"
         r"|feature is not available in your current Hugo version", "hugo_extended_needed",
         "environment", "escalate",
         "install Hugo's extended edition, or name it as hugo.path in workflow.yaml"),
    Rule(r"is not compatible with this Hugo version: (?P<name>[^;]+)", "hugo_wrong_version",
         "environment", "escalate",
         "install a Hugo that fulfils `{name}`, or change module.hugoVersion in the site's "
         "configuration", "the site asks for another Hugo: {name}"),
    Rule(r'module "(?P<name>[^"]+)" not found', "hugo_missing_module", "configuration", "fix",
         "get the theme or module (`git submodule update --init`, `hugo mod get`), or correct its "
         "name in the configuration", "the theme or module {name!r} is not there",
         "theme"),
    Rule(r"failed to (download|load) modules", "hugo_module_download", "network", "retry",
         "see what was said about the network or the repository in the log, then try again"),
    Rule(r"failed to load Git data", "hugo_git_info", "environment", "escalate",
         "enableGitInfo needs the site in a git repository that this user may read; make it so or "
         "switch it off"),
    Rule(r'failed to create config from result: parse "(?P<name>[^"]+)"', "hugo_bad_base_url",
         "task", "fix", "correct the base URL of the task or of the environment",
         "the base URL {name} is no address"),
    Rule(r"failed to (load|create|unmarshal|decode) config|unknown output format",
         "hugo_bad_config", "configuration", "fix", "correct Hugo's configuration there"),
    Rule(r"failed to load (data|translations)", "hugo_bad_data", "content", "fix",
         "correct the syntax of that file in data/ or i18n/"),
    Rule(r'access denied: "(?P<name>[^"]+)" is not whitelisted in policy', "hugo_access_denied",
         "configuration", "escalate",
         "let the site's owner allow it under `security` in Hugo's configuration, or do without",
         "the site's security policy does not allow {name}"),
    Rule(r"error calling (?:resources\.)?GetRemote|failed to fetch remote resource",
         "hugo_remote_failed", "network", "retry",
         "try again; if it stays, look whether that address still answers"),
    Rule(r'failed to transform "(?P<name>[^"]+)"', "hugo_bad_asset", "asset", "fix",
         "correct the style sheet or script at that place"),
    Rule(r"error calling warn(?:f|idf): (?P<name>.+)", "hugo_warning", "content", "fix",
         "mend what it warns of, or leave out panic_on_warning", "{name}"),
    Rule(r"parse of template failed|parse failed|failed to parse template|no function named"
         r"|apply base template failed",
         "hugo_template_syntax", "template", "fix",
         "correct the template's syntax at that place"),
    Rule(r"execute of template failed|error calling |executing \"", "hugo_template_error",
         "template", "fix", "correct the template at that place, or guard it with `with` or `if`"),
    Rule(r'the "(?P<name>[^"]+)" front matter field is not a parsable date',
         "hugo_bad_front_matter", "content", "fix",
         "write dates as 2026-01-31 or 2026-01-31T14:30:00Z"),
    Rule(r"failed to create page from pageMetaSource|readAndProcessContent|front matter"
         r"|failed to unmarshal (YAML|TOML|JSON)", "hugo_bad_front_matter", "content", "fix",
         "correct the front matter between the delimiters at the top of that file"),
)  # fmt: skip

WARNED = Rule(
    "", "hugo_warning", "content", "fix", "mend what it warns of, or leave out panic_on_warning"
)
LOGGED = Rule(
    "", "hugo_site_error", "template", "fix", "a template of the site reports this: do as it asks"
)
UNKNOWN = Rule("", "hugo_failed", "hugo", "escalate", "read the whole log of the attempt")
