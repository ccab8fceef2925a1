"""How a cluster is entered: TLS and a login, for the first words on a plain socket and for the client alike."""

import socket
import ssl
import time
from dataclasses import dataclass, field
from typing import Any, Literal

from kafka.net.sasl.scram import ScramClient

from probes import tls
from probes.kafka_wire import NotKafka, ask, pack_bytes, pack_string, parse_authenticated, parse_mechanisms
from probes.result import ProbeFailure

Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
SASL_HANDSHAKE, SASL_AUTHENTICATE = 17, 36
UNSUPPORTED_MECHANISM, ILLEGAL_STATE, AUTHENTICATION_FAILED = 33, 34, 58
HUNG_UP = 0
"""Not an error of the protocol: brokers before 1.0 tell nothing of a refused login."""


@dataclass(frozen=True, slots=True)
class Login:
    """A user, as SASL has it; the password never shows."""

    mechanism: Mechanism
    user: str
    password: str = field(repr=False)


@dataclass(slots=True)
class Access:
    """How the brokers of a cluster are spoken to.

    Attributes:
        tls: whether connections are encrypted.
        ca_file: PEM file of the authorities that are trusted; empty: those of the system.
        verify: whether certificates must be trusted and name the host.
        login: None: the listener has none.
    """

    tls: bool = False
    ca_file: str = ""
    verify: bool = True
    login: Login | None = None
    _context: ssl.SSLContext | None = field(default=None, init=False, repr=False)

    def context(self) -> ssl.SSLContext:
        """How TLS is spoken; read from disk the first time.

        Raises:
            ProbeFailure: ``tls_failed``: the file of authorities cannot be used.
        """
        if self._context is None:
            try:
                context = ssl.create_default_context(cafile=self.ca_file or None)
            except (OSError, ValueError) as exc:  # SSLError is an OSError
                unreadable = isinstance(exc, OSError) and not isinstance(exc, ssl.SSLError)
                reason = str(getattr(exc, "strerror", "")) if unreadable else "it holds no certificate"
                raise ProbeFailure(
                    "tls_failed",
                    f"The authorities in ca_file {self.ca_file} cannot be read: {reason.lower().rstrip('.')}.",
                    "It has to be a file with certificates in PEM form that Tapewatch may read.",
                ) from exc
            if not self.verify:
                tls.trust_any(context)
            self._context = context
        return self._context

    def options(self) -> dict[str, Any]:
        """The same for a kafka-python client."""
        protocol = f"{'SASL_' if self.login else ''}{'SSL' if self.tls else 'PLAINTEXT'}"
        options: dict[str, Any] = {"security_protocol": protocol}
        if self.tls:
            options["ssl_context"] = self.context()
        if self.login:
            options |= {
                "sasl_mechanism": self.login.mechanism,
                "sasl_plain_username": self.login.user,
                "sasl_plain_password": self.login.password,
            }
        return options


PLAIN_ACCESS = Access()


def encrypt(connection: socket.socket, address: str, host: str, access: Access, until_s: float) -> socket.socket:
    """Agree on TLS.

    Raises:
        ProbeFailure: ``tls_failed``, with the reason.
        TimeoutError: the other side did not answer in time.
    """
    context = access.context()
    connection.settimeout(max(0.001, until_s - time.monotonic()))  # holds for the whole handshake
    try:
        return context.wrap_socket(connection, server_hostname=host)
    except TimeoutError:
        raise
    except (OSError, ValueError) as exc:  # SSLError is an OSError
        raise tls.failure(
            exc,
            f"Kafka at {address}",
            untrusted="Name the authority that signed it in ca_file; the certificate has to name the host as bootstrap "
            "does.",
            disagreed="Is this a listener without TLS (SASL_PLAINTEXT, PLAINTEXT)? Then take tls away, or name the "
            "other port.",
        ) from exc


def log_in(connection: socket.socket, address: str, login: Login, until_s: float) -> None:
    """Log in as Kafka's clients do.

    Raises:
        ProbeFailure: ``auth_failed`` for a refused user and a mechanism that is not offered, ``wrong_listener`` where
            the listener has no login.
        TimeoutError, ConnectionError, NotKafka: as `ask`.
    """
    answer = ask(connection, SASL_HANDSHAKE, 1, pack_string(login.mechanism), until_s)
    error, offered = parse_mechanisms(answer)
    if error == UNSUPPORTED_MECHANISM or (not error and login.mechanism not in offered):
        known = ", ".join(offered) or "other ways to log in"
        raise ProbeFailure(
            "auth_failed",
            f"Kafka at {address} does not offer {login.mechanism}, only {known}.",
            "Set sasl_mechanism to one of these, or enable it on the broker (sasl.enabled.mechanisms).",
        )
    if error == ILLEGAL_STATE:
        raise no_login(address)
    if error:
        raise refused(address, login, error)
    try:
        if login.mechanism == "PLAIN":
            _exchange(connection, address, login, f"\0{login.user}\0{login.password}".encode(), until_s)
        else:
            client = ScramClient(login.user, login.password, login.mechanism)
            first = _exchange(connection, address, login, client.first_message(), until_s)
            client.process_server_first_message(first)
            client.process_server_final_message(_exchange(connection, address, login, client.final_message(), until_s))
    except (ValueError, KeyError) as exc:  # what the server says of the login makes no sense
        raise NotKafka("its login is not SCRAM as RFC 5802 has it") from exc


def _exchange(connection: socket.socket, address: str, login: Login, token: bytes, until_s: float) -> bytes:
    error, said = parse_authenticated(ask(connection, SASL_AUTHENTICATE, 0, pack_bytes(token), until_s))
    if error:
        raise refused(address, login, error)
    return said


def refused(address: str, login: Login, error: int) -> ProbeFailure:
    """The failure when a login does not succeed; a broker does not say whether the user or the password is wrong."""
    why = {AUTHENTICATION_FAILED: "user or password is wrong", HUNG_UP: "it hangs up"}
    return ProbeFailure(
        "auth_failed",
        f"Kafka at {address} refuses the login of {login.user}: {why.get(error, f'error {error} of the protocol')}.",
        "Check user, password and sasl_mechanism; a SCRAM user has to exist for this very mechanism.",
    )


def no_login(address: str) -> ProbeFailure:
    """The failure when a listener knows no logins."""
    return ProbeFailure(
        "wrong_listener",
        f"Kafka at {address} knows no logins on this listener.",
        "Take sasl_mechanism, user and password away, or name the port of a listener with SASL.",
    )
