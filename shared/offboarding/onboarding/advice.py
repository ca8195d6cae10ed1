"""What an administrator can do about what stands in the app's way: whole sentences, with links and commands to copy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shared.microsoft365.http.error_rules import NOT_CONSENTED
from shared.microsoft365.http.errors import Category

if TYPE_CHECKING:
    from shared.microsoft365.http.errors import MicrosoftError

LATER: Final = "Ask again in some minutes."
NEEDS_CERTIFICATE: Final = "Give the app a certificate: M365_CERTIFICATE instead of M365_CLIENT_SECRET."

EXCHANGE_ADMINISTRATOR: Final = "29232cdf-9323-42fd-ade2-1d097af3e4de"
"""Role template id, the same in every tenant (Learn: "Microsoft Entra built-in roles")."""

_PERHAPS_NOT_CONSENTED: Final = frozenset({"AADSTS500011"})


@dataclass(frozen=True)
class Advice:
    """Advice about the app `client_id` in one tenant; `login` is the origin of the sign-in service."""

    client_id: str
    login: str
    tenant_id: str

    @property
    def consent_link(self) -> str:
        """Where consent is given (Learn: "Grant tenant-wide admin consent to an application")."""
        return f"{self.login}/{self.tenant_id}/adminconsent?client_id={self.client_id}"

    @property
    def consent(self) -> str:
        """How to let the app into the tenant."""
        return (
            "As a Global Administrator or Privileged Role Administrator of the tenant, open this link and accept: "
            f"{self.consent_link}"
        )

    @property
    def grant(self) -> str:
        """How to grant what is missing in a tenant that has let the app in."""
        return f"Make sure that the app registration lists the permission. {self.consent}"

    @property
    def exchange_role(self) -> str:
        """How to give the app its role (Learn: "App-only authentication for unattended scripts in Exchange Online")."""
        principal = f"(Get-MgServicePrincipal -Filter \"appId eq '{self.client_id}'\").Id"
        return (
            "Assign the role Exchange Administrator to the app; it can take an hour to arrive. In the Microsoft Entra "
            "admin center: Roles & admins, Exchange Administrator, Add assignments. Or in PowerShell: Connect-MgGraph "
            f"-TenantId {self.tenant_id} -Scopes RoleManagement.ReadWrite.Directory,Application.Read.All; "
            "New-MgRoleManagementDirectoryRoleAssignment -DirectoryScopeId '/' "
            f"-RoleDefinitionId {EXCHANGE_ADMINISTRATOR} -PrincipalId {principal}"
        )

    def on(self, error: MicrosoftError) -> tuple[str, str]:
        """Say what a refusal means and what to do about it."""
        answer = error.answer or error.message
        if error.retryable:
            return answer, LATER
        if error.code in NOT_CONSENTED:
            return f"Nobody has consented to the app in this tenant. ({answer})", self.consent
        if error.code in _PERHAPS_NOT_CONSENTED:
            return answer, f"{error.advice} {self.consent_link}"
        if error.service == "exchange" and error.category is Category.auth_role:
            return f"The app has no Exchange role in this tenant. ({answer})", self.exchange_role
        if error.service != "login" and error.category is Category.auth_permission:
            return answer, self.grant
        return answer, error.advice or LATER
