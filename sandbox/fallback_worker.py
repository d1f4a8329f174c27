"""A worker for Python below 3.13, where Azure's worker library cannot be installed. It uses only `azure-functions`.

It runs the same request and response converters, but it applies none of the worker's rules for loading functions.
"""

import asyncio
import importlib
import inspect
import json
import traceback
import uuid
from collections.abc import Sequence
from http.cookies import SimpleCookie
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import azure.functions as func
from azure.functions.http import HttpRequestConverter, HttpResponseConverter
from azure.functions.meta import Datum

from .set_cookie import set_cookie_from_morsel
from .worker import (
    ENTRY_MODULE,
    Function,
    HttpAnswer,
    HttpCall,
    InvocationFailed,
    WorkerError,
    claim_process,
    http_function,
)


class FallbackWorker:
    """A Worker on top of `azure-functions`. See worker.Worker for the contract of each method."""

    def __init__(self, app_directory: Path) -> None:
        self.functions: Sequence[Function] = ()
        self._app_directory = app_directory.resolve()
        self._handlers: dict[str, Any] = {}

    async def start(self) -> None:
        """Import the app and list its HTTP functions."""
        claim_process(self._app_directory)
        indexed = {item.get_function_name(): item for item in _index()}
        found = [http_function(name, name, _bindings(item)) for name, item in indexed.items()]
        self.functions = tuple(function for function in found if function)
        if not self.functions:
            raise WorkerError("the app has no HTTP function: every route would answer 404")
        self._handlers = {name: item.get_user_function() for name, item in indexed.items()}

    async def invoke(self, function: Function, call: HttpCall) -> HttpAnswer:
        """Call the function through the library's converters. Any exception is a failed invocation."""
        try:
            request = HttpRequestConverter.decode(Datum(_incoming(call), "http"), trigger_metadata={})
            result = await self._run(function, request)
            return _answer(HttpResponseConverter.encode(result, expected_type=None))
        except Exception as error:
            raise InvocationFailed(f"{type(error).__name__}: {error}", traceback.format_exc()) from error

    async def stop(self) -> None:
        """Do nothing: this worker holds no resources."""

    async def _run(self, function: Function, request: Any) -> Any:  # noqa: ANN401 - the app's own types
        handler = self._handlers[function.key]
        arguments = {function.binding_name: request}
        if "context" in inspect.signature(handler).parameters:
            arguments["context"] = SimpleNamespace(
                invocation_id=str(uuid.uuid4()),
                function_name=function.name,
                function_directory=str(self._app_directory),
            )
        if inspect.iscoroutinefunction(handler):
            return await handler(**arguments)
        return await asyncio.to_thread(handler, **arguments)


def _index() -> list[Any]:
    """Return the functions of the app's only FunctionApp. Raises WorkerError with the text of the cause."""
    try:
        module = importlib.import_module(ENTRY_MODULE)
        apps = [value for value in vars(module).values() if isinstance(value, func.FunctionRegister)]
        functions = [function for app in apps for function in app.get_functions()]
    except Exception as error:
        message = f"{type(error).__name__}: {error}"
        raise WorkerError(message) from error
    if len(apps) != 1:
        message = f"{ENTRY_MODULE} defines {len(apps)} function apps instead of one"
        raise WorkerError(message)
    return functions


def _bindings(item: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - the library's own class
    return [json.loads(binding) for binding in item.get_raw_bindings()]


def _incoming(call: HttpCall) -> dict[str, Any]:
    def texts(pairs: Any) -> dict[str, Datum]:  # noqa: ANN401 - mapping or pairs
        return {name: Datum(value, "string") for name, value in dict(pairs).items()}

    return {
        "method": Datum(call.method, "string"),
        "url": Datum(call.url, "string"),
        "headers": texts(call.headers),
        "params": texts(call.params),
        "query": texts(call.query),
        "body": Datum(call.body, "bytes"),
    }


def _answer(datum: Any) -> HttpAnswer:  # noqa: ANN401 - the library's own class
    if datum.type == "string":
        return HttpAnswer(200, (("content-type", "text/plain; charset=utf-8"),), datum.value.encode())
    value = datum.value
    jars: list[SimpleCookie] = value["cookies"] or []
    cookies = [("Set-Cookie", set_cookie_from_morsel(morsel)) for jar in jars for morsel in jar.values()]
    headers = [(name, str(item.value)) for name, item in value["headers"].items()]
    return HttpAnswer(int(value["status_code"].value), (*headers, *cookies), value["body"].value)
