"""Secrets never pass, in whatever pieces they come; ordinary text always does."""

from __future__ import annotations

import base64
import hashlib
import os
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow.redact import LONGEST_KEY, LONGEST_LINE, OVERLAP, Redactor, redact

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
TOKEN = "IQoJb3JpZ2luX2VjEJr//////////wEaCXVzLWVhc3QtMSJHMEUCIQDx"
KEY_ID = "AKIAIOSFODNN7EXAMPLE"
JOTFORM = "0123456789abcdef0123456789abcdef"
BODY = "\n".join(
    base64.b64encode(hashlib.sha512(bytes([n])).digest()[:48]).decode() for n in range(9)
)
PEM = f"-----BEGIN RSA PRIVATE KEY-----\n{BODY}\n-----END RSA PRIVATE KEY-----"
ESCAPED = PEM.replace("\n", "\\n")
R = "[redacted]"

FORMS = [
    (f"id {KEY_ID} used", f"id {R} used"),
    ("/ASIAIOSFODNN7EXAMPLE%2F2026", f"/{R}%2F2026"),
    (f"X-Amz-Credential%3D{KEY_ID}%2F", f"X-Amz-Credential%3D{R}%2F"),
    (f'"a\\n{KEY_ID}"', f'"a\\n{R}"'),
    (f"aws_secret_access_key = {SECRET}", f"aws_secret_access_key = {R}"),
    (f"export AWS_SECRET_ACCESS_KEY={SECRET} x", f"export AWS_SECRET_ACCESS_KEY={R} x"),
    (f"set -gx AWS_SECRET_ACCESS_KEY {SECRET}", f"set -gx AWS_SECRET_ACCESS_KEY {R}"),
    (f"AWS Secret Access Key [None]: {SECRET}", f"AWS Secret Access Key [None]: {R}"),
    (f'{{"SecretAccessKey": "{SECRET}", "a": 1}}', f'{{"SecretAccessKey": "{R}", "a": 1}}'),
    (f'{{\\"SecretAccessKey\\":\\"{SECRET}\\"}}', f'{{\\"SecretAccessKey\\":\\"{R}\\"}}'),
    (f'"SecretAccessKey":"{SECRET.replace("/", chr(92) + "/")}"', f'"SecretAccessKey":"{R}"'),
    (f"<SecretAccessKey>{SECRET}</SecretAccessKey>", f"<SecretAccessKey>{R}</SecretAccessKey>"),
    (f"|  SecretAccessKey |  {SECRET}  |", f"|  SecretAccessKey |  {R}  |"),
    (f"Credentials(secret_key='{SECRET}')", f"Credentials(secret_key='{R}')"),
    (f"\x1b[34m\"SecretAccessKey\"\x1b[0m: \x1b[32m\"{SECRET}\"",
     f"\x1b[34m\"SecretAccessKey\"\x1b[0m: \x1b[32m\"{R}\""),
    (f"aws_session_token={TOKEN}", f"aws_session_token={R}"),
    (f"'SessionToken': '{TOKEN}'", f"'SessionToken': '{R}'"),
    (f"x-amz-security-token: {TOKEN}", f"x-amz-security-token: {R}"),
    (f"?X-Amz-Security-Token={TOKEN}&a=1", f"?X-Amz-Security-Token={R}&a=1"),
    (f"&X-Amz-Signature={JOTFORM * 2}&a=1", f"&X-Amz-Signature={R}&a=1"),
    ("Authorization: Bearer abc.def.ghi", f"Authorization: {R}"),
    ("> authorization: Basic dXNlcjpwYXNz", f"> authorization: {R}"),
    (f"Authorization: AWS4-HMAC-SHA256 Credential={KEY_ID}/2026/s3, Signature={JOTFORM}",
     f"Authorization: {R}"),
    ("'Authorization': b'AWS4-HMAC-SHA256 Credential=a, Signature=b', 'x': 1",
     f"'Authorization': b'{R}', 'x': 1"),
    ('Authorization: Digest username="u", response="6629fae49393a05397450978507c4ef1"',
     f"Authorization: {R}"),
    ("curl -H 'Authorization: token abcdef' https://h/", f"curl -H 'Authorization: {R}' https://h/"),
    (f"APIKEY: {JOTFORM}", f"APIKEY: {R}"),
    (f"https://api.jotform.com/user?apiKey={JOTFORM}&limit=1", f"https://api.jotform.com/user?apiKey={R}&limit=1"),
    (f'"api_key": "{JOTFORM}"', f'"api_key": "{R}"'),
    ("fatal: https://me:hunter2@example.com/x.git", f"fatal: https://{R}@example.com/x.git"),
    ("postgres://u:p%40s:s@db/x", f"postgres://{R}@db/x"),
    ("https://u:p@ss@host/", f"https://{R}@host/"),
    ("https://ghp_16C7e42F292c6912E7710c838347Ae178B4a@github.com/x", f"https://{R}@github.com/x"),
    (f"a\n{PEM}\nb", f"a\n{R}\nb"),
    (f'"private_key": "{ESCAPED}\\n",', f'"private_key": "{R}\\n",'),
    (PEM.replace(" RSA", ""), R),
    (PEM.replace("\n", "\n2026-01-19 INFO "), R),
]  # fmt: skip

