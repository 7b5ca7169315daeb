"""HTML to facts. The only module that knows the parser (selectolax, which binds Lexbor in C).

One walk over the tree reads the elements that matter and passes over the rest by the number of
their tag. A page is read as browsers read it that run scripts: what stands in a `noscript` is text
to them, so that an image there does not end the head; its references are read apart.
"""

from __future__ import annotations

from collections.abc import Callable
from sys import intern

from selectolax.lexbor import LexborHTMLParser, LexborNode

from workflow.validator.facts import Page, Ref
from workflow.validator.files.sheets import css_refs
from workflow.validator.pages import elements, jotform, jsonld, leftovers, metadata, unclosed
from workflow.validator.pages.gathering import Attributes, Found, Head, has_label, link_to, ref

_IGNORE = ("data-validate-ignore", "data-proofer-ignore")
"""Attributes, or class names, of elements about which nothing shall be said."""
_VERBATIM = "pre,code,kbd,samp,var,script,style,textarea,xmp"
_SHOWN = ("href", "src", "alt", "title", "content", "action", "style", "srcset", "value")
"""Attributes in which a visitor, a browser or a search engine meets what templates left."""
_WORDS = ("alt", "title", "content", "value")
"""Those of them that hold words, which may be about templates."""
_JSON_LD = "application/ld+json"


def page(raw: bytes) -> Page:
    """The facts of an HTML page; bytes that are no HTML make a page that has little in it."""
    tree = LexborHTMLParser(raw, encoding=True, scripting=True)
    root = tree.root
    if root is None:
        return Page(doctype=False)
    ids, styled = _marked(root)
    head = Head()
    found = Found(head, frozenset(ids))
    ignored = _ignored(root, raw)
    _walk(root, found, ignored)
    _styles(found, styled, ignored)
    hints = leftovers.hints(raw)
    if hints and not _are_in_code(root, raw, hints):
        found.leftovers += _leftovers(root, ignored)
    if leftovers.UNSAFE in hints:
        for node in root.parser.tags("style"):
            if node.mem_id not in ignored:
                found.leftovers += leftovers.unsafe(node.text_lexbor())
    if raw.startswith(b"\xef\xbb\xbf"):
        head.first.setdefault("charset", "utf-8")
    refs = tuple(dict.fromkeys(found.refs))
    return Page(
        refs=refs,
        base=head.bases[0] if head.bases else None,
        bases=len(head.bases),
        ids=tuple(dict.fromkeys(ids + head.targets)),
        double_ids=_doubles(ids) if len(found.ids) < len(ids) else (),
        titles=tuple(head.titles),
        descriptions=tuple(head.descriptions),
        h1=tuple(head.h1),
        headings="".join(head.headings),
        lang=head.first.get("lang"),
        charset=head.first.get("charset"),
        viewport=head.first.get("viewport"),
        doctype=_has_doctype(root),
        robots=tuple(head.robots),
        canonicals=tuple(head.canonicals),
        canonical_in_body=head.canonical_in_body,
        alternates=tuple(found.alternates),
        social=tuple(found.social),
        jsonld_errors=tuple(found.jsonld_errors),
        no_alt=tuple(found.no_alt),
        nameless_links=tuple(found.nameless_links),
        refresh=head.refresh,
        bad_refresh=tuple(found.bad_refresh),
        bad_srcset=tuple(found.bad_srcset),
        empty=tuple(found.empty),
        leftovers=tuple(dict.fromkeys(found.leftovers)),
        forms=tuple(dict.fromkeys(found.forms + _forms(refs))),
        not_utf8=_not_utf8(raw, head.first.get("charset")),
        unclosed=_unclosed(root, raw),
    )


def _marked(root: LexborNode) -> tuple[list[str], list[LexborNode]]:
    """The page's ids, and the elements whose own style may load something. They are asked for
    together: what a question costs is the way through the tree."""
    ids: list[str] = []
    styled: list[LexborNode] = []
    for node in root.css('[id],[style*="("]'):
        one = node.id
        if one:
            ids.append(intern(one))
        if "(" in (node.attrs.get("style") or ""):
            styled.append(node)
    return ids, styled


def _styles(found: Found, styled: list[LexborNode], ignored: frozenset[int]) -> None:
    for node in styled:
        if node.mem_id not in ignored:
            name = (node.tag or "").lower()
            found.refs += css_refs(node.attributes["style"] or "", name, "style")


