"""Checks answers against the description of the API: status, headers, media type and schema.

Also checked is what a schema has no words for: that no header comes twice, that Retry-After comes with every retryable
failure and no other, and that a profile shows a value of a profile.
"""

import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from copy import deepcopy
from functools import cache
from typing import Any

import httpx
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from sandbox.functions_host import HOMEPAGE, FunctionsHost
from sandbox.host_answer import NOT_FOUND
from sandbox.worker import HttpAnswer
from update_profile import approval_page
from update_profile.description import FILE
from update_profile.documents import DryRun
from update_profile.support_profile import VALUE_NAMES, WIRE_NAMES

HERE = "urn:description"
OPEN = {"StoredProfile", "SupportProfile", "SupportProfileChanges"}  # not documents of ours
OURS = "/api"
PAGES_FOR_PEOPLE = "/approve"


class NotDescribed(AssertionError):
    """An answer is not what the description says."""


class DescribedApi:
    """The description, ready to check answers. Every schema is compiled once.

    A published schema leaves room for members that a later version adds. Here the documents that the function writes
    are closed, so that no member goes out without a description.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = deepcopy(dict(document))
        for name, schema in self._document["components"]["schemas"].items():
            if name not in OPEN:
                schema["additionalProperties"] = False
        resource = DRAFT202012.create_resource(self._document)
        self._registry: Registry[Any] = Registry().with_resource(HERE, resource)
        self._validator = cache(self._compiled)

    def check(self, method: str, target: str, answer: HttpAnswer) -> None:
        """Raise NotDescribed when an answer does not match.

        The host's own answers to what is not described (an empty 404, its home page) match.
        """
        path = target.partition("?")[0].removesuffix("/").lower()
        operation = self._document["paths"].get(path.removeprefix(OURS), {}).get(method.lower())
        where = f"{method} {path[:80]} {answer.status}"
        repeated = [name for name, times in Counter(name.lower() for name, _ in answer.headers).items() if times > 1]
        if repeated:
            raise NotDescribed(f"{where}: header {repeated} comes twice")
        if method == "GET" and path.startswith(f"{OURS}{PAGES_FOR_PEOPLE}"):
            return self._check_page(where, answer)
        if not path.startswith(f"{OURS}/") or operation is None:
            return _check_hosts_own(where, answer)
        found = self._response(operation["responses"], answer.status)
        if found is None:
            raise NotDescribed(f"{where}: no such status")
        pointer, response = found
        headers = {name.lower(): value for name, value in answer.headers}
        self._check_headers(where, pointer, response, headers)
        document = self._check_body(where, pointer, response, headers.get("content-type"), answer.body)
        if answer.status >= 400:
            return _check_problem(where, answer.status, document, headers)
        return _check_profile(where, document) if path == f"{OURS}/update_profile" and answer.body else None

    def _check_page(self, where: str, answer: HttpAnswer) -> None:
        """Check an answer to a person's browser: a file of the page, a failure of the settings, or an empty 404."""
        if answer.status >= 400 and answer.body:
            return self.check("GET", f"{OURS}/health", answer)
        template = (approval_page.FOLDER / approval_page.PAGE).read_bytes().partition(b"{")[0]
        files = [path.read_bytes() for path in approval_page.FOLDER.iterdir()]
        if answer.body and (answer.status != 200 or not (answer.body in files or answer.body.startswith(template))):
            raise NotDescribed(f"{where}: neither the approval page nor a file of it")
        return None if answer.body else _check_hosts_own(where, answer)

    def _response(self, responses: Mapping[str, Any], status: int) -> tuple[str, Any] | None:
        for key in (str(status), f"{status // 100}XX"):
            if key in responses:
                return self._resolved(responses[key]["$ref"])
        return None

    def _check_headers(self, where: str, pointer: str, response: Any, headers: Mapping[str, str]) -> None:
        described = {name.lower(): reference["$ref"] for name, reference in response["headers"].items()}
        unknown = headers.keys() - described.keys() - {"content-type"}
        if unknown:
            raise NotDescribed(f"{where}: header {sorted(unknown)} is not in {pointer}")
        for name, reference in described.items():
            place, header = self._resolved(reference)
            if name in headers:
                self._check(f"{where}: header {name}", f"{place}/schema", _typed(headers[name], header["schema"]))
            elif header["required"]:
                raise NotDescribed(f"{where}: header {name} is missing")

    def _check_body(self, where: str, pointer: str, response: Any, media_type: str | None, body: bytes) -> object:
        content = response.get("content")
        if content is None:
            if body:
                raise NotDescribed(f"{where}: a body where {pointer} has none")
            return None
        if media_type is None or media_type not in content:
            raise NotDescribed(f"{where}: media type {media_type}")
        try:
            document = json.loads(body)
        except ValueError:
            raise NotDescribed(f"{where}: the body is not JSON") from None
        self._check(where, f"{pointer}/content/{media_type.replace('/', '~1')}/schema", document)
        return document

    def _check(self, where: str, pointer: str, instance: object) -> None:
        error = next(iter(self._validator(pointer).iter_errors(instance)), None)
        if error is not None:
            raise NotDescribed(f"{where}: {error.json_path}: {error.message[:400]}")

    def _compiled(self, pointer: str) -> Draft202012Validator:
        return Draft202012Validator({"$ref": f"{HERE}{pointer}"}, registry=self._registry)

    def _resolved(self, pointer: str) -> tuple[str, Any]:
        found: Any = self._document
        for part in pointer.removeprefix("#/").split("/"):
            found = found[part]
        return pointer, found


