"""Update the Partner Center support profile of your organization as the user who signs in.

    pip install -r requirements.txt
    python update_support_profile.py --email help@contoso.com --telephone "+1 425 555 0100" --website www.contoso.com

The environment names the function and the registration of this program (docs/api.md, "Get a token"):

    FUNCTION_URL  https://<host name of the function>/api/update_profile
    AUTHORITY     https://login.microsoftonline.com/<tenant id>
    CLIENT_ID     application id of this program's own registration, a public client with the address http://localhost
    SCOPE         <application id of the function>/user_impersonation
"""

import argparse
import base64
import json
import os
import re
import sys
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import msal

SETTINGS = ("FUNCTION_URL", "AUTHORITY", "CLIENT_ID", "SCOPE")
# The function answers within its budget, which is 110 seconds at most (REQUEST_BUDGET_SECONDS).
TIMEOUT_SECONDS = 120
ATTEMPTS = 5
# Where no answer says how long to wait.
PAUSE_SECONDS = 5
# Nobody sits before a longer wait.
LONGEST_WAIT_SECONDS = 300


@dataclass
class Refused(Exception):
    """The function refused the call for good. `problem` is its answer: code, detail, and actor, who must act."""

    status: int
    problem: dict[str, Any]

    def __str__(self) -> str:
        """Say what went wrong and who must act."""
        lines = [f"{error['field']}: {error['message']}" for error in self.problem.get("errors", ())]
        code, actor, detail = (self.problem.get(name, "unknown") for name in ("code", "actor", "detail"))
        ids = f"correlation id {self.problem.get('correlationId')}"
        return "\n  ".join([f"{self.status} {code}. To act: {actor}. {detail} ({ids})", *lines])


class Unfinished(Exception):
    """The write may succeed later, or may have succeeded: the message says how to repeat the same delivery."""


class User:
    """The person at this machine, and the tokens that MSAL holds for them in memory."""

    def __init__(self, *, device_code: bool) -> None:
        # The authority is configured, so MSAL need not ask Microsoft whether it knows the host.
        self._client = msal.PublicClientApplication(
            os.environ["CLIENT_ID"], authority=os.environ["AUTHORITY"], instance_discovery=False
        )
        self._scopes = [os.environ["SCOPE"]]
        self._device_code = device_code
        self._account: dict[str, Any] | None = None

    def token(self, claims: str | None = None) -> str:
        """Return an access token. `claims` is what a challenge asks for; None: nothing more than last time.

        MSAL gives the token that it holds, or renews it. It asks the person only where it must.
        """
        result = None
        if self._account:
            result = self._client.acquire_token_silent(self._scopes, account=self._account, claims_challenge=claims)
        if not result or "access_token" not in result:
            result = self._ask(claims)
            if "access_token" not in result:
                raise SystemExit(f"Nobody is signed in: {result.get('error')}. {result.get('error_description')}")
            self._remember()
        return str(result["access_token"])

    @property
    def name(self) -> str:
        """The user's sign-in name. Empty: nobody has signed in."""
        return str(self._account["username"]) if self._account else ""

    def _ask(self, claims: str | None) -> dict[str, Any]:
        if not self._device_code:
            result = self._client.acquire_token_interactive(
                self._scopes, claims_challenge=claims, login_hint=self.name or None, timeout=300
            )
            return dict(result)
        flow = self._client.initiate_device_flow(self._scopes, claims_challenge=claims)
        print(flow.get("message", flow), flush=True)
        return dict(self._client.acquire_token_by_device_flow(flow, claims_challenge=claims))

    def _remember(self) -> None:
        """Keep to the first person. Another one must not write what the first one saw in the dry run."""
        for account in self._client.get_accounts():
            if self._account and account["home_account_id"] != self._account["home_account_id"]:
                raise SystemExit(f"{account['username']} signed in, not {self.name}. Nothing more is sent.")
            self._account = account


def claims_of(challenge: str) -> str | None:
    """Return the claims in a WWW-Authenticate header, which are base64. None: it asks for no claims."""
    if 'error="insufficient_claims"' not in challenge:
        return None
    found = re.search(r'claims="([A-Za-z0-9+/=]+)"', challenge)
    return base64.b64decode(found[1]).decode() if found else None


