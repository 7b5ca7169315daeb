"""Language tags: BCP 47, as `lang` has them, and the part of it that search engines read in
`hreflang`."""

from __future__ import annotations

import re
from functools import lru_cache

_TAG = re.compile(
    r"(?P<language>(?:ar|kok|lv|ms|sgn|sw|uz|zh)-[a-z]{3}|[a-z]{2,8})"
    r"(?:-(?P<script>[a-z]{4}))?(?:-(?P<region>[a-z]{2}|\d{3}))?"
    r"(?:-(?:[a-z0-9]{5,8}|\d[a-z0-9]{3}))*"
    r"(?:-[a-wy-z0-9](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?"
    r"|x(?:-[a-z0-9]{1,8})+|i(?:-[a-z]{2,8})+",
    re.ASCII,
)
# Two letters: all that the IANA registry has, with those that are no longer advised.
_LANGUAGES = """
    aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv
    cy da de dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr
    ht hu hy hz ia id ie ig ii ik in io is it iu iw ja ji jv jw ka kg ki kj kk kl km kn ko kr
    ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mo mr ms mt my na nb nd ne ng
    nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg sh si sk
    sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve
    vi vo wa wo xh yi yo za zh zu
"""
# ISO 3166-1 alpha-2, and XK, which all use for Kosovo.
_REGIONS = """
    ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bl bm bn bo bq
    br bs bt bv bw by bz ca cc cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm
    do dz ec ee eg eh er es et fi fj fk fm fo fr ga gb gd ge gf gg gh gi gl gm gn gp gq gr gs
    gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp ke kg kh ki km kn
    kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mf mg mh mk ml mm mn mo mp mq
    mr ms mt mu mv mw mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm
    pn pr ps pt pw py qa re ro rs ru rw sa sb sc sd se sg sh si sj sk sl sm sn so sr ss st sv
    sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug um us uy uz va vc ve vg vi
    vn vu wf ws xk ye yt za zm zw
"""
_KNOWN_LANGUAGES = frozenset(_LANGUAGES.split())
_KNOWN_REGIONS = frozenset(_REGIONS.split())
_ALSO_REGIONS = frozenset(("eu", "ez", "un"))
"""Of BCP 47, but no countries."""
_MEANT = {
    "al": "sq", "at": "de", "by": "be", "cn": "zh", "cz": "cs", "dk": "da", "gb": "en",
    "gr": "el", "il": "he", "ir": "fa", "jp": "ja", "rs": "sr", "sp": "es", "ua": "uk",
    "us": "en", "vn": "vi",
    "ara": "ar", "ces": "cs", "chi": "zh", "cze": "cs", "deu": "de", "dut": "nl", "eng": "en",
    "fra": "fr", "fre": "fr", "ger": "de", "ita": "it", "jpn": "ja", "kor": "ko", "nld": "nl",
    "pol": "pl", "por": "pt", "rus": "ru", "spa": "es", "tur": "tr", "zho": "zh",
}  # fmt: skip
"""Countries that are taken for languages, and three letters where BCP 47 has two."""


@lru_cache(maxsize=1024)
def fault(tag: str, *, for_search: bool = False) -> str | None:
    """What is wrong with a language tag, as a clause; None if nothing is.

    `for_search` asks for what Google reads in hreflang: a language, perhaps a script, and a country
    of ISO 3166-1.
    """
    lowered = tag.lower()
    if lowered != lowered.strip():
        return "blanks stand around it"
    if "_" in lowered:
        return f"its parts are joined by hyphens: {tag.replace('_', '-')}"
    parts = _TAG.fullmatch(lowered)
    if parts is None:
        return "it is no language tag"
    language, region = (parts["language"] or "").partition("-")[0], parts["region"]
    if language in _MEANT:
        return f"there is no language {language}; is {_MEANT[language]} meant?"
    if (len(language) == 2 and language not in _KNOWN_LANGUAGES) or len(language) > 3:
        return f"there is no language {language}"
    if region is None or region in _KNOWN_REGIONS:
        return None
    if region == "uk":
        return "there is no region UK; is GB meant?"
    if region in _ALSO_REGIONS or region.isdigit():
        return f"{region.upper()} is no country, as search engines ask for" if for_search else None
    return f"there is no region {region.upper()}"
