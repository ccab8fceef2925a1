"""TLS and logins, against a real broker with a listener of each kind."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from probes.kafka import KafkaComponent, KafkaProbe
from probes.kafka_handshake import greet
from probes.kafka_login import Access, Login, log_in
from probes.kafka_wire import NotKafka, parse_authenticated, parse_mechanisms
from probes.result import ProbeFailure
from settings_types import Secret, mask
from tests.kafka_broker import KafkaBroker, kafka_broker, require_kafka
from tests.probes.listeners import garbage, hang, listening

USER, PASSWORD = "tape-reader", "quite-long-and-unusual-7319"
DEADLINE_S = 10.0  # a broker's first TLS handshake and SCRAM iterations are slow in a Java that has just begun


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two certificates that sign themselves, ``right`` and ``other``, and the key of the first."""
    folder = tmp_path_factory.mktemp("certificates")
    for name in ("right", "other"):
        options = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=kafka"]
        files = ["-keyout", f"{name}.key", "-out", f"{name}.pem", "-addext", "subjectAltName=IP:127.0.0.1"]
        subprocess.run(["openssl", "req", "-x509", *options, *files], cwd=folder, capture_output=True, check=True)
    store = (folder / "right.key").read_text() + (folder / "right.pem").read_text()
    (folder / "store.pem").write_text(store)
    (folder / "empty.pem").write_text("no certificate")
    return folder


