"""Workers load an app and answer calls; the real one refuses what Azure would refuse.

A process serves one app, so each app here is loaded in its own process; all processes run at once. Those that only load
an app are forks of one process, which has imported the library.
"""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ECHO_APP = ROOT / "tests" / "samples" / "echo_app"
REAL = importlib.util.find_spec("azure_functions_runtime") is not None
real_only = pytest.mark.skipif(not REAL, reason="azure-functions-runtime needs Python 3.13 or later")

# Writes each outcome to the file `outcome` beside the app.
LOAD = """
import asyncio, os, pathlib, sys
from sandbox.worker import WorkerError
from sandbox.workers import create_worker

async def load(folder):
    worker = create_worker(folder)
    try:
        await worker.start()
        print("loaded", *[function.name for function in worker.functions])
        await worker.stop()
    except WorkerError as error:
        print("WorkerError", error)

folders = [pathlib.Path(argument) for argument in sys.argv[1:]]
create_worker(folders[0])
for folder in folders:
    if os.fork() == 0:
        with open(folder / "outcome", "w") as sys.stdout:
            asyncio.run(load(folder))
        os._exit(0)
for _ in folders:
    _, status = os.wait()
    assert status == 0
"""

HEAD = "import azure.functions as func\napp = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)\n"
PLAIN = "@app.route()\nasync def plain(req: func.HttpRequest) -> func.HttpResponse:\n    return func.HttpResponse()\n"
APPS = {
    "plain": HEAD + PLAIN,
    "string_annotations": "from __future__ import annotations\n" + HEAD + PLAIN,
    "default_argument": HEAD + PLAIN.replace("HttpRequest)", "HttpRequest, deps=None)"),
    "union_return": HEAD + PLAIN.replace("-> func.HttpResponse", "-> func.HttpResponse | str"),
    "partial": HEAD
    + "import functools\nasync def plain(req, deps): ...\napp.route()(functools.partial(plain, deps=1))\n",
    "missing_import": "import a_package_that_is_not_installed\n" + HEAD + PLAIN,
    "unregistered_blueprint": HEAD + PLAIN.replace("@app", "@func.Blueprint()"),
    "two_apps": HEAD + PLAIN + "other = func.FunctionApp()\n",
    "no_app": "",
}

SECOND_APP = """
import asyncio, pathlib, sys
from sandbox.worker import WorkerError
from sandbox.workers import create_worker

async def main():
    for directory in sys.argv[1:]:
        worker = create_worker(pathlib.Path(directory))
        try:
            await worker.start()
            print("loaded")
            await worker.stop()
        except WorkerError as error:
            print("WorkerError", error)

asyncio.run(main())
"""

MISBEHAVE = """
import asyncio, json, logging, pathlib, sys
from sandbox.functions_host import FunctionsHost
from sandbox.host_invocations import Invocations

async def main():
    host = await FunctionsHost.load(pathlib.Path(sys.argv[1]))
    logging.basicConfig(level=logging.CRITICAL + 1)
    host.invocations = Invocations(host.worker, function_timeout_seconds=0.1, grace_seconds=0.1)
    answers = {}
    for how in ("cancel", "slow"):
        answer = await host.handle(method="GET", target=f"/api/behave/{how}", headers=[])
        answers[how] = [answer.status, answer.body.decode()]
    await host.close()
    print(json.dumps([answers, logging.getLogger("azure.functions").handlers, len(logging.getLogger().handlers)]))

asyncio.run(main())
"""

IN_PROCESS = """
import asyncio, pathlib, signal, sys
import httpx
from sandbox.http_front import running_host

def handlers():
    return [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]

async def main():
    before = handlers()
    for _ in range(2):
        async with running_host(pathlib.Path(sys.argv[1])) as address:
            async with httpx.AsyncClient(base_url=address, trust_env=False) as client:
                print((await client.get("/api/history")).json(), handlers() == before)

asyncio.run(main())
"""


def start(script: str, *arguments: Path) -> "subprocess.Popen[str]":
    """Run a script in its own process, with the repository as its working directory."""
    command = [sys.executable, "-W", "error", "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own script


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return what each process printed, by the name of its app or script."""
    folders = {}
    for name, code in APPS.items():
        folders[name] = tmp_path_factory.mktemp(name)
        (folders[name] / "function_app.py").write_text(code)
    processes = {
        "load": start(LOAD, *folders.values()),
        "again": start(SECOND_APP, folders["plain"], folders["plain"], ECHO_APP),
        "in_process": start(IN_PROCESS, ECHO_APP),
        "misbehave": start(MISBEHAVE, ECHO_APP),
    }
    printed = {name: process.communicate()[0].strip() for name, process in processes.items()}
    assert processes["load"].returncode == 0
    return printed | {name: (folder / "outcome").read_text().strip() for name, folder in folders.items()}


@pytest.mark.parametrize("app", ["plain", "string_annotations"])
def test_a_sound_app_is_loaded(outcomes: dict[str, str], app: str) -> None:
    """Annotations may also be strings."""
    assert outcomes[app] == "loaded plain"


@pytest.mark.parametrize(
    ("app", "reason"),
    [
        ("missing_import", "No module named 'a_package_that_is_not_installed'"),
        ("unregistered_blueprint", "no HTTP function"),
        ("two_apps", ""),
        ("no_app", ""),
        ("partial", ""),
    ],
)
def test_an_app_without_functions_is_refused_with_the_reason(outcomes: dict[str, str], app: str, reason: str) -> None:
    """Azure would answer 404 to every route."""
    assert outcomes[app].startswith("WorkerError")
    assert reason in outcomes[app]


@real_only
@pytest.mark.parametrize("app", ["default_argument", "union_return"])
def test_the_real_worker_refuses_a_signature_that_it_cannot_bind(outcomes: dict[str, str], app: str) -> None:
    """A default argument cannot inject dependencies, and a union is not a supported return type."""
    assert "FunctionLoadError: cannot load the plain function" in outcomes[app]


def test_a_process_serves_one_app_however_often_it_is_started(outcomes: dict[str, str]) -> None:
    """The same app can be loaded again; another app is refused, because it needs its own process."""
    first, again, other = outcomes["again"].splitlines()
    assert (first, again) == ("loaded", "loaded")
    assert "another app needs a process of its own" in other


def test_an_invocation_without_an_answer_becomes_a_bare_500(outcomes: dict[str, str]) -> None:
    """A cancellation that leaves a function and a function that exceeds its timeout end the same way."""
    answers, _, _ = json.loads(outcomes["misbehave"])
    assert answers == {"cancel": [500, ""], "slow": [500, ""]}


def test_the_worker_adds_no_log_handler(outcomes: dict[str, str]) -> None:
    """The only handler is the one that the script itself added to the root logger."""
    _, of_the_library, of_the_root = json.loads(outcomes["misbehave"])
    assert (of_the_library, of_the_root) == ([], 1)


def test_a_program_may_run_the_host_on_its_own_loop(outcomes: dict[str, str]) -> None:
    """Each run loads the app's entry module again and leaves the process's signal handlers unchanged."""
    assert outcomes["in_process"].splitlines() == ["[] True", "[] True"]
