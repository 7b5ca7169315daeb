"""A certificate authority of our own, for servers on the loopback that speak TLS."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path


def make_authority(folder: Path) -> Path:
    """Its certificate is `ca.pem` in the folder, which is given back."""
    _openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
             "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Ours",
             "-addext", "keyUsage=critical,keyCertSign", "-days", "2")  # fmt: skip
    return folder


def _openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


def certificate(authority: Path, name: str, days: str = "2") -> ssl.SSLContext:
    """What a server shows, signed by our authority; days below zero: it has expired."""
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    _openssl(authority, "req", *key, "-keyout", "s.key", "-out", "s.csr", "-subj", f"/CN={name}")
    (authority / "ext").write_text(f"subjectAltName=DNS:{name}\n")
    _openssl(authority, "x509", "-req", "-in", "s.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
             "-CAcreateserial", "-out", "s.pem", "-days", days, "-extfile", "ext")  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / "s.pem", authority / "s.key")
    return context
