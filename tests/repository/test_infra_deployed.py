"""What the committed snapshots deploy: settings that the code accepts, no keys, and least-privilege roles.

Where a compiler is available, test_infra_snapshots.py checks that the template produces these snapshots.
"""

import json
import re

import pytest
from bicep_files import SNAPSHOTS, VARIANTS, app_settings, deployed, of_kind, properties, registration, text

from update_profile.clouds import CLOUDS
from update_profile.settings import CREDENTIALS, IDENTITY_ENDPOINT, IDENTITY_HEADER, NAMES, read_settings

ROLES = {
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
    "3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher",
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
}
REFERENCE = "@Microsoft.KeyVault("
# Sample values for what Azure computes during a deployment.
COMPUTED = {
    "ENTRA_APPROVAL_CLIENT_ID": "88888888-8888-4888-8888-888888888888",
    "ENTRA_CLIENT_ID": "66666666-6666-4666-8666-666666666666",
    "ENTRA_ALLOWED_AUDIENCES": "66666666-6666-4666-8666-666666666666,api://66666666-6666-4666-8666-666666666666",
    "ENTRA_MANAGED_IDENTITY_CLIENT_ID": "77777777-7777-4777-8777-777777777777",
}
PLATFORMS_OWN = {IDENTITY_ENDPOINT: "http://localhost:8081/msi/token", IDENTITY_HEADER: "given-by-the-platform"}
each_variant = pytest.mark.parametrize("variant", VARIANTS)


def cloud_of(variant: str) -> str:
    """Return the cloud that the parameter file asks for."""
    asked = re.search(r"^param cloud = '(\w+)'$", text(VARIANTS[variant]), re.MULTILINE)
    return asked[1] if asked else "global"


@each_variant
def test_the_settings_that_are_deployed_are_sound_to_the_code(variant: str) -> None:
    """The code reads them without an error, for the requested cloud and with exactly one credential."""
    given = app_settings(variant)
    resolved = {
        name: COMPUTED.get(name, cloud_of(variant)) if value.startswith("[") else value.replace(REFERENCE, "resolved(")
        for name, value in given.items()
        if name in NAMES
    }
    settings = read_settings(resolved | PLATFORMS_OWN)
    assert settings.authority_host == CLOUDS[cloud_of(variant)].authority_host
    assert len(set(CREDENTIALS) & set(given)) == 1
    if settings.managed_identity_client_id is not None:
        assert "userAssignedIdentities/id-prod" in given["ENTRA_MANAGED_IDENTITY_CLIENT_ID"]


@each_variant
def test_secrets_are_references_that_the_identity_resolves(variant: str) -> None:
    """Without keyVaultReferenceIdentity Azure uses a system-assigned identity, which the app does not have."""
    secret = {"ENTRA_CLIENT_SECRET", "ENTRA_CLIENT_CERTIFICATE_PASSWORD"}
    assert all(value.startswith(REFERENCE) for name, value in app_settings(variant).items() if name in secret)
    (site,) = of_kind(deployed(variant), "Microsoft.Web/sites")
    assert site["identity"]["type"] == "UserAssigned"
    assert list(site["identity"]["userAssignedIdentities"]) == [site["properties"]["keyVaultReferenceIdentity"]]


@each_variant
def test_nobody_has_more_than_a_role_on_data(variant: str) -> None:
    """The identity has roles on its storage and log; who uploads on Elastic Premium, one on the container."""
    given = []
    for assignment in of_kind(deployed(variant), "Microsoft.Authorization/roleAssignments"):
        role = ROLES[assignment["properties"]["roleDefinitionId"].rpartition("/")[2]]
        (scope,) = re.findall(r"^\[extensionResourceId\('[^']*/(\w+)/[^/']+', ", assignment["id"]) or ["container"]
        given.append((role, scope, "reference(" in assignment["properties"]["principalId"]))
    least = [("Monitoring Metrics Publisher", "components", True), ("Storage Blob Data Owner", "storageAccounts", True)]
    deployer = [("Storage Blob Data Contributor", "container", False)]
    asked = text(VARIANTS[variant])
    uploads = "ElasticPremium" in asked and "deployerPrincipalId" in asked
    assert sorted(given) == sorted(least + (deployer if uploads else []))


