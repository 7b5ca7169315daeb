"""What an element's attributes say: where it leads, what it loads, what it tells of the page."""

from __future__ import annotations

import re
from functools import lru_cache

from workflow.validator import jotform, refresh, srcset
from workflow.validator.facts import Ref

Attributes = dict[str, str | None]
"""By name in small letters; an attribute without a value has None."""

_CRAWLERS = frozenset(
    ("robots", "googlebot", "googlebot-news", "bingbot", "msnbot", "slurp")
    + ("duckduckbot", "yandex", "baiduspider", "applebot")
)
_SOCIAL_ADDRESSES = frozenset(
    ("og:url", "twitter:image", "twitter:image:src", "twitter:player", "twitter:player:stream")
    + ("og:image", "og:image:url", "og:image:secure_url")
    + ("og:video", "og:video:url", "og:video:secure_url")
    + ("og:audio", "og:audio:url", "og:audio:secure_url")
)
_RELS = {
    "stylesheet": "style",
    "canonical": "canonical",
    "icon": "icon",
    "apple-touch-icon": "icon",
    "apple-touch-icon-precomposed": "icon",
    "mask-icon": "icon",
    "fluid-icon": "icon",
    "manifest": "manifest",
    "preload": "preload",
    "modulepreload": "preload",
    "prefetch": "preload",
    "prerender": "preload",
}
"""The kind that a link's first known rel makes it; `alternate` is told apart by its attributes."""
_LOAD_NOTHING = frozenset(("preconnect", "dns-prefetch", "profile"))
"""Hints to warm up a connection, and a namespace that looks like an address."""
_FEEDS = frozenset(("application/rss+xml", "application/atom+xml", "application/feed+json"))
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([^\s\"';]+)", re.IGNORECASE)
_AROUND = "".join(map(chr, range(33)))
_LINE_ENDS = str.maketrans("", "", "\t\n\r")

# Pages of one site share most of their references: each is made once.
ref = lru_cache(maxsize=1 << 14)(Ref)


class Head:
    """What the page is, whatever is ignored in it."""

    __slots__ = (
        "bases",
        "canonical_in_body",
        "canonicals",
        "descriptions",
        "first",
        "h1",
        "headings",
        "refresh",
        "robots",
        "targets",
        "titles",
    )

    def __init__(self) -> None:
        self.bases: list[str] = []
        self.canonical_in_body = False
        self.canonicals: list[str] = []
        self.descriptions: list[str] = []
        self.first: dict[str, str] = {}
        """lang, charset and viewport, of which the first counts."""
        self.h1: list[str] = []
        self.headings: list[str] = []
        self.refresh: tuple[float, str] | None = None
        self.robots: list[tuple[str, str]] = []
        self.targets: list[str] = []
        """What a fragment may name besides ids."""
        self.titles: list[str] = []


class Found:
    """Where the page leads, and what may be wrong with it. Fields are those of `facts.Page`."""

    __slots__ = (
        "alternates",
        "bad_refresh",
        "bad_srcset",
        "empty",
        "forms",
        "head",
        "ids",
        "jsonld_errors",
        "leftovers",
        "nameless_links",
        "no_alt",
        "refs",
        "social",
    )

    def __init__(self, head: Head, ids: frozenset[str]) -> None:
        self.head = head
        self.ids = ids
        self.alternates: list[tuple[str, str]] = []
        self.bad_refresh: list[str] = []
        self.bad_srcset: list[str] = []
        self.empty: list[tuple[str, str]] = []
        self.forms: list[tuple[str, str]] = []
        self.jsonld_errors: list[str] = []
        self.leftovers: list[str] = []
        self.nameless_links: list[str] = []
        self.no_alt: list[str] = []
        self.refs: list[Ref] = []
        self.social: list[tuple[str, str]] = []

    def add(self, kind: str, element: str, attribute: str, value: str | None) -> str:
        """Take an address as browsers read it; one that is blank is noted as such."""
        url = address(value or "")
        if url:
            self.refs.append(ref(kind, url, element, attribute))
        else:
            self.empty.append((element, attribute))
        return url


@lru_cache(maxsize=1 << 14)
def address(value: str) -> str:
    """Without the blanks around it, and without tabs and line ends in it (URL standard)."""
    return value.strip(_AROUND).translate(_LINE_ENDS)


def has_label(found: Found, attributes: Attributes) -> bool:
    """Whether a name is given for those who hear the page."""
    if (attributes.get("aria-label") or "").strip() or (attributes.get("title") or "").strip():
        return True
    labelled_by = (attributes.get("aria-labelledby") or "").split()
    return bool(labelled_by) and not found.ids.isdisjoint(labelled_by)


def area(found: Found, name: str, attributes: Attributes) -> None:
    if "href" in attributes:
        url = found.add("link", name, "href", attributes["href"])
        if url and not (attributes.get("alt") or "").strip() and not has_label(found, attributes):
            found.no_alt.append(url)


def image(found: Found, name: str, attributes: Attributes) -> None:
    url = ""
    if "src" in attributes:
        url = found.add("image", name, "src", attributes["src"])
    elif "srcset" not in attributes:
        found.empty.append((name, "src"))
    if "srcset" in attributes:
        candidates(found, name, "srcset", attributes["srcset"])
    if "usemap" in attributes:
        found.add("use", name, "usemap", attributes["usemap"])
    if "longdesc" in attributes:
        found.add("cite", name, "longdesc", attributes["longdesc"])
    alt = attributes.get("alt")
    # Without a text it is a decoration by its author's will; blanks are nobody's will.
    if ("alt" not in attributes or (alt and not alt.strip())) and not (
        attributes.get("aria-hidden") == "true"
        or attributes.get("role") in ("presentation", "none")
        or has_label(found, attributes)
    ):
        found.no_alt.append(url)


def candidates(found: Found, name: str, attribute: str, value: str | None) -> None:
    """The images of a srcset."""
    read = srcset.parse(value or "")
    found.refs += [ref("srcset", address(url), name, attribute) for url in read.urls]
    if read.faulty:
        found.bad_srcset.append(value or "")
    if not read.urls:
        found.empty.append((name, attribute))


def drawing(found: Found, name: str, attributes: Attributes) -> None:
    """svg: `image` loads a picture, `use` a part of one."""
    attribute = "href" if "href" in attributes else "xlink:href"
    if attribute in attributes:
        kind = "use" if name == "use" else "image"
        found.add(kind, name, attribute, attributes[attribute])


def media(found: Found, name: str, attributes: Attributes) -> None:
    attribute = "data" if name == "object" else "src"
    if attribute in attributes:
        found.add("media", name, attribute, attributes[attribute])
    if name == "video" and "poster" in attributes:
        found.add("image", name, "poster", attributes["poster"])
    if name == "object" and "usemap" in attributes:
        found.add("use", name, "usemap", attributes["usemap"])


def source(found: Found, attributes: Attributes, in_picture: bool) -> None:
    """Within a `picture` browsers read srcset and pass over src; elsewhere the reverse."""
    attribute = "srcset" if in_picture else "src"
    if attribute not in attributes:
        return
    if in_picture:
        candidates(found, "source", attribute, attributes[attribute])
    else:
        found.add("media", "source", attribute, attributes[attribute])


def frame(found: Found, name: str, attributes: Attributes) -> None:
    url = ""
    if "src" in attributes and "srcdoc" not in attributes:
        url = found.add("frame", name, "src", attributes["src"])
    own_id = attributes.get("id") or ""
    if "otform" in url or own_id.startswith("JotFormIFrame-"):
        form = jotform.embedded(name, url, own_id)
        if form:
            found.forms.append(form)


def cite(found: Found, name: str, attributes: Attributes) -> None:
    if "cite" in attributes:
        found.add("cite", name, "cite", attributes["cite"])


def background(found: Found, name: str, attributes: Attributes) -> None:
    if "background" in attributes:
        found.add("image", name, "background", attributes["background"])


def input_image(found: Found, attributes: Attributes) -> None:
    if (attributes.get("type") or "").lower() != "image":
        return
    url = found.add("image", "input", "src", attributes["src"]) if "src" in attributes else ""
    if not (attributes.get("alt") or "").strip() and not has_label(found, attributes):
        found.no_alt.append(url)


def form(found: Found, name: str, attributes: Attributes) -> None:
    action(found, name, "action", attributes.get("action"), attributes.get("method"))


def action(found: Found, name: str, attribute: str, value: str | None, method: str | None) -> None:
    """What is posted goes to a program, which is no file of the site; a blank action is the page
    itself."""
    url = address(value or "")
    is_posted = (method or "").strip().lower() in ("post", "dialog")
    is_absolute = url.startswith("//") or "://" in url.partition("?")[0]
    if url and (is_absolute or not is_posted):
        found.refs.append(ref("form", url, name, attribute))


def link(found: Found, attributes: Attributes, in_head: bool) -> None:
    """A `link`; canonical and alternate ones tell something of the page in its head alone."""
    rels = (attributes.get("rel") or "").lower().split()
    if "imagesrcset" in attributes:
        candidates(found, "link", "imagesrcset", attributes["imagesrcset"])
    if _LOAD_NOTHING.issuperset(rels):
        return
    hreflang = attributes.get("hreflang") or ""
    kind = next((_RELS[rel] for rel in rels if rel in _RELS), "rel")
    if kind == "rel" and "alternate" in rels:
        if hreflang:
            kind = "alternate"
        elif (attributes.get("type") or "").partition(";")[0].strip().lower() in _FEEDS:
            kind = "feed"
    url = ""
    if "href" in attributes:
        url = found.add(kind, "link", "href", attributes["href"])
    elif "imagesrcset" not in attributes:
        found.empty.append(("link", "href"))
    if kind == "canonical":
        found.head.canonical_in_body |= not in_head
        if url and in_head:
            found.head.canonicals.append(url)
    elif kind == "alternate" and in_head:
        found.alternates.append((hreflang, url))


def meta(found: Found, name: str, attributes: Attributes) -> None:
    content = attributes.get("content") or ""
    head = found.head
    charset = attributes.get("charset")
    if charset:
        head.first.setdefault("charset", charset.strip())
    directive = (attributes.get("http-equiv") or "").strip().lower()
    if directive == "refresh":
        _refresh(found, content)
    elif directive == "content-type" and (declared := _CHARSET.search(content)):
        head.first.setdefault("charset", declared[1])
    names = [(attributes.get(one) or "").strip().lower() for one in ("name", "property")]
    for key in names if names[0] != names[1] else names[:1]:
        if key == "description":
            head.descriptions.append(" ".join(content.split()))
        elif key == "viewport":
            head.first.setdefault("viewport", content)
        elif key in _CRAWLERS:
            head.robots.append((key, content.lower()))
        elif key.startswith(("og:", "twitter:")):
            found.social.append((key, content.strip()))
            url = address(content) if key in _SOCIAL_ADDRESSES else ""
            if url:
                found.refs.append(ref("og", url, name, "content"))
        elif key == "msapplication-tileimage":
            found.add("icon", name, "content", content)


def _refresh(found: Found, content: str) -> None:
    read = refresh.parse(content)
    if read is None:
        found.bad_refresh.append(content)
        return
    url = address(read[1])
    if url:
        found.refs.append(ref("refresh", url, "meta", "content"))
    found.head.refresh = found.head.refresh or (read[0], url)


def html(found: Found, name: str, attributes: Attributes) -> None:
    if "lang" in attributes:
        found.head.first.setdefault("lang", attributes["lang"] or "")


def base(found: Found, name: str, attributes: Attributes) -> None:
    if "href" in attributes:
        found.head.bases.append(address(attributes["href"] or ""))


def image_map(found: Found, name: str, attributes: Attributes) -> None:
    if attributes.get("name"):
        found.head.targets.append(attributes["name"] or "")
