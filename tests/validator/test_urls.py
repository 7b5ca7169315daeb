"""References against a page's address, and the slips of the pen in them."""

from __future__ import annotations

import pytest

from workflow.validator.links import urls
from workflow.validator.links.schemes import fault
from workflow.validator.links.urls import Address, InvalidAddress

BASE = Address("https", "example.org", "/blog/one/", "q=1", None)


def joined(url: str, base: Address = BASE) -> str:
    address = urls.parse(url, base)
    fragment = "" if address.fragment is None else "#" + address.fragment
    return urls.as_text(address) + fragment


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("two/", "https://example.org/blog/one/two/"),
        ("./two.html", "https://example.org/blog/one/two.html"),
        ("..", "https://example.org/blog/"),
        (".", "https://example.org/blog/one/"),
        ("../../../../x", "https://example.org/x"),
        ("/a/./b/../c", "https://example.org/a/c"),
        ("/a/b/..", "https://example.org/a/"),
        ("/a/%2E%2e/b", "https://example.org/b"),
        ("/a/.%2e", "https://example.org/"),
        ("/..foo/.bar/baz..", "https://example.org/..foo/.bar/baz.."),
        ("/a//b", "https://example.org/a//b"),
        ("/a//../b", "https://example.org/a/b"),
        ("", "https://example.org/blog/one/?q=1"),
        ("#x", "https://example.org/blog/one/?q=1#x"),
        ("?r", "https://example.org/blog/one/?r"),
        ("?", "https://example.org/blog/one/?"),
        ("?r#x?y#z", "https://example.org/blog/one/?r#x?y#z"),
        ("a?x=../..#../b", "https://example.org/blog/one/a?x=../..#../b"),
        ("//other.org/x", "https://other.org/x"),
        ("//other.org", "https://other.org/"),
        ("http://other.org", "http://other.org/"),
        ("https://other.org?q#f", "https://other.org/?q#f"),
        ("HtTP://WwW.ExaMple.cOm:80/A", "http://www.example.com/A"),
        ("https://example.com:443/", "https://example.com/"),
        ("https://example.com:00443/", "https://example.com/"),
        ("https://example.com:/", "https://example.com/"),
        ("https://example.com:80/", "https://example.com:80/"),
        ("https://example.com./", "https://example.com/"),
        ("https://user:p@ss@example.com/", "https://example.com/"),
        ("https://exa%6Dple.com/", "https://example.com/"),
        (r"https:\\example.com\a", "https://example.com/a"),
        (r"a\b.html", "https://example.org/blog/one/a/b.html"),
        (r"\x", "https://example.org/x"),
        (r"a?b\c", r"https://example.org/blog/one/a?b%5Cc"),
        ("  \n/x\t ", "https://example.org/x"),
        ("/a\n\tb", "https://example.org/ab"),
        ("ht\ntps://exam\tple.com/", "https://example.com/"),
        ("a/b:c", "https://example.org/blog/one/a/b:c"),
        ("/tromsø", "https://example.org/troms%C3%B8"),
        ("/troms%C3%B8%20x y", "https://example.org/troms%C3%B8%20x%20y"),
        ("https://münchen.de/", "https://xn--mnchen-3ya.de/"),
        ("https://MÜNCHEN。DE/", "https://xn--mnchen-3ya.de/"),
        ("https://straße.de/", "https://xn--strae-oqa.de/"),
        ("https://みんな.com/", "https://xn--q9jyb4c.com/"),
        ("http://[::1]:8080/x", "http://[::1]:8080/x"),
        ("http://[::FFFF:10.0.0.1]/", "http://[::ffff:a00:1]/"),
        ("http://127.1/", "http://127.0.0.1/"),
        ("http://0x7f.0.0.1/", "http://127.0.0.1/"),
        ("http://2130706433/", "http://127.0.0.1/"),
        ("http://1.2.3.4.com/", "http://1.2.3.4.com/"),
    ],
)
def test_a_reference_leads_where_browsers_take_it(url: str, expected: str) -> None:
    assert joined(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "http:",
        "http:/x",
        "http:x.html",
        "http://",
        "http:///x",
        "https:////example.com/",
        "https:/example.com",
        "//////",
        "///x",
        "https://",
        "https://?x",
        "https:// example.com/",
        "https://exam ple.com/",
        "https://example]org/x",
        "http://localhost]",
        "http://[::1",
        "http://[::1]x",
        "http://[zz]/",
        "http://[fe80::1%25eth0]/",
        "http://exam%zzple.com/",
        "http://a<b>.com/",
        "http://.example.org/",
        "http://a..b/",
        "http://example.com:abc/",
        "http://example.com:-80/",
        "http://example.com:999999/",
        "http://example.com:٣/",
        "http://127.0.0.1:____",
        "http://1.2.3.999/",
        "http://1.2.3.4.5/",
        "http://0x.09/",
        "http://https://example.com",
    ],
)
def test_what_no_browser_can_follow_is_invalid(url: str) -> None:
    with pytest.raises(InvalidAddress):
        urls.parse(url, BASE)


