"""The bucket as a website, as S3's website endpoints serve one: for the demonstration only."""

from __future__ import annotations

from urllib.parse import quote

from workflow.demo.bucket import described
from workflow.demo.serving import Answer, Request, Respond
from workflow.demo.store import Missing, Store, Stored

INDEX = "index.html"
NOT_FOUND = "404.html"
_REDIRECT = "x-amz-website-redirect-location"
_SENT = ("content-type", "cache-control", "content-encoding", "content-language", "expires")


def website(store: Store, private: str) -> Respond:
    """What serves the store's objects to browsers; keys that start with `private` are nobody's."""

    def respond(request: Request) -> Answer:
        if request.method not in ("GET", "HEAD"):
            return _page(405, "Method Not Allowed", {"Allow": "GET, HEAD"})
        key = request.path[1:]
        if key.startswith(private):
            return _page(403, "Forbidden")
        if key == "" or key.endswith("/"):
            key += INDEX
        try:
            return _object(store, store.find(key), request)
        except Missing:
            return _instead(store, key)

    return respond


def _object(store: Store, stored: Stored, request: Request) -> Answer:
    if _REDIRECT in stored.headers:
        return Answer(301, headers={"Location": stored.headers[_REDIRECT]})
    headers = {name: stored.headers[name] for name in _SENT if name in stored.headers}
    known = described(stored)
    if request.headers.get("if-none-match") == known["ETag"]:
        return Answer(304, headers=known)
    return Answer(200, store.body(stored), {**known, **headers})


def _instead(store: Store, key: str) -> Answer:
    """A folder's address without its slash leads to the folder; all else is not found."""
    try:
        store.find(f"{key}/{INDEX}")
    except Missing:
        pass
    else:
        return Answer(302, headers={"Location": f"/{quote(key)}/"})
    try:
        page = store.find(NOT_FOUND)
    except Missing:
        return _page(404, "Not Found")
    return Answer(404, store.body(page), {"Content-Type": page.headers["content-type"]})


def _page(status: int, text: str, headers: dict[str, str] | None = None) -> Answer:
    body = f"<!DOCTYPE html><title>{status} {text}</title><h1>{status} {text}</h1>\n".encode()
    return Answer(status, body, {"Content-Type": "text/html; charset=utf-8", **(headers or {})})
