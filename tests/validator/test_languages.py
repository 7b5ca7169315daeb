"""Which language tags are right."""

from __future__ import annotations

import pytest

from workflow.validator.seo.languages import fault


@pytest.mark.parametrize(
    "tag",
    [
        *("en", "EN", "pl", "nl-be", "FR-BE", "de-AT", "zh-Hans", "zh-Hans-TW", "sr-Latn-RS"),
        *("sl-rozaj-biske", "de-1996", "de-CH-1901", "en-XK", "zh-cmn-Hans", "iw", "i-klingon"),
        *("haw", "fil"),
    ],
)
def test_a_right_tag_has_no_fault(tag: str) -> None:
    assert fault(tag) is None
    assert fault(tag, for_search=True) is None


@pytest.mark.parametrize("tag", ["es-419", "en-EU", "de-DE-u-co-phonebk", "x-pirate", "en-x-a"])
def test_what_no_country_has_is_a_language_to_browsers(tag: str) -> None:
    assert fault(tag) is None


@pytest.mark.parametrize(
    ("tag", "part"),
    [
        pytest.param("xx", "no language xx", id="unknown"),
        pytest.param("xx1", "no language tag", id="digit"),
        pytest.param("XX-be", "no language xx", id="unknown-of-belgium"),
        pytest.param("@@", "no language tag", id="signs"),
        pytest.param("", "no language tag", id="empty"),
        pytest.param(" es", "blanks", id="blank-before"),
        pytest.param("es\n", "blanks", id="line-end-after"),
        pytest.param("en_US", "en-US", id="underscore"),
        pytest.param("en-UK", "is GB meant", id="uk"),
        pytest.param("en-XX", "no region XX", id="unknown-region"),
        pytest.param("jp", "is ja meant", id="japan"),
        pytest.param("US", "is en meant", id="region-alone"),
        pytest.param("eng", "is en meant", id="three-letters-where-two-do"),
        pytest.param("english", "no language english", id="word"),
        pytest.param("en-", "no language tag", id="hyphen"),
        pytest.param("en-a", "no language tag", id="extension-of-nothing"),
        pytest.param("en-USA", "no language tag", id="three-letters-for-a-country"),
    ],
)
def test_a_wrong_tag_is_told_with_what_may_be_meant(tag: str, part: str) -> None:
    assert part in (fault(tag) or "")
    assert fault(tag, for_search=True)


@pytest.mark.parametrize("tag", ["es-419", "en-EU"])
def test_search_engines_ask_for_countries(tag: str) -> None:
    assert "no country" in (fault(tag, for_search=True) or "")
