"""What the page makes of a link: whole, bare, mangled, broken."""

from typing import Any
from urllib.parse import quote, unquote, urlencode

import pytest

from scripts.browser_tab import NEW, SIGNED_OUT, Tab

BAD = "This link cannot be used"
NOTHING = "There is nothing to approve"
MODULE = "/api/approve/proposal.js"


async def calls(tab: Tab, function: str, cases: list[Any]) -> list[Any]:
    """Call a function of proposal.js with each of the arguments, in the browser."""
    await tab.page.goto(f"{tab.address}/api/approve")
    script = "async ([path, name, cases]) => { const m = await import(path); return cases.map((c) => m[name](...c)) }"
    found: list[Any] = await tab.page.evaluate(script, [MODULE, function, cases])
    return found


READ = {
    # As form encoders write it, as encodeURIComponent does, and bare.
    "email=a%40b.example&telephone=%2B1+425&website=https%3A%2F%2Fx.example%2F%3Fa%3D1": {
        "email": "a@b.example", "telephone": "+1 425", "website": "https://x.example/?a=1"
    },
    "email=a%40b.example&telephone=%2B1%20425": {"email": "a@b.example", "telephone": "+1 425"},
    "Email=a@b.example&TELEPHONE=+1 425&website=https://x.example/?a=1#top": {
        "email": "a@b.example", "telephone": "+1 425", "website": "https://x.example/?a=1#top"
    },
    "website=caf%C3%A9.example": {"website": "café.example"},
    "&telephone=1&": {"telephone": "1"},
    "email=a%40b.example&telephone=&website=%20+": {"email": "a@b.example"},
    "website=x.example/%252F": {"website": "x.example/%2F"},
}  # fmt: skip
REFUSED = {
    "email=a&zz=2": ("unknownPart", "zz"),
    "email=a&amp;telephone=1": ("unknownPart", "amp;telephone"),
    "email=a&%E2%80%AEzz=2": ("unknownPart", "zz"),
    "email=a&__proto__=2": ("unknownPart", "__proto__"),
    "email=a&constructor=2": ("unknownPart", "constructor"),
    f"email=a&{'n' * 100}=2": ("unknownPart", "n" * 40),
    "email=a&Email=b": ("repeated", "Email"),
    "from=a&from=b&email=a": ("repeated", "from"),
    "email": ("noValue", "email"),
    "Email=&telephone=": ("noValue", "Email"),
    "telephone=%252B1%2520425": ("notEncoded", "telephone"),
    "email=a%2540b.example": ("notEncoded", "email"),
    "email=100%": ("notEncoded", "email"),
    "email=%ZZ": ("notEncoded", "email"),
    "email=%E9": ("notEncoded", "email"),
    "%FF=1": ("notEncoded", "%FF"),
    "from=a": ("empty", ""),
    "": ("empty", ""),
    "email=" + "a" * 4091: ("tooLong", ""),
}


async def test_links_of_every_encoder_are_read(tab: Tab) -> None:
    """Form encoding, percent encoding, and values that nobody encoded."""
    found = await calls(tab, "readProposal", [[link] for link in READ])
    assert found == [{"values": values, "from": ""} for values in READ.values()]


async def test_any_other_link_is_refused_and_never_half_read(tab: Tab) -> None:
    """The part that is wrong is named, without what could change the look of the text around it."""
    found = await calls(tab, "readProposal", [[link] for link in REFUSED])
    assert found == [{"problem": problem, "part": part} for problem, part in REFUSED.values()]
    (longest,) = await calls(tab, "readProposal", [["email=" + "a" * 4090]])
    assert len(longest["values"]["email"]) == 4090


async def test_a_label_is_cut_and_cleaned(tab: Tab) -> None:
    """At most 100 characters, none of them invisible, and no pile of marks."""
    labels = {
        "\u202egnp.tekcit\u2066 a\u0000b": "gnp.tekcit ab",
        "a\r\nb\tc": "a b c",
        "x" * 200: "x" * 100,
        "\U0001f4e7" * 200: "\U0001f4e7" * 100,
        "Z" + "\u0301" * 50 + "x": "Z\u0301\u0301x",
        " \u3164\u200b ": "",
    }
    links = [[f"email=a&from={quote(label)}"] for label in labels]
    assert [one["from"] for one in await calls(tab, "readProposal", links)] == list(labels.values())


async def test_what_a_mail_gateway_did_to_the_mark_is_put_right(tab: Tab) -> None:
    """The # as %23 or %2523, alone or with all behind it."""
    paths = {
        "/api/approve": None,
        "/api/approve%23email=a%40b": "email=a%40b",
        "/api/approve%23email%3Da%2540b": "email=a%40b",
        "/api/approve%2523email%253Da": "email=a",
        "/api/Approve%23": "",
        "/api/approve%23%": "%",
    }
    assert await calls(tab, "mangled", [[{"pathname": path}] for path in paths]) == list(paths.values())


async def test_a_mangled_link_is_read_whole(tab: Tab) -> None:
    """A value with a "?" and a "#" goes on in what the browser takes for the query and the fragment."""
    link = "/api/approve%23email=a@b.example&website=x.example/?a=1&telephone=%2B1666&from=4711#note"
    await tab.open_raw(tab.address + link, SIGNED_OUT)
    text = await tab.text()
    assert all(value in text for value in ("a@b.example", "x.example/?a=1", "+1666", "4711#note"))