def _check_problem(where: str, status: int, document: Any, headers: Mapping[str, str]) -> None:
    if document["status"] != status:
        raise NotDescribed(f"{where}: the body says status {document['status']}")
    if document["retryable"] != ("retry-after" in headers):
        raise NotDescribed(f"{where}: Retry-After comes with a retryable failure and no other")


def _check_profile(where: str, document: Any) -> None:
    """Check that a profile shows one of the three values, or documented members alone. A dry run is closed anyway."""
    names = {name.lower() for name in document}
    shows = names & {name.lower() for name in VALUE_NAMES} or names <= {name.lower() for name in WIRE_NAMES}
    if not shows and document.keys() != DryRun.__required_keys__:
        raise NotDescribed(f"{where}: {sorted(names)[:5]} are not the members of a profile")


def _check_hosts_own(where: str, answer: HttpAnswer) -> None:
    if not answer.body and (answer.closes or answer.status == 400):
        return
    if (answer.status, answer.body) not in [(own.status, own.body) for own in (NOT_FOUND, HOMEPAGE, HttpAnswer(200))]:
        raise NotDescribed(f"{where}: an answer of the function to what is not described")


def _typed(text: str, schema: Mapping[str, Any]) -> object:
    """Read a header's text as the type that its schema names."""
    if schema.get("type") in ("integer", "boolean"):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


@cache
def described_api() -> DescribedApi:
    """Return the packaged description."""
    return DescribedApi(json.loads(FILE.read_bytes()))


def is_ours(host: FunctionsHost) -> bool:
    """Return whether a host serves this function."""
    return any(function.route == "update_profile" for function in host.worker.functions)


Handle = Callable[..., Awaitable[HttpAnswer]]


def checking(handle: Handle, seen: list[NotDescribed]) -> Handle:
    """Return a `FunctionsHost.handle` that checks what it answers. ``seen`` collects what does not match."""

    async def handle_and_check(host: FunctionsHost, *, method: str, target: str, **more: Any) -> HttpAnswer:
        answer = await handle(host, method=method, target=target, **more)
        if is_ours(host):
            try:
                described_api().check(method, target, answer)
            except NotDescribed as error:
                seen.append(error)
                raise
        return answer

    return handle_and_check


def as_sent(response: httpx.Response) -> HttpAnswer:
    """Return an answer that came over HTTP without the headers that the web server adds."""
    added = {"date", "server", "content-length", "transfer-encoding", "connection", "keep-alive"}
    headers = tuple((name, value) for name, value in response.headers.multi_items() if name not in added)
    return HttpAnswer(response.status_code, headers, response.content)
