"""Task files that are wrong: a hand-made collection, and mutations of good ones by the thousand."""

from __future__ import annotations

import os
import random
import socket
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

Place = Callable[[Path], None]
"""Makes something at a path that is no plain file."""


@dataclass(frozen=True)
class Bad:
    """One wrong file: the code that its result must have, and a pattern for what it must say."""

    what: str
    content: bytes | Place
    code: str
    says: str
    line: int | None = None
    """Of the fault, where there is a right answer."""


def matter(text: str | bytes) -> bytes:
    """Front matter around these lines."""
    raw = text.encode() if isinstance(text, str) else text
    return b"---\n" + raw + b"\n---\nDo it.\n"


def noop(text: str) -> bytes:
    return matter("task_type: noop\n" + text)


def _bomb(levels: int) -> str:
    tenfold = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join(["a0: &a0 [x, x, x, x, x, x, x, x, x, x]", *tenfold])


def _wide_bomb() -> str:
    return f"a: &a {'x' * 100_000}\nb: [{', '.join(['*a'] * 100)}]"


def _link(target: str) -> Place:
    return lambda path: path.symlink_to(target)


def _socket(path: Path) -> None:
    # Bound by a short relative name: an address of this kind has room for 107 bytes.
    here = os.open(path.parent, os.O_RDONLY)
    try:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(f"/proc/self/fd/{here}/{path.name}")
    finally:
        os.close(here)


def _device(kind: int, major: int, minor: int) -> Place:
    return lambda path: os.mknod(path, kind | 0o666, os.makedev(major, minor))


def _folder_with_a_task(path: Path) -> None:
    path.mkdir()
    (path / "inside.md").write_bytes(noop(""))


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**40)


UNREADABLE, INVALID = "unreadable_task", "invalid_task"

