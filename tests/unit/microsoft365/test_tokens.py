"""Tokens by msal, against a sign-in service that is reached over HTTPS."""

from __future__ import annotations

import base64
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, NoEncryption, pkcs12
from cryptography.x509.oid import NameOID

from shared.microsoft365.http.errors import Category, MicrosoftError
from shared.microsoft365.tokens import MAX_TENANTS_IN_MEMORY, Credential, Tokens, permissions_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Answer, Login, Server

    from shared.microsoft365.http.transport import Transport

TENANT = "11111111-2222-4333-8444-555555555555"
OTHER = "99999999-2222-4333-8444-555555555555"
GRAPH = "https://graph.microsoft.com"
SECRET = Credential("client", secret="canary-secret")


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="module")
def pfx(key: rsa.RSAPrivateKey) -> Callable[[bytes], bytes]:
    certificate = _certificate_of(key)

    def write(password: bytes) -> bytes:
        encryption = BestAvailableEncryption(password) if password else NoEncryption()
        return pkcs12.serialize_key_and_certificates(b"app", key, certificate, None, encryption)

    return write


def _certificate_of(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "offboarding")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(UTC))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .sign(key, SHA256())
    )


class TestSecret:
    def test_signs_in_once_for_each_audience(self, login: Login, transport: Transport) -> None:
        tokens = Tokens(SECRET, transport, login.origin)

        first = tokens.token(TENANT, GRAPH)
        assert tokens.token(TENANT, GRAPH) == first
        assert tokens.token(TENANT.upper(), GRAPH) == first
        assert tokens.token(TENANT, "https://outlook.office365.com") != first
        assert [(form["grant_type"], form["scope"], form["client_secret"]) for form in login.forms()] == [
            ("client_credentials", f"{GRAPH}/.default", "canary-secret"),
            ("client_credentials", "https://outlook.office365.com/.default", "canary-secret"),
        ]
        # The tenant's metadata once, and no question about the authority.
        assert [seen.path for seen in login.seen if seen.method == "GET"] == [
            f"/{TENANT}/v2.0/.well-known/openid-configuration"
        ]

    def test_keeps_tenants_apart(self, login: Login, transport: Transport) -> None:
        tokens = Tokens(SECRET, transport, login.origin)

        assert tokens.token(TENANT, GRAPH) != tokens.token(OTHER, GRAPH)
        assert [seen.path for seen in login.seen if seen.method == "POST"] == [
            f"/{TENANT}/oauth2/v2.0/token",
            f"/{OTHER}/oauth2/v2.0/token",
        ]

    def test_a_forgotten_token_is_followed_by_a_fresh_one(self, login: Login, transport: Transport) -> None:
        tokens = Tokens(SECRET, transport, login.origin)
        tokens.forget(TENANT, GRAPH)
        first = tokens.token(TENANT, GRAPH)
        elsewhere = tokens.token(OTHER, GRAPH)

        tokens.forget(TENANT, GRAPH)
        assert tokens.token(TENANT, GRAPH) != first
        assert tokens.token(OTHER, GRAPH) == elsewhere

    def test_shows_what_is_in_memory_and_asks_nobody(self, login: Login, transport: Transport) -> None:
        tokens = Tokens(SECRET, transport, login.origin)
        assert tokens.held(TENANT) == {}
        first = tokens.token(TENANT, GRAPH)
        asked = len(login.seen)

        assert tokens.held(TENANT.upper()) == {GRAPH: first}
        assert tokens.held(OTHER) == {}
        tokens.forget(TENANT, GRAPH)
        assert tokens.held(TENANT) == {}
        assert len(login.seen) == asked

    def test_forgets_also_after_a_refusal(self, login: Login, transport: Transport, answer: type[Answer]) -> None:
        tokens = Tokens(SECRET, transport, login.origin)
        first = tokens.token(TENANT, GRAPH)
        login.refusal = answer(400, {"error": "invalid_client", "error_description": "AADSTS500011: No. Trace ID: x"})
        with pytest.raises(MicrosoftError):
            tokens.token(TENANT, "https://outlook.office365.com")
        login.refusal = None

        tokens.forget(TENANT, GRAPH)
        assert tokens.token(TENANT, GRAPH) != first

    def test_threads_wait_for_one_sign_in(self, login: Login, transport: Transport) -> None:
        tokens = Tokens(SECRET, transport, login.origin)
        found: list[str] = []
        threads = [threading.Thread(target=lambda: found.append(tokens.token(TENANT, GRAPH))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(set(found)) == 1
        assert len(found) == 8
        assert login.issued == 1

    def test_remembers_only_so_many_tenants(self, login: Login, transport: Transport) -> None:
        tokens = Tokens(SECRET, transport, login.origin)
        tokens.token(TENANT, GRAPH)
        for number in range(MAX_TENANTS_IN_MEMORY):
            tokens.forget(str(number), GRAPH)

        tokens.token(TENANT, GRAPH)
        assert login.issued == 2


class TestRefusals:
    @pytest.mark.parametrize(
        ("number", "status", "category", "words"),
        [
            (65001, 400, "auth_permission", "consent"),
            (7000215, 401, "auth_token", "secret"),
            (700016, 400, "auth_permission", "does not exist in this tenant"),
        ],
    )
    def test_grant_consent_and_it_works_at_once(
        self,
        *,
        login: Login,
        transport: Transport,
        answer: type[Answer],
        number: int,
        status: int,
        category: str,
        words: str,
    ) -> None:
        tokens = Tokens(SECRET, transport, login.origin)
        text = f"AADSTS{number}: No. Trace ID: x"
        login.refusal = answer(status, {"error": "invalid_client", "error_description": text})

        for _ in range(2):
            with pytest.raises(MicrosoftError, match=words) as caught:
                tokens.token(TENANT, GRAPH)
            assert (caught.value.category, caught.value.code) == (category, f"AADSTS{number}")
            assert "canary" not in caught.value.message
        assert len(login.forms()) == 2, "msal must not answer from its memory"

        login.refusal = None
        assert tokens.token(TENANT, GRAPH) == "canary-issued-1"

    @pytest.mark.parametrize(
        ("status", "headers", "retryable", "wait"),
        [
            (500, {}, "transient", None),
            (503, {"Retry-After": "30"}, "transient", 30),
            (429, {"Retry-After": "7"}, "throttled", 7),
        ],
    )
    def test_a_service_in_trouble(
        self,
        *,
        login: Login,
        transport: Transport,
        answer: type[Answer],
        status: int,
        headers: dict[str, str],
        retryable: str | None,
        wait: int | None,
    ) -> None:
        tokens = Tokens(SECRET, transport, login.origin)
        login.refusal = answer(status, raw=b"<html>", headers=headers)

        with pytest.raises(MicrosoftError) as caught:
            tokens.token(TENANT, GRAPH)
        assert (caught.value.retryable, caught.value.retry_after) == (retryable, wait)

        login.refusal = None
        assert tokens.token(TENANT, GRAPH)

    def test_half_an_answer(self, login: Login, transport: Transport, answer: type[Answer]) -> None:
        login.refusal = answer(200, raw=b'{"access_token": "canary')

        with pytest.raises(MicrosoftError) as caught:
            Tokens(SECRET, transport, login.origin).token(TENANT, GRAPH)
        assert caught.value.retryable == "transient"
        assert "canary" not in caught.value.message

    def test_a_tenant_that_does_not_exist(self, login: Login, transport: Transport, answer: type[Answer]) -> None:
        text = "AADSTS90002: Tenant not found."
        login.respond = lambda _: answer(400, {"error": "invalid_tenant", "error_description": text})

        with pytest.raises(MicrosoftError, match="no such tenant") as caught:
            Tokens(SECRET, transport, login.origin).token(TENANT, GRAPH)
        assert caught.value.category is Category.not_found

    def test_nobody_there(self, transport: Transport) -> None:
        with pytest.raises(MicrosoftError) as caught:
            Tokens(SECRET, transport, "https://127.0.0.1:1").token(TENANT, GRAPH)
        assert caught.value.retryable == "transient"

    def test_metadata_that_points_elsewhere(self, login: Login, transport: Transport, answer: type[Answer]) -> None:
        evil = {
            "issuer": "x",
            "token_endpoint": "https://evil.example/t/token",
            "authorization_endpoint": "https://e.example/t/a",
        }
        login.respond = lambda _: answer(200, evil)

        with pytest.raises(MicrosoftError, match="nothing was sent"):
            Tokens(SECRET, transport, login.origin).token(TENANT, GRAPH)

    def test_an_address_without_tls(self, transport: Transport) -> None:
        with pytest.raises(MicrosoftError, match="https") as caught:
            Tokens(SECRET, transport, "http://127.0.0.1:1").token(TENANT, GRAPH)
        assert caught.value.code == "NotConfigured"


class TestCertificate:
    @pytest.mark.parametrize("password", ["", "canary-password"])
    @pytest.mark.parametrize("as_path", [False, True])
    def test_signs_an_assertion(
        self,
        *,
        login: Login,
        transport: Transport,
        key: rsa.RSAPrivateKey,
        pfx: Callable[[bytes], bytes],
        tmp_path: Path,
        password: str,
        as_path: bool,
    ) -> None:
        content = pfx(password.encode())
        file = tmp_path / "app.pfx"
        file.write_bytes(content)
        certificate = str(file) if as_path else base64.encodebytes(content).decode()

        tokens = Tokens(Credential("client", certificate, password), transport, login.origin)
        assert tokens.token(TENANT, GRAPH) == "canary-issued-1"

        (form,) = login.forms()
        assert "client_secret" not in form
        claims = jwt.decode(
            form["client_assertion"],
            key.public_key(),
            ["PS256"],
            audience=f"{login.origin}/{TENANT}/oauth2/v2.0/token",
        )
        assert claims["iss"] == claims["sub"] == "client"
        assert "x5t#S256" in jwt.get_unverified_header(form["client_assertion"])

    def test_its_key_is_not_parsed_again_for_each_tenant(
        self,
        login: Login,
        transport: Transport,
        key: rsa.RSAPrivateKey,
        pfx: Callable[[bytes], bytes],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        parsed: list[bytes] = []
        monkeypatch.setattr("jwt.algorithms.load_pem_private_key", lambda pem, **_: [key, parsed.append(pem)][0])
        tokens = Tokens(Credential("client", base64.b64encode(pfx(b"")).decode()), transport, login.origin)

        tokens.token(TENANT, GRAPH)
        tokens.token(OTHER, GRAPH)
        assert login.issued == 2
        assert parsed == []

    def test_says_that_its_key_is_of_another_kind(self, transport: Transport) -> None:
        another = ec.generate_private_key(ec.SECP256R1())
        bundle = pkcs12.serialize_key_and_certificates(b"app", another, _certificate_of(another), None, NoEncryption())
        tokens = Tokens(Credential("client", base64.b64encode(bundle).decode()), transport, "https://127.0.0.1:1")

        with pytest.raises(MicrosoftError, match="not an RSA key"):
            tokens.token(TENANT, GRAPH)

    @pytest.mark.parametrize(
        ("certificate", "words"),
        [("/nowhere/app.pfx", "is not there"), (base64.b64encode(b"not a pfx").decode(), "not a PFX")],
    )
    def test_says_what_is_wrong_with_it(self, transport: Transport, certificate: str, words: str) -> None:
        with pytest.raises(MicrosoftError, match=words) as caught:
            Tokens(Credential("client", certificate, "canary"), transport, "https://127.0.0.1:1").token(TENANT, GRAPH)
        assert (caught.value.category, caught.value.code) == (Category.auth_token, "NotConfigured")
        assert "canary" not in caught.value.message

    def test_says_that_the_password_is_wrong(self, transport: Transport, pfx: Callable[[bytes], bytes]) -> None:
        certificate = base64.b64encode(pfx(b"right")).decode()

        with pytest.raises(MicrosoftError, match="password is wrong"):
            Tokens(Credential("client", certificate, "wrong"), transport, "https://127.0.0.1:1").token(TENANT, GRAPH)


class TestManagedIdentity:
    def test_its_token_is_the_assertion(
        self, login: Login, server: Server, answer: type[Answer], transport: Transport, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{server.origin}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", "canary-header")
        server.add(
            answer(
                200,
                {
                    "access_token": "canary-identity",
                    "expires_on": "4102444800",
                    "resource": "x",
                    "token_type": "Bearer",
                },
            )
        )
        tokens = Tokens(Credential("client", managed_identity="identity"), transport, login.origin)

        assert tokens.token(TENANT, GRAPH) == "canary-issued-1"
        assert tokens.token(OTHER, GRAPH) == "canary-issued-2"
        assert [form["client_assertion"] for form in login.forms()] == ["canary-identity"] * 2
        assert len(server.seen) == 1
        assert "client_id=identity" in server.seen[0].path
        assert "AzureADTokenExchange" in server.seen[0].path

    def test_says_when_there_is_none(
        self, login: Login, server: Server, answer: type[Answer], transport: Transport, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{server.origin}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", "canary-header")
        server.add(answer(400, {"statusCode": 400, "message": "No User Assigned Identity found"}))

        with pytest.raises(MicrosoftError) as caught:
            Tokens(Credential("client", managed_identity="identity"), transport, login.origin).token(TENANT, GRAPH)
        assert caught.value.category is Category.auth_token


def test_nothing_is_configured(transport: Transport) -> None:
    with pytest.raises(MicrosoftError, match="no certificate, managed identity or secret"):
        Tokens(Credential("client"), transport, "https://127.0.0.1:1").token(TENANT, GRAPH)


def test_a_credential_does_not_show_itself() -> None:
    assert "canary" not in repr(Credential("client", "canary", "canary", "canary", "identity"))


def test_importing_it_imports_neither_msal_nor_cryptography() -> None:
    code = (
        "import sys, shared.microsoft365.cloud; "
        "print({'msal', 'cryptography', 'jwt', 'pydantic', 'azure'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - its own
    assert ran.stdout.strip() == "set()"


def _token(claims: dict[str, object]) -> str:
    return jwt.encode(claims, "k" * 32, algorithm="HS256")


@pytest.mark.parametrize(
    ("token", "permissions"),
    [
        (_token({"roles": ["User.Read.All", "Mail.Send"]}), {"User.Read.All", "Mail.Send"}),
        (_token({"roles": ["User.Read.All", 7]}), {"User.Read.All"}),
        (_token({"roles": "User.Read.All"}), set()),
        (_token({"aud": "x"}), set()),
        ("opaque", None),
        ("a.b.c", None),
        ("a.bnVsbA.c", None),
        ("a.\u00e9.c", None),
        ("", None),
    ],
)
def test_what_a_token_names(token: str, permissions: set[str] | None) -> None:
    assert permissions_in(token) == permissions
