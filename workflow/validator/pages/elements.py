"""What an element's attributes lead to or load, and what of that is blank or has no name."""

from __future__ import annotations

from workflow.validator.pages import jotform, srcset
from workflow.validator.pages.gathering import Attributes, Found, address, has_label, ref


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


def image_map(found: Found, name: str, attributes: Attributes) -> None:
    if attributes.get("name"):
        found.head.targets.append(attributes["name"] or "")