@each_variant
def test_nothing_is_open_that_can_be_shut(variant: str) -> None:
    """Shared keys, public blobs, publishing passwords, plain HTTP and keys for the log are disabled."""
    storage = properties(variant, "Microsoft.Storage/storageAccounts")
    private = "privateNetwork = true" in text(VARIANTS[variant])
    assert (storage["allowSharedKeyAccess"], storage["allowBlobPublicAccess"]) == (False, False)
    assert (storage["minimumTlsVersion"], storage["supportsHttpsTrafficOnly"]) == ("TLS1_2", True)
    assert storage["publicNetworkAccess"] == ("Disabled" if private else "Enabled")
    site = properties(variant, "Microsoft.Web/sites")
    assert (site["httpsOnly"], site["siteConfig"]["minTlsVersion"]) == (True, "1.2")
    assert bool(site.get("virtualNetworkSubnetId")) == private
    policies = of_kind(deployed(variant), "Microsoft.Web/sites/basicPublishingCredentialsPolicies")
    assert [policy["properties"]["allow"] for policy in policies] == [False, False]
    assert properties(variant, "Microsoft.Insights/components")["DisableLocalAuth"] is True
    assert properties(variant, "Microsoft.OperationalInsights/workspaces")["features"]["disableLocalAuth"] is True
    assert not re.search(r"\blist\w*\(", json.dumps(deployed(variant)))


@each_variant
def test_each_hosting_plan_is_given_what_it_takes(variant: str) -> None:
    """Flex Consumption refuses most of siteConfig and ignores platform settings that Elastic Premium needs."""
    site = properties(variant, "Microsoft.Web/sites")
    flex = "ElasticPremium" not in text(VARIANTS[variant])
    platform = {name for name in app_settings(variant) if name.startswith(("FUNCTIONS_", "WEBSITE_"))}
    if flex:
        assert set(site["siteConfig"]) == {"minTlsVersion"}
        assert site["functionAppConfig"]["scaleAndConcurrency"]["triggers"]["http"]["perInstanceConcurrency"] > 1
        assert platform == {"FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"}
    else:
        assert site["siteConfig"]["linuxFxVersion"].startswith("Python|")
        assert {"FUNCTIONS_EXTENSION_VERSION", "FUNCTIONS_WORKER_RUNTIME", "WEBSITE_RUN_FROM_PACKAGE"} <= platform
        assert "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT" in platform
        assert "WEBSITE_CONTENTAZUREFILECONNECTIONSTRING" not in platform  # that needs a key


@each_variant
def test_the_registration_trusts_the_identity_and_asks_for_partner_center_alone(variant: str) -> None:
    """It issues version 2 tokens, pre-authorises the named callers, and trusts the cloud's one audience."""
    asked = registration(variant)
    assert (asked is None) == ("existingClientId" in text(VARIANTS[variant]))
    if asked is not None:
        (wanted,) = asked["requiredResourceAccess"]
        assert wanted["resourceAppId"] == "fa3d9a0c-3fb0-42cc-9193-47c7ecd2edbd"
        assert asked["api"]["requestedAccessTokenVersion"] == 2
        callers = [
            one["appId"] for one in asked["api"]["preAuthorizedApplications"] if "reference(" not in one["appId"]
        ]
        assert ",".join(callers) == app_settings(variant).get("ENTRA_ALLOWED_CLIENTS", "")
        (trust,) = of_kind(deployed(variant), "Microsoft.Graph/applications/federatedIdentityCredentials@v1.0")
        assert trust["properties"]["audiences"] == [CLOUDS["global"].federated_audience]
        assert trust["properties"]["subject"].endswith(".principalId]")


@each_variant
def test_administrators_come_back_to_the_function_after_they_consent(variant: str) -> None:
    """Without a redirect URI, Entra ID ends a consent on AADSTS500113. No token is ever issued to that address."""
    asked = registration(variant)
    if asked is not None:
        (address,) = asked["web"]["redirectUris"]
        assert re.fullmatch(r"\[format\('https://\{0\}/api/health', .*defaultHostName.*\)\]", address)
        assert set(asked["web"]["implicitGrantSettings"].values()) == {False}


