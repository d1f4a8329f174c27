"""A person in front of a browser: opens Entra's pages and presses their buttons, over httpx.

Tests and the demo use `Person`. As a command it is a browser for programs that open one to sign somebody in:

    BROWSER='python -m sandbox.person alice %s &'  python examples/python/update_support_profile.py …
"""

import argparse
import os
import ssl
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx

# More pages than any sign-in has.
LONGEST_WAY = 10


@dataclass
class Form:
    """One form of a page: its fields, and its buttons as names and values."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Arrival:
    """Where a way through the pages ends.

    Attributes:
        url: The address: the application's, or that of the last page.
        members: What Entra sent to the application, by query, fragment or form. Empty on a page of Entra's own.
        posted: Whether the answer is to be posted to `url`. False: it is part of it.
        text: The last page in HTML. Empty if the application's address was reached.
    """

    url: str
    members: dict[str, str]
    posted: bool = False
    text: str = ""


class Person:
    """Someone who signs in as one user.

    Attributes:
        name: The user to choose. Empty: somebody who cancels.
        approves: Whether to approve the second factor. If not, it is denied, and the sign-in is cancelled then.
        client: The browser, which keeps its cookies from one visit to the next.
        pages: The titles of the pages that were shown, in order.
    """

    def __init__(self, name: str, context: ssl.SSLContext, *, approves: bool = True) -> None:
        self.name = name
        self.approves = approves
        self.client = httpx.Client(verify=context, trust_env=False, timeout=60)
        self.pages: list[str] = []
        self._user_code = ""

    def __enter__(self) -> "Person":
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def visit(self, url: str, *, user_code: str = "") -> Arrival:
        """Open an address of Entra and press buttons until the application's address or a page without a way on.

        `user_code` is what to enter where a page asks for the code of a device. The application is not visited.
        """
        self._user_code = user_code
        home = urlsplit(url).netloc
        response = self.client.get(url)
        for _ in range(LONGEST_WAY):
            if response.is_redirect:
                target = urljoin(str(response.url), response.headers["Location"])
                if urlsplit(target).netloc != home:
                    return Arrival(target, _members(target))
                response = self.client.get(target)
                continue
            title, form = read_page(response.text)
            if form and urlsplit(form.action).netloc not in ("", home):
                return Arrival(form.action, form.fields, posted=True)
            self.pages.append(title)
            pressed = form and self._press(form)
            if not form or not pressed:
                return Arrival(str(response.url), {}, text=response.text)
            response = self.client.post(urljoin(str(response.url), form.action), data={**form.fields, **pressed})
        raise RuntimeError("the sign-in never ended")

    def deliver(self, arrival: Arrival) -> httpx.Response:
        """Take the answer to the application, as a browser does. The application must be on this machine."""
        if arrival.posted:
            return self.client.post(arrival.url, data=arrival.members)
        return self.client.get(arrival.url)

    def _press(self, form: Form) -> dict[str, str] | None:
        """Return what to send with the form. None: there is no button to press."""
        if "otc" in form.fields:
            # A code that was refused once would be refused again.
            code, self._user_code = self._user_code, ""
            return {"otc": code} if code else None
        if ("factor", "approve") in form.buttons:
            if self.approves:
                return {"factor": "approve"}
            # After a refusal the page comes back: then this person gives up.
            again = len(self.pages) > 1 and self.pages[-1] == self.pages[-2]
            return {"cancel": "1"} if again else {"factor": "deny"}
        if len(self.pages) > 1 and self.pages[-1] == self.pages[-2]:  # the choice was refused
            return None
        wishes = [("user", self.name), ("consent", "accept")] if self.name else []
        return next(
            ({name: value} for name, value in (*wishes, ("cancel", "1")) if (name, value) in form.buttons), None
        )


class _PageReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.title = ""
        self.form: Form | None = None
        self._in_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._in_title = tag == "title"
        if tag == "form":
            self.form = Form(given.get("action", ""))
        elif self.form and tag == "input":
            self.form.fields[given.get("name", "")] = given.get("value", "")
        elif self.form and tag == "button":
            self.form.buttons.append((given.get("name", ""), given.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        self._in_title = False

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data


def read_page(text: str) -> tuple[str, Form | None]:
    """Return the title of a page and its form. None: it has no form."""
    reader = _PageReader()
    reader.feed(text)
    return reader.title, reader.form


def _members(url: str) -> dict[str, str]:
    parts = urlsplit(url)
    return dict(parse_qsl(parts.query, keep_blank_values=True)) | dict(parse_qsl(parts.fragment))


def main() -> int:
    """Sign a user in at the address that a program opens. Returns the exit status."""
    parser = argparse.ArgumentParser(description="Sign in as a user of the sandbox, in place of a browser.")
    parser.add_argument("user")
    parser.add_argument("url")
    parser.add_argument("--code", default="", help="the short code of a device")
    parser.add_argument("--deny", action="store_true", help="deny the second factor")
    given = parser.parse_args()
    context = ssl.create_default_context(cafile=os.environ.get("SSL_CERT_FILE"))
    with Person(given.user, context, approves=not given.deny) as person:
        arrival = person.visit(given.url, user_code=given.code)
        if arrival.members:
            person.deliver(arrival)
    return 0


if __name__ == "__main__":
    sys.exit(main())
