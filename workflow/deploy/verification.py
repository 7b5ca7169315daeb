"""Does the site serve what was published? Asked over HTTP, as a visitor asks.

First the site's own address has to answer 200, then each expected file has to be served with the
content that was published. Caches may be late: what is not right yet is asked again, after pauses
that grow, until the time is over. Nothing is added to an address to get around a cache: what a
stale cache serves is what visitors get.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote

from workflow.deploy import browser
from workflow.deploy.browser import Browser, Seen, Unreachable
from workflow.deploy.pauses import growing, pause
from workflow.errors import Action, TaskError, TaskFailed

_AT_ONCE = 8
_CHECK_SECONDS = 0.2
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 5.0
_ABSENT_SECONDS = 20.0
"""For a server that is being started, or a name that is being published; the whole time is for
caches, and where nobody is there at all, none of them is late."""
_NAMED = 5
_NO_INDEX = (
    ", though its index.html is there: whatever serves the site does not add it to the address of "
    "a folder (S3 behind CloudFront needs a function for that, see docs/aws.md)"
)
LARGE = 8 << 20
"""Bytes from which on only the length of a file is compared, and it is not read."""


@dataclass(frozen=True, slots=True)
class Expected:
    """One file of the site, and what a client gets for it after undoing its Content-Encoding."""

    path: str
    """In the site; `dir/index.html` is asked for as `dir/`, as its visitors do."""
    sha256: str
    content_type: str | None = None
    size: int | None = None
    """In bytes, if known: then no more than that is ever read."""


@dataclass
class Verified:
    """What the site was seen to do."""

    http_status: int
    site_url: str
    checked: int
    """Files that were served as published."""
    seconds: float


@dataclass(frozen=True, slots=True)
class _Trouble:
    """What is not right, or not yet."""

    url: str
    path: str
    said: str
    status: int | None
    """What was answered; None if nothing was."""
    absent: bool = False
    """Whether nobody is there: no such name, or no connection."""


def verify(
    url: str,
    expected: Sequence[Expected],
    *,
    seconds: float,
    check: Callable[[], None],
    say: Callable[[str], None],
) -> Verified:
    """Wait, for `seconds` at most, until the site at `url` serves all that is expected.

    Where nobody is there at all it waits 20 s at most. `say` is told at once what is waited for,
    and every few seconds why.

    Raises TaskFailed: `site_unreachable` (no answer), `site_tls_error`, `site_redirects` (to
    another host or scheme), `site_not_ok` (a status other than 200), `stale_site` (something else
    than what was published is served); and what `check` raises, which is called while we wait.
    """
    began = time.monotonic()
    until = began + seconds
    say(f"looking at {url}")
    with Browser() as visitor:
        home = partial(_look_at_home, visitor, url)
        _ask_until_well(
            [home],
            until,
            check,
            lambda late, left: say(
                f"waiting for {late[0].url}, so far in vain ({late[0].said}): for "
                f"{left:.0f} s at most"
            ),
        )
        looks = [partial(_look, visitor, url, one) for one in expected]
        _ask_until_well(
            looks,
            until,
            check,
            lambda late, left: say(
                f"{len(late)} of {len(looks)} files are still old at {url}: waiting out "
                f"the caches, for {left:.0f} s at most"
            ),
            outputs={"http_status": 200},
        )
    return Verified(200, url, len(looks), time.monotonic() - began)


# -- asking --------------------------------------------------------------------------------------

_Look = Callable[[], _Trouble | None]


def _ask_until_well(
    looks: Sequence[_Look],
    until: float,
    check: Callable[[], None],
    say: Callable[[Sequence[_Trouble], float], None],
    outputs: dict[str, object] | None = None,
) -> None:
    """Ask all, then again those that are not well; `say` gets these, and the seconds left. Raises
    TaskFailed when the time is over."""
    left = list(looks)
    absent_since: float | None = None
    for seconds in growing(_FIRST_PAUSE, _LONGEST_PAUSE):
        began = time.monotonic()
        found = _ask(left, check)
        left = [look for look, trouble in zip(left, found, strict=True) if trouble is not None]
        if not left:
            return
        troubles = [trouble for trouble in found if trouble is not None]
        absent = all(trouble.absent for trouble in troubles)
        absent_since = (absent_since or began) if absent else None
        end = until if absent_since is None else min(until, absent_since + _ABSENT_SECONDS)
        now = time.monotonic()
        if now >= end:
            raise _failure(troubles, len(looks), outputs or {})
        say(troubles, end - now)
        # The last look is at the very end.
        pause(min(seconds, end - now), check)


def _ask(looks: Sequence[_Look], check: Callable[[], None]) -> list[_Trouble | None]:
    """What came of each, several at once. Raises what a look raises, and what `check` raises."""
    pool = ThreadPoolExecutor(_AT_ONCE)
    try:
        asked = [pool.submit(look) for look in looks]
        running = set(asked)
        while running:
            done, running = wait(running, _CHECK_SECONDS, FIRST_EXCEPTION)
            for one in done:
                one.result()
            check()
        return [one.result() for one in asked]
    finally:
        # What is under way ends by itself, soon: nobody need wait for it.
        pool.shutdown(wait=False, cancel_futures=True)


def _look_at_home(visitor: Browser, url: str) -> _Trouble | None:
    try:
        seen = visitor.get(url, most=0)
    except Unreachable as error:
        return _Trouble(url, "", str(error), None, error.absent)
    return None if seen.status == 200 else _not_ok(seen, "")


def _look(visitor: Browser, url: str, one: Expected) -> _Trouble | None:
    most = one.size if one.size is None or one.size < LARGE else 0
    whole, address = _addresses(url, one.path)
    try:
        seen = visitor.get(address, most=most)
        if seen.status in (403, 404) and address != whole:
            # What visitors follow is what counts; that the file itself is there tells the cause.
            named = visitor.get(whole, most=0)
            if named.status == 200:
                return _Trouble(address, one.path, f"answers {seen.status}{_NO_INDEX}", seen.status)
    except Unreachable as error:
        return _Trouble(address, one.path, str(error), None, error.absent)
    if seen.status != 200:
        return _not_ok(seen, one.path)
    other = _what_differs(seen, one)
    return None if other is None else _Trouble(seen.url, one.path, other + seen.cached, 200)


def _addresses(url: str, path: str) -> tuple[str, str]:
    """A file's address below the site's, and that by which visitors go there: a page's folder."""
    # S3 takes a `+` in an address for a space.
    whole = url.rstrip("/") + "/" + quote(path, safe="/!$&'(),;=:@~*")
    folder = whole.removesuffix("index.html")
    return whole, folder if folder.endswith("/") else whole


