"""Secrets in a built site, by their form and by the names of files that are made to hold some.

What is told of one is never the secret itself.

What is made to be read by everybody is none: keys of maps, of analytics, of search. Neither are
the samples of AWS's manuals, which have EXAMPLE in them, nor a key block without a key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from workflow import redact

_MIXED = rb"(?=[^0-9]{0,39}[0-9])(?=[^A-Z]{0,39}[A-Z])(?=[^a-z]{0,39}[a-z])"
_SEPARATORS = rb"(?:[\s\"'\\=:>|,()\[\]]|<[^<>]{0,100}>|&[#a-z0-9]{1,8};){1,40}+"
"""Between a name and its value, in code that a page shows with colours too."""

_AWS_SECRET = re.compile(
    rb"(?i:" + redact.SECRET_KEY_NAMES + rb")" + _SEPARATORS + _MIXED
    + rb"(?![A-Za-z0-9/+]{0,33}EXAMPLE)[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])"
)  # fmt: skip
_KEY_BLOCK = re.compile(
    redact.PRIVATE_KEY_BEGINS.pattern + rb"(?:\\[rn]|[\s\"',+]|<[^<>]{0,100}>)*+[A-Za-z0-9+/=]{40}"
)
# Of the next three the rare byte comes first, what stands before it second: a search for one byte
# is ten times as fast as one for a word.
_JOTFORM = re.compile(rb"K(?<=apiK)ey(?:=|%3D)[0-9a-f]{32}(?![0-9a-f])")
_SLACK = re.compile(rb"x(?<![A-Za-z0-9]x)ox[abeprs]-(?=[A-Za-z-]{0,40}[0-9])[A-Za-z0-9-]{20,}")
_TOKEN = re.compile(
    rb"_(?:(?<=gh[opsu]_)(?P<github>[A-Za-z0-9]{36,})|(?<=github_pat_)(?P<pat>[A-Za-z0-9_]{50,})"
    rb"|(?<=npm_)(?P<npm>[A-Za-z0-9]{36})(?![A-Za-z0-9])"
    rb"|(?<=[rs]k_live_)(?P<stripe>[A-Za-z0-9]{20,}))"
)
_ISSUERS = {
    "github": "a GitHub token",
    "pat": "a GitHub token",
    "npm": "an npm token",
    "stripe": "a secret key of Stripe",
}

_MAY_BE_KEY = re.compile(rb"K(?:(?<=PRIVATE K)EY|(?<=apiK)ey)")
_NEARBY = 200
"""Bytes before a JotForm key within which JotForm must be named: others call theirs apiKey too."""


def credentials(raw: bytes) -> Iterator[tuple[int, str]]:
    """Where in a file the secrets are, and what each is, in words."""
    for found in redact.ACCESS_KEY_ID.finditer(raw):
        if not found[0].endswith(b"EXAMPLE"):
            yield found.start(), "an AWS access key"
    if b"ecret" in raw or b"ECRET" in raw:
        for found in _AWS_SECRET.finditer(raw):
            yield found.start(), "an AWS secret access key"
    if _MAY_BE_KEY.search(raw):
        for found in _KEY_BLOCK.finditer(raw):
            yield found.start(), "a private key"
        for found in _JOTFORM.finditer(raw):
            if b"jotform" in raw[max(0, found.start() - _NEARBY) : found.start()].lower():
                yield found.start(), "a JotForm API key"
    for found in _SLACK.finditer(raw):
        yield found.start(), "a Slack token"
    for found in _TOKEN.finditer(raw):
        yield found.start(), _ISSUERS[found.lastgroup or ""]


_NAMES = re.compile(
    # Folders and files of programs that keep passwords, tokens, or everything that ever was.
    r"(?:.*/)?(?:\.(?:git|svn|hg|bzr|aws|ssh|gnupg|kube|docker|azure|terraform)(?:/.*)?"
    r"|\.env(?!\.(?:example|sample|template|dist)$)(?:rc|\..*)?|\.(?:htpasswd|netrc|npmrc|pypirc)"
    r"|\.(?:pgpass|my\.cnf|s3cfg|boto|git-credentials|bash_history|zsh_history)|wp-config\.php.*"
    r"|credentials\.(?:json|csv)|rootkey\.csv|client_secret[^/]*\.json|service[-_]account[^/]*\.json"
    # Keys, and certificates that come with theirs.
    r"|id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?|[^/]+\.(?:pem|key|p12|pfx|jks|keystore|kdbx|ppk)"
    r"|[^/]*\.(?:tfstate(?:\.backup)?|tfvars)|[^/]*(?:dump|backup)\.sql(?:\.gz)?)",
    re.IGNORECASE,
)


def has_secret_name(path: str) -> bool:
    """Whether the file is of those that no website is meant to have."""
    return _NAMES.fullmatch(path) is not None