def test_a_new_scope_is_not_pre_authorised_in_the_deployment_that_makes_it() -> None:
    """Graph refuses both in one change; callers go on with the scope that they have."""
    asked = registration("authentication")
    assert asked is not None
    scopes = {scope["value"]: scope for scope in asked["api"]["oauth2PermissionScopes"]}
    assert list(scopes) == ["user_impersonation", "SupportProfile.ReadWrite"]
    assert [scope["isEnabled"] for scope in scopes.values()] == [True, True]
    given = [one["delegatedPermissionIds"] for one in asked["api"]["preAuthorizedApplications"]]
    assert all(ids == [scopes["user_impersonation"]["id"]] for ids in given)


def test_an_application_id_uri_of_ones_own_is_an_audience_everywhere() -> None:
    """The registration bears it, the function accepts it, and App Service authentication does."""
    own = "api://contoso.example/update-profile"
    asked = registration("authentication")
    (authentication,) = of_kind(deployed("authentication"), "Microsoft.Web/sites/config", named="/authsettingsV2")
    entra = authentication["properties"]["identityProviders"]["azureActiveDirectory"]
    assert asked is not None
    assert own in asked["identifierUris"]
    assert own in app_settings("authentication")["ENTRA_ALLOWED_AUDIENCES"]
    assert own in entra["validation"]["allowedAudiences"]


@each_variant
def test_zones_are_spanned_by_plan_storage_and_instances_together(variant: str) -> None:
    """A plan in several zones takes two instances that are always ready, and storage that survives a zone."""
    spans = "zoneRedundant = true" in text(VARIANTS[variant])
    plan = properties(variant, "Microsoft.Web/serverfarms")
    (account,) = of_kind(deployed(variant), "Microsoft.Storage/storageAccounts")
    assert plan.get("zoneRedundant", False) == spans
    assert account["sku"]["name"] == ("Standard_ZRS" if spans else "Standard_LRS")
    site = properties(variant, "Microsoft.Web/sites")
    ready = (site.get("functionAppConfig") or {}).get("scaleAndConcurrency", {}).get("alwaysReady", [])
    assert ready == ([{"name": "http", "instanceCount": 2}] if spans else [])


def test_app_service_authentication_refuses_and_never_redirects() -> None:
    """If chosen, it answers 401, accepts tokens of the named clients, and leaves open what needs no token."""
    for variant in VARIANTS:
        chosen = "appServiceAuthentication = true" in text(VARIANTS[variant])
        found = of_kind(deployed(variant), "Microsoft.Web/sites/config", named="/authsettingsV2")
        assert len(found) == int(chosen)
        for one in found:
            validation = one["properties"]["globalValidation"]
            assert validation["unauthenticatedClientAction"] == "Return401"
            assert validation["excludedPaths"][:2] == ["/api/health", "/api/openapi.json"]
            assert all(path.startswith("/api/approve") for path in validation["excludedPaths"][2:])
            entra = one["properties"]["identityProviders"]["azureActiveDirectory"]["validation"]
            assert "format('api://{0}'" in entra["allowedAudiences"]
            assert app_settings(variant)["ENTRA_ALLOWED_CLIENTS"] in str(entra["defaultAuthorizationPolicy"])


def test_what_bears_tags_bears_the_environments() -> None:
    """azd finds the resources of an environment by the azd-env-name tag."""
    for variant in VARIANTS:
        tagged = [one for one in deployed(variant) if "location" in one]
        assert len(tagged) > 10
        assert [one["type"] for one in tagged if one["tags"]["azd-env-name"] != "prod"] == []


def test_no_output_tells_a_secret() -> None:
    """Outputs contain only names, addresses and ids."""
    for variant in VARIANTS:
        outputs = json.loads((SNAPSHOTS / f"{variant}.json").read_text(encoding="utf-8"))["outputs"]
        assert not re.search(r"(?i)connectionstring|secret|password|instrumentationkey|accountkey", json.dumps(outputs))
