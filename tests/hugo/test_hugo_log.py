"""What Hugo prints, taken apart. Texts are what Hugo 0.168 and, where said, older ones print."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workflow.hugo import errors as hugo_errors
from workflow.hugo import log as hugo_log
from workflow.hugo.log import Entry

THREE_LANGUAGES = """\
Start building sites …
hugo v0.168.0-e27a6760c5547237f87d353aebe0580feadb20f4+extended linux/amd64

                  │ EN │ DE │ FR
─────────────────┼────┼────┼────
 Pages           │ 13 │  3 │  1
 Paginator pages │  0 │  2 │  0
 Non-page files  │  0 │  0 │  4
 Static files    │  5 │  5 │  5
 Processed       │  6 │  1 │  0
 images          │    │    │
 Aliases         │  1 │  0 │  0
 Cleaned         │  0 │  0 │  0

Total in 25 ms
"""


def test_the_columns_of_all_languages_are_summed_and_wrapped_labels_joined() -> None:
    assert hugo_log.parse(THREE_LANGUAGES).statistics == {
        "pages_generated": 17,
        "paginator_pages": 2,
        "non_page_files": 4,
        "static_files": 15,
        "processed_images": 7,
        "aliases": 1,
        "cleaned": 0,
    }


def test_the_table_of_older_hugos_is_read_too() -> None:
    text = (
        "                   | EN  \n-------------------+-----\n  Pages            | 24  \n"
        "  Static files     | 223 \n  Sitemaps         |  1  \n"
    )
    assert hugo_log.parse(text).statistics == {"pages_generated": 24, "static_files": 223}


def test_a_table_says_nothing_and_neither_does_progress() -> None:
    log = hugo_log.parse(THREE_LANGUAGES)
    assert log.entries == ()
    assert log.last_words == ""


def test_an_excerpt_belongs_to_its_error_and_the_table_between_does_not() -> None:
    text = (
        "ERROR failed: \"/s/hugo.yaml:2:8\": [2:8] sequence end token ']' not found\n"
        "   1 | baseURL: https://example.org/\n"
        " Pages           │ 13 │  3 │  1\n"
        ">  2 | title: [a\n"
        "              ^\n"
        "WARN  careful\n"
    )
    error, warning = hugo_log.parse(text).entries
    assert error.level == "error"
    assert "> " in error.text and "title: [a" in error.text and "Pages" not in error.text
    assert warning == Entry("warn", "careful")


def test_a_warning_is_told_once_and_without_the_way_to_silence_it() -> None:
    text = (
        "WARN  hello\nYou can suppress this warning by adding the following:\nignoreLogs = ['x']\n"
    ) * 2 + "WARN  other\n"
    assert hugo_log.warnings(hugo_log.parse(text)) == ["hello", "other"]


def test_colours_and_times_of_older_hugos_are_no_part_of_a_message() -> None:
    text = "\x1b[31mERROR\x1b[0m 2024/01/02 10:20:30 it broke\nError: it broke\n"
    assert hugo_log.parse(text).entries == (Entry("error", "it broke"),)


def test_errors_of_pages_that_failed_together_are_told_apart() -> None:
    text = (
        "ERROR error building site: render: [en v1.0.0 guest] failed to render pages: "
        'render of "/" failed: "/s/layouts/home.html:1:3": execute of template failed: template: '
        'home.html:1:3: executing "home.html" at <partial "a.html" .>: error calling partial: '
        'partial "a.html" not found\n'
        'render of "/s/content/one.md" failed: "/s/layouts/single.html:7:9": execute of template '
        'failed: template: single.html:7:9: executing "single.html" at <partial "b.html" .>: '
        'error calling partial: partial "b.html" not found\n'
    )
    errors = hugo_errors.find_errors(hugo_log.parse(text), "/s")
    assert [(e.code, e.place(), e.message) for e in errors] == [
        ("hugo_missing_partial", "layouts/home.html:1:3", "the partial 'a.html' does not exist"),
        (
            "hugo_missing_partial",
            "layouts/single.html:7:9",
            "the partial 'b.html' does not exist (seen on content/one.md)",
        ),
    ]


def test_the_edition_without_scss_is_told_from_a_missing_tool() -> None:
    # Only an edition that is not extended says this; none is at hand.
    text = (
        'ERROR error building site: render: failed to render pages: render of "/" failed: '
        '"/s/layouts/home.html:1:35": execute of template failed: template: home.html:1:35: '
        'executing "home.html" at <(resources.Get "a.scss" | toCSS).RelPermalink>: error calling '
        'RelPermalink: TOCSS: failed to transform "/a.scss" (text/x-scss). Check your Hugo '
        "installation; you need the extended version to build SCSS/SASS with transpiler set to "
        "'libsass'.: this feature is not available in your current Hugo version, see "
        "https://goo.gl/YMrWcn for more information"
    )
    (error,) = hugo_errors.find_errors(hugo_log.parse(text), "/s")
    assert (error.code, error.action) == ("hugo_extended_needed", "escalate")


def test_memory_that_runs_out_is_told_from_gos_last_words() -> None:
    text = "fatal error: runtime: cannot allocate memory\n\nruntime stack:\nruntime.throw(…)\n"
    (error,) = hugo_errors.find_errors(hugo_log.parse(text), "/s")
    assert (error.code, error.action) == ("out_of_memory", "escalate")
    assert "runtime.throw" not in error.message


def test_an_error_that_nobody_knows_goes_to_a_person() -> None:
    text = "ERROR error building site: the moon is full\n"
    (error,) = hugo_errors.find_errors(hugo_log.parse(text), "/s")
    assert (error.code, error.action) == ("hugo_failed", "escalate")
    assert error.message == "the moon is full"


def test_a_thousand_errors_are_fifty_in_the_result() -> None:
    text = "".join(
        f'ERROR [en] REF_NOT_FOUND: Ref "x{n}": "/s/content/p{n}.md:5:1": page not found\n'
        for n in range(1000)
    )
    assert len(hugo_errors.find_errors(hugo_log.parse(text), "/s")) == hugo_errors.MOST == 50


@given(
    st.text(
        alphabet=st.sampled_from(list("ERORWAN panic:\n│|─ 12ab\"/.:{}<>'\x1b[m")), max_size=300
    )
)
def test_no_text_breaks_it(text: str) -> None:
    log = hugo_log.parse(text)
    for error in hugo_errors.find_errors(log, "/nowhere"):
        assert error.code and error.hint