async def test_what_a_gateway_adds_to_a_mangled_link_is_not_read_as_a_value(tab: Tab) -> None:
    """The link is refused by the name of the part."""
    await tab.open_raw(f"{tab.address}/api/approve%23email=a@b.example?utm=1&utm_source=mail", BAD)
    assert "“\u2068utm_source\u2069”" in await tab.text()


async def test_nothing_in_a_value_is_invisible(tab: Tab) -> None:
    """Controls, format characters, odd blanks and fillers stand there by their code points."""
    values = {
        "a b": ["a b"],
        "a\u200bb": ["a", "U+200B", "b"],
        "\u202e\u00a01": ["U+202E", "U+00A0", "1"],
        "1\u3164": ["1", "U+3164"],
        "": [],
    }
    found = await calls(tab, "pieces", [[value] for value in values])
    assert [[next(iter(piece.values())) for piece in one] for one in found] == list(values.values())


async def test_what_a_person_should_look_at_twice_is_named(tab: Tab) -> None:
    """Other domains, letters that imitate others, and values without a domain."""
    cases: dict[tuple[str, str | None, str], list[tuple[str, ...]]] = {
        ("email", "a@contoso.example", "b@contoso.example"): [],
        ("email", "a@contoso.example", "a@help.contoso.example"): [],
        ("email", "a@contoso.example", "a@evilcontoso.example"): [
            ("domain", "contoso.example", "evilcontoso.example")
        ],
        ("email", None, "a@evil.example"): [("itsDomain", "evil.example")],
        ("website", "x.example", "x.example/%2Fy"): [("encoded", "%2F")],
        ("email", "a@contoso.example", "a@"): [("noDomain",)],
        ("website", "https://www.contoso.example/x", "contoso.example"): [],
        ("website", "contoso.example", "http:evil.example"): [("domain", "contoso.example", "evil.example")],
        ("website", "contoso.example", "//evil.example"): [("domain", "contoso.example", "evil.example")],
        ("website", "contoso.example", "evil.example\\@contoso.example"): [
            ("domain", "contoso.example", "evil.example")
        ],
        ("website", "contoso.example", "https://contos\u03bf.example"): [
            ("letters", "U+03BF"), ("domain", "contoso.example", "xn--contos-n0e.example")
        ],
        ("website", None, "contos\u03bf.example"): [("letters", "U+03BF"), ("spelled", "xn--contos-n0e.example")],
        ("telephone", "1", "\u0661"): [("letters", "U+0661")],
        ("telephone", "1", "2"): [],
    }  # fmt: skip
    found = await calls(tab, "remarks", [list(case) for case in cases])
    assert [[told(one) for one in remarks] for remarks in found] == list(cases.values())


def told(remark: dict[str, Any]) -> tuple[str, ...]:
    """Return a remark as its name and what it names."""
    if remark["remark"] == "letters":
        return ("letters", *(letter["code"] for letter in remark["letters"]))
    return tuple(remark.values())


async def test_the_remarks_are_there_before_the_sign_in(tab: Tab) -> None:
    """Letters that imitate others, what looks encoded, and the domain."""
    await tab.open({"email": "help@contos\u03bf.example", "website": "https://x.example/%2Fy"})
    text = await tab.text()
    assert "U+03BF" in text
    assert "It looks URL-encoded: it has %2F." in text
    assert "Its domain is: x.example." in text


async def test_a_link_that_cannot_be_used_says_why(tab: Tab) -> None:
    """The sentence is there, nothing is sent, and the next link in the same tab is read."""
    for fragment, words in {
        "email=a&website=https://x.example/?a=1&zz=2": "“\u2068zz\u2069”",
        "email=a&Email=b": "twice",
        "email=100%": "not URL-encoded",
        "email": "has no value",
        "email=&telephone=&website=": "has no value",
        "telephone=%252B1": "not URL-encoded",
        "from=x": "it needs an email, a telephone or a website",
        "email=" + "a" * 10_000: "longer than 4,096 characters",
    }.items():
        await tab.open_raw(f"{tab.address}/api/approve#{fragment}", BAD)
        assert words in await tab.text()
    await tab.open(NEW)
    assert tab.origins == {tab.address}


GOOD = urlencode({**NEW, "from": "Zendesk ticket 4711"})


@pytest.mark.parametrize(
    "path",
    [
        f"/api/approve%23{GOOD}",
        f"/api/approve%23{quote(GOOD, safe='')}",
        f"/api/approve%2523{quote(GOOD, safe='')}",
        f"/api/approve?utm_source=mail#{GOOD}",
        f"/API/Approve/#{GOOD}",
        f"/api/approve#{unquote(GOOD).replace('+', ' ').replace('&b=2', '')}",
    ],
)
async def test_a_mangled_link_opens_the_proposal(tab: Tab, path: str) -> None:
    """And the values leave the address bar."""
    await tab.open_raw(tab.address + path, SIGNED_OUT)
    text = await tab.text()
    assert NEW["email"] in text
    assert "https://support.contoso.example/x?a=1" in text
    assert tab.page.url == f"{tab.address}/api/approve"


async def test_the_page_without_a_link_says_what_it_needs(tab: Tab) -> None:
    """The same as where a mail program has cut the link."""
    await tab.open_raw(f"{tab.address}/api/approve", NOTHING)
    assert "cut a link at the # sign" in await tab.text()
