from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

class HttpAnswer(Protocol):
    status_code: int
    text: str
    headers: Mapping[str, str]
    def raise_for_status(self) -> None: ...

class HttpClient(Protocol):
    def post(
        self,
        url: str,
        params: Mapping[str, str] | None = ...,
        data: Mapping[str, str] | str | None = ...,
        headers: Mapping[str, str] | None = ...,
        **kwargs: Any,
    ) -> HttpAnswer: ...
    def get(
        self,
        url: str,
        params: Mapping[str, str] | None = ...,
        headers: Mapping[str, str] | None = ...,
        **kwargs: Any,
    ) -> HttpAnswer: ...
    def close(self) -> None: ...

class TokenCache:
    class CredentialType:
        ACCESS_TOKEN: str
    def search(self, credential_type: str, target: list[str] | None = ...) -> Iterator[dict[str, Any]]: ...

class ConfidentialClientApplication:
    def __init__(
        self,
        client_id: str,
        client_credential: str | Mapping[str, str | RSAPrivateKey | Callable[[], str]] | None = ...,
        authority: str | None = ...,
        *,
        token_cache: TokenCache | None = ...,
        http_client: HttpClient | None = ...,
        instance_discovery: bool | None = ...,
    ) -> None: ...
    def acquire_token_for_client(self, scopes: list[str]) -> dict[str, Any] | None: ...
    def remove_tokens_for_client(self) -> None: ...

class UserAssignedManagedIdentity:
    def __init__(self, *, client_id: str) -> None: ...

class ManagedIdentityClient:
    def __init__(self, managed_identity: UserAssignedManagedIdentity, *, http_client: object) -> None: ...
    def acquire_token_for_client(self, *, resource: str) -> dict[str, Any]: ...