ORDINARY = [
    "commit 8825671f0c1d2e3b4a5968778695a4b3c2d1e0ff",
    f"sha256:{hashlib.sha256(b'x').hexdigest()}  public/index.html",
    "Start building sites … \nhugo v0.140.0+extended linux/amd64 BuildDate=2024-12-17T14:20:55Z",
    "Web Server is available at http://localhost:1313/ (bind address 127.0.0.1)\nmail a@b.example",
    "ssh://git@github.com/x.git https://user@host/ https://host:443/@scope/pkg?x=a:b@c",
    "data:image/png;base64," + base64.b64encode(hashlib.sha512(b"i").digest() * 40).decode(),
    "integrity=\"sha384-" + base64.b64encode(hashlib.sha384(b"i").digest()).decode() + '"',
    "The session token: expired. The API key: missing. secret key: none",
    "apiKey = settings.jotform_api_key_name or os.environ[NAME]; apiKey = jotform_api_key_name",
    "AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN are not set; authorization was not needed",
    "missing: aws_secret_access_key, aws_session_token",
    '"authorizationUrl": "https://example.com/oauth", "tokenUrl": "https://example.com/token"',
    "EURASIAPACIFICSOMETHINGLONG AKIAshort FAKIAIOSFODNN7EXAMPLE AKIAIOSFODNN7EXAMPLES",
    "-----BEGIN CERTIFICATE-----\n" + BODY + "\n-----END CERTIFICATE-----",
    "-----BEGIN PUBLIC KEY-----\n" + BODY + "\n-----END PUBLIC KEY-----",
    "tokens: 12345678901234567890, tokenizer=abcdefghijklmnopqrstuvwxyz",
]  # fmt: skip


@pytest.fixture(autouse=True)
def no_secrets_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.endswith(("_TOKEN", "_SECRET", "_PASSWORD", "_API_KEY", "_ACCESS_KEY")):
            monkeypatch.delenv(name)


def stream(data: bytes, size: int, redactor: Redactor | None = None) -> bytes:
    redactor = redactor or Redactor()
    pieces = [redactor.feed(data[i : i + size]) for i in range(0, len(data), size)]
    return b"".join(pieces) + redactor.close()


@pytest.mark.parametrize(("text", "clean"), FORMS)
def test_a_secret_goes_and_its_name_stays(text: str, clean: str) -> None:
    assert redact(text) == clean


@pytest.mark.parametrize(("text", "clean"), FORMS)
def test_what_is_redacted_once_stays_as_it_is(text: str, clean: str) -> None:
    assert redact(clean) == clean


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_passes_unchanged(text: str) -> None:
    assert redact(text) == text
    assert stream(text.encode(), 7) == text.encode()


@pytest.mark.parametrize(("text", "clean"), FORMS)
def test_a_secret_goes_wherever_a_chunk_is_cut(text: str, clean: str) -> None:
    data = f"before\n{text}\nafter\n".encode()
    wanted = f"before\n{clean}\nafter\n".encode()
    for cut in range(len(data)):
        redactor = Redactor()
        assert redactor.feed(data[:cut]) + redactor.feed(data[cut:]) + redactor.close() == wanted
    assert stream(data, 1) == wanted