BYTES = [
    Bad("nothing at all", b"", UNREADABLE, "does not start", 1),
    Bad("one line end", b"\n", UNREADABLE, "does not start", 1),
    Bad("spaces", b"   \n  \n", UNREADABLE, "does not start", 1),
    Bad("prose", b"Please build the site.\n", UNREADABLE, "does not start", 1),
    Bad("an empty line first", b"\n" + noop(""), UNREADABLE, "does not start", 1),
    Bad("a space before the dashes", b" " + noop(""), UNREADABLE, "does not start", 1),
    Bad("four dashes", b"-" + noop(""), UNREADABLE, "does not start", 1),
    Bad("TOML", b"+++\ntask_type = 'noop'\n+++\n", UNREADABLE, "does not start", 1),
    Bad("JSON", b'{"task_type": "noop"}\n', UNREADABLE, "does not start", 1),
    Bad("bare YAML", b"task_type: noop\n", UNREADABLE, "does not start", 1),
    Bad("only an opening", b"---\n", UNREADABLE, "not closed"),
    Bad("no end of the front matter", b"---\ntask_type: noop\n", UNREADABLE, "not closed"),
    Bad("an indented end", b"---\ntask_type: noop\n ---\n", UNREADABLE, "not closed|expected"),
    Bad("dots as the end", b"---\ntask_type: noop\n...\n", UNREADABLE, "not closed"),
    Bad("UTF-16, little-endian", noop("").decode().encode("utf-16"), UNREADABLE, "UTF-16", 1),
    Bad("UTF-16, big-endian", b"\xfe\xff" + noop("").decode().encode("utf-16-be"), UNREADABLE,
        "UTF-16", 1),
    Bad("UTF-16 without a mark", noop("").decode().encode("utf-16-le"), UNREADABLE, "NUL", 1),
    Bad("UTF-32", noop("").decode().encode("utf-32"), UNREADABLE, "UTF-(16|32)|NUL", 1),
    Bad("a NUL", noop("priority: \0low"), UNREADABLE, "NUL", 3),
    Bad("a NUL in the body", noop("") + b"\0", UNREADABLE, "NUL", 6),
    Bad("nothing but NULs", b"\0" * 4096, UNREADABLE, "NUL", 1),
    Bad("Latin-1", matter("task_type: noop\ncreated_by: J\xf6rg".encode("latin-1")), UNREADABLE,
        "0xf6 is not UTF-8", 3),
    Bad("half a character", matter(b"task_type: noop\ncreated_by: \xe2\x82"), UNREADABLE,
        "not UTF-8", 3),
    Bad("an overlong slash", matter(b"task_type: noop\ncreated_by: \xc0\xaf"), UNREADABLE,
        "not UTF-8", 3),
    Bad("a surrogate", matter(b"task_type: noop\ncreated_by: \xed\xa0\x80"), UNREADABLE,
        "not UTF-8", 3),
    Bad("a PNG picture", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", UNREADABLE, "NUL|not UTF-8"),
    Bad("an ELF program", b"\x7fELF\2\1\1" + b"\0" * 60, UNREADABLE, "NUL", 1),
    Bad("gzip", b"\x1f\x8b\x08\0\0\0\0\0", UNREADABLE, "NUL|not UTF-8", 1),
    Bad("an escape sequence", noop("created_by: \x1b[31mred"), UNREADABLE, r"U\+001B", 3),
    Bad("a backspace", noop("created_by: a\bb"), UNREADABLE, r"U\+0008", 3),
    Bad("50 MB of text", noop("") + b"x" * 50_000_000, UNREADABLE, "larger than"),
    Bad("50 MB of one value", noop("created_by: " + "x" * 50_000_000), UNREADABLE, "larger than"),
    Bad("50 MB of brackets", noop("a: " + "[" * 50_000_000), UNREADABLE, "larger than"),
    Bad("a terabyte of holes", _sparse, UNREADABLE, "larger than"),
]  # fmt: skip

YAML = [
    Bad("a tab as indentation", noop("params:\n\tmessage: x"), UNREADABLE, "tab", 4),
    Bad("a tab before a key", noop("\tpriority: low"), UNREADABLE, "tab|expected", 3),
    Bad("a key twice", noop("task_type: noop"), UNREADABLE, "'task_type' stands here twice", 3),
    Bad("a key twice, deep", noop("params: {message: a, message: b}"), UNREADABLE, "twice", 3),
    Bad("a key twice, quoted", noop("'task_type': noop"), UNREADABLE, "twice", 3),
    Bad("a colon in a value", noop("created_by: a: b"), UNREADABLE, "within a value", 3),
    Bad("an open quote", noop("created_by: 'a"), UNREADABLE, "quot", 3),
    Bad("an open double quote", noop('created_by: "a'), UNREADABLE, "quot", 3),
    Bad("an open bracket", noop("after: [a"), UNREADABLE, "bracket that .* never closed", 3),
    Bad("an open brace", noop("params: {message: a"), UNREADABLE, "brace that .* never closed", 3),
    Bad("a bracket too many", noop("after: [a]]"), UNREADABLE, "] too many", 3),
    Bad("a line without a colon", noop("low"), UNREADABLE, "no ': '"),
    Bad("a list among keys", noop("- a"), UNREADABLE, "none of 'key: value'", 3),
    Bad("indentation that changes", noop("params:\n    a: b\n  c: d"), UNREADABLE, "indented by 2"),
    Bad("a list", matter("- task_type: noop"), UNREADABLE, "not a mapping", 2),
    Bad("a word", matter("noop"), UNREADABLE, "not a mapping", 2),
    Bad("a number", matter("42"), UNREADABLE, "not a mapping", 2),
    Bad("a text", matter("'task_type: noop'"), UNREADABLE, "not a mapping", 2),
    Bad("an unknown escape", noop('created_by: "\\q"'), UNREADABLE, "means nothing", 3),
    Bad("half a surrogate pair", noop('created_by: "\\ud800"'), UNREADABLE, "escape|invalid", 3),
    Bad("an alias to nothing", noop("created_by: *nobody"), UNREADABLE, "nothing .* is called", 3),
    Bad("an alias to itself", noop("context: &a {b: *a}"), UNREADABLE, "contains itself"),
    Bad("an alias bomb", noop(_bomb(9)), UNREADABLE, "aliases are expanded"),
    Bad("a bomb of long texts", noop(_wide_bomb()), UNREADABLE, "aliases are expanded"),
    Bad("a Python object", noop("context: !!python/object/apply:os.system ['id']"), UNREADABLE,
        "tag .* not allowed", 3),
    Bad("a Python name", noop("context: !!python/name:os.system"), UNREADABLE, "tag", 3),
    Bad("a tag of one's own", noop("created_by: !env HOME"), UNREADABLE, "tag", 3),
    Bad("binary", noop("created_by: !!binary aGVsbG8="), UNREADABLE, "tag", 3),
    Bad("a set", noop("context: !!set {a, b}"), UNREADABLE, "tag", 3),
    Bad("a tag that lies", noop("timeout_minutes: !!int soon"), UNREADABLE, "read as int", 3),
    Bad("brackets 1,000 deep", noop("context: " + "[" * 999 + "]" * 999), UNREADABLE, "deeper", 3),
    Bad("brackets 100,000 deep", noop("context: " + "[" * 100_000), UNREADABLE, "deeper", 3),
    Bad("braces 50,000 deep", noop("context: " + "{a: " * 50_000), UNREADABLE, "deeper", 3),
    Bad("dashes 20,000 deep", noop("context:\n" + "- " * 20_000 + "a"), UNREADABLE, "deeper", 4),
    Bad("indented 200 deep", noop("\n".join(" " * n + "a:" for n in range(200))), UNREADABLE,
        "deeper"),
    Bad("a list as a key", noop("? [a, b]\n: c"), UNREADABLE, "key", 3),
    Bad("a mapping as a key", noop("{a: b}: c"), UNREADABLE, "key|expected", 3),
    Bad("60,000 values", noop("context: {a: [" + "1," * 60_000 + "]}"), UNREADABLE, "50000 values"),
    Bad("a number of 5,000 digits", noop("timeout_minutes: " + "9" * 5000), UNREADABLE,
        "cannot be read as int", 3),
    Bad("a directive", noop("%YAML 1.1"), UNREADABLE, "token|expected|directive"),
    Bad("a reserved sign", noop("created_by: @home"), UNREADABLE, "begin with @", 3),
    Bad("a back quote", noop("created_by: `whoami`"), UNREADABLE, "begin with `", 3),
]  # fmt: skip

KEYS = [
    Bad("no key at all", matter(""), INVALID, "task_type|missing"),
    Bad("a comment only", matter("# task_type: noop"), INVALID, "missing"),
    Bad("no type", matter("priority: low"), INVALID, "missing"),
    Bad("a type misspelt", matter("task_typ: noop"), INVALID, "missing", 2),
    Bad("an unknown type", matter("task_type: hugo-biuld"), "unknown_type", "hugo-biuld", 2),
    Bad("an empty type", matter("task_type: ''"), "unknown_type", "''", 2),
    Bad("a type in capitals", matter("task_type: NOOP"), "unknown_type", "NOOP", 2),
    Bad("a type with a path", matter("task_type: ../../etc/passwd"), "unknown_type", "passwd", 2),
    Bad("a type of Python", matter("task_type: os.system"), "unknown_type", "os.system", 2),
    Bad("a type with a line end", matter('task_type: "noop\\n"'), "unknown_type", r"noop\\n", 2),
    Bad("a very long type", matter("task_type: " + "a" * 10_000), "unknown_type", "aaa", 2),
    Bad("null as the type", matter("task_type: null"), INVALID, "string", 2),
    Bad("no value for the type", matter("task_type:"), INVALID, "string", 2),
    Bad("a number as the type", matter("task_type: 42"), INVALID, "string", 2),
    Bad("a truth as the type", matter("task_type: true"), INVALID, "string", 2),
    Bad("a list as the type", matter("task_type: [noop]"), INVALID, "string", 2),
    Bad("a mapping as the type", matter("task_type: {name: noop}"), INVALID, "string", 2),
    Bad("a wrong priority", noop("priority: asap"), INVALID, "urgent.*high.*normal.*low", 3),
    Bad("a number as priority", noop("priority: 1"), INVALID, "urgent", 3),
    Bad("a list as priority", noop("priority: [low]"), INVALID, "urgent", 3),
    Bad("no time at all", noop("timeout_minutes: 0"), INVALID, "greater than 0", 3),
    Bad("a time below nothing", noop("timeout_minutes: -5"), INVALID, "greater than 0", 3),
    Bad("two days", noop("timeout_minutes: 2880"), INVALID, "1440", 3),
    Bad("for ever", noop("timeout_minutes: .inf"), INVALID, "1440|finite", 3),
    Bad("not a number of minutes", noop("timeout_minutes: .nan"), INVALID,
        "1440|greater than 0|finite", 3),
    Bad("minutes as a word", noop("timeout_minutes: ten"), INVALID, "number", 3),
    Bad("minutes as a list", noop("timeout_minutes: [10]"), INVALID, "number", 3),
    Bad("params as a list", noop("params: [a]"), INVALID, "mapping", 3),
    Bad("params as a text", noop("params: message"), INVALID, "mapping", 3),
    Bad("a parameter misspelt", noop("params: {mesage: a}"), INVALID, "unknown key", 3),
    Bad("a parameter of the wrong kind", noop("params: {message: [a]}"), INVALID, "string", 3),
    Bad("a parameter too many", noop("params: {message: a, run: 'rm -rf /'}"), INVALID,
        "unknown key", 3),
    Bad("an environment that is none", matter("task_type: hugo-build\nparams: {environment: moon}"),
        "no_such_environment", "moon", 3),
    Bad("an environment with a path",
        matter("task_type: hugo-build\nparams: {environment: ../dev}"), "no_such_environment",
        "dev", 3),
    Bad("a site that is none", matter("task_type: hugo-build\nparams: {site_path: /etc}"),
        "no_such_site", "/etc", 3),
    Bad("a site above", matter("task_type: hugo-build\nparams: {site_path: ../..}"),
        "no_such_site", r"\.\.", 3),
    Bad("a time that is none", noop("not_before: tomorrow"), INVALID, "time|iso|ISO", 3),
    Bad("a day that is none", noop("not_before: 2026-02-30T00:00:00Z"), INVALID, "day|time", 3),
    Bad("a number as a time", noop("not_before: 1768833000"), INVALID, "UTC time", 3),
    Bad("a list as a time", noop("not_before: [2026-01-01]"), INVALID, "UTC time", 3),
    Bad("a number to follow", noop("after: 7"), INVALID, "list", 3),
    Bad("numbers to follow", noop("after: [1, 2]"), INVALID, "string", 3),
    Bad("a mapping to follow", noop("after: {id: a}"), INVALID, "list", 3),
    Bad("a retry of none", noop("retry: {max_attempts: 0}"), INVALID, "greater than or equal", 3),
    Bad("a retry of millions", noop("retry: {max_attempts: 1000000}"), INVALID, "20", 3),
    Bad("a retry misspelt", noop("retry: {max_attempt: 2}"), INVALID, "unknown key", 3),
    Bad("a retry before now", noop("retry: {backoff_seconds: -1}"), INVALID, "greater than", 3),
    Bad("a number as retry", noop("retry: 3"), INVALID, "mapping|dictionary", 3),
    Bad("maybe as approval", noop("requires_approval: perhaps"), INVALID, "bool|true", 3),
    Bad("a text as approval", noop("approval: granted"), INVALID, "mapping|dictionary", 3),
    Bad("a list as context", noop("context: [a]"), INVALID, "mapping|dictionary", 3),
    Bad("a number as its id", noop("task_id: 7"), INVALID, "string", 3),
    Bad("an expectation without sense", noop("expected_outputs: {message: purple}"), INVALID,
        "purple", 3),
    Bad("an expectation that never closes", noop("expected_outputs: [{message: string (}]"),
        INVALID, "not a condition", 3),
    Bad("a pattern that is none", noop("expected_outputs: {message: 'string (matches /(/)'}"),
        INVALID, "not a pattern", 3),
    Bad("a number as expectations", noop("expected_outputs: 7"), INVALID, "expect|list"),
    Bad("several at once", noop("priority: asap\ntimeout_minutes: -1\nparams: {mesage: x}"),
        INVALID, "urgent", 3),
]  # fmt: skip

PLACES = [
    Bad("a link to a secret", _link("/etc/passwd"), "not_a_file", "symbolic link"),
    Bad("a link to nothing", _link("/nowhere/at/all"), "not_a_file", "symbolic link"),
    Bad("a link to itself", lambda path: path.symlink_to(path.name), "not_a_file", "symbolic link"),
    Bad("a link to a folder", _link("/etc"), "not_a_file", "symbolic link"),
    Bad("a link to endless zeros", _link("/dev/zero"), "not_a_file", "symbolic link"),
    Bad("a pipe", lambda path: os.mkfifo(path), "not_a_file", "not a plain file"),
    Bad("an empty folder", lambda path: path.mkdir(), "not_a_file", "not a plain file"),
    Bad("a folder with a task", _folder_with_a_task, "not_a_file", "not a plain file"),
    Bad("a socket", _socket, "not_a_file", "not a plain file"),
]
DEVICES = [
    Bad("endless zeros", _device(stat.S_IFCHR, 1, 5), "not_a_file", "not a plain file"),
    Bad("endless noise", _device(stat.S_IFCHR, 1, 9), "not_a_file", "not a plain file"),
    Bad("a terminal", _device(stat.S_IFCHR, 5, 0), "not_a_file", "not a plain file"),
    Bad("a disk", _device(stat.S_IFBLK, 250, 255), "not_a_file", "not a plain file"),
]  # fmt: skip
"""Only root can make these."""

NAMES = [
    "-rf", "--help", "-", "_", "a b", " ", "a\nb", "\n", "a\tb", "a\rb", "a\\b",
    "a:b", "a;b", "$(id)", "`id`", "a'b", 'a"b', "*", "?", "[a]", "a|b", "<a>", "~", "~root", "%s",
    "%2e%2e%2f", "\u2044etc\u2044passwd", "caf\u00e9", "\u65e5\u672c", "\U0001f600", "\u202egnp",
    "\ufeffa", "a\x01b", "x" * 252, "\U0001f600" * 60, "x" * 181,
    "2026-01-19-1430-hugo build", "x" * 200,
]  # fmt: skip
"""Of files that hold a good task, without `.md`: none of these can be an id."""
RAW_NAMES = [b"\xff\xfe", b"caf\xe9", b"\x80" * 200]
"""The same, and no text in UTF-8 either."""

GOOD = [
    b"---\ntask_type: noop\n---\n",
    b"---\ntask_type: noop\nstatus: pending\nparams:\n  message: 'it''s'\n---\n\n# Why\n\nSo.\n",
    "\ufeff---\r\ntask_type: noop\r\nparams: {message: \u00e4\u00f6}\r\n---\r\nBody.\r\n".encode(),
    b"""\
---
task_id: 2026-01-19-1430-noop
task_type: noop
created_at: 2026-01-19T14:30:00Z
created_by: claude-code
status: pending
worker_type: noop   # who
priority: high
timeout_minutes: 10
context:
  user_request: "Build it, please"
  related_files: [a.md, 'b c.md', "d\\te.md"]
  notes: |
    several
      lines
params:
  message: >-
    folded
    text
expected_outputs:
  - message: string (matches /./)
  - duration_seconds: float (<60)
retry: {max_attempts: 2, backoff_seconds: 0.5}
labels: &l [x, y]
again: *l
---

## Task Description

Nothing.
""",
    b"---\n{task_type: effect, params: {fail: false}, priority: low}\n---\n",
    b"---\ntask_type: passing-fault\nparams:\n  times: 0\n  action: fix\nchain: 'c-1'\n---\n",
]
"""Tasks that run; every mutation starts from one of them."""

_PIECES = [
    b"---", b"\n---\n", b": ", b"- ", b"? ", b"&a ", b"*a", b"!!int ", b"!!str ", b"!x ", b"|",
    b">", b"'", b'"', b"[", b"]", b"{", b"}", b"#", b"%", b"@", b"`", b"\t", b"\r", b"\r\n", b"\n",
    b"\0", b"\xff", b"\xc3", b"\xe2\x80\xa8", b"\xc2\x85", b"\xef\xbb\xbf", b"\x1b[0m", b"null",
    b"~", b"true", b"1e999", b"0x7f", b"-0", b".nan", b"99999999999999999999", b"2026-13-45",
    b"../../etc/passwd", b"<<: *a", b"task_type: effect\n", b"params: 7\n", b"\xf0\x9f\x98\x80",
]  # fmt: skip
_VALUES = [
    "", "null", "true", "0", "-1", "1.5", "1e400", ".nan", "''", "'a'", "[]", "[1, 2]", "{}",
    "{a: 1}", "[[[[[]]]]]", "2026-01-19", "'" + "x" * 70_000 + "'", "|\n  a", "&b c", "*b",
    "!!set {a}", "\u2028", "0o17", "9" * 23, "a: b", "[", "}", "'", '"\\x00"', "- a",
]  # fmt: skip
_KEYS = [
    "task_id", "task_type", "status", "priority", "timeout_minutes", "context", "params",
    "expected_outputs", "requires_approval", "approval", "after", "not_before", "retry", "chain",
    "idempotency_key", "worker_type", "created_at", "labels", "__class__", "<<", "7", "\u00e4",
]  # fmt: skip


def _flip(dice: random.Random, raw: bytearray) -> None:
    for _ in range(dice.randint(1, 4)):
        raw[dice.randrange(len(raw))] ^= 1 << dice.randrange(8)


def _cut(dice: random.Random, raw: bytearray) -> None:
    del raw[dice.randrange(len(raw)) :]


def _drop(dice: random.Random, raw: bytearray) -> None:
    start = dice.randrange(len(raw))
    del raw[start : start + dice.randint(1, 12)]


def _insert(dice: random.Random, raw: bytearray) -> None:
    for _ in range(dice.randint(1, 3)):
        at = dice.randint(0, len(raw))
        raw[at:at] = dice.choice(_PIECES)


def _swap_lines(dice: random.Random, raw: bytearray) -> None:
    lines = bytes(raw).splitlines(keepends=True)
    one, other = dice.randrange(len(lines)), dice.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    raw[:] = b"".join(lines)


def _repeat_line(dice: random.Random, raw: bytearray) -> None:
    lines = bytes(raw).splitlines(keepends=True)
    lines.insert(dice.randrange(len(lines)), dice.choice(lines))
    raw[:] = b"".join(lines)


def _set_key(dice: random.Random, raw: bytearray) -> None:
    line = f"{dice.choice(_KEYS)}: {dice.choice(_VALUES)}\n".encode()
    raw[4:4] = line


def _only_keys(dice: random.Random, raw: bytearray) -> None:
    lines = [f"{key}: {dice.choice(_VALUES)}" for key in dice.sample(_KEYS, dice.randint(1, 5))]
    raw[:] = matter("\n".join(["task_type: noop"] * dice.randint(0, 1) + lines))


def _noise(dice: random.Random, raw: bytearray) -> None:
    raw[:] = dice.randbytes(dice.randint(0, 300))


def _noisy_matter(dice: random.Random, raw: bytearray) -> None:
    raw[:] = matter(b"".join(dice.choices(_PIECES, k=dice.randint(1, 40))))


def _nest(dice: random.Random, raw: bytearray) -> None:
    deep = dice.choice([10, 47, 48, 49, 500, 20_000])
    raw[:] = noop("context: {a: " + dice.choice(["[", "{b: ", "[{c: "]) * deep)


_MUTATIONS = [
    _flip, _flip, _cut, _drop, _drop, _insert, _insert, _swap_lines, _repeat_line, _set_key,
    _set_key, _only_keys, _noise, _noisy_matter, _nest,
]  # fmt: skip


def generated(seed: int, count: int) -> Iterator[bytes]:
    """The same files for the same seed: nearly all are wrong, some are still tasks."""
    dice = random.Random(seed)
    for _ in range(count):
        raw = bytearray(dice.choice(GOOD))
        for mutate in dice.sample(_MUTATIONS, dice.choice([1, 1, 1, 2, 3])):
            if raw:
                mutate(dice, raw)
        yield bytes(raw)
