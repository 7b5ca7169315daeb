"""A small S3, for the demonstration only: one bucket, in this process, on this machine.

It speaks what a deploy needs of S3's REST interface: objects put, read, listed, copied and
deleted, with conditions and checksums; the rest it refuses as not implemented. It does not prove
signatures: whoever names the access key, which is made anew for each demonstration, is let in.
"""

from __future__ import annotations

import base64
import hashlib
import re
import zlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import formatdate
from urllib.parse import quote, unquote, urlsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from workflow.demo.serving import Answer, Request, Respond
from workflow.demo.store import Missing, PreconditionFailed, Store, Stored

REGION = "us-east-1"
_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
_SPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_KEPT = {
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
    "x-amz-website-redirect-location",
}
_DIGESTS: dict[str, Callable[[bytes], bytes]] = {
    "content-md5": lambda raw: hashlib.md5(raw, usedforsecurity=False).digest(),
    "x-amz-checksum-crc32": lambda raw: zlib.crc32(raw).to_bytes(4, "big"),
    "x-amz-checksum-sha1": lambda raw: hashlib.sha1(raw, usedforsecurity=False).digest(),
    "x-amz-checksum-sha256": lambda raw: hashlib.sha256(raw).digest(),
}
_LISTING = {
    "list-type",
    "prefix",
    "max-keys",
    "start-after",
    "continuation-token",
    "encoding-type",
    "fetch-owner",
}


class _Refused(Exception):
    """An answer that S3 gives as an error."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def s3(store: Store, bucket: str, access_key: str) -> Respond:
    """What answers S3's requests for the one bucket there is."""

    def respond(request: Request) -> Answer:
        try:
            _authorise(request, access_key)
            _verify_body(request)
            return _answer(store, bucket, request)
        except _Refused as refused:
            return _error(refused, request.path)
        except Missing:
            return _error(_Refused(404, "NoSuchKey", "There is no such key."), request.path)
        except PreconditionFailed:
            failed = _Refused(412, "PreconditionFailed", "A condition of yours does not hold.")
            return _error(failed, request.path)

    return respond


def _authorise(request: Request, access_key: str) -> None:
    given = re.search(r"Credential=([^/,\s]+)/", request.headers.get("authorization", ""))
    if given is None:
        raise _Refused(403, "AccessDenied", "Access Denied")
    if given[1] != access_key:
        raise _Refused(403, "InvalidAccessKeyId", "This access key is not the demonstration's.")
    if "x-amz-expected-bucket-owner" in request.headers:
        raise _Refused(403, "AccessDenied", "This bucket belongs to no account.")


def _verify_body(request: Request) -> None:
    """Refuse a body that is not what its sender says it is."""
    signed = request.headers.get("x-amz-content-sha256", "UNSIGNED-PAYLOAD")
    if signed.startswith("STREAMING-"):
        raise _not_implemented("bodies in signed chunks")
    if signed not in ("UNSIGNED-PAYLOAD", hashlib.sha256(request.body).hexdigest()):
        raise _Refused(400, "XAmzContentSHA256Mismatch", "The body is not the one that was signed.")
    for name, given in request.headers.items():
        if name.startswith("x-amz-checksum-") or name == "content-md5":
            if name in ("x-amz-checksum-mode", "x-amz-checksum-algorithm"):
                continue
            if name not in _DIGESTS:
                raise _not_implemented(name)
            if base64.b64encode(_DIGESTS[name](request.body)).decode() != given:
                raise _Refused(400, "BadDigest", f"The body does not have this {name}.")


def _answer(store: Store, bucket: str, request: Request) -> Answer:
    name, _, key = request.path[1:].partition("/")
    if name != bucket:
        raise _Refused(404, "NoSuchBucket", f"There is no bucket {name!r}, only {bucket!r}.")
    if len(key.encode()) > 1024:
        raise _Refused(400, "KeyTooLongError", "Your key is too long")
    query = {k: v for k, v in request.query.items() if k != "x-id"}
    match request.method, bool(key), sorted(query):
        case "GET", False, options if "list-type" in options and set(options) <= _LISTING:
            return _list(store, bucket, query)
        case "GET", False, ["location"]:
            return _xml(f'<LocationConstraint xmlns="{_SPACE}"/>')
        case "GET", False, ["versioning"]:
            return _xml(f'<VersioningConfiguration xmlns="{_SPACE}"/>')
        case "HEAD", False, []:
            return Answer(200, headers={"x-amz-bucket-region": REGION})
        case "POST", False, ["delete"]:
            return _delete_many(store, request.body)
        case (("GET" | "HEAD"), True, []):
            return _get(store, key, request)
        case "PUT", True, [] if "x-amz-copy-source" in request.headers:
            return _copy(store, bucket, key, request.headers)
        case "PUT", True, []:
            return _put(store, key, request)
        case "DELETE", True, []:
            store.delete(key, request.headers.get("if-match"))
            return Answer(204)
    raise _not_implemented(f"{request.method} with {', '.join(query) or 'nothing'}")


