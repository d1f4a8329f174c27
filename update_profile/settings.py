"""Environment variables -> frozen Settings. Every fault is collected and reported by the setting's name."""

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from . import formats
from .clouds import CLOUDS, DEFAULT_CLOUD, cloud_of
from .errors import FieldError, Misconfigured

# App Service leaves a reference that it could not resolve in place of the value
# (learn.microsoft.com/azure/app-service/app-service-key-vault-references).
_UNRESOLVED = re.compile(r"\s*@Microsoft\.\w+\(", re.IGNORECASE)

Guid = Annotated[str, BeforeValidator(formats.guid)]
Guids = Annotated[frozenset[str], BeforeValidator(formats.guids)]
Audiences = Annotated[frozenset[str], BeforeValidator(formats.audiences)]
Scope = Annotated[str, BeforeValidator(formats.scope)]
Host = Annotated[str, BeforeValidator(formats.authority_host)]
Url = Annotated[str, BeforeValidator(formats.base_url)]
Path = Annotated[str, BeforeValidator(formats.path)]
Endpoint = Annotated[str, BeforeValidator(formats.identity_endpoint)]
Cloud = Annotated[str, BeforeValidator(str.lower)]
Flag = Annotated[bool, BeforeValidator(formats.boolean)]
Seconds = Annotated[float, BeforeValidator(partial(formats.number, low=1, high=110))]
Bytes = Annotated[int, BeforeValidator(partial(formats.whole_number, low=1_024, high=1_048_576))]

APPROVAL_CLIENT_ID = "ENTRA_APPROVAL_CLIENT_ID"
MANAGED_IDENTITY = "ENTRA_MANAGED_IDENTITY_CLIENT_ID"
CERTIFICATE = "ENTRA_CLIENT_CERTIFICATE_PATH"
CERTIFICATE_PASSWORD = "ENTRA_CLIENT_CERTIFICATE_PASSWORD"  # noqa: S105  the setting's name
SECRET = "ENTRA_CLIENT_SECRET"  # noqa: S105  the setting's name
CREDENTIALS = (MANAGED_IDENTITY, CERTIFICATE, SECRET)
# What App Service tells an app about its identities (learn.microsoft.com/azure/app-service/overview-managed-identity).
IDENTITY_ENDPOINT = "IDENTITY_ENDPOINT"
IDENTITY_HEADER = "IDENTITY_HEADER"
_PLATFORM_NAMES = (IDENTITY_ENDPOINT, IDENTITY_HEADER)
_SECRETS = (CERTIFICATE_PASSWORD, SECRET, IDENTITY_HEADER)
_ALLOW_LISTS = ("ENTRA_ALLOWED_TENANTS", "ENTRA_ALLOWED_CLIENTS")


class Settings(BaseModel):
    """What the environment says. The README's settings table gives each one's meaning and default.

    GUIDs, hosts and audiences are in lower case. None: not set.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    client_id: Guid = Field(alias="ENTRA_CLIENT_ID")
    allowed_audiences: Audiences = Field(alias="ENTRA_ALLOWED_AUDIENCES")
    allowed_tenants: Guids = Field(alias="ENTRA_ALLOWED_TENANTS")
    listed_clients: Guids | None = Field(alias="ENTRA_ALLOWED_CLIENTS", default=None)
    required_scope: Scope = Field(alias="ENTRA_REQUIRED_SCOPE", default="user_impersonation")
    managed_identity_client_id: Guid | None = Field(alias=MANAGED_IDENTITY, default=None)
    client_certificate_path: str | None = Field(alias=CERTIFICATE, default=None)
    client_certificate_password: SecretStr | None = Field(alias=CERTIFICATE_PASSWORD, default=None)
    client_secret: SecretStr | None = Field(alias=SECRET, default=None)
    authority_host: Host = Field(alias="ENTRA_AUTHORITY_HOST")
    approval_client_id: Guid | None = Field(alias=APPROVAL_CLIENT_ID, default=None)
    partner_center_cloud: Cloud = Field(alias="PARTNER_CENTER_CLOUD", default=DEFAULT_CLOUD)
    partner_center_base_url: Url = Field(alias="PARTNER_CENTER_BASE_URL")
    partner_center_scope: Scope = Field(alias="PARTNER_CENTER_SCOPE")
    partner_center_profile_path: Path = Field(
        alias="PARTNER_CENTER_PROFILE_PATH", default="/v1/profiles/supportprofile"
    )
    partner_center_read_path: Path = Field(alias="PARTNER_CENTER_READ_PATH", default="/v1/profiles/support")
    partner_center_validate_mfa: Flag = Field(alias="PARTNER_CENTER_VALIDATE_MFA", default=False)
    request_budget_seconds: Seconds = Field(alias="REQUEST_BUDGET_SECONDS", default=20.0)
    max_body_bytes: Bytes = Field(alias="MAX_BODY_BYTES", default=65_536)
    ssl_cert_file: str | None = Field(alias="SSL_CERT_FILE", default=None)
    # The platform's own variables, not settings of ours.
    identity_endpoint: Endpoint | None = Field(alias=IDENTITY_ENDPOINT, default=None)
    identity_header: SecretStr | None = Field(alias=IDENTITY_HEADER, default=None)

    @property
    def allowed_clients(self) -> frozenset[str] | None:
        """The applications that may call: the listed ones and the approval page. None: any application."""
        if self.listed_clients is None or self.approval_client_id is None:
            return self.listed_clients
        return self.listed_clients | {self.approval_client_id}

    @property
    def federated_audience(self) -> str:
        """The audience that makes a managed identity's token count as a credential in this cloud."""
        return (cloud_of(self.authority_host) or CLOUDS[self.partner_center_cloud]).federated_audience


