"""The approval page in the template: a registration that can do nothing but call this function as a person."""

import json
from pathlib import Path

import pytest
from bicep_files import SNAPSHOTS, VARIANTS, app_settings, deployed, of_kind, registration, text

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "update_profile" / "page"
WITH_PAGE = [name for name, path in VARIANTS.items() if "approvalPage = true" in text(path)]
each_variant = pytest.mark.parametrize("variant", VARIANTS)


@each_variant
def test_there_is_no_page_unless_it_is_asked_for(variant: str) -> None:
    """Without it the setting is blank, the output is empty, and nothing is registered."""
    outputs = json.loads((SNAPSHOTS / f"{variant}.json").read_text(encoding="utf-8"))["outputs"]
    asked = variant in WITH_PAGE
    assert bool(app_settings(variant)["ENTRA_APPROVAL_CLIENT_ID"]) == asked
    assert bool(outputs["APPROVAL_URL"]) == asked
    assert asked or registration(variant, of_page=True) is None


def test_the_page_has_a_registration_without_credential_and_without_permission() -> None:
    """A stolen code or a script on the page gets a token for this function, and for nothing else."""
    page = registration("authentication", of_page=True)
    assert page is not None
    assert set(page) == {"uniqueName", "displayName", "signInAudience", "spa", "web"}
    assert set(page["web"]) == {"implicitGrantSettings"}
    assert set(page["web"]["implicitGrantSettings"].values()) == {False}
    credentials = of_kind(deployed("authentication"), "Microsoft.Graph/applications/federatedIdentityCredentials@v1.0")
    assert len(credentials) == 1  # the function's own


def test_the_page_is_pre_authorised_for_the_required_scope_alone() -> None:
    """Nobody is asked for consent, and no other scope that the registration bears comes with it."""
    function = registration("authentication")
    assert function is not None
    ids = {scope["value"]: scope["id"] for scope in function["api"]["oauth2PermissionScopes"]}
    *_, page = function["api"]["preAuthorizedApplications"]
    assert page == {
        "appId": app_settings("authentication")["ENTRA_APPROVAL_CLIENT_ID"],
        "delegatedPermissionIds": [ids["user_impersonation"]],
    }
    assert function["optionalClaims"] == {"accessToken": [{"name": "upn"}]}


def test_people_come_back_to_the_real_host_name_and_to_custom_ones() -> None:
    """Flex Consumption may hash the host name, so that it cannot be made from the app's name."""
    page = registration("authentication", of_page=True)
    assert page is not None
    own, custom = page["spa"]["redirectUris"]
    assert "defaultHostName" in own
    assert own.startswith("[format('https://{0}/api/approve', ")
    assert custom == "https://support-profile.contoso.example/api/approve"


def test_assignment_can_be_required_on_the_page_alone() -> None:
    """Who approves is a small circle; who calls the API by another application is not touched."""
    principals = of_kind(deployed("authentication"), "Microsoft.Graph/servicePrincipals@v1.0")
    required = [one["properties"].get("appRoleAssignmentRequired", False) for one in principals]
    assert sorted(required) == [False, True]


def test_an_administrators_registration_is_taken_as_it_is() -> None:
    """Nothing is made in Entra ID then."""
    assert app_settings("existing-registration")["ENTRA_APPROVAL_CLIENT_ID"] == "77777777-7777-4777-8777-777777777777"
    assert registration("existing-registration") is None
    assert registration("existing-registration", of_page=True) is None


def test_app_service_authentication_lets_the_page_and_each_of_its_files_through() -> None:
    """Who opens the page has no token yet. The page's own calls have one, of a client that is allowed."""
    (one,) = of_kind(deployed("authentication"), "Microsoft.Web/sites/config", named="/authsettingsV2")
    files = sorted(path.name for path in PAGE.iterdir() if path.suffix in {".css", ".js"})
    open_paths = one["properties"]["globalValidation"]["excludedPaths"]
    assert open_paths == [
        "/api/health",
        "/api/openapi.json",
        "/api/approve",
        *(f"/api/approve/{name}" for name in files),
    ]
    entra = one["properties"]["identityProviders"]["azureActiveDirectory"]["validation"]
    page = app_settings("authentication")["ENTRA_APPROVAL_CLIENT_ID"].strip("[]")
    assert page in entra["defaultAuthorizationPolicy"]["allowedApplications"]
