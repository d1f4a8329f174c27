"""Each live cloud with production settings: the stand-ins answer under the real host names, by SNI."""

import json
from typing import Literal

import pytest
from live_function import LiveFunction
from named_network import NamedNetwork

from sandbox import Sandbox
from sandbox.entra import errors as entra
from update_profile.clouds import CLOUDS, Cloud

LIVE = {name: cloud for name, cloud in CLOUDS.items() if cloud.closed is None}


def real_names(sandbox: Sandbox, cloud: Cloud) -> NamedNetwork:
    """Return a network that has the stand-ins under the cloud's host names, and no other host."""
    return NamedNetwork(
        {
            cloud.authority_host.removeprefix("https://"): sandbox.entra.server.port,
            cloud.base_url.removeprefix("https://"): sandbox.partner_center.server.port,
        }
    )


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("name", LIVE)
async def test_a_live_cloud_works_with_production_settings(
    live: LiveFunction, monkeypatch: pytest.MonkeyPatch, name: str, version: Literal["1.0", "2.0"]
) -> None:
    """Only the cloud is set, no address, so hosts, scope, issuers and certificate names are the real ones."""
    cloud = LIVE[name]
    live.sandbox.entra.known_as = cloud.authority_host
    network = real_names(live.sandbox, cloud)
    live.connect_through(network)
    live.set(PARTNER_CENTER_CLOUD=name, ENTRA_AUTHORITY_HOST=None, PARTNER_CENTER_BASE_URL=None)
    answered = await live.call(token=live.sandbox.entra.sign_in("alice", version=version))
    assert answered.status == 200
    entra_host, center_host = (f"{host}:443" for host in network.ports)
    # One connection goes through discovery, keys and token; the other one is opened beside it.
    assert sorted(network.asked) == sorted([entra_host, center_host])
    (exchange,) = live.exchanges
    assert exchange.form["scope"].split()[0] == f"{cloud.base_url}/user_impersonation"
    assert live.puts[0].header("Host") == cloud.base_url.removeprefix("https://")


@pytest.mark.parametrize("name", LIVE)
async def test_a_challenge_names_the_clouds_own_address(
    live: LiveFunction, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The user has to sign in to the cloud in which the token is needed."""
    cloud = LIVE[name]
    live.sandbox.entra.known_as = cloud.authority_host
    live.connect_through(real_names(live.sandbox, cloud))
    live.set(PARTNER_CENTER_CLOUD=name, ENTRA_AUTHORITY_HOST=None, PARTNER_CENTER_BASE_URL=None)
    live.sandbox.entra.script(entra.interaction_required())
    challenge = (await live.call()).headers["www-authenticate"]
    address = f"{cloud.authority_host}/{live.sandbox.entra.tenants[0]}/oauth2/v2.0/authorize"
    assert f'authorization_uri="{address}"' in challenge


@pytest.mark.parametrize("name", [name for name in LIVE if name != "global"])
async def test_a_token_of_another_cloud_is_refused(
    live: LiveFunction, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The stand-in signs both tokens with the same key, so only the issuer differs."""
    live.sandbox.entra.known_as = CLOUDS["global"].authority_host
    foreign = live.sandbox.entra.sign_in("alice")
    live.sandbox.entra.known_as = CLOUDS[name].authority_host
    live.connect_through(real_names(live.sandbox, CLOUDS[name]))
    live.set(PARTNER_CENTER_CLOUD=name, ENTRA_AUTHORITY_HOST=None, PARTNER_CENTER_BASE_URL=None)
    assert (await live.call(token=foreign)).code == "invalid_token"
    assert not live.exchanges


async def test_the_closed_cloud_is_refused_with_the_reason_unless_both_addresses_are_given(live: LiveFunction) -> None:
    """The hosts of this cloud are gone, so a call to them could only fail."""
    live.set(PARTNER_CENTER_CLOUD="germany", PARTNER_CENTER_BASE_URL=None)
    refused = await live.call()
    assert (refused.code, refused.fields) == ("misconfigured", ["PARTNER_CENTER_CLOUD"])
    assert "2021-10-29" in json.dumps(refused.json["errors"])
    live.set(PARTNER_CENTER_BASE_URL=live.sandbox.partner_center.base_url)
    assert (await live.call()).status == 200