@pytest.mark.parametrize(("text", "clean"), FORMS)
@pytest.mark.parametrize("chunk", [4096, 300_000])
def test_a_secret_goes_wherever_a_long_line_is_cut(text: str, clean: str, chunk: int) -> None:
    piece, size = LONGEST_LINE - OVERLAP, len(text)
    for border in (OVERLAP, piece, LONGEST_LINE, 2 * piece, 300_000 - OVERLAP):
        for shift in (0, size // 3, size // 2, size - 1):
            front = "-" * 40 + "_ " * ((border - shift) // 2 - 20)
            data = (
                f"{front}{text}\n".encode()
                if "Auth" in text
                else f"{front}{text} {front}\n".encode()
            )
            out = stream(data, chunk)
            for secret in (
                SECRET,
                TOKEN,
                KEY_ID,
                JOTFORM,
                BODY[:60],
                "hunter2",
                "dXNlcjpw",
                "abc.def",
            ):
                assert secret not in text or secret.encode() not in out
            assert out.startswith(front[:100].encode())


def test_a_secret_longer_than_what_is_held_goes_with_the_rest_of_its_line() -> None:
    data = b"ok\nAuthorization: " + b"s3cr" * 50_000 + b" t\nnext\n"
    assert stream(data, 5000) == b"ok\nAuthorization: [redacted]\nnext\n"
    assert stream(b"Authorization: " + b"s3cr" * 50_000, 5000) == b"Authorization: [redacted]"


def test_a_private_key_cut_off_by_the_death_of_its_tool_goes() -> None:
    cut = PEM[: len(PEM) // 2].encode()
    assert stream(b"a\n" + cut, 10) == b"a\n[redacted]"
    assert redact(f"{cut.decode()}\nError: no more") == f"{R}Error: no more"


def test_a_beginning_without_an_end_does_not_hold_back_or_eat_what_follows() -> None:
    text = b"it begins with -----BEGIN PRIVATE KEY----- as you know.\n"
    pages = b"".join(b"line %d of the manual - ordinary\n" % n for n in range(4000))
    assert len(pages) > 2 * LONGEST_KEY
    redactor = Redactor()
    out = b"".join(redactor.feed(line + b"\n") for line in (text + pages).split(b"\n")[:-1])
    assert out.endswith(pages)
    late = text + pages + b"-----END PRIVATE KEY-----\n"
    assert pages in redact(late.decode()).encode()


def test_values_of_secret_variables_go_wherever_they_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOTFORM_API_KEY", "jot+form/key")
    monkeypatch.setenv("SITE_PASSWORD", "jot+form/key and more")
    monkeypatch.setenv("SHORT_TOKEN", "true")
    monkeypatch.setenv("DEPLOY_SECRET", "first line of it\nsecond line of it\n")
    monkeypatch.setenv("TOKENS", "not a secret")
    text = "a jot+form/key and more, jot%2Bform%2Fkey; true; first line of it; not a secret"
    assert redact(text) == f"a {R}, {R}; true; {R}; not a secret"
    assert redact("x given-to-child", {"THEIR_TOKEN": "given-to-child"}) == f"x {R}"
    out = stream(b"say first line of it\nsecond line of it, jot+form/key", 3)
    assert out == b"say [redacted]\n[redacted], [redacted]"


def test_a_finished_line_is_not_held_back() -> None:
    redactor = Redactor()
    assert redactor.feed(b"one\ntw") == b"one\n"
    assert redactor.feed(b"o\r50%") == b"two\r"
    assert redactor.close() == b"50%"


def test_what_is_held_back_is_bounded() -> None:
    redactor = Redactor()
    taken = given_back = 0
    for _ in range(200):
        given_back += len(redactor.feed(b"x" * 5000))
        taken += 5000
        assert taken - given_back <= LONGEST_LINE


@given(st.text(), st.integers(1, 9))
def test_text_without_secrets_is_never_changed(text: str, size: int) -> None:
    assert redact(text) == text
    data = text.encode("utf-8", "surrogatepass")
    assert stream(data, size) == data


@given(st.binary(max_size=300), st.integers(1, 50))
def test_bytes_around_a_secret_do_not_matter(noise: bytes, size: int) -> None:
    data = noise + b"\naws_secret_access_key = " + SECRET.encode() + b"\n" + noise
    assert SECRET.encode() not in stream(data, size)


@pytest.mark.parametrize(
    "unit",
    [b"-----BEGIN PRIVATE KEY-----\n", b"://a:", b"AKIA", b'Authorization: ="', b"apikey=a-", b"-"],
)
def test_no_output_makes_it_crawl(unit: bytes) -> None:
    started = time.perf_counter()
    stream(unit * (1_000_000 // len(unit)), 65_536)
    assert time.perf_counter() - started < 60
