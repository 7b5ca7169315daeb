"""Takes secrets out of text before it reaches a file or a screen.

Known by form: AWS keys, tokens and signatures in the ways in which tools print them, headers of
the name `Authorization`, API keys, passwords in URLs, private keys. Known by value: the secrets of
the environment.
A name stays, its value becomes `[redacted]`.

Output is searched for the few words that every such form contains, a megabyte at a time; a regular
expression runs only where one was found. That is what lets a gigabyte of ordinary output pass.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

REDACTED = "[redacted]"
LONGEST_LINE = 64 * 1024
"""Bytes of an unfinished line (or key) that are held back; a longer one is released in pieces."""
OVERLAP = 16 * 1024
"""Bytes that stay held when a piece is released: longer than any real secret with its name."""
LONGEST_KEY = 32 * 1024
"""Bytes of a private key block, decoration by the tool included (RSA of 16,384 bits: 12.6 KB)."""
SHORTEST_VALUE = 8
"""Characters: a shorter value in the environment (`true`, `none`) is no secret but a word."""

_SECRET_NAMES = frozenset({"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "JOTFORM_API_KEY"})
_SECRET_ENDINGS = ("_TOKEN", "_SECRET", "_PASSWORD", "_API_KEY")
_REDACTED = REDACTED.encode()


class _Rule(NamedTuple):
    needles: tuple[bytes, ...]
    """The pattern cannot match where none of these is."""
    folded: bool
    """Look for the needles in the folded text: small letters, no `_`, `-` or space."""
    pattern: re.Pattern[bytes]
    replacement: bytes | Callable[[re.Match[bytes]], bytes]


# Between a name and its value: quotes (escaped ones too), an ini, JSON, XML or table separator,
# the prompt's `[None]`, colours. `set -gx NAME value` has a space alone, then 40 characters.
_GAP = rb"(?:[ \t]|\x1b\[[0-9;]*m){0,16}"
_IS = (
    rb"(?:\\{0,3}[\"'])?" + _GAP + rb"(?:\[[^\]\r\n]{0,40}\])?"
    rb"(?:(?:=>|:=|[:=>|]|%3[AD])" + _GAP + rb"|(?<=[ \t])(?=[A-Z0-9/+]{40}))"
)
_QUOTE = rb"(b?\\{0,3}[\"'])"


def _named(names: bytes, shortest: int) -> re.Pattern[bytes]:
    """`name = value`: group 1 is the name and what follows it, group 2 the opening quote."""
    least = b"{%d,}" % shortest
    quoted = rb"(?:[^\"'\r\n\\]|\\/)" + least
    plain = rb"(?:[^\s\"'\\&,;<>(){}\[\]$|]|\\/)" + least
    form = rb"(?i)((?:" + names + rb")" + _IS + rb")(?:" + _QUOTE + quoted + rb"|" + plain + rb")"
    return re.compile(form)


ACCESS_KEY_ID = re.compile(
    # The `A` comes first, what may stand before it second: the search is ten times as fast.
    # After `%2F` or `\\n` a letter or digit stands before the id, and yet it begins there.
    rb"A(?:(?<![A-Za-z0-9]A)|(?<=%[0-9A-Fa-f][0-9A-Fa-f]A)|(?<=\\[nrt]A))"
    rb"[KS]IA[A-Z0-9]{16}(?![A-Za-z0-9])"
)
"""Of AWS, lasting or passing: not secret by itself, but never far from what is."""
SECRET_KEY_NAMES = rb"secret[_-]?key|secret[_ -]?access[_ -]?key"
"""Of AWS; capitals do not matter."""

PRIVATE_KEY_BEGINS = re.compile(rb"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_END = re.compile(rb"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_BODY = rb"""(?x: [A-Za-z0-9+/=]++ (?=[\r\n\\"']|\Z) | \\[rn] | [\r\n]++
    | (?:Proc-Type|DEK-Info|Version|Comment):[^\r\n\\]*+ )*+"""
_WHOLE = rb"[^-]*+(?:-(?!----(?:BEGIN|END) )[^-]*+)*+" + _END.pattern
_CUT_OFF = re.compile(PRIVATE_KEY_BEGINS.pattern + _BODY)


def _private_key(match: re.Match[bytes]) -> bytes:
    if len(match[0]) <= LONGEST_KEY:
        return _REDACTED
    # A BEGIN quoted in prose and an END pages later are no block: leave the pages alone.
    return _CUT_OFF.sub(_REDACTED, match[0])


_RULES = (
    _Rule(
        (b"secretaccesskey", b"secretkey"),
        True,
        _named(SECRET_KEY_NAMES, SHORTEST_VALUE),
        rb"\1\2" + _REDACTED,
    ),
    _Rule(
        (b"sessiontoken", b"securitytoken", b"amzsignature"),
        True,
        _named(rb"session[_ -]?token|security[_-]?token|x-amz-signature", 16),
        rb"\1\2" + _REDACTED,
    ),
    _Rule(
        (b"apikey",),
        True,
        # A digit is asked for: `apiKey = settings.jotformKeyName` is code, not a key.
        re.compile(
            rb"(?i)(api[_ -]?key" + _IS + _QUOTE + rb"?)(?=[A-Z_-]*[0-9])[A-Z0-9_-]{16,}"
        ),
        rb"\1" + _REDACTED,
    ),
    _Rule(
        (b"authorization",),
        True,
        # To the closing quote, or to the end of the line: `Digest` has quotes after its `=`.
        re.compile(
            rb"(?i)(authorization(?:\\{0,3}[\"'])?" + _GAP + rb"(?:=>|[:=]|%3A)" + _GAP + rb")(?:"
            + _QUOTE + rb"(?:[^\"'\r\n\\]|\\/)+"
            rb"|[^\s\"'\\][^\r\n\"'\\]*(?:(?<==)\\?\"[^\"\r\n]*\"?[^\r\n\"']*)*)"
        ),
        rb"\1\2" + _REDACTED,
    ),
    _Rule(
        (b"A",),
        False,
        ACCESS_KEY_ID,
        _REDACTED,
    ),
    _Rule(
        (b"@",),
        False,
        # A token may stand in the user's place (`https://<token>@host`): both go.
        re.compile(rb"(://)(?:[^\s/?#@:\"'<>]*:[^\s/?#\"'<>]+|[^\s/?#@:\"'<>]{20,})@"),
        rb"\1" + _REDACTED + rb"@",
    ),
    _Rule(
        (b"PRIVATE KEY",),
        False,
        # Whole, or cut off because its tool was killed: then what looks like its body goes.
        re.compile(PRIVATE_KEY_BEGINS.pattern + rb"(?:" + _WHOLE + rb"|" + _BODY + rb")"),
        _private_key,
    ),
)  # fmt: skip

_FOLD = bytes(range(256)).lower()
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


hidden: set[str] = set()
"""Secrets that no variable of the environment tells of."""


def hide(secret: str) -> None:
    """Take this value out of whatever this process writes from now on: it came from a keychain, so
    that no variable of the environment tells of it."""
    hidden.add(secret)


def _value_rule(environ: Mapping[str, str] | None) -> tuple[_Rule, ...]:
    """The rule for the secrets of our environment and of `environ`; none if there are none."""
    values: set[bytes] = set()
    named = [*os.environ.items(), *(environ or {}).items()]
    secrets = [v for k, v in named if k in _SECRET_NAMES or k.endswith(_SECRET_ENDINGS)]
    for value in (*secrets, *hidden):
        # Line by line, as the stream is read: a key may have been put into a variable whole.
        for line in value.encode("utf-8", "surrogateescape").splitlines():
            secret = line.strip()
            if len(secret) >= SHORTEST_VALUE:
                values.add(secret)
                values.add(
                    b"".join(b"%c" % c if c in _UNRESERVED else b"%%%02X" % c for c in secret)
                )
    if not values:
        return ()
    # The longest first: one secret may be the beginning of another.
    needles = tuple(sorted(values, key=len, reverse=True))
    return (_Rule(needles, False, re.compile(b"|".join(map(re.escape, needles))), _REDACTED),)


def _suspects(data: bytes, rules: Iterable[_Rule]) -> list[_Rule]:
    """Those of the rules that may match somewhere in `data`."""
    folded = data.translate(_FOLD, b"_- ")
    return [
        rule
        for rule in rules
        if any(needle in (folded if rule.folded else data) for needle in rule.needles)
    ]


def _clean(data: bytes, suspects: Iterable[_Rule]) -> bytes:
    for rule in suspects:
        data = rule.pattern.sub(rule.replacement, data)
    return data


def redact(text: str, environ: Mapping[str, str] | None = None) -> str:
    """`text` without secrets. `environ`: variables whose values are secret too, beside our own."""
    return scrubber(environ)(text)


def scrubber(environ: Mapping[str, str] | None = None) -> Callable[[str], str]:
    """`redact` for many texts: the environment is looked through once."""
    # Values first: a value that no form knows must not lose its beginning to one that it contains.
    rules = _value_rule(environ) + _RULES

    def scrub(text: str) -> str:
        data = text.encode("utf-8", "surrogatepass")
        suspects = _suspects(data, rules)
        return _clean(data, suspects).decode("utf-8", "surrogatepass") if suspects else text

    return scrub


class Redactor:
    """`redact` for a stream that comes in chunks, cut anywhere. Holds back an unfinished line or
    private key, at most `LONGEST_LINE` bytes, so its memory does not grow.

    Not to be shared by threads.
    """

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._rules = _value_rule(environ) + _RULES
        self._held = bytearray()
        self._dropping = False

    def feed(self, chunk: bytes) -> bytes:
        """Takes the next bytes; returns those that can be said to be free of secrets by now."""
        if self._dropping:
            newline = chunk.find(b"\n")
            if newline < 0:
                return b""
            self._dropping = False
            chunk = chunk[newline:]
        # A progress bar ends its lines with a carriage return alone; no secret contains one.
        newline = chunk.rfind(b"\n")
        end = max(newline, chunk.rfind(b"\r", newline + 1)) + 1
        if not end and len(self._held) + len(chunk) <= LONGEST_LINE:
            self._held += chunk
            return b""
        data = bytes(self._held) + chunk if self._held else chunk
        cut = len(self._held) + end if end else 0
        if cut:
            cut = self._before_open_key(data, cut)
        long = len(data) - cut > LONGEST_LINE
        suspects = _suspects(data if long else data[:cut], self._rules)
        if long:
            cut = self._within_line(data, suspects)
        self._held = bytearray(data[cut:])
        return _clean(data[:cut], suspects)

    def close(self) -> bytes:
        """What was still held. The redactor is as new afterwards."""
        held = bytes(self._held)
        rest = _clean(held, _suspects(held, self._rules))
        self._held.clear()
        self._dropping = False
        return rest

    @staticmethod
    def _before_open_key(data: bytes, cut: int) -> int:
        """`cut`, or the start of a private key that has not ended yet there."""
        if b"PRIVATE KEY" not in data:
            return cut
        last = None
        for last in PRIVATE_KEY_BEGINS.finditer(data, 0, cut):  # noqa: B007 - the last one is wanted
            pass
        if last is None or _END.search(data, last.end(), cut):
            return cut
        return last.start()

    def _within_line(self, data: bytes, suspects: Iterable[_Rule]) -> int:
        """Where to cut a line that is too long to be held: at no place inside a secret."""
        cut = len(data) - OVERLAP
        spans = [m.span() for rule in suspects for m in rule.pattern.finditer(data)]
        while inside := [(start, end) for start, end in spans if start < cut < end]:
            cut = min(start for start, _ in inside)
        if cut:
            return cut
        # One secret from the first byte on, beyond the overlap: the rest of its line goes with it.
        self._dropping = True
        return len(data)