def _what_differs(seen: Seen, one: Expected) -> str | None:
    if one.content_type is not None and seen.content_type is not None:
        wanted = browser.media_type(one.content_type)
        if browser.media_type(seen.content_type) != wanted:
            return f"is served as {seen.content_type}, not as {wanted}"
    if one.size is not None and one.size >= LARGE:
        if seen.length in (None, one.size):
            return None
        return f"has {seen.length:,} bytes, not {one.size:,}"
    if seen.sha256 is None:
        return f"is encoded as {seen.encoding}, which this Python cannot undo"
    return None if seen.sha256 == one.sha256 else "is another content than what was published"


# -- telling -------------------------------------------------------------------------------------


def _not_ok(seen: Seen, path: str) -> _Trouble:
    return _Trouble(seen.url, path, f"answers {seen.status} {seen.reason}".rstrip(), seen.status)


def _failure(troubles: Sequence[_Trouble], of: int, outputs: dict[str, object]) -> TaskFailed:
    """The gravest kind of what was found, with all that are of any kind."""
    kinds: tuple[tuple[Callable[[_Trouble], bool], Callable[[Sequence[_Trouble]], TaskError]], ...]
    kinds = (
        (lambda one: one.status not in (None, 200), _site_not_ok),
        (lambda one: one.status == 200, partial(_stale, of=of)),
        (lambda one: one.status is None, _unreachable),
    )
    made = (tell(found) for kind, tell in kinds if (found := [t for t in troubles if kind(t)]))
    error = next(made)
    if not outputs:
        outputs = {"http_status": troubles[0].status}
    else:
        outputs = {**outputs, "not_as_published": [one.path for one in troubles][:100]}
    return TaskFailed(error, outputs={k: v for k, v in outputs.items() if v is not None})


def _more(troubles: Sequence[_Trouble]) -> str:
    return f", and {len(troubles) - 1} more" if len(troubles) > 1 else ""


def _unreachable(troubles: Sequence[_Trouble]) -> TaskError:
    first = troubles[0]
    return TaskError(
        "site_unreachable",
        f"{first.url} cannot be reached: {first.said}{_more(troubles)}",
        "retry",
        "verification",
        hint="is the address right (verify_url in workflow.yaml), and this machine online?",
    )


_HINTS = {
    403: "S3 and CloudFront say 403 for what they may not read, and S3 also for what is not there: "
    "does the bucket's policy let CloudFront (origin access control) read, or everybody if it is a "
    "website endpoint? See docs/aws.md",
    404: "is verify_url the address of this very bucket and folder, and index.html its index "
    "document? See docs/aws.md",
}


def _site_not_ok(troubles: Sequence[_Trouble]) -> TaskError:
    first = troubles[0]
    assert first.status is not None
    passing = first.status >= 500 or first.status == 429
    action: Action = "retry" if passing else "escalate"
    hint = "the server is at fault or busy: look at it, then run the task again"
    return TaskError(
        "site_not_ok",
        f"{first.url} {first.said}{_more(troubles)}",
        action,
        "verification",
        hint=hint if passing else _HINTS.get(first.status, "open it in a browser, and see"),
    )


def _stale(troubles: Sequence[_Trouble], *, of: int) -> TaskError:
    named = "; ".join(f"/{one.path} {one.said}" for one in troubles[:_NAMED])
    more = f"; and {len(troubles) - _NAMED} more" if len(troubles) > _NAMED else ""
    return TaskError(
        "stale_site",
        f"the site does not serve what was published, {len(troubles)} of {of} files looked at: "
        f"{named}{more}",
        "retry",
        "verification",
        hint="a cache may need longer: run the task again, which sends nothing twice; if it stays, "
        "submit cloudfront-invalidate, and see that verify_url is served from this bucket",
    )
