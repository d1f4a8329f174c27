"""A company's certificate authority that Python 3.13 no longer accepts. Verification is never switched off."""

import sys
from collections.abc import Iterator

import pytest
from live_function import EveryLog, LiveFunction
from odd_authorities import odd_certificates

from sandbox import Sandbox
from sandbox.functions_host import FunctionsHost

STRICT = sys.version_info >= (3, 13)  # from then on the default context has VERIFY_X509_STRICT
ODD = {"basic constraints not critical": {"critical": False}, "no authority key id": {"key_id": False}}


@pytest.fixture(params=list(ODD.values()), ids=list(ODD))
def behind_a_proxy(
    request: pytest.FixtureRequest, functions_host: FunctionsHost, monkeypatch: pytest.MonkeyPatch
) -> Iterator[LiveFunction]:
    """The function, with both stand-ins using certificates of such an authority, which SSL_CERT_FILE names."""
    with Sandbox(odd_certificates(**request.param)) as sandbox:
        yield LiveFunction(functions_host, sandbox, monkeypatch)


async def test_an_odd_authority_is_refused_by_the_newer_python_with_the_reason_in_the_log(
    behind_a_proxy: LiveFunction, every_log: EveryLog
) -> None:
    """Nothing is sent to Entra ID. Python before 3.13 accepts the authority."""
    answered = await behind_a_proxy.call()
    if not STRICT:
        assert answered.status == 200
        return
    assert (answered.status, answered.code, answered.json["retryable"]) == (503, "entra_unavailable", True)
    assert not behind_a_proxy.sandbox.entra.journal
    told = [record.getMessage() for record in every_log.records if "update_profile.no_answer" in record.getMessage()]
    assert told
    assert all("entra" in line and "certificate verify failed" in line for line in told)


@pytest.mark.skipif(not STRICT, reason="only the newer Python refuses it")
@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
async def test_partner_centers_side_behaves_alike(
    live: LiveFunction, every_log: EveryLog, odd: dict[str, bool]
) -> None:
    """Both upstreams use one trust store: Entra ID is accepted, Partner Center is not, and the log says why."""
    with Sandbox(odd_certificates(**odd)) as proxied:
        bundle = proxied.ca_file.read_bytes() + live.sandbox.ca_file.read_bytes()
        proxied.ca_file.write_bytes(bundle)
        live.allow(2)
        live.set(SSL_CERT_FILE=str(proxied.ca_file), PARTNER_CENTER_BASE_URL=proxied.partner_center.base_url)
        answered = await live.call()
        assert not proxied.partner_center.journal
    assert (answered.status, answered.code) == (502, "partner_center_unreachable")
    told = [record.getMessage() for record in every_log.records if "no_answer partner_center" in record.getMessage()]
    assert told
    assert all("certificate verify failed" in line for line in told)


async def test_a_sound_authority_of_a_companys_own_is_trusted(
    functions_host: FunctionsHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sound authority succeeds, so the refusals above are caused by the odd certificates alone."""
    with Sandbox(odd_certificates()) as sandbox:
        assert (await LiveFunction(functions_host, sandbox, monkeypatch).call()).status == 200
