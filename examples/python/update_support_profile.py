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
from typing import Any

import httpx
import msal

SETTINGS = ("FUNCTION_URL", "AUTHORITY", "CLIENT_ID", "SCOPE")
# The function answers within its budget, which is 110 seconds at most (REQUEST_BUDGET_SECONDS).
TIMEOUT_SECONDS = 120
ATTEMPTS = 5
# Where no answer says how long to wait.
PAUSE_SECONDS = 5


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


class User:
    """The person at this machine, and the tokens that MSAL holds for them in memory."""

    def __init__(self, *, device_code: bool) -> None:
        # The authority is configured, so MSAL need not ask Microsoft whether it knows the host.
        self._client = msal.PublicClientApplication(
            os.environ["CLIENT_ID"], authority=os.environ["AUTHORITY"], instance_discovery=False
        )
        self._scopes = [os.environ["SCOPE"]]
        self._device_code = device_code

    def token(self, claims: str | None = None) -> str:
        """Return an access token. `claims` is what a challenge asks for; None: nothing more than last time.

        MSAL gives the token that it holds, or renews it. It asks the person only where it must.
        """
        result = None
        for account in self._client.get_accounts():
            result = self._client.acquire_token_silent(self._scopes, account=account, claims_challenge=claims)
        if not result or "access_token" not in result:
            result = self._ask(claims)
        if "access_token" not in result:
            raise SystemExit(f"Nobody is signed in: {result.get('error')}. {result.get('error_description')}")
        return str(result["access_token"])

    @property
    def name(self) -> str:
        """The user's sign-in name."""
        return str(self._client.get_accounts()[0]["username"])

    def _ask(self, claims: str | None) -> dict[str, Any]:
        if not self._device_code:
            result = self._client.acquire_token_interactive(self._scopes, claims_challenge=claims, timeout=300)
            return dict(result)
        flow = self._client.initiate_device_flow(self._scopes, claims_challenge=claims)
        print(flow.get("message", flow), flush=True)
        return dict(self._client.acquire_token_by_device_flow(flow, claims_challenge=claims))


def claims_of(challenge: str) -> str | None:
    """Return the claims in a WWW-Authenticate header, which are base64. None: it asks for no claims."""
    if 'error="insufficient_claims"' not in challenge:
        return None
    found = re.search(r'claims="([A-Za-z0-9+/=]+)"', challenge)
    return base64.b64decode(found[1]).decode() if found else None


def send(client: httpx.Client, user: User, profile: dict[str, str], *, validate_only: bool) -> httpx.Response:
    """Send the profile until there is a final answer, and return it.

    The same bytes go out under the same Idempotency-Key as long as the end is open: after a failure that a retry can
    heal, an unknown outcome, or no answer. A claims challenge is met once, under a new key.

    Raises:
        Refused: The function refused the call.
        httpx.TransportError: There was no answer, ATTEMPTS times.
    """
    body = json.dumps(profile).encode()
    delivery_id, claims = str(uuid.uuid4()), None
    for attempt in range(1, ATTEMPTS + 1):
        headers = {"Authorization": f"Bearer {user.token(claims)}", "Idempotency-Key": delivery_id}
        headers["Content-Type"] = "application/json"
        try:
            # httpx sends bytes with a Content-Length. The Functions host delivers no chunked bodies.
            answer = client.put(
                os.environ["FUNCTION_URL"],
                params={"validate_only": "true"} if validate_only else None,
                content=body,
                headers=headers,
            )
        except httpx.TransportError as error:
            if attempt == ATTEMPTS:
                raise
            print(f"No answer ({type(error).__name__}). Repeating under the same delivery id.", flush=True)
            time.sleep(PAUSE_SECONDS)
            continue
        if answer.is_success:
            return answer
        problem = problem_of(answer)
        asked = claims_of(answer.headers.get("WWW-Authenticate", ""))
        if asked and claims is None:
            print(f"{answer.status_code} {problem['code']}: the sign-in must also satisfy {asked}", flush=True)
            delivery_id, claims = str(uuid.uuid4()), asked
        elif problem.get("retryable") and attempt < ATTEMPTS:
            wait(answer, problem)
        else:
            raise Refused(answer.status_code, problem)
    raise AssertionError("the last attempt returns or raises")


def wait(answer: httpx.Response, problem: dict[str, Any]) -> None:
    """Wait as long as the answer asks for."""
    asked = answer.headers.get("Retry-After", "")
    # The function sends whole seconds. A gateway may send a date.
    seconds = int(asked) if asked.isdecimal() else PAUSE_SECONDS
    state = ", outcome unknown" if problem.get("outcome") == "unknown" else ""
    print(
        f"{answer.status_code} {problem['code']}{state}: waiting {seconds} s, then the same delivery id again",
        flush=True,
    )
    time.sleep(seconds)


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
        answer = send(client, user, profile, validate_only=False)
    print(f"{answer.status_code} {answer.headers.get('Update-Outcome', 'written')}: {answer.text}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Refused, httpx.TransportError) as failure:
        print(failure, file=sys.stderr)
        sys.exit(1)
