"""Environment variables -> frozen Settings. Read once; what is wrong is collected whole, by name."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from pydantic import SecretStr

from . import setting_values
from .clouds import CLOUDS, DEFAULT_CLOUD
from .errors import Misconfigured
from .evidence import Evidence, FieldError

PREFERRED_CREDENTIAL = "ENTRA_MANAGED_IDENTITY_CLIENT_ID"
CERTIFICATE = "ENTRA_CLIENT_CERTIFICATE_PATH"
CERTIFICATE_PASSWORD = "ENTRA_CLIENT_CERTIFICATE_PASSWORD"  # noqa: S105  the setting's name
SECRET = "ENTRA_CLIENT_SECRET"  # noqa: S105  the setting's name
NOT_BUILT_YET = (PREFERRED_CREDENTIAL, CERTIFICATE, CERTIFICATE_PASSWORD)

NAMES = (
    "ENTRA_CLIENT_ID",
    "ENTRA_ALLOWED_AUDIENCES",
    "ENTRA_ALLOWED_TENANTS",
    "ENTRA_ALLOWED_CLIENTS",
    "ENTRA_REQUIRED_SCOPE",
    PREFERRED_CREDENTIAL,
    CERTIFICATE,
    CERTIFICATE_PASSWORD,
    SECRET,
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
T = TypeVar("T")
_ALLOW_LISTS = ("ENTRA_ALLOWED_TENANTS", "ENTRA_ALLOWED_CLIENTS")
# App Service leaves a reference it could not resolve in place of the value
# (learn.microsoft.com/azure/app-service/app-service-key-vault-references).
_UNRESOLVED = re.compile(r"\s*@Microsoft\.\w+\(", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the environment says; the README's settings table gives each one's meaning and default.

    GUIDs, hosts and audiences are in lower case. ``allowed_clients`` None: any application may call.
    ``ssl_cert_file`` None: certifi's bundle.
    """

    client_id: str
    allowed_audiences: frozenset[str]
    allowed_tenants: frozenset[str]
    allowed_clients: frozenset[str] | None
    required_scope: str
    client_secret: SecretStr
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
    return {name: environ[name] for name in NAMES if name in environ}


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Read every setting.

    Raises:
        Misconfigured: With one entry for each wrong or missing setting; none holds a value.
    """
    reader = _Reader(environ)
    settings = _read(reader)
    if reader.errors:
        names = ", ".join(error.field for error in reader.errors)
        raise Misconfigured(f"Wrong or missing settings: {names}.", Evidence(fields=reader.errors))
    return settings


class _Reader:
    """Takes one variable after the other and collects what is wrong, the first thing of each."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._refused: dict[str, FieldError] = {}

    @property
    def errors(self) -> tuple[FieldError, ...]:
        return tuple(self._refused.values())

    def refuse(self, name: str, message: str) -> None:
        self._refused.setdefault(name, FieldError(field=name, message=message))

    def text(self, name: str) -> str | None:
        """The trimmed text; None when absent or blank (which an allow-list may not be)."""
        text = self._environ.get(name, "")
        if _UNRESOLVED.match(text):
            self.refuse(name, "is a reference that the platform could not resolve")
            return None
        if not text.strip() and name in _ALLOW_LISTS and name in self._environ:
            self.refuse(name, "is blank; an allow-list names at least one")
        return text.strip() or None

    def value(self, name: str, parse: Callable[[str], T], default: T) -> T:
        text = self.text(name)
        if text is None:
            return default
        try:
            return parse(text)
        except ValueError as error:
            self.refuse(name, str(error))
            return default

    def required(self, name: str, parse: Callable[[str], T], placeholder: T) -> T:
        if self.text(name) is None:
            self.refuse(name, "is missing")
        return self.value(name, parse, placeholder)

    def secret(self, name: str) -> SecretStr:
        """The text exactly as given: a blank at an end is part of a secret, or a slip that only its owner can see."""
        exact = self._environ.get(name, "")
        if self.required(name, str, "") != exact:
            self.refuse(name, "starts or ends with white space")
        return SecretStr(exact)


def _read(reader: _Reader) -> Settings:
    client_id = reader.required("ENTRA_CLIENT_ID", setting_values.guid, "")
    cloud = CLOUDS[_read_cloud(reader)]
    return Settings(
        client_id=client_id,
        allowed_audiences=reader.value(
            "ENTRA_ALLOWED_AUDIENCES", setting_values.audiences, frozenset({client_id, f"api://{client_id}"})
        ),
        allowed_tenants=reader.required("ENTRA_ALLOWED_TENANTS", setting_values.guids, frozenset()),
        allowed_clients=reader.value("ENTRA_ALLOWED_CLIENTS", _guids_or_none, None),
        required_scope=reader.value("ENTRA_REQUIRED_SCOPE", setting_values.scope, "user_impersonation"),
        client_secret=_read_credential(reader),
        authority_host=reader.value("ENTRA_AUTHORITY_HOST", setting_values.authority_host, cloud.authority_host),
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


def _read_cloud(reader: _Reader) -> str:
    name = reader.value("PARTNER_CENTER_CLOUD", str.lower, DEFAULT_CLOUD)
    if name not in CLOUDS:
        reader.refuse("PARTNER_CENTER_CLOUD", f"is none of {', '.join(CLOUDS)}")
        return DEFAULT_CLOUD
    overridden = reader.text("PARTNER_CENTER_BASE_URL") and reader.text("ENTRA_AUTHORITY_HOST")
    if CLOUDS[name].closed and not overridden:
        reader.refuse("PARTNER_CENTER_CLOUD", f"cannot be used: {CLOUDS[name].closed}")
    return name


def _read_credential(reader: _Reader) -> SecretStr:
    """The client secret, exactly as given. The other credentials are known and refused by name until they are built."""
    for name in NOT_BUILT_YET:
        if reader.text(name) is not None:
            reader.refuse(name, f"is not built yet: use {SECRET}")
    return reader.secret(SECRET)
