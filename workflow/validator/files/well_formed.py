"""XML read element by element, with nothing loaded from elsewhere and nothing expanded."""

from __future__ import annotations

from collections.abc import Callable
from xml.parsers import expat

_AROUND = "".join(map(chr, range(33)))
_LINE_ENDS = str.maketrans("", "", "\t\n\r")


class _Refused(Exception):
    pass


def read_xml(
    raw: bytes,
    begin: Callable[[str, str, dict[str, str]], None],
    end: Callable[[str, str, str], None],
) -> str | None:
    """Call `begin` (namespace, name, attributes) and `end` (namespace, name, the element's own
    text) for all elements. Returns why it is not well-formed, or None. Nothing outside is loaded.
    """
    if not raw.strip():
        return "it is empty"
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    texts: list[list[str]] = [[]]

    def opened(name: str, attributes: dict[str, str]) -> None:
        texts.append([])
        space, _, local = name.rpartition(" ")
        begin(space, local, attributes)

    def closed(name: str) -> None:
        space, _, local = name.rpartition(" ")
        end(space, local, "".join(texts.pop()))

    def said(text: str) -> None:
        texts[-1].append(text)

    def declared(*_: object) -> None:
        raise _Refused

    parser.StartElementHandler = opened
    parser.EndElementHandler = closed
    parser.CharacterDataHandler = said
    parser.EntityDeclHandler = declared
    try:
        parser.Parse(raw, True)
    except expat.ExpatError as error:
        return f"line {error.lineno}, column {error.offset + 1}: {expat.ErrorString(error.code)}"
    except _Refused:
        return "it declares entities, which readers refuse for safety"
    except (LookupError, ValueError) as error:
        return f"its encoding is not understood: {error}"
    return None


def clean(url: str) -> str:
    """An address as a browser sees it: without blanks around it and line ends in it."""
    return url.strip(_AROUND).translate(_LINE_ENDS)
