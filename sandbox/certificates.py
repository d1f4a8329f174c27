"""A certificate authority created at run time, and one server certificate for every name of the stand-ins."""

import ssl
from dataclasses import dataclass
from typing import Self

import trustme

# The loopback names and the real host names. A client can be redirected here under a real name, which it sends in SNI.
NAMES = (
    "localhost",
    "127.0.0.1",
    "::1",
    "login.microsoftonline.com",
    "login.microsoftonline.us",
    "login.partner.microsoftonline.cn",
    "login.chinacloudapi.cn",
    "sts.windows.net",
    "api.partnercenter.microsoft.com",
    "partner.partnercenterapi.microsoftonline.cn",
)


@dataclass(frozen=True)
class Certificates:
    """What a TLS server and its clients need.

    Attributes:
        ca_pem: The authority's certificate in PEM, which clients trust.
        server_context: The server's TLS context, with certificate and key. TLS 1.2 or later, HTTP/1.1 only.
    """

    ca_pem: bytes
    server_context: ssl.SSLContext

    @classmethod
    def create(cls) -> Self:
        """Create a new authority and a certificate for NAMES. The authority's key is never written to a file."""
        authority = trustme.CA()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        authority.issue_cert(*NAMES).configure_cert(context)
        return cls(ca_pem=authority.cert_pem.bytes(), server_context=context)

    def client_context(self) -> ssl.SSLContext:
        """Return a client's TLS context that trusts only this authority."""
        return ssl.create_default_context(cadata=self.ca_pem.decode("ascii"))
