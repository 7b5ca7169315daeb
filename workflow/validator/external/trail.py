"""What is asked next about an address, and what the answers mean in the end.

HEAD, then GET if HEAD is not answered well → redirects, one by one → a verdict
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from workflow.validator.external.asking import Answer, Fault
from workflow.validator.external.verdict import External, Options
from workflow.validator.links import urls
from workflow.validator.links.urls import Address, InvalidAddress, as_text

_REDIRECTS = (301, 302, 303, 307, 308)
_PERMANENT = (301, 308)
_HEAD_ANSWERED_WELL = (401, 402, 407, 410, 429, 451, 999)
"""Errors that a GET would meet as well."""
_REFUSALS = {
    401: "it asks for a login",
    402: "it asks for money",
    403: "it lets no programs in",
    405: "it lets no programs in",
    406: "it lets no programs in",
    407: "a proxy asks for a login",
    429: "it was asked too often",
    451: "it may not be shown here, for legal reasons",
    999: "it lets no programs in",
}
"""What is answered to programs where visitors may well see a page."""


class Next(NamedTuple):
    """Another question."""

    after: float = 0.0
    """Seconds to wait first."""
    whole_host: bool = False
    """Whether nothing is to be asked of that host meanwhile."""


class Trail:
    """One address on its way to a verdict."""

    def __init__(self, address: Address, wanted: frozenset[str], options: Options) -> None:
        """`wanted`: fragments (raw) that are looked for in the page; none: HEAD will do."""
        self.address = address
        """That is asked now."""
        self.method = "GET" if wanted else "HEAD"
        self.wanted = wanted
        self.first = address
        self._options = options
        self._tries = 0
        self._moved_to: Address | None = None
        self._is_moved_for_good = True
        self._seen: set[tuple[str, tuple[str, ...]]] = set()
        self._cookies: dict[str, dict[str, str]] = defaultdict(dict)
        self.page: Answer | None = None
        """The last answer, of a verdict that is good."""

    @property
    def cookies(self) -> str | None:
        """For the request's header: there are sites that redirect in a circle without."""
        held = self._cookies.get(self.address.host)
        return "; ".join(f"{name}={value}" for name, value in held.items()) if held else None

    def after(self, answer: Answer | Fault, pause: float | None = None) -> Next | External:
        """What follows. `pause`: seconds that the server asked to wait."""
        if isinstance(answer, Fault):
            return self._after_fault(answer)
        status = answer.status
        self._seen.add(self._state())
        for cookie in answer.cookies:
            name, _, value = cookie.partition("=")
            self._cookies[self.address.host][name] = value
        if status in self._options.accept:
            return self._good(answer)
        if status in _REDIRECTS and answer.location is not None:
            return self._redirected(status, answer.location)
        if 200 <= status < 400:
            return self._good(answer)
        if self.method == "HEAD" and status < 500 and status not in _HEAD_ANSWERED_WELL:
            self.method = "GET"
            return Next()
        if status == 429 or 500 <= status < 600:
            return self._busy(status, pause)
        if status in _REFUSALS:
            return self._told("refused", status, f"{_REFUSALS[status]} ({status})")
        gone = {404: "there is no such page", 410: "the page is gone for good"}
        return self._told("broken", status, f"{gone.get(status, 'it answers')} ({status})")

    def given_up(self) -> External:
        """The verdict when no time is left."""
        return self._told("skipped", None, "not asked: no time was left")

    def _after_fault(self, fault: Fault) -> Next | External:
        if fault.kind == "private":
            return self._told("skipped", None, f"not asked: {fault.detail}")
        if fault.kind == "dns":
            return self._told("broken", None, fault.detail)
        if fault.kind == "tls":
            return self._told("unreachable", None, fault.detail)
        if self.method == "HEAD":  # some servers never answer it
            self.method = "GET"
            return Next()
        return self._again(None) or self._told("unreachable", None, fault.detail)

    def _busy(self, status: int, pause: float | None) -> Next | External:
        is_refusal = status == 429
        if pause is not None and pause > self._options.longest_wait:
            said = f"it asks to be left alone for {pause:,.0f} seconds ({status})"
            return self._told("refused" if is_refusal else "unreachable", status, said)
        self.method = "GET" if not is_refusal else self.method
        again = self._again(pause)
        if again is not None:
            return again._replace(whole_host=is_refusal or pause is not None)
        if is_refusal:
            return self._told("refused", status, f"{_REFUSALS[429]} (429)")
        return self._told("unreachable", status, f"the server is in trouble ({status})")

    def _again(self, pause: float | None) -> Next | None:
        if self._tries >= self._options.retries:
            return None
        self._tries += 1
        return Next(self._options.backoff * 2 ** (self._tries - 1) if pause is None else pause)

    def _redirected(self, status: int, location: str) -> Next | External:
        try:
            # As browsers do, the fragment of the question is kept; it is not sent anyway.
            target = urls.parse(_in_utf8(location), self.address)
        except InvalidAddress as error:
            said = f"it redirects to {location}, which is no address: {error}"
            return self._told("broken", status, said)
        if target.scheme not in urls.WEB:
            return self._told("ok", status, f"it opens another program ({target.scheme}:)")
        self.address = target._replace(fragment=None)
        self._is_moved_for_good = self._is_moved_for_good and status in _PERMANENT
        if self._is_moved_for_good:
            self._moved_to = self.address
        if self._state() in self._seen:
            return self._told("broken", status, "it redirects in a circle")
        if len(self._seen) > self._options.redirects:
            most = self._options.redirects
            return self._told("broken", status, f"it redirects more than {most} times")
        return Next()

    def _state(self) -> tuple[str, tuple[str, ...]]:
        return as_text(self.address), tuple(sorted(self._cookies.get(self.address.host, {})))

    def _good(self, answer: Answer) -> External:
        self.page = answer
        if self._moved_to is None:
            return External("ok", answer.status, "", self._now())
        there = as_text(self._moved_to)
        return External("redirected", answer.status, f"it has moved for good to {there}", there)

    def _told(self, state: str, status: int | None, detail: str) -> External:
        return External(state, status, detail, self._now())  # type: ignore[arg-type]

    def _now(self) -> str | None:
        """Where the redirects led; None if there were none."""
        return as_text(self.address) if self.address != self.first else None


def _in_utf8(location: str) -> str:
    """Header fields are read as Latin-1; servers that write other letters mean UTF-8."""
    try:
        return location.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return location
