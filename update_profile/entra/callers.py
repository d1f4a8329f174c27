"""Who calls: each token validated once, and remembered for a short while.

What is remembered bears no token, only its digest. A key that Entra ID withdraws in that while is noticed after it at
the latest. Nothing is remembered of a refusal. Belongs to one event loop.
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import replace

from ..deadline import Deadline
from ..expiring_cache import ExpiringCache
from ..settings import Settings
from .bearer_token import Caller, validate
from .signing_keys import SigningKeys

MAX_ENTRIES = 10_000
REMEMBERED_SECONDS = 300.0


class Callers:
    """Validates bearer tokens for one set of settings."""

    def __init__(
        self, settings: Settings, signing_keys: SigningKeys, *, clock: Callable[[], float] = time.time
    ) -> None:
        """``clock`` gives seconds since 1970."""
        self._settings = settings
        self._signing_keys = signing_keys
        self._clock = clock
        self._known: ExpiringCache[bytes, Caller] = ExpiringCache(MAX_ENTRIES, clock=clock)

    async def validate(self, assertion: str, *, deadline: Deadline) -> Caller:
        """The caller behind a bearer token; ``caller.validate`` says what it raises."""
        digest = hashlib.sha256(assertion.encode("utf-8", "surrogatepass")).digest()
        known = self._known.get(digest)
        if known is not None:
            return replace(known.value, assertion=assertion)
        caller = await validate(
            assertion, settings=self._settings, signing_keys=self._signing_keys, deadline=deadline, clock=self._clock
        )
        until = min(self._clock() + REMEMBERED_SECONDS, caller.expires_at)
        self._known.keep(digest, replace(caller, assertion=""), until=until)
        return caller

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._known)