def send(
    client: httpx.Client, user: User, profile: dict[str, str], *, validate_only: bool, delivery_id: str | None = None
) -> httpx.Response:
    """Send the profile until there is a final answer, and return it.

    The same bytes go out under the same Idempotency-Key as long as the end is open: after a failure that a retry can
    heal, an unknown outcome, or no answer. `delivery_id` repeats an earlier run; None: this is a new delivery. A claims
    challenge is met once, under a new key, and does not count as an attempt.

    Raises:
        Refused: The function refused the call.
        Unfinished: ATTEMPTS attempts brought no final answer, or the function asks for a longer wait.
    """
    body = json.dumps(profile).encode()
    key, claims, attempt = delivery_id or str(uuid.uuid4()), None, 1
    while True:
        headers = {"Authorization": f"Bearer {user.token(claims)}", "Idempotency-Key": key}
        headers["Content-Type"] = "application/json"
        params = {"validate_only": "true"} if validate_only else None
        try:
            # httpx sends bytes with a Content-Length. The Functions host delivers no chunked bodies.
            answer = client.put(os.environ["FUNCTION_URL"], params=params, content=body, headers=headers)
        except httpx.TransportError as error:
            seconds, what = PAUSE_SECONDS, f"No answer ({type(error).__name__})"
        else:
            if answer.is_success:
                return answer
            problem = problem_of(answer)
            asked = claims_of(answer.headers.get("WWW-Authenticate", ""))
            if asked and claims is None:
                print(f"{answer.status_code} {problem['code']}: the sign-in must also satisfy {asked}", flush=True)
                key, claims = str(uuid.uuid4()), asked
                continue
            if not problem.get("retryable"):
                raise Refused(answer.status_code, problem)
            state = ", outcome unknown" if problem.get("outcome") == "unknown" else ""
            seconds, what = pause_of(answer), f"{answer.status_code} {problem['code']}{state}"
        if attempt == ATTEMPTS or seconds > LONGEST_WAIT_SECONDS:
            option = "" if validate_only else f" with --delivery-id {key}"
            raise Unfinished(f"{what}. Run this again after {seconds} s{option}.")
        print(f"{what}: waiting {seconds} s, then the same delivery id again", flush=True)
        time.sleep(seconds)
        attempt += 1


def pause_of(answer: httpx.Response) -> int:
    """Return how many seconds to wait. The function sends whole seconds; a gateway may send a date."""
    asked = answer.headers.get("Retry-After", "")
    if asked.isdecimal():
        return int(asked)
    try:
        date = parsedate_to_datetime(asked)
    except ValueError:
        return PAUSE_SECONDS
    return max(0, round((date.replace(tzinfo=date.tzinfo or UTC) - datetime.now(UTC)).total_seconds()))


def problem_of(answer: httpx.Response) -> dict[str, Any]:
    """Return the problem document. Something between here and the function may have answered without one."""
    try:
        problem = answer.json()
    except ValueError:
        problem = {}
    if isinstance(problem, dict) and "code" in problem:
        return problem
    transient = answer.status_code in (408, 429, 502, 503, 504)
    return {"code": "not_from_the_function", "detail": "A gateway answered.", "retryable": transient}


def main() -> int:
    """Show what would change, then write it. Returns the exit status."""
    parser = argparse.ArgumentParser(description="Update a Partner Center support profile.")
    for name in ("email", "telephone", "website"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--dry-run", action="store_true", help="write nothing")
    parser.add_argument("--device-code", action="store_true", help="sign in on another device")
    parser.add_argument("--delivery-id", help="repeat the write of an earlier run that had no final answer")
    given = parser.parse_args()
    missing = [name for name in SETTINGS if not os.environ.get(name)]
    if missing:
        parser.error(f"the environment lacks {', '.join(missing)}; the top of this file says what they are")
    profile = {"Email": given.email, "Telephone": given.telephone, "Website": given.website}
    user = User(device_code=given.device_code)
    user.token()
    print(f"Signed in as {user.name}.", flush=True)
    with httpx.Client(timeout=TIMEOUT_SECONDS) as client:
        changes = send(client, user, profile, validate_only=True).json()["changes"]
        for change in changes:
            print(f"Dry run: {change['field']}: {change['current']} -> {change['proposed']}")
        if given.dry_run or not changes:
            print("Nothing was written.")
            return 0
        answer = send(client, user, profile, validate_only=False, delivery_id=given.delivery_id)
    print(f"{answer.status_code} {answer.headers.get('Update-Outcome', 'written')}: {answer.text}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Refused, Unfinished) as failure:
        print(failure, file=sys.stderr)
        sys.exit(1)