def _walk(root: LexborNode, found: Found, ignored: frozenset[int]) -> None:
    aside = Found(found.head, found.ids)
    has_table = False
    for node in root.traverse():
        reader = _READERS.get(node.tag_id)
        if reader is None:
            continue
        name, plain, whole = reader
        one = aside if ignored and node.mem_id in ignored else found
        if whole:
            whole(one, name, node.attributes, node)
        elif plain:
            plain(one, name, node.attributes)
        else:
            has_table = True
    # `use` has no number of its own. Where no element is called so, asking costs nothing.
    for node in root.parser.tags("use"):
        if node.mem_id not in ignored:
            elements.drawing(found, "use", node.attributes)
    for node in root.css("table[background],th[background],td[background]") if has_table else ():
        if node.mem_id not in ignored:
            elements.background(found, node.tag or "", node.attributes)


def _anchor(found: Found, name: str, attributes: Attributes, node: LexborNode) -> None:
    target = attributes.get("name")
    if target:
        found.head.targets.append(target)
    href = attributes.get("href")
    link = link_to(href) if href else None
    if link is None:
        attribute = "href" if "href" in attributes else "xlink:href"
        if attribute in attributes:
            found.add("link", name, attribute, attributes[attribute])
        return
    found.refs.append(link)
    if not node.text_lexbor().strip() and not _is_labelled(found, node, attributes):
        found.nameless_links.append(link.url)


def _is_labelled(found: Found, node: LexborNode, attributes: Attributes) -> bool:
    """Whether a link without text says otherwise where it leads, or is kept from all who'd ask."""
    if has_label(found, attributes) or attributes.get("aria-hidden") == "true":
        return True
    for below in node.css("[alt],[aria-label],[aria-labelledby],[title]"):
        inner = below.attributes
        if (inner.get("alt") or "").strip() or has_label(found, inner):
            return True
    return False


def _source(found: Found, name: str, attributes: Attributes, node: LexborNode) -> None:
    above = node.parent
    elements.source(found, attributes, above is not None and above.tag == "picture")


def _link(found: Found, name: str, attributes: Attributes, node: LexborNode) -> None:
    above = node.parent
    metadata.link(found, attributes, above is not None and above.tag == "head")


def _button(found: Found, name: str, attributes: Attributes, node: LexborNode) -> None:
    if name == "input":
        elements.input_image(found, attributes)
    if "formaction" in attributes:
        method = attributes.get("formmethod")
        form = None if method else _above(node, "form")
        if form is not None:
            method = form.attributes.get("method")
        elements.action(found, name, "formaction", attributes["formaction"], method)


def _script(found: Found, name: str, attributes: Attributes, node: LexborNode) -> None:
    kind = (attributes.get("type") or "").partition(";")[0].strip().lower()
    if "src" in attributes:
        url = found.add("script", name, "src", attributes["src"])
        if "livereload.js" in url:
            found.leftovers.append(url)
    elif kind != _JSON_LD and not node.text_lexbor().strip():
        found.empty.append((name, "text"))
    if kind == _JSON_LD:
        urls, error = jsonld.parse(node.text_lexbor())
        found.refs += [ref("jsonld", url, name, "text") for url in urls]
        if error:
            found.jsonld_errors.append(error)


def _style(found: Found, name: str, attributes: Attributes, node: LexborNode) -> None:
    found.refs += css_refs(node.text_lexbor(), name, "text")


def _title(found: Found, name: str, attributes: Attributes, node: LexborNode) -> None:
    if _above(node, "svg") is None:
        found.head.titles.append(intern(" ".join(node.text_lexbor().split())))


def _heading(found: Found, name: str, attributes: Attributes, node: LexborNode) -> None:
    if "hidden" in attributes:
        return
    found.head.headings.append(name[1])
    if name == "h1":
        words = node.text_lexbor().split()
        if not words:
            words = [image.attributes["alt"] or "" for image in node.css("img[alt]")]
        found.head.h1.append(intern(" ".join(words).strip()))


def _noscript(found: Found, name: str, attributes: Attributes, node: LexborNode) -> None:
    """What is there for browsers without scripts leads somewhere too; all else in it is theirs."""
    root = LexborHTMLParser(node.text_lexbor(), is_fragment=True).root
    if root is not None:
        inner = Found(Head(), found.ids)
        ids, styled = _marked(root)
        _walk(root, inner, frozenset())
        _styles(inner, styled, frozenset())
        found.refs += inner.refs
        found.head.targets += ids


def _above(node: LexborNode, *tags: str) -> LexborNode | None:
    above = node.parent
    while above is not None and above.tag not in tags:
        above = above.parent
    return above


def _forms(refs: tuple[Ref, ...]) -> list[tuple[str, str]]:
    """Frames are left out: their own id tells of a form too, and they are read where it is seen."""
    return [
        form
        for one in refs
        if "otform" in one.url and one.kind != "frame"
        if (form := jotform.embedded(one.element, one.url))
    ]


