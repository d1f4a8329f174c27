"""What Entra remembers about people who sign in: interactions, sessions, codes, refresh tokens and device codes.

Times are seconds on the stand-in's own clock, which a test can move forward.
"""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ..users import User
from .applications import Application
from .scopes import Wanted

# learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow: a code is good for about ten minutes.
CODE_SECONDS = 600
# learn.microsoft.com/entra/identity-platform/refresh-tokens: 24 hours for a single-page application, from the sign-in
# on; else 90 days from the last use.
SPA_REFRESH_SECONDS = 24 * 3600
REFRESH_SECONDS = 90 * 24 * 3600
# learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code: fifteen minutes.
DEVICE_SECONDS = 900
# What Entra ID asks for.
DEVICE_INTERVAL_SECONDS = 5.0
# A client's timer may run a little ahead of ours.
POLL_TOLERANCE_SECONDS = 0.2
# No vowels and nothing that looks like another letter.
_USER_CODE_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"


@dataclass(frozen=True)
class SignedIn:
    """One sign-in: who, how, with which application and for what.

    Attributes:
        amr: The methods that the user proved, such as ("pwd", "mfa").
        acrs: The authentication contexts that the sign-in satisfies and that the application asked for.
        asked: The parameters of the authorize request. Empty for a device code.
    """

    user: User
    application: Application
    wanted: Wanted
    amr: tuple[str, ...]
    acrs: tuple[str, ...] = ()
    asked: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Interaction:
    """A sign-in that is under way in one browser.

    Attributes:
        tenant: The tenant in the address: a GUID, `organizations` or `common`.
        device: The device code that it is for. None means that the answer goes to a redirect URI.
        user: Who was chosen on the page. None until then.
        amr: The methods proved so far.
    """

    tenant: str
    application: Application
    wanted: Wanted
    asked: Mapping[str, str]
    acrs: tuple[str, ...]
    second_factor: bool
    device: "DeviceCode | None" = None
    user: User | None = None
    amr: tuple[str, ...] = ()
    consented: bool = False


@dataclass
class Code:
    """An authorization code that was given."""

    signed_in: SignedIn
    until: float
    redeemed: bool = False


@dataclass
class RefreshToken:
    """A refresh token that was given. `sliding` says whether a use gives a new one with a lifetime of its own."""

    signed_in: SignedIn
    until: float
    sliding: bool
    revoked: bool = False


@dataclass
class DeviceCode:
    """A device code that was given.

    Attributes:
        acrs, second_factor: What the device's claims ask for.
        polled_at: When a token was last asked for. None: never.
        signed_in: The sign-in that the code stands for. None until the user has finished it.
    """

    user_code: str
    application: Application
    wanted: Wanted
    until: float
    interval_seconds: float
    acrs: tuple[str, ...] = ()
    second_factor: bool = False
    polled_at: float | None = None
    declined: bool = False
    signed_in: SignedIn | None = None


@dataclass
class Session:
    """A browser's session: who is signed in, and what that user proved."""

    user: User
    amr: tuple[str, ...]


class Remembered:
    """All of it, by the opaque value that stands for each.

    Attributes:
        skipped_seconds: How far a test moved the clock forward.
        device_interval_seconds: The pause between two polls that a device is asked for. Entra asks for five seconds.
    """

    def __init__(self) -> None:
        self.interactions: dict[str, Interaction] = {}
        self.sessions: dict[str, Session] = {}
        self.codes: dict[str, Code] = {}
        self.refresh_tokens: dict[str, RefreshToken] = {}
        self.device_codes: dict[str, DeviceCode] = {}
        self.skipped_seconds = 0.0
        self.device_interval_seconds = DEVICE_INTERVAL_SECONDS

    def now(self) -> float:
        """Return the stand-in's time in seconds."""
        return time.monotonic() + self.skipped_seconds

    def begin(self, interaction: Interaction) -> str:
        """Remember an interaction. Returns the value for the page's form."""
        key = secrets.token_urlsafe(32)
        self.interactions[key] = interaction
        return key

    def give_code(self, signed_in: SignedIn) -> str:
        """Return a new authorization code, of a realistic size."""
        code = f"1.{secrets.token_urlsafe(500)}"
        self.codes[code] = Code(signed_in, self.now() + CODE_SECONDS)
        return code

    def give_refresh_token(self, signed_in: SignedIn, *, until: float | None = None) -> str:
        """Return a new refresh token. `until` keeps the end of the token that it replaces; None: a new lifetime."""
        token = f"1.{secrets.token_urlsafe(800)}"
        sliding = signed_in.application.platform != "spa"
        lifetime = REFRESH_SECONDS if sliding else SPA_REFRESH_SECONDS
        # An authentication context counts for the access token that was asked for with it, not for the next ones.
        kept = replace(signed_in, asked={}, acrs=())
        self.refresh_tokens[token] = RefreshToken(kept, until or self.now() + lifetime, sliding)
        return token

    def give_device_code(self, application: Application, wanted: Wanted) -> tuple[str, DeviceCode]:
        """Return a new device code and what is remembered about it."""
        code = f"D{secrets.token_urlsafe(120)}"
        user_code = "".join(secrets.choice(_USER_CODE_LETTERS) for _ in range(9))
        known = DeviceCode(user_code, application, wanted, self.now() + DEVICE_SECONDS, self.device_interval_seconds)
        self.device_codes[code] = known
        return code, known

    def device_code_of(self, user_code: str) -> DeviceCode | None:
        """Return the device code that is waiting under this user code, in any case. None: no such code."""
        wanted = user_code.strip().upper()
        waiting = (known for known in self.device_codes.values() if known.user_code == wanted)
        return next((known for known in waiting if known.until > self.now() and not known.signed_in), None)

    def revoke(self, user: User) -> None:
        """Withdraw every refresh token and session of that user, as an administrator can."""
        for known in self.refresh_tokens.values():
            known.revoked = known.revoked or known.signed_in.user == user
        self.sessions = {key: known for key, known in self.sessions.items() if known.user != user}
