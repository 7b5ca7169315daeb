"""What is wrong with a certificate, in words for people."""

from __future__ import annotations

import ssl

_FAULTS = {
    9: "its certificate is not valid yet",
    10: "its certificate has expired",
    18: "its certificate is signed by itself",
    19: "its certificate comes from an authority that nobody vouches for",
    20: "its certificate comes from an authority that this machine does not know",
    62: "its certificate is for another host",
    64: "its certificate is for another address",
}
"""By OpenSSL's X509_V_ERR numbers."""


def tls_fault(error: ssl.SSLError) -> str:
    """Why no browser would speak TLS with a server that we did not speak with either."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _FAULTS.get(error.verify_code, error.verify_message)
    return f"no TLS connection comes about ({error.reason or error})"