def test_a_relative_reference_needs_a_base() -> None:
    with pytest.raises(InvalidAddress, match="relative"):
        urls.parse("a.html")


def test_an_address_of_another_scheme_is_not_taken_apart() -> None:
    assert urls.parse("MailTo:a@b.org?subject=x#y", BASE) == Address(
        "mailto", "", "a@b.org", "subject=x", "y"
    )


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/a b", "/a b"),
        ("/a%20b", "/a b"),
        ("/a+b", "/a+b"),
        ("/a%2Bb", "/a+b"),
        ("/a%2520b", "/a%20b"),
        ("/troms%c3%B8", "/tromsø"),
        ("/tromsø%20", "/tromsø "),
        ("/a%2Fb", "/a/b"),
        ("/a%23b%3Fc", "/a#b?c"),
        ("/%ZZ%", "/%ZZ%"),
        ("/%E4", "/\udce4"),
        ("/\ud800%20", "/\udced\udca0\udc80 "),
    ],
)
def test_a_path_is_decoded_once_and_never_raises(path: str, name: str) -> None:
    assert urls.decoded(path) == name


@pytest.mark.parametrize("name", ["a b.html", "c#.html", "50%25?.html", "ä.html", "a\\b", "\udce4"])
def test_a_file_name_comes_back_from_its_path(name: str) -> None:
    path = urls.parse(urls.encoded(name), Address("https", "x.org", "/", None, None)).path
    assert urls.decoded(path) == "/" + name


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost/",
        "https://localhost:1313/x",
        "http://app.localhost/",
        "http://printer.local/",
        "http://127.0.0.1:4000/",
        "http://127.9.9.9/",
        "http://0.0.0.0/",
        "http://10.1.2.3/",
        "http://192.168.0.1/",
        "http://172.16.0.1/",
        "http://172.31.0.1/",
        "http://169.254.1.1/",
        "http://[::1]:8080/",
        "http://[fd00::1]/",
        "http://[fe80::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:10.0.0.1]/",
    ],
)
def test_hosts_that_visitors_cannot_reach_are_local(url: str) -> None:
    assert urls.is_local(urls.parse(url).host)


@pytest.mark.parametrize(
    "host",
    ["localhost.example.org", "example.org", "172.32.0.1", "11.0.0.1", "[2001:db8::1]"],
)
def test_other_hosts_are_not(host: str) -> None:
    assert not urls.is_local(host)


@pytest.mark.parametrize(
    "url",
    [
        "mailto:a@example.org",
        "mailto:a+b@example.org",
        "mailto:a@example.org,b@example.org",
        "mailto:a@example.org, b@example.org",
        "mailto:?subject=Read%20this&body=https://example.org/",
        "mailto:?to=a@example.org",
        "mailto:%61@example%2Eorg?subject=%5BHi%5D",
        "MAILTO:a@example.org?cc=b@example.org",
        "tel:441234567,88",
        "tel:+44 1234",
        "sms:?&body=x",
        "sms:+441234",
        "javascript:void(0)",
        "JAVASCRIPT: x",
        "data:image/png;base64,AAAA",
        "blob:https://example.org/1",
        "about:blank",
        "ftp://example.org/x",
        "irc://example.org",
        "urn:isbn:1",
        "magnet:?xt=1",
        "slack://open",
        "whatsapp://send?text=x",
        "ws://example.org/",
        "view-source:https://example.org",
        "com.example.app:/open",
    ],
)
def test_addresses_of_other_schemes_are_let_be(url: str) -> None:
    assert fault(urls.parse(url)) is None


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("mailto:", "no address"),
        ("mailto:octocat", "octocat is no mail address"),
        ("mailto:someone [at] example.org", "no mail address"),
        ("mailto:a@example.org,", "no mail address"),
        ("mailto:a@example.org;b@example.org", "no mail address"),
        ("mailto:%ZZ@example.org", "hexadecimal"),
        ("mailto:a@example.org?cc=b", "b is no mail address"),
        ("tel:", "no number"),
        ("tel: ", "no number"),
        ("ftp://", "no host"),
        ("htp://example.org", "is http: or https: meant"),
        ("htps://example.org", "meant"),
        ("htttp://example.org", "meant"),
        ("htpt://example.org", "meant"),
        ("ttp://example.org", "meant"),
        ("httpx://example.org", "meant"),
        ("httsp://example.org", "meant"),
        ("example.org:8080/x", "host stands where"),
    ],
)
def test_slips_of_the_pen_are_told(url: str, why: str) -> None:
    assert why in (fault(urls.parse(url)) or "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("/\udcfcber/", "/%FCber/", id="a byte of Latin-1"),
        pytest.param("x\ud83d", "x\ufffd", id="half a pair"),
        pytest.param("/über/", "/über/", id="letters"),
    ],
)
def test_what_is_no_text_is_told_encoded(text: str, said: str) -> None:
    assert urls.printable(text) == said