def _list(store: Store, bucket: str, query: Mapping[str, str]) -> Answer:
    """One page of ListObjectsV2; the token for the next is the last key of this one."""
    prefix, most = query.get("prefix", ""), query.get("max-keys", "1000")
    if query["list-type"] != "2" or not most.isdecimal():
        raise _Refused(400, "InvalidArgument", "list-type is 2, max-keys a number.")
    after = query.get("start-after", "")
    if "continuation-token" in query:
        try:
            after = base64.urlsafe_b64decode(query["continuation-token"]).decode()
        except ValueError as error:
            raise _Refused(400, "InvalidArgument", "This is no token of mine.") from error
    encoded = query.get("encoding-type") == "url"
    found = [
        stored
        for stored in store
        if stored.key.startswith(prefix) and stored.key.encode() > after.encode()
    ]
    page = found[: min(int(most), 1000)]
    parts = {"Name": bucket, "Prefix": _key(prefix, encoded), "KeyCount": str(len(page))}
    parts |= {"MaxKeys": most, "IsTruncated": str(len(page) < len(found)).lower()}
    if encoded:
        parts["EncodingType"] = "url"
    if page and len(page) < len(found):
        parts["NextContinuationToken"] = base64.urlsafe_b64encode(page[-1].key.encode()).decode()
    contents = "".join(
        f"<Contents><Key>{_key(stored.key, encoded)}</Key>"
        f"<LastModified>{_moment(stored)}</LastModified><ETag>&quot;{stored.etag}&quot;</ETag>"
        f"<Size>{stored.size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
        for stored in page
    )
    head = "".join(f"<{tag}>{text}</{tag}>" for tag, text in parts.items())
    return _xml(f'<ListBucketResult xmlns="{_SPACE}">{head}{contents}</ListBucketResult>')


def _get(store: Store, key: str, request: Request) -> Answer:
    stored = store.find(key)
    if request.headers.get("if-match", stored.etag).strip('"') not in ("*", stored.etag):
        raise PreconditionFailed
    if "range" in request.headers:
        raise _not_implemented("parts of an object")
    return Answer(200, store.body(stored), {**described(stored), **stored.headers})


def described(stored: Stored) -> dict[str, str]:
    """The headers by which a client knows an object again."""
    return {
        "ETag": f'"{stored.etag}"',
        "Last-Modified": formatdate(stored.modified, usegmt=True),
    }


def _put(store: Store, key: str, request: Request) -> Answer:
    only_new = request.headers.get("if-none-match")
    if only_new not in (None, "*"):
        raise _not_implemented("If-None-Match with anything but *")
    stored = store.put(
        key,
        request.body,
        _kept_headers(request.headers),
        only_new=only_new is not None,
        if_match=request.headers.get("if-match"),
    )
    return Answer(200, headers={"ETag": f'"{stored.etag}"'})


def _copy(store: Store, bucket: str, key: str, headers: Mapping[str, str]) -> Answer:
    source = urlsplit(headers["x-amz-copy-source"])
    name, _, source_key = unquote(source.path).lstrip("/").partition("/")
    if name != bucket or source.query not in ("", "versionId=null"):
        raise _Refused(404, "NoSuchKey", "There is nothing to copy from.")
    replace = headers.get("x-amz-metadata-directive", "COPY") == "REPLACE"
    if source_key == key and not replace:
        raise _Refused(400, "InvalidRequest", "A copy onto itself that changes nothing.")
    kept = _kept_headers(headers) if replace else None
    stored = store.copy(source_key, key, kept, headers.get("x-amz-copy-source-if-match"))
    return _xml(
        f'<CopyObjectResult xmlns="{_SPACE}"><LastModified>{_moment(stored)}</LastModified>'
        f"<ETag>&quot;{stored.etag}&quot;</ETag></CopyObjectResult>"
    )


def _delete_many(store: Store, body: bytes) -> Answer:
    try:
        wanted = ElementTree.fromstring(body)
    except ElementTree.ParseError as error:
        raise _Refused(400, "MalformedXML", str(error)) from error
    objects = wanted.findall("{*}Object")
    if len(objects) > 1000:
        raise _Refused(400, "MalformedXML", "More than 1000 keys at once.")
    quiet = wanted.findtext("{*}Quiet", "false").strip().lower() == "true"
    said = []
    for asked in objects:
        key = asked.findtext("{*}Key", "")
        try:
            store.delete(key, asked.findtext("{*}ETag"))
        except PreconditionFailed:
            said.append(
                f"<Error><Key>{escape(key)}</Key><Code>PreconditionFailed</Code>"
                "<Message>A condition of yours does not hold.</Message></Error>"
            )
        else:
            said += [] if quiet else [f"<Deleted><Key>{escape(key)}</Key></Deleted>"]
    return _xml(f'<DeleteResult xmlns="{_SPACE}">{"".join(said)}</DeleteResult>')


def _kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    kept = {k: v for k, v in headers.items() if k in _KEPT or k.startswith("x-amz-meta-")}
    return {"content-type": "binary/octet-stream", **kept}


def _key(key: str, encoded: bool) -> str:
    return quote(key, safe="/") if encoded else escape(key)


def _moment(stored: Stored) -> str:
    return datetime.fromtimestamp(stored.modified, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _not_implemented(what: str) -> _Refused:
    return _Refused(501, "NotImplemented", f"The demonstration's bucket does not do {what}.")


def _xml(document: str, status: int = 200) -> Answer:
    return Answer(status, (_XML + document).encode(), {"Content-Type": "application/xml"})


def _error(refused: _Refused, path: str) -> Answer:
    return _xml(
        f"<Error><Code>{refused.code}</Code><Message>{escape(str(refused))}</Message>"
        f"<Resource>{escape(path)}</Resource></Error>",
        refused.status,
    )
