"""Runs the worker library of Azure (from Python 3.13 on) in this process.

The library gets the same messages that the host sends over gRPC, in the same order. Every message is serialised and
parsed again in both directions, so a value that cannot be sent fails here as it does in Azure.
"""

import asyncio
import json
import uuid
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import azure_functions_runtime

from .runtime_protos import load_protos
from .set_cookie import set_cookie
from .worker import Function, HttpAnswer, HttpCall, InvocationFailed, WorkerError, claim_process, http_function

HOST_VERSION = "4.1037.0"
# The capabilities that the host announces to the worker. Because of the first one, the worker keeps the body as bytes.
HOST_CAPABILITIES = {"RawHttpBodyBytes": "true", "TypedDataCollection": "true", "RpcHttpBodyOnly": "true"}


class RuntimeWorker:
    """A Worker on top of `azure-functions-runtime`. See worker.Worker for the contract of each method."""

    def __init__(self, app_directory: Path) -> None:
        self.functions: Sequence[Function] = ()
        self._app_directory = app_directory.resolve()
        self._protos = load_protos()

    async def start(self) -> None:
        """Start the thread pool, initialise the worker, and load each function that it lists."""
        claim_process(self._app_directory)
        azure_functions_runtime.start_threadpool_executor()
        await self._initialise()
        metadata = await self._metadata()
        found = [http_function(item.name, item.function_id, _bindings(item)) for item in metadata]
        self.functions = tuple(function for function in found if function)
        if not self.functions:
            raise WorkerError("the app has no HTTP function: every route would answer 404")
        for item in metadata:
            await self._load(item)

    async def invoke(self, function: Function, call: HttpCall) -> HttpAnswer:
        """Send one InvocationRequest and read its response."""
        protos = self._protos
        data = protos.TypedData(http=self._rpc_http(call))
        request = protos.InvocationRequest(
            invocation_id=str(uuid.uuid4()),
            function_id=function.key,
            input_data=[protos.ParameterBinding(name=function.binding_name, data=data)],
            # Empty, as on the real host without Application Insights: a traceparent arrives as a header.
            trace_context=protos.RpcTraceContext(),
        )
        response = await self._ask("invocation_request", request)
        if response.result.status != protos.StatusResult.Success:
            raise InvocationFailed(response.result.exception.message, response.result.exception.stack_trace)
        return self._answer(response.return_value)

    async def stop(self) -> None:
        """Stop the thread pool. The function registry stays, as it does in a worker process."""
        await asyncio.to_thread(azure_functions_runtime.stop_threadpool_executor)

    async def _initialise(self) -> None:
        request = self._protos.WorkerInitRequest(
            host_version=HOST_VERSION,
            function_app_directory=str(self._app_directory),
            capabilities=HOST_CAPABILITIES,
        )
        # Checked here, because the metadata request reports success without functions after a failed initialisation.
        self._must_succeed(await self._ask("worker_init_request", request))

    async def _metadata(self) -> list[Any]:
        request = self._protos.FunctionsMetadataRequest(function_app_directory=str(self._app_directory))
        response = await self._ask("functions_metadata_request", request)
        self._must_succeed(response)
        return list(response.function_metadata_results)

    async def _load(self, metadata: Any) -> None:  # noqa: ANN401 - generated message classes have no types
        request = self._protos.FunctionLoadRequest(function_id=metadata.function_id, metadata=metadata)
        self._must_succeed(await self._ask("function_load_request", request))

    def _must_succeed(self, response: Any) -> None:  # noqa: ANN401 - as above
        if response.result.status != self._protos.StatusResult.Success:
            raise WorkerError(response.result.exception.message)

    async def _ask(self, name: str, request: Any) -> Any:  # noqa: ANN401 - as above
        """Pass one message to the handler of that name and return the answer, both serialised and parsed again."""
        message = self._protos.StreamingMessage(**{name: request})
        envelope = SimpleNamespace(
            request=self._protos.StreamingMessage.FromString(message.SerializeToString()),
            properties={"protos": self._protos, "host": "127.0.0.1"},
        )
        answer = await getattr(azure_functions_runtime, name)(envelope)
        return type(answer).FromString(answer.SerializeToString())

    def _rpc_http(self, call: HttpCall) -> Any:  # noqa: ANN401 - as above
        return self._protos.RpcHttp(
            method=call.method,
            url=call.url,
            headers=dict(call.headers),
            params=call.params,
            query=call.query,
            # The host sets a body only if the request has one (capability RawHttpBodyBytes).
            body=self._protos.TypedData(bytes=call.body) if call.body else None,
        )

    def _answer(self, value: Any) -> HttpAnswer:  # noqa: ANN401 - as above
        """Return the answer in a TypedData: an HttpResponse, or the text of a function that returned a str."""
        if value.WhichOneof("data") == "string":
            return HttpAnswer(200, (("content-type", "text/plain; charset=utf-8"),), value.string.encode())
        cookies = tuple(("Set-Cookie", _cookie(cookie)) for cookie in value.http.cookies)
        return HttpAnswer(
            status=int(value.http.status_code),
            headers=(*value.http.headers.items(), *cookies),
            body=value.http.body.bytes,
        )


def _bindings(metadata: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - as above
    return [json.loads(binding) for binding in metadata.raw_bindings]


def _cookie(cookie: Any) -> str:  # noqa: ANN401 - as above
    """Return one RpcHttpCookie as the host writes it. A field that is not set is omitted."""
    return set_cookie(
        str(cookie.name),
        str(cookie.value),
        domain=cookie.domain.value,
        path=cookie.path.value,
        expires=cookie.expires.value.ToDatetime() if cookie.HasField("expires") else None,
        max_age_seconds=cookie.max_age.value if cookie.HasField("max_age") else None,
        secure=cookie.secure.value,
        http_only=cookie.http_only.value,
        same_site=("", "lax", "strict", "none")[cookie.same_site],
    )
