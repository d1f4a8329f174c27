"""The rules for Email, Telephone and Website: values are checked, never rewritten."""

from collections.abc import Callable

import pytest

from update_profile.field_rules import email, telephone, website

Rule = Callable[[str], str]
ASTRAL = "\U00020000"


def refusal(rule: Rule, value: str) -> str:
    """Return why the rule refuses the value."""
    with pytest.raises(ValueError, match=r"^(is|has|needs|must|starts)") as caught:
        rule(value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        (email, "email@sample.com"),
        (email, "SUPPORT+tag@Contoso.COM"),
        (email, "a@b"),
        (email, "\u043f\u043e\u0447\u0442\u0430@\u043f\u0440\u0438\u043c\u0435\u0440.\u0440\u0444"),
        (email, "\U0001f600@\u4f8b\u3048.jp"),
        (email, "\u0915\u094d\u200d\u0937@b"),
        (telephone, "4255555555"),
        (telephone, "+1 (425) 555-5555 ext. 7"),
        (telephone, "\u0664\u0662\u0665"),
        (telephone, "\uff11"),
        (website, "www.microsoft.com"),
        (website, "https://www.microsoft.com"),
        (website, "\u0646\u0627\u0645\u0647\u200c\u0627\u06cc.com"),
        (website, "\U0001f468\u200d\U0001f469.ws/\u2764\ufe0f"),
        (website, "e\u0301.example"),
    ],
)
def test_letters_of_any_script_pass_unchanged(rule: Rule, value: str) -> None:
    """Values are not normalised, case-folded or trimmed; Microsoft's own example is among them."""
    assert rule(value) == value


@pytest.mark.parametrize(
    ("rule", "start", "end", "longest"),
    [(email, "a@", "", 254), (telephone, "1", "", 64), (website, "www.", ".example", 2048)],
)
@pytest.mark.parametrize("filling", ["a", "\u00e9", ASTRAL])
def test_lengths_are_limited_in_code_points(rule: Rule, start: str, end: str, longest: int, filling: str) -> None:
    """A character outside the Basic Multilingual Plane counts as one."""
    fitting = start + filling * (longest - len(start) - len(end)) + end
    assert rule(fitting) == fitting
    assert refusal(rule, start + filling + fitting[len(start) :]) == f"is longer than {longest} characters"


@pytest.mark.parametrize("rule", [email, telephone, website])
@pytest.mark.parametrize("value", ["", " ", "   ", "\u3000", "\u00a0\u2003"])
def test_nothing_and_white_space_alone_are_blank(rule: Rule, value: str) -> None:
    """White space of any script counts."""
    assert refusal(rule, value) == "is blank"


@pytest.mark.parametrize("blank", [" ", "\u00a0", "\u3000", "\u2028"])
@pytest.mark.parametrize(("rule", "value"), [(email, "a@b"), (telephone, "425"), (website, "a.example")])
def test_white_space_at_either_end_is_refused(rule: Rule, value: str, blank: str) -> None:
    """The value is refused rather than trimmed."""
    for padded in (blank + value, value + blank):
        assert refusal(rule, padded) == "starts or ends with white space"


@pytest.mark.parametrize(
    ("character", "name"),
    [
        ("\x00", "U+0000"),
        ("\t", "U+0009"),
        ("\n", "U+000A"),
        ("\x1b", "U+001B"),
        ("\x7f", "U+007F"),
        ("\x85", "U+0085"),
        ("\xad", "U+00AD"),
        ("\u061c", "U+061C"),
        ("\u200b", "U+200B"),
        ("\u200e", "U+200E"),
        ("\u202a", "U+202A"),
        ("\u202e", "U+202E"),
        ("\u2060", "U+2060"),
        ("\u2069", "U+2069"),
        ("\ufeff", "U+FEFF"),
        ("\U000e0041", "U+E0041"),
    ],
)
@pytest.mark.parametrize(("rule", "value"), [(email, "a@b"), (telephone, "425"), (website, "a.b")])
def test_invisible_characters_are_refused_with_code_point_and_place(
    rule: Rule, value: str, character: str, name: str
) -> None:
    """The character may be at the start, inside or at the end; positions are code points counted from 1."""
    for place in (1, 2, len(value) + 1):
        spoilt = value[: place - 1] + character + value[place - 1 :]
        assert refusal(rule, spoilt) == f"has an invisible character, {name}, at position {place}"