_ALIASES = tuple(str(field.alias) for field in Settings.model_fields.values())
NAMES = tuple(name for name in _ALIASES if name not in _PLATFORM_NAMES)


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Read every setting. A blank variable counts as absent.

    Raises:
        Misconfigured: With one entry for each wrong or missing setting; no entry holds a value.
    """
    given = {name: environ[name] for name in _ALIASES if environ.get(name, "").strip()}
    if MANAGED_IDENTITY not in given:
        given = {name: text for name, text in given.items() if name not in _PLATFORM_NAMES}
    values = {name: text if name in _SECRETS else text.strip() for name, text in given.items()}
    faults = [*_text_faults(environ, given), *_cloud_faults(values), *_credential_faults(given), *_page_faults(values)]
    try:
        settings = Settings.model_validate({**_defaults(values), **values})
    except ValidationError as error:
        faults += _parse_faults(error)
    if not faults:
        return settings
    first: dict[str, FieldError] = {}
    for fault in faults:
        first.setdefault(fault.field, fault)
    raise Misconfigured.of(sorted(first.values(), key=lambda fault: _ALIASES.index(fault.field)))


def _defaults(values: Mapping[str, str]) -> dict[str, str]:
    """Return the defaults that depend on other settings."""
    cloud = CLOUDS.get(values.get("PARTNER_CENTER_CLOUD", DEFAULT_CLOUD).lower(), CLOUDS[DEFAULT_CLOUD])
    client_id = values.get("ENTRA_CLIENT_ID", "missing")
    return {
        "ENTRA_ALLOWED_AUDIENCES": f"{client_id},api://{client_id}",
        "ENTRA_AUTHORITY_HOST": cloud.authority_host,
        "PARTNER_CENTER_BASE_URL": cloud.base_url,
        "PARTNER_CENTER_SCOPE": cloud.scope,
    }


def _text_faults(environ: Mapping[str, str], given: Mapping[str, str]) -> Iterator[FieldError]:
    """Yield what can be seen before a text is parsed."""
    for name, text in given.items():
        if _UNRESOLVED.match(text):
            yield FieldError(field=name, message="is a reference that the platform could not resolve")
        elif name in _SECRETS and text != text.strip():
            # White space at an end is part of the secret, or a slip that only its owner can see.
            yield FieldError(field=name, message="starts or ends with white space")
    for name in _ALLOW_LISTS:
        if name in environ and name not in given:
            yield FieldError(field=name, message="is blank; an allow-list needs at least one entry")


def _cloud_faults(values: Mapping[str, str]) -> Iterator[FieldError]:
    name = values.get("PARTNER_CENTER_CLOUD", DEFAULT_CLOUD).lower()
    cloud = CLOUDS.get(name)
    overridden = "PARTNER_CENTER_BASE_URL" in values and "ENTRA_AUTHORITY_HOST" in values
    if cloud is None:
        yield FieldError(field="PARTNER_CENTER_CLOUD", message=f"must be one of {', '.join(CLOUDS)}")
    elif cloud.closed and not overridden:
        yield FieldError(field="PARTNER_CENTER_CLOUD", message=f"cannot be used: {cloud.closed}")


def _credential_faults(given: Mapping[str, str]) -> Iterator[FieldError]:
    """Exactly one credential is set (docs/adr/0008-credentials.md), and a password only with what it opens."""
    chosen = [name for name in CREDENTIALS if name in given]
    for name in CREDENTIALS if not chosen else ():
        first, second, third = CREDENTIALS
        yield FieldError(field=name, message=f"is missing: set exactly one of {first}, {second} and {third}")
    for name in chosen if len(chosen) > 1 else ():
        others = " and ".join(other for other in chosen if other != name)
        yield FieldError(field=name, message=f"is set beside {others}: keep one of them")
    if CERTIFICATE_PASSWORD in given and CERTIFICATE not in given:
        yield FieldError(field=CERTIFICATE_PASSWORD, message=f"is set without {CERTIFICATE}")


def _page_faults(values: Mapping[str, str]) -> Iterator[FieldError]:
    """The function's own registration may ask for all of Partner Center: no script in a browser gets its tokens."""
    page = values.get(APPROVAL_CLIENT_ID)
    if page is not None and page.lower() == values.get("ENTRA_CLIENT_ID", "").lower():
        yield FieldError(field=APPROVAL_CLIENT_ID, message="must not be ENTRA_CLIENT_ID: the page has its own")


def _parse_faults(error: ValidationError) -> Iterator[FieldError]:
    for fault in error.errors(include_url=False, include_input=False):
        reason = fault.get("ctx", {}).get("error")
        yield FieldError(field=str(fault["loc"][0]), message=str(reason or "is missing"))
