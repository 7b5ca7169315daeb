"""All addresses asked, many hosts at once, each host politely.

One thread decides and never waits for the network; each request runs in a thread of its own, which
ends with it. An address is a Trail: after each answer it comes back into the queue of the host that
is to be asked next, or has its verdict.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from email.utils import parsedate_to_datetime
from fnmatch import fnmatchcase
from heapq import heappop, heappush
from pathlib import Path
from queue import Empty, SimpleQueue
from urllib.parse import unquote

from workflow.validator.external.asking import Answer, Fault, Request
from workflow.validator.external.cache import Cache
from workflow.validator.external.trail import Next, Trail
from workflow.validator.external.verdict import External, Options
from workflow.validator.links import urls
from workflow.validator.links.urls import Address, InvalidAddress, as_text

_TICK = 0.1
"""Seconds after which `check` is called again at the latest."""
_SAY_SECONDS = 2.0
_HEAD_BYTES = 1 << 16
_PAGE_BYTES = 4 << 20
"""Read of a page in which fragments are looked for."""


def ask_all(
    given: Iterable[str],
    options: Options,
    kept: Path | None,
    check: Callable[[], None],
    say: Callable[[str], None],
) -> dict[str, External]:
    """See external.check_external."""
    cache = Cache(
        kept,
        good_seconds=options.max_age_hours * 3600,
        bad_seconds=options.failure_hours * 3600,
    )
    results: dict[str, External] = {}
    asked: dict[Address, dict[str | None, list[str]]] = defaultdict(lambda: defaultdict(list))
    now = time.time()
    for url in dict.fromkeys(given):
        address = _address(url, options)
        if isinstance(address, External):
            results[url] = address
            continue
        fragment = (address.fragment or None) if options.check_fragments else None
        address = address._replace(fragment=None)
        known = cache.get(_key(address, fragment), now)
        if known is not None:
            results[url] = known
        else:
            asked[address][fragment].append(url)
    rounds = _Rounds(options)
    for address, by_fragment in asked.items():
        rounds.add(Trail(address, frozenset(filter(None, by_fragment)), options))
    try:
        for trail, verdict in rounds.verdicts(check, say):
            for fragment, whose in asked[trail.first].items():
                told = _of_fragment(trail, verdict, fragment)
                cache.put(_key(trail.first, fragment), told, time.time())
                results |= dict.fromkeys(whose, told)
    finally:
        rounds.end()
        try:
            cache.save(time.time())
        except OSError as error:
            say(f"what other hosts answered cannot be kept: {error}")
    return {url: _accepted(result, options) for url, result in results.items()}


def _address(url: str, options: Options) -> Address | External:
    try:
        address = urls.parse(url)
    except InvalidAddress as error:
        return External("broken", None, f"it is no address: {error}")
    if address.scheme not in urls.WEB:
        return External("skipped", None, f"not asked: {address.scheme}: is not of the web")
    if _matches(address, options.deny) or (options.allow and not _matches(address, options.allow)):
        return External("skipped", None, "not asked: the settings say so")
    return address


def _key(address: Address, fragment: str | None) -> str:
    return as_text(address) + (f"#{fragment}" if fragment else "")


def _accepted(result: External, options: Options) -> External:
    """The answer as the settings of today take it; another check may have kept it."""
    if result.state in ("broken", "refused", "unreachable") and result.status in options.accept:
        return External("ok", result.status, "", result.location)
    return result


def _matches(address: Address, patterns: Iterable[str]) -> bool:
    host = address.host if address.host.endswith("]") else address.host.rpartition(":")[0]
    host = host or address.host
    for pattern in patterns:
        if "://" in pattern:
            subject = as_text(address)
        elif "/" in pattern:
            subject = as_text(address).partition("://")[2]
        else:
            subject = host
            pattern = pattern.lower()
        if pattern in (subject, address.host) or fnmatchcase(subject, pattern):
            return True
    return False


class _Host:
    """What is to be asked of one host."""

    def __init__(self) -> None:
        self.waiting: list[tuple[float, int, Trail]] = []
        """A heap of (not before, number, …)."""
        self.running = 0
        self.free_at = 0.0

    def ready_at(self, options: Options) -> float | None:
        """When its next request may start; None if not before another one has ended."""
        if not self.waiting or self.running >= options.per_host:
            return None
        return max(self.free_at, self.waiting[0][0])


class _Rounds:
    def __init__(self, options: Options) -> None:
        self._options = options
        self._hosts: dict[str, _Host] = defaultdict(_Host)
        self._running: dict[Trail, tuple[_Host, Request]] = {}
        self._answers: SimpleQueue[tuple[Trail, Answer | Fault]] = SimpleQueue()
        self._count = 0
        self._done = 0
        self._numbers = 0

    def add(self, trail: Trail) -> None:
        self._count += 1
        self._queue(trail, 0.0)

    def verdicts(
        self, check: Callable[[], None], say: Callable[[str], None]
    ) -> Iterator[tuple[Trail, External]]:
        until = time.monotonic() + self._options.total_seconds
        said_at = time.monotonic()
        while self._done < self._count:
            check()
            now = time.monotonic()
            if now > until:
                yield from self._rest()
                return
            for trail, verdict in self._started(now):
                self._done += 1
                yield trail, verdict
            for trail, answer in self._came(now):
                verdict_or_next = self._after(trail, answer)
                if isinstance(verdict_or_next, External):
                    self._done += 1
                    yield trail, verdict_or_next
            if now - said_at > _SAY_SECONDS:
                said_at = now
                say(f"{self._done:,} of {self._count:,} addresses of other hosts have answered")

    def end(self) -> None:
        """Wait for no answer any more."""
        for _, request in self._running.values():
            request.end()

    def _queue(self, trail: Trail, not_before: float) -> None:
        self._numbers += 1
        host = self._hosts[trail.address.host]
        heappush(host.waiting, (not_before, self._numbers, trail))

    def _started(self, now: float) -> Iterator[tuple[Trail, External]]:
        """Start what may start. What must not be asked has its verdict at once."""
        for host in self._hosts.values():
            while len(self._running) < self._options.concurrency:
                ready = host.ready_at(self._options)
                if ready is None or ready > now:
                    break
                trail = heappop(host.waiting)[2]
                if _matches(trail.address, self._options.deny):
                    yield trail, External("skipped", None, "not asked: the settings say so")
                    continue
                host.running += 1
                host.free_at = now + self._options.delay
                request = self._request(trail)
                self._running[trail] = (host, request)
                threading.Thread(
                    target=lambda trail=trail, request=request: self._answers.put(
                        (trail, request.run())
                    ),
                    daemon=True,
                ).start()

    def _request(self, trail: Trail) -> Request:
        options = self._options
        headers = {
            "User-Agent": options.user_agent,
            "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
            "Accept-Language": "en,*;q=0.5",
        }
        if trail.wanted:
            headers["Accept-Encoding"] = "gzip"
        if trail.cookies is not None:
            headers["Cookie"] = trail.cookies
        for pattern, own in options.headers.items():
            if _matches(trail.address, (pattern,)):
                headers |= own
        return Request(
            trail.address,
            trail.method,
            headers,
            seconds=options.seconds,
            most=_PAGE_BYTES if trail.wanted else _HEAD_BYTES,
            may_be_private=_matches(trail.address, options.private),
        )

    def _came(self, now: float) -> Iterator[tuple[Trail, Answer | Fault]]:
        """The answers that are there, after waiting for one until something else is to be done."""
        for _, request in self._running.values():
            if request.is_late:
                request.end()
        wait = _TICK
        if len(self._running) < self._options.concurrency:
            starts = [host.ready_at(self._options) for host in self._hosts.values()]
            nearest = min((one for one in starts if one is not None), default=now + _TICK)
            wait = max(0.0, min(_TICK, nearest - now))
        try:
            yield self._answers.get(timeout=wait) if wait else self._answers.get_nowait()
            while True:
                yield self._answers.get_nowait()
        except Empty:
            return

    def _after(self, trail: Trail, answer: Answer | Fault) -> External | None:
        host, _ = self._running.pop(trail)
        host.running -= 1
        pause = _pause(answer.retry_after) if isinstance(answer, Answer) else None
        follows = trail.after(answer, pause)
        if not isinstance(follows, Next):
            return follows
        not_before = time.monotonic() + follows.after
        if follows.whole_host:
            host.free_at = max(host.free_at, not_before)
        self._queue(trail, not_before)
        return None

    def _rest(self) -> Iterator[tuple[Trail, External]]:
        for trail in self._running:
            yield trail, trail.given_up()
        for host in self._hosts.values():
            for _, _, trail in host.waiting:
                yield trail, trail.given_up()


def _pause(retry_after: str | None) -> float | None:
    """Seconds that Retry-After (RFC 9110) asks to wait: it is a number, or a date."""
    said = (retry_after or "").strip()
    if said.isascii() and said.isdigit():
        return float(said)
    try:
        return max(0.0, parsedate_to_datetime(said).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def _of_fragment(trail: Trail, verdict: External, fragment: str | None) -> External:
    """The verdict on the address with that fragment."""
    if fragment is None or trail.page is None or _is_in(fragment, trail.page):
        return verdict
    return External(
        "broken", trail.page.status, f"nothing there is named #{fragment}", verdict.location
    )


def _is_in(fragment: str, answer: Answer) -> bool:
    """Whether the page has what the fragment names, as far as that can be told."""
    kind = answer.content_type.partition(";")[0].strip().lower()
    wanted = fragment.partition(":~:")[0]
    if kind not in ("text/html", "application/xhtml+xml") or not answer.body:
        return True
    if not wanted or wanted.lower() == "top" or wanted.startswith(("/", "!")):
        return True
    if len(answer.body) >= _PAGE_BYTES:
        return True
    from workflow.validator.pages.parser import page

    ids = frozenset(page(answer.body).ids)
    plain = unquote(wanted)
    # GitHub's scripts find `#x` as `user-content-x`, and lines (`#L10-L20`) that are not there yet.
    return any(one in ids for one in (wanted, plain, f"user-content-{plain}")) or (
        plain[:1] == "L" and plain[1:2].isdigit()
    )