@pytest.fixture(scope="module")
def guarded(certificates: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    require_kafka()
    plain = "org.apache.kafka.common.security.plain.PlainLoginModule required"
    scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
    extra = f"""ssl.keystore.type=PEM
ssl.keystore.location={certificates}/store.pem
listener.name.sasl_plaintext.sasl.enabled.mechanisms=PLAIN
listener.name.sasl_plaintext.plain.sasl.jaas.config={plain} user_{USER}="{PASSWORD}";
listener.name.sasl_ssl.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasl_ssl.plain.sasl.jaas.config={plain} user_{USER}="{PASSWORD}";
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config={scram}
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config={scram}"""
    directory = tmp_path_factory.mktemp("guarded")
    also = ("SSL", "SASL_PLAINTEXT", "SASL_SSL")
    with kafka_broker(directory / "broker", also=also, extra=extra, scram={USER: PASSWORD}) as broker:
        yield broker


def component(bootstrap: str, **keys: object) -> KafkaComponent:
    return KafkaComponent.model_validate({"kind": "kafka", "name": "kafka", "bootstrap": bootstrap, **keys})


def login(mechanism: str, password: str = PASSWORD, user: str = USER) -> dict[str, str]:
    return {"sasl_mechanism": mechanism, "user": user, "password": password}


@pytest.mark.kafka
@pytest.mark.parametrize(
    ("protocol", "mechanism"),
    [
        ("SSL", ""),
        ("SASL_PLAINTEXT", "PLAIN"),
        ("SASL_SSL", "PLAIN"),
        ("SASL_SSL", "SCRAM-SHA-256"),
        ("SASL_SSL", "SCRAM-SHA-512"),
    ],
)
def test_a_cluster_is_read_through_a_guarded_listener(
    guarded: KafkaBroker, certificates: Path, protocol: str, mechanism: str
) -> None:
    keys: dict[str, object] = dict(login(mechanism)) if mechanism else {}
    if protocol.endswith("SSL"):
        keys |= {"tls": True, "ca_file": str(certificates / "right.pem")}
    probe = KafkaProbe(component(guarded.address_of(protocol), **keys), DEADLINE_S)
    assert probe.ping() > 0
    collected = probe.collect()
    assert collected.tables["brokers"].rows[0][1] == guarded.address_of(protocol)
    assert collected.unavailable == []
    probe.close()


@pytest.mark.kafka
def test_a_certificate_may_go_unverified(guarded: KafkaBroker) -> None:
    assert greet(guarded.address_of("SSL"), DEADLINE_S, Access(tls=True, verify=False)).advertised


WRONG = [
    (
        "SASL_SSL",
        "right",
        login("SCRAM-SHA-512", "something-else-entirely"),
        "auth_failed",
        "user or password is wrong",
    ),
    (
        "SASL_SSL",
        "right",
        login("SCRAM-SHA-256", user="nobody-at-all"),
        "auth_failed",
        "refuses the login of nobody-at",
    ),
    ("SASL_SSL", "right", login("PLAIN", "something-else"), "auth_failed", "user or password is wrong"),
    ("SASL_PLAINTEXT", "", login("SCRAM-SHA-512"), "auth_failed", "does not offer SCRAM-SHA-512, only PLAIN."),
    ("SASL_PLAINTEXT", "", {}, "auth_required", "does not log in"),
    ("PLAINTEXT", "", login("PLAIN"), "wrong_listener", "knows no logins"),
    ("SASL_SSL", "", login("PLAIN"), "tls_failed", "speaks TLS, and was spoken to without"),
    ("SSL", "", {}, "tls_failed", "speaks TLS, and was spoken to without"),
    ("PLAINTEXT", "right", {}, "tls_failed", "does not agree on TLS: it hangs up on the handshake"),
    ("SASL_PLAINTEXT", "right", login("PLAIN"), "tls_failed", "does not agree on TLS"),
    ("SSL", "other", {}, "tls_failed", "cannot be trusted: self-signed certificate"),
    ("SSL", "system", {}, "tls_failed", "cannot be trusted: self-signed certificate"),
    ("SSL", "missing", {}, "tls_failed", "cannot be read: no such file"),
    ("SSL", "empty", {}, "tls_failed", "cannot be read: it holds no certificate"),
]


@pytest.mark.kafka
@pytest.mark.parametrize(("protocol", "authority", "keys", "code", "words"), WRONG)
def test_what_is_wrong_with_tls_or_login_is_said(
    guarded: KafkaBroker,
    certificates: Path,
    protocol: str,
    authority: str,
    keys: dict[str, object],
    code: str,
    words: str,
) -> None:
    if authority:
        keys = keys | {"tls": True, "ca_file": str(certificates / f"{authority}.pem") if authority != "system" else ""}
    probe = KafkaProbe(component(guarded.address_of(protocol), **keys), DEADLINE_S)
    with pytest.raises(ProbeFailure) as caught:
        probe.collect()
    error = caught.value.error
    assert (error.code, words in error.message) == (code, True), error.message
    assert error.message.endswith(".")
    assert error.hint.endswith((".", "?"))
    assert PASSWORD not in error.message + error.hint


@pytest.mark.kafka
def test_a_controller_is_explained(guarded: KafkaBroker) -> None:
    with pytest.raises(ProbeFailure) as caught:
        KafkaProbe(component(f"127.0.0.1:{guarded.controller_port}"), DEADLINE_S).collect()
    assert caught.value.error.code == "wrong_listener"


@pytest.mark.parametrize("behave", [hang, garbage])
def test_tls_and_login_keep_the_deadline(behave: object) -> None:
    with listening(behave) as address:  # type: ignore[arg-type]
        for access in (Access(tls=True), Access(login=Login("PLAIN", "a-user", "a-long-password"))):
            started_s = time.monotonic()
            with pytest.raises(ProbeFailure) as caught:
                greet(address, 0.3, access)
            assert time.monotonic() - started_s < 1.0
            assert caught.value.error.code in {"timeout", "tls_failed", "wrong_protocol"}


def test_a_login_is_whole_and_its_password_never_shows(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(PASSWORD + "\n")
    told = component("a:1", **login("PLAIN", f"file:{file}"))
    assert told.access.login == Login("PLAIN", USER, PASSWORD)
    assert PASSWORD not in f"{told!r}{told.access!r}{told.model_dump()}{told.model_dump_json()}"
    assert mask(f"refused {PASSWORD}") == "refused ***"
    assert repr(Secret("abcdefgh")) == "Secret('***')"
    assert Secret("abcdefgh") == Secret("abcdefgh") != Secret("abcdefgi")
    for keys in ({"user": "x"}, {"sasl_mechanism": "PLAIN", "user": "x"}, {"password": "unusual-and-long"}):
        with pytest.raises(ValidationError, match="give all three"):
            component("a:1", **keys)
    for keys in ({"ca_file": "x.pem"}, login("GSSAPI"), login("PLAIN", "file:/nowhere/at-all"), login("PLAIN", " ")):
        with pytest.raises(ValidationError):
            component("a:1", **keys)


def test_answers_to_a_login_are_parsed_by_hand() -> None:
    assert parse_mechanisms(bytes.fromhex("0021 00000002 0005") + b"PLAIN" + b"\0\1X") == (33, ("PLAIN", "X"))
    assert parse_authenticated(bytes.fromhex("0000 ffff 00000002") + b"ok") == (0, b"ok")
    assert parse_authenticated(bytes.fromhex("003a 0002") + b"no" + bytes(4)) == (58, b"")
    for broken in (b"", bytes.fromhex("0000 00000001"), bytes.fromhex("0000 00000001 0009 61")[:7]):
        with pytest.raises(NotKafka):
            parse_mechanisms(broken)
    with pytest.raises(NotKafka):
        parse_authenticated(bytes.fromhex("0000 0005"))


def test_a_login_that_makes_no_sense_is_no_kafka(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(
        [bytes.fromhex("0000 00000001 000d") + b"SCRAM-SHA-256", bytes.fromhex("0000 ffff 00000002") + b"??"]
    )
    monkeypatch.setattr("probes.kafka_login.ask", lambda *_: next(answers))
    with pytest.raises(NotKafka, match="RFC 5802"):
        log_in(None, "a:1", Login("SCRAM-SHA-256", "a-user", "a-long-password"), 0.0)  # type: ignore[arg-type]
