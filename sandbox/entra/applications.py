"""The applications that people sign in with: a public client, a web application and the approval page.

Sources: learn.microsoft.com/entra/identity-platform/reply-url (redirect URIs) and msal-client-applications (public and
confidential clients). Our function is not in this file: see configuration.py.
"""

import secrets
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")

# Entra's platforms. Each has rules of its own: a public client has no secret, a web application must have one, and the
# codes of a single-page application (spa) can be redeemed only by a page of its own origin.
Platform = Literal["public", "web", "spa"]


def _guid() -> str:
    return str(uuid.uuid4())


@dataclass
class Application:
    """One registered client application.

    Attributes:
        name: The name that the sign-in page shows.
        redirect_uris: Where answers may be sent. The port of a loopback address does not count.
        secret: The client secret. None means that the application has no credential.
        pre_authorized: Whether our function lists it as a pre-authorized client, so that nobody is asked for consent.
        consented: The other scopes, such as `https://graph.microsoft.com/User.Read`, that were consented to.
    """

    name: str
    platform: Platform
    redirect_uris: tuple[str, ...]
    client_id: str = field(default_factory=_guid)
    secret: str | None = field(default=None, repr=False)
    pre_authorized: bool = True
    consented: set[str] = field(default_factory=set)

    def accepts(self, redirect_uri: str) -> bool:
        """Whether an answer may be sent to this address."""
        return any(_same(redirect_uri, registered) for registered in self.redirect_uris)

    def has_origin(self, origin: str) -> bool:
        """Whether a page of this origin, such as `http://localhost:3000`, is one of the application's pages."""
        return any(_same(origin + urlsplit(uri).path, uri) for uri in self.redirect_uris)


class Applications:
    """The registered client applications.

    Attributes:
        public: A program on a person's machine. Its id is the `azp` of tokens from `Entra.sign_in`.
        web: A web application with a secret, such as a ticketing system that signs its users in.
        page: The approval page. Tests set its redirect URI, as the function's port is free.
    """

    def __init__(self, public_client_id: str) -> None:
        self.public = Application(
            "Support profile example",
            "public",
            ("http://localhost", "https://login.microsoftonline.com/common/oauth2/nativeclient"),
            client_id=public_client_id,
        )
        self.web = Application(
            "Ticketing system", "web", ("https://tickets.example/oauth_redirect.do",), secret=secrets.token_urlsafe(30)
        )
        self.page = Application("Support profile approval", "spa", ())

    def __iter__(self) -> Iterator[Application]:
        return iter((self.public, self.web, self.page))

    def describe(self) -> list[dict[str, object]]:
        """Return what an application must know about itself, for the control API."""
        names = ("name", "platform", "client_id", "secret", "redirect_uris")
        return [{name: getattr(one, name) for name in names} for one in self]

    def redirect(self, platform: str, redirect_uris: Iterable[str]) -> list[dict[str, object]]:
        """Register other redirect URIs for the application of this platform. Returns all applications.

        Raises:
            ValueError: No application is of this platform.
        """
        found = next((one for one in self if one.platform == platform), None)
        if found is None:
            message = f"unknown platform: {platform}; known: {', '.join(one.platform for one in self)}"
            raise ValueError(message)
        found.redirect_uris = tuple(map(str, redirect_uris))
        return self.describe()

    def find(self, client_id: str | None) -> Application | None:
        """Return the application with this id, or None."""
        return next((one for one in self if one.client_id == (client_id or "").lower()), None)


def _same(uri: str, registered: str) -> bool:
    """Compare as Entra does: exactly, but without the port of a loopback address."""
    try:
        given, known = urlsplit(uri), urlsplit(registered)
    except ValueError:
        return False
    if known.hostname not in LOOPBACK_HOSTS:
        return uri == registered
    parts = [
        (one.scheme, one.username, one.hostname, one.path or "/", one.query, one.fragment) for one in (given, known)
    ]
    return parts[0] == parts[1]
