"""The sign-in service: discovery documents and the client credentials flow.

Tenants are addressed by id or verified domain. The app proves itself by its secret or by a JWT signed with a
certificate that was registered with `POST /_sim/app` ("Microsoft identity platform application authentication
certificate credentials" on Learn).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

import jwt
from cryptography import x509

from dev.tenant import tokens
from dev.tenant.errors import LoginError
from dev.tenant.messages import Reply
from dev.tenant.seed import CLIENT_ID

if TYPE_CHECKING:
    from dev.tenant.messages import Call
    from dev.tenant.simulation import Simulation
    from dev.tenant.state import Tenant

GRAPH = "https://graph.microsoft.com"
EXCHANGE = "https://outlook.office365.com"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def serve(simulation: Simulation, call: Call) -> Reply:
    """Answer one request."""
    name, *rest = [unquote(part) for part in call.path.strip("/").split("/")]
    if rest in (["discovery", "v2.0", "keys"], ["discovery", "keys"]):
        return Reply(body=simulation.key.jwks())
    found = simulation.tenant(name)
    if found is None:
        raise LoginError(
            90002, f"Tenant '{name}' not found. Check to make sure you have the correct tenant ID.", "invalid_tenant"
        )
    call.tenant = found
    match call.method, rest:
        case "GET", ["v2.0", ".well-known", "openid-configuration"]:
            return Reply(body=_configuration(call.base, name, found))
        case "POST", ["oauth2", "v2.0", "token"]:
            return _token(simulation, call, found, name)
        case _:
            call.refused = True
            raise LoginError(900144, f"The endpoint '{call.path}' does not exist.", "invalid_request", 404)


def _configuration(base: str, name: str, tenant: Tenant) -> dict[str, Any]:
    return {
        "issuer": f"{base}/{tenant.id}/v2.0",
        "token_endpoint": f"{base}/{name}/oauth2/v2.0/token",
        "authorization_endpoint": f"{base}/{name}/oauth2/v2.0/authorize",
        "jwks_uri": f"{base}/{name}/discovery/v2.0/keys",
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
        "response_types_supported": ["code"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "tenant_region_scope": "EU",
    }


def _token(simulation: Simulation, call: Call, tenant: Tenant, name: str) -> Reply:
    form = {key: values[0] for key, values in parse_qs(call.raw.decode()).items()}
    if form.get("grant_type") != "client_credentials":
        call.refused = True
        raise LoginError(70003, "The app requested an unsupported grant type.", "unsupported_grant_type")
    client = form.get("client_id", "")
    if client != CLIENT_ID or not tenant.app.present:
        raise LoginError(
            700016,
            f"Application with identifier '{client}' was not found in the directory '{tenant.displayName}'.",
            "unauthorized_client",
        )
    proof = _proof(simulation, call, form, tenant, name)
    audience, roles = _resource(tenant, form.get("scope", ""))
    lifetime = simulation.app.token_seconds
    token = simulation.key.issue(tenant, audience, roles, app_id=client, appidacr=proof, seconds=lifetime)
    seconds = max(lifetime - 1, 0)
    return Reply(body={"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": token})


def _proof(simulation: Simulation, call: Call, form: dict[str, str], tenant: Tenant, name: str) -> str:
    if form.get("client_assertion_type") == ASSERTION:
        audiences = [f"{call.base}/{each}/oauth2/v2.0/token" for each in (name, tenant.id, tenant.domain)]
        if any(_signed(form.get("client_assertion", ""), pem, audiences) for pem in simulation.app.certificates):
            return tokens.CERTIFICATE
        raise LoginError(
            700027,
            "The certificate with identifier used to sign the client assertion is not registered on application.",
            status=401,
        )
    if "client_secret" not in form:
        raise LoginError(
            7000218, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
        )
    if form["client_secret"] != simulation.app.secret:
        raise LoginError(7000215, "Invalid client secret provided.", status=401)
    return tokens.SECRET


def _signed(assertion: str, pem: str, audiences: list[str]) -> bool:
    key: Any = x509.load_pem_x509_certificate(pem.encode()).public_key()
    try:
        jwt.decode(
            assertion,
            key,
            ["PS256", "RS256"],
            audience=audiences,
            issuer=CLIENT_ID,
            subject=CLIENT_ID,
            options={"require": ["aud", "exp", "iss", "sub"]},
            leeway=300,  # Entra allows clocks to differ by five minutes
        )
    except jwt.InvalidTokenError:
        return False
    return True


def _resource(tenant: Tenant, scope: str) -> tuple[str, list[str]]:
    """Find what a scope asks for: one resource's `.default`, the only scope that client credentials may name."""
    resource, _, name = scope.rpartition("/")
    if name != ".default":
        raise LoginError(1002012, f"The provided value for scope {scope} is not valid.", "invalid_scope")
    sharepoint = {f"{tenant.sharepoint}{suffix}.sharepoint.com" for suffix in ("", "-my", "-admin")}
    if resource == GRAPH:
        return resource, tenant.app.graph
    if resource == EXCHANGE:
        return resource, tenant.app.exchange
    if urlsplit(resource).hostname in sharepoint:
        return resource, tenant.app.sharepoint
    raise LoginError(
        500011, f"The resource principal named {resource} was not found in the tenant.", "invalid_resource"
    )
