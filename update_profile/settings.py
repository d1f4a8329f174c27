"""Environment variables -> frozen Settings. Read once; what is wrong is collected whole, by name."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from . import formats as setting_values
from .clouds import CLOUDS, DEFAULT_CLOUD, cloud_of
from .credential_settings import IDENTITY_ENDPOINT, IDENTITY_HEADER, Credential, read_credential
from .errors import Misconfigured
from .evidence import Evidence
from .setting_reader import SettingReader

NAMES = (
    "ENTRA_CLIENT_ID",
    "ENTRA_ALLOWED_AUDIENCES",
    "ENTRA_ALLOWED_TENANTS",
    "ENTRA_ALLOWED_CLIENTS",
    "ENTRA_REQUIRED_SCOPE",
    "ENTRA_MANAGED_IDENTITY_CLIENT_ID",
    "ENTRA_CLIENT_CERTIFICATE_PATH",
    "ENTRA_CLIENT_CERTIFICATE_PASSWORD",
    "ENTRA_CLIENT_SECRET",
    "ENTRA_AUTHORITY_HOST",
    "PARTNER_CENTER_CLOUD",
    "PARTNER_CENTER_BASE_URL",
    "PARTNER_CENTER_SCOPE",
    "PARTNER_CENTER_PROFILE_PATH",
    "PARTNER_CENTER_READ_PATH",
    "PARTNER_CENTER_VALIDATE_MFA",
    "REQUEST_BUDGET_SECONDS",
    "MAX_BODY_BYTES",
    "SSL_CERT_FILE",
)
_ALLOW_LISTS = ("ENTRA_ALLOWED_TENANTS", "ENTRA_ALLOWED_CLIENTS")
# The platform's own, which are read as well, and are no settings of ours.
_PLATFORM_NAMES = (IDENTITY_ENDPOINT, IDENTITY_HEADER)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the environment says; the README's settings table gives each one's meaning and default.

    GUIDs, hosts and audiences are in lower case. ``allowed_clients`` None: any application may call.
    ``federated_audience``: what a managed identity's token must be made for, to count as a credential here.
    ``ssl_cert_file`` None: certifi's bundle.
    """

    client_id: str
    allowed_audiences: frozenset[str]
    allowed_tenants: frozenset[str]
    allowed_clients: frozenset[str] | None
    required_scope: str
    credential: Credential
    federated_audience: str
    authority_host: str
    partner_center_base_url: str
    partner_center_scope: str
    partner_center_profile_path: str
    partner_center_read_path: str
    partner_center_validate_mfa: bool
    request_budget_seconds: float
    max_body_bytes: int
    ssl_cert_file: str | None


def snapshot(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables this function looks at, as they are now."""
    return {name: environ[name] for name in (*NAMES, *_PLATFORM_NAMES) if name in environ}


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Read every setting.

    Raises:
        Misconfigured: With one entry for each wrong or missing setting; none holds a value.
    """
    reader = SettingReader(environ, never_blank=_ALLOW_LISTS)
    settings = _read(reader)
    if reader.errors:
        names = ", ".join(error.field for error in reader.errors)
        raise Misconfigured(f"Wrong or missing settings: {names}.", Evidence(fields=reader.errors))
    return settings


def _read(reader: SettingReader) -> Settings:
    client_id = reader.required("ENTRA_CLIENT_ID", setting_values.guid, "")
    cloud = CLOUDS[_read_cloud(reader)]
    authority_host = reader.value("ENTRA_AUTHORITY_HOST", setting_values.authority_host, cloud.authority_host)
    return Settings(
        client_id=client_id,
        allowed_audiences=reader.value(
            "ENTRA_ALLOWED_AUDIENCES", setting_values.audiences, frozenset({client_id, f"api://{client_id}"})
        ),
        allowed_tenants=reader.required("ENTRA_ALLOWED_TENANTS", setting_values.guids, frozenset()),
        allowed_clients=reader.value("ENTRA_ALLOWED_CLIENTS", _guids_or_none, None),
        required_scope=reader.value("ENTRA_REQUIRED_SCOPE", setting_values.scope, "user_impersonation"),
        credential=read_credential(reader),
        federated_audience=(cloud_of(authority_host) or cloud).federated_audience,
        authority_host=authority_host,
        partner_center_base_url=reader.value("PARTNER_CENTER_BASE_URL", setting_values.base_url, cloud.base_url),
        partner_center_scope=reader.value("PARTNER_CENTER_SCOPE", setting_values.scope, cloud.scope),
        partner_center_profile_path=reader.value(
            "PARTNER_CENTER_PROFILE_PATH", setting_values.path, "/v1/profiles/supportprofile"
        ),
        partner_center_read_path=reader.value("PARTNER_CENTER_READ_PATH", setting_values.path, "/v1/profiles/support"),
        partner_center_validate_mfa=reader.value("PARTNER_CENTER_VALIDATE_MFA", setting_values.boolean, False),
        request_budget_seconds=reader.value(
            "REQUEST_BUDGET_SECONDS", partial(setting_values.number, low=1, high=110), 20.0
        ),
        max_body_bytes=reader.value(
            "MAX_BODY_BYTES", partial(setting_values.whole_number, low=1_024, high=1_048_576), 65_536
        ),
        ssl_cert_file=reader.text("SSL_CERT_FILE"),
    )


def _guids_or_none(text: str) -> frozenset[str] | None:
    return setting_values.guids(text)


def _read_cloud(reader: SettingReader) -> str:
    name = reader.value("PARTNER_CENTER_CLOUD", str.lower, DEFAULT_CLOUD)
    if name not in CLOUDS:
        reader.refuse("PARTNER_CENTER_CLOUD", f"is none of {', '.join(CLOUDS)}")
        return DEFAULT_CLOUD
    overridden = reader.text("PARTNER_CENTER_BASE_URL") and reader.text("ENTRA_AUTHORITY_HOST")
    if CLOUDS[name].closed and not overridden:
        reader.refuse("PARTNER_CENTER_CLOUD", f"cannot be used: {CLOUDS[name].closed}")
    return name
