"""Servers of vendors who mean harm, or cannot do better: what they say to whoever calls."""

import gzip
import socket
import ssl
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import HTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Behaviour = Callable[[socket.socket, threading.Event], None]


def drip(piece: bytes, connection: socket.socket, over: threading.Event) -> None:
    """A piece now and then, for ever."""
    while not over.wait(0.02):
        connection.sendall(piece)


def pour(connection: socket.socket, over: threading.Event, *, head: bytes, piece: bytes = b"x" * 65_536) -> None:
    connection.sendall(head)
    while not over.is_set():
        connection.sendall(piece)


def say(connection: socket.socket, over: threading.Event, *, words: bytes, silence: bool = False) -> None:
    connection.sendall(words)
    if silence:
        over.wait(10)


OK = b"HTTP/1.1 200 OK\r\n"
BOMB = gzip.compress(b"\0" * 10_000_000)
SLOW: dict[str, Behaviour] = {
    "says nothing": partial(say, words=b"", silence=True),
    "drips its first line": partial(drip, b"H"),
    "drips headers": lambda connection, over: (connection.sendall(OK), drip(b"x: y\r\n", connection, over))[1],
    "drips one header": lambda connection, over: (connection.sendall(OK), drip(b"x", connection, over))[1],
    "asks to go on for ever": partial(drip, b"HTTP/1.1 100 Continue\r\n\r\n"),
}
BROKEN: dict[str, Behaviour] = {
    "a header of a megabyte": partial(say, words=OK + b"x: " + b"y" * 1_000_000),
    "headers without end": partial(pour, head=OK, piece=b"a: b\r\n" * 100),
    "a first line without end": partial(pour, head=b"HTTP/1.1 200 "),
    "another protocol": partial(say, words=b"SSH-2.0-OpenSSH_9.6\r\n"),
    "nothing but a closed door": partial(say, words=b""),
    "a status that is none": partial(say, words=b"HTTP/1.1 2OO OK\r\n\r\n"),
    "a status beyond all": partial(say, words=b"HTTP/1.1 99999 OK\r\n\r\n"),
}
TAKEN: dict[str, Behaviour] = {
    "a body without end": partial(pour, head=OK + b"\r\n"),
    "a body in chunks without end": partial(
        pour, head=OK + b"transfer-encoding: chunked\r\n\r\n", piece=b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    ),
    "a body that never comes": partial(say, words=OK + b"content-length: 999999\r\n\r\n", silence=True),
    "a gzip bomb": partial(say, words=OK + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(BOMB) + BOMB),
    "another answer behind": partial(say, words=OK + b"content-length: 0\r\n\r\n" + b"HTTP/1.1 500 No\r\n\r\n" * 9),
}


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A self-made certificate of a name, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain, private = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return chain, private


def wrapped(server: HTTPServer, context: ssl.SSLContext) -> None:
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