def _are_in_code(root: LexborNode, raw: bytes, hints: list[str]) -> bool:
    """Whether all that looks like a leftover is shown on purpose, as on pages about templates; a
    quick look that spares them the thorough one."""
    text = root.text_lexbor()
    code = "".join(
        node.text_lexbor()
        for tag in ("pre", "code", "script", "style")
        for node in root.parser.tags(tag)
        if _above(node, "pre", "code") is None
    )
    return not any(
        text.count(hint) > code.count(hint) or leftovers.in_a_tag(raw, hint) for hint in hints
    )


def _leftovers(root: LexborNode, ignored: frozenset[int]) -> list[str]:
    """What failed templates left in text and attributes, but not in code that shows some."""
    passed = set(ignored)
    for verbatim in root.css(_VERBATIM):
        passed.update(below.mem_id for below in verbatim.traverse(include_text=True))
    found: list[str] = []
    for node in root.traverse(include_text=True):
        if node.mem_id in passed:
            continue
        if node.is_text_node:
            found += leftovers.found(node.text_lexbor())
            continue
        attributes = node.attributes
        for name in _SHOWN:
            value = attributes.get(name)
            if value:
                found += leftovers.found(value)
                found += leftovers.unsafe(value, is_prose=name in _WORDS)
    if any(map(leftovers.may_be_filled_in, found)) and _is_filled_in(root):
        return [one for one in found if not leftovers.may_be_filled_in(one)]
    return found


def _is_filled_in(root: LexborNode) -> bool:
    """Whether the page has a script that puts values where `{{ name }}` stands."""
    return any(
        leftovers.fills_in(node.attributes.get("src"), node.text_lexbor())
        for node in root.parser.tags("script")
    ) or any(leftovers.binds(node.attributes) for node in root.traverse())


def _ignored(root: LexborNode, raw: bytes) -> frozenset[int]:
    """All nodes of which nothing shall be said. The attribute counts whatever its value is, but
    for `false`."""
    if not any(name.encode() in raw for name in _IGNORE):
        return frozenset()
    found: set[int] = set()
    for name in _IGNORE:
        for node in root.css(f'[{name}]:not([{name}="false"]),.{name}'):
            found.update(below.mem_id for below in node.traverse(include_text=True))
    return frozenset(found)


def _not_utf8(raw: bytes, charset: str | None) -> int | None:
    if raw.isascii() or (charset or "").lower() not in ("utf-8", "utf8"):
        return None
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        return error.start
    return None


def _unclosed(root: LexborNode, raw: bytes) -> unclosed.Place | None:
    """What nothing closes: that is the last in the head, in the body or in the html element, or
    stands before or behind that one."""
    behind = root.parent.last_child if root.parent is not None and root.next is not None else None
    for end in (*root.iter(), root.last_child, root.prev, behind):
        last = end
        while end is not None:
            last, end = end, end.last_child
        if last is None:
            continue
        above = last.parent
        if last.tag == "-comment":
            name = unclosed.COMMENT
        elif last.is_text_node and above is not None and above.tag in unclosed.RAW:
            name = above.tag
        else:
            continue
        content = last.text_lexbor()
        if unclosed.may_be(raw, content) and (place := unclosed.place(raw, name, content)):
            return place
    return None


def _has_doctype(root: LexborNode) -> bool:
    before = root.prev
    while before is not None and before.tag != "-doctype":
        before = before.prev
    return before is not None


def _doubles(ids: list[str]) -> tuple[str, ...]:
    seen: set[str] = set()
    double: list[str] = []
    for one in ids:
        (double.append if one in seen else seen.add)(one)
    return tuple(dict.fromkeys(double))


_Plain = Callable[[Found, str, Attributes], None]
_Whole = Callable[[Found, str, Attributes, LexborNode], None]


def _readers() -> dict[int, tuple[str, _Plain | None, _Whole | None]]:
    """By the parser's number of a tag, which costs less to ask for than its name."""
    plain: dict[str, _Plain] = {
        **dict.fromkeys(("audio", "embed", "object", "track", "video"), elements.media),
        **dict.fromkeys(("blockquote", "q", "ins", "del"), elements.cite),
        **dict.fromkeys(("image", "feimage"), elements.drawing),
        **dict.fromkeys(("iframe", "frame"), elements.frame),
        "area": elements.area,
        "base": metadata.base,
        "body": elements.background,
        "form": elements.form,
        "html": metadata.html,
        "img": elements.image,
        "map": elements.image_map,
        "meta": metadata.meta,
    }
    whole: dict[str, _Whole] = {
        **dict.fromkeys(("button", "input"), _button),
        **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), _heading),
        "a": _anchor,
        "link": _link,
        "noscript": _noscript,
        "script": _script,
        "source": _source,
        "style": _style,
        "title": _title,
    }
    document = LexborHTMLParser("")
    return {
        document.create_node(name).tag_id: (name, plain.get(name), whole.get(name))
        for name in (*plain, *whole, "table")
    }


_READERS = _readers()
