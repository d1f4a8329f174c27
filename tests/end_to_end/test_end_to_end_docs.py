"""What the documentation tells people to send: the shell commands of docs/callers/curl.md, and docs/requests.http."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from served_function import ROOT, ServedFunction, served_function

PAGE = ROOT / "docs" / "callers" / "curl.md"
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
# The method, the path, the headers and the body of each request, by its title.
REQUESTS = re.findall(
    r"^### (.+)\n(\w+) \{\{function\}\}(\S+)\n((?:[\w-]+: .+\n)*)(?:\n(\{.+)\n)?",
    (ROOT / "docs" / "requests.http").read_text(encoding="utf-8"),
    re.MULTILINE,
)
END = "----- end of a block"
# The device polls every second, and more slowly where it is told to.
pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def served() -> Iterator[ServedFunction]:
    with served_function() as served:
        yield served


class Shell:
    """A shell that commands are pasted into."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def paste(self, block: str) -> str:
        """Paste a block and return what it prints."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{block}\necho\necho '{END}'\n")
        self._process.stdin.flush()
        printed = ""
        while (line := self._process.stdout.readline()) and line.strip() != END:
            printed += line
        return printed


@contextmanager
def pasted_into(program: str, served: ServedFunction) -> Iterator[Shell]:
    """A shell with the settings of a caller."""
    for tool in (program, "curl", "jq"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not on this machine: docs/callers/curl.md is NOT tested")
    served.reset()
    environment = {**served.environment(), "CURL_CA_BUNDLE": served.settings["SSL_CERT_FILE"]}
    with subprocess.Popen(  # noqa: S603 - whichever shell the person has
        [program],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        yield Shell(process)


@pytest.mark.parametrize("program", ["bash", "dash"])
def test_the_page_s_commands_sign_in_try_and_write(served: ServedFunction, program: str) -> None:
    with pasted_into(program, served) as shell:
        ask, poll, try_it, write = BLOCKS
        found = re.search(r"open the page (\S+) and enter the code (\w+)", shell.paste(ask))
        assert found
        with served.person("alice") as alice:
            alice.visit(found[1], user_code=found[2])
        shell.paste(poll)
        tried = shell.paste(try_it)
        assert "HTTP/1.1 200 OK" in tried
        assert json.loads(tried.strip().splitlines()[-1])["validateOnly"] is True
        assert served.requests("PUT") == []
        first, second = shell.paste(write), shell.paste(write)
    assert '"email":"help@contoso.com"' in first
    assert "HTTP/1.1 200 OK" in second
    # The same delivery, so the same operation for Partner Center.
    assert len({put["ms-requestid"] for put in served.requests("PUT")}) == 1


def test_the_page_s_commands_stop_where_the_person_declines(served: ServedFunction) -> None:
    """The loop slows down when it is told to, ends with the refusal, and nothing is sent without a token."""
    with pasted_into("bash", served) as shell:
        ask, poll, try_it, _ = BLOCKS
        found = re.search(r"open the page (\S+) and enter the code (\w+)", shell.paste(ask))
        assert found
        slower = {"answers": [{"status": 400, "body": {"error": "slow_down"}}], "path": "device_token"}
        served.control(served.entra, "script", slower)
        with served.person("") as nobody:
            nobody.visit(found[1], user_code=found[2])
        printed = shell.paste(poll)
        assert "Nobody is signed in: " in printed
        assert "authorization_declined" in printed
        assert shell.paste("echo $interval").split() == ["6"]
        assert "sign in first" in shell.paste(try_it)


@pytest.mark.parametrize("request_in_file", REQUESTS, ids=lambda request: request[0])
def test_a_request_of_the_editor_s_file_gets_the_status_in_its_title(
    served: ServedFunction, request_in_file: tuple[str, ...]
) -> None:
    title, method, target, head, body = request_in_file
    token = served.control(served.entra, "sign-in", {"user": "alice"})["access_token"]
    headers = dict(line.split(": ", 1) for line in head.replace("{{assertion}}", token).splitlines())
    address = served.settings["FUNCTION_URL"].removesuffix("/api/update_profile")
    answer = httpx.request(method, address + target, headers=headers, content=body or None, trust_env=False)
    expected = re.search(r": (\d{3}) ?(\w+)?", title)
    assert answer.status_code == (int(expected[1]) if expected else 200)
    assert answer.json().get("code") == (expected[2] if expected else None)


def test_every_request_of_the_editor_s_file_is_tried() -> None:
    assert len(REQUESTS) == 8