def test_a_place_counts_code_points() -> None:
    """A character outside the Basic Multilingual Plane takes one position."""
    assert refusal(telephone, f"{ASTRAL}4\u202a") == "has an invisible character, U+202A, at position 3"


@pytest.mark.parametrize("joiner", ["\u200c", "\u200d"])
def test_joiners_pass_where_letters_are_and_not_in_a_telephone(joiner: str) -> None:
    """Several scripts need joiners, but no telephone number does."""
    assert email(f"a{joiner}b@c")
    assert website(f"a{joiner}b.example")
    name = f"U+{ord(joiner):04X}"
    assert refusal(telephone, f"42{joiner}5") == f"has an invisible character, {name}, at position 3"


@pytest.mark.parametrize("value", ["a", "@", "a@", "@b", "a@b@c", "a@@b", "@a@", "a@b@"])
def test_an_email_needs_one_at_sign_with_something_on_both_sides(value: str) -> None:
    """Nothing more is checked, because Partner Center's own rules are not documented."""
    assert refusal(email, value) == "needs exactly one @ with something on both sides"


@pytest.mark.parametrize("blank", [" ", "\u00a0", "\u3000"])
@pytest.mark.parametrize("rule", [email, website])
def test_white_space_inside_is_refused_with_its_place(rule: Rule, blank: str) -> None:
    """In a telephone number white space separates groups, so it is allowed."""
    assert refusal(rule, f"a@b{blank}c") == "has white space at position 4"
    assert telephone(f"425{blank}555") == f"425{blank}555"


@pytest.mark.parametrize("value", ["+", "call us", "\u00b2", "\u2167", "\u4e00"])
def test_a_telephone_needs_a_digit(value: str) -> None:
    """Superscripts, Roman numerals and ideographic numerals do not count as digits."""
    assert refusal(telephone, value) == "needs a digit"


PLACEHOLDERS = ["{{ticket.email}}@b", "a@{{b", "${mail}@contoso.com", "##EMAIL##@b", "a@b{{}}", "####@b"]


@pytest.mark.parametrize("value", [text for text in PLACEHOLDERS if text != "a@{{b"])
@pytest.mark.parametrize("rule", [email, telephone, website])
def test_a_template_that_nobody_filled_in_is_refused(rule: Rule, value: str) -> None:
    """A ticket's template that failed would show to every customer."""
    assert refusal(rule, value.replace("@", "4") if rule is not email else value).startswith("has a placeholder (")


@pytest.mark.parametrize("value", ["a{@b", "a@b}}", "a@{{b", "a#b@c", "$a@b", "a@b$}"])
def test_half_a_placeholder_is_text(value: str) -> None:
    """Braces and signs are allowed in an address."""
    assert email(value) == value


@pytest.mark.parametrize("value", ["<a@b>", "mailto:a@b", "MAILTO:a@b"])
def test_an_email_is_the_bare_address(value: str) -> None:
    """Mail programs add the rest."""
    assert "bare address" in refusal(email, value)


@pytest.mark.parametrize("value", ["null", "None", "UNDEFINED"])
def test_a_website_is_no_missing_value(value: str) -> None:
    """A program wrote it where it had nothing."""
    assert "missing value" in refusal(website, value)


@pytest.mark.parametrize("rule", [email, telephone, website])
def test_length_is_checked_first(rule: Rule) -> None:
    """Nothing else looks at a huge value."""
    assert "is longer than" in refusal(rule, "\u202a" * 3_000)
