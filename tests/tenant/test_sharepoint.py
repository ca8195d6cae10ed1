from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dev.tenant import seed

if TYPE_CHECKING:
    import requests

    from dev.tenant.by_hand import Caller
    from dev.tenant.process import Simulator

SITE = "https://fabrikam-my.sharepoint.com/personal/ada_fabrikam_example"
ADMIN = "https://fabrikam-admin.sharepoint.com"
JSON = {"Accept": "application/json;odata=nometadata", "Content-Type": "application/json;odata=nometadata"}
MERGE = {**JSON, "X-HTTP-Method": "MERGE", "IF-MATCH": "*"}
CLAIM = "i:0#.f|membership|{}@fabrikam.example"

TENANT = '<Constructor Id="1" TypeId="{268004ae-ef6b-4e9b-8425-127220d84719}"/>'


def csom(caller: Caller, actions: str, url: str = SITE, *, content_type: str = "text/xml") -> requests.Response:
    body = (
        '<Request xmlns="http://schemas.microsoft.com/sharepoint/clientquery/2009" SchemaVersion="15.0.0.0"'
        f' LibraryVersion="16.0.0.0" ApplicationName="tests"><Actions>{actions}</Actions><ObjectPaths>{TENANT}'
        '<Method Id="2" ParentId="1" Name="GetSitePropertiesByUrl"><Parameters>'
        f'<Parameter Type="String">{url}</Parameter><Parameter Type="Boolean">false</Parameter>'
        "</Parameters></Method></ObjectPaths></Request>"
    )
    headers = {"Content-Type": content_type}
    return caller.sharepoint("POST", f"{ADMIN}/_vti_bin/client.svc/ProcessQuery", body, audience=ADMIN, headers=headers)


def sharing(value: int) -> str:
    parameter = f'<Parameter Type="Enum">{value}</Parameter>'
    return (
        f'<SetProperty Id="3" ObjectPathId="2" Name="SharingCapability">{parameter}</SetProperty>'
        '<Method Id="4" ObjectPathId="2" Name="Update"/>'
    )


def site_admin(alias: str) -> str:
    parameters = (
        f'<Parameter Type="String">{SITE}</Parameter><Parameter Type="String">{CLAIM.format(alias)}</Parameter>'
    )
    return (
        f'<Method Id="5" ObjectPathId="1" Name="SetSiteAdmin"><Parameters>{parameters}'
        '<Parameter Type="Boolean">true</Parameter></Parameters></Method>'
    )


def ensure(caller: Caller, alias: str) -> requests.Response:
    return caller.sharepoint("POST", f"{SITE}/_api/web/ensureuser", {"logonName": CLAIM.format(alias)}, headers=JSON)


def state(sim: Simulator) -> dict[str, Any]:
    return sim.state("fabrikam.example")["sites"][SITE]


def test_making_somebody_administrator_of_a_site(caller: Caller, sim: Simulator) -> None:
    user = ensure(caller, "cy").json()
    assert user["IsSiteAdmin"] is False
    path = f"{SITE}/_api/web/getuserbyid({user['Id']})"
    assert caller.sharepoint("POST", path, {"IsSiteAdmin": True}, headers=MERGE).status_code == 204
    assert ensure(caller, "cy").json() == {**user, "IsSiteAdmin": True}
    admins = caller.sharepoint("GET", f"{SITE}/_api/web/siteusers?$filter=IsSiteAdmin eq true").json()["value"]
    assert {row["UserPrincipalName"] for row in admins} == {"ada@fabrikam.example", "cy@fabrikam.example"}
    assert state(sim)["admins"] == [seed.ADA, seed.CY]


def test_an_account_without_a_sharepoint_license(caller: Caller) -> None:
    response = ensure(caller, "nomail")
    assert response.status_code == 400
    error = response.json()["odata.error"]
    assert error["code"] == "-2146232832, Microsoft.SharePoint.SPException"
    assert "could not be found" in error["message"]["value"]


def test_a_token_from_a_secret_is_refused(caller: Caller) -> None:
    response = caller.sharepoint("GET", f"{SITE}/_api/web/siteusers", by_certificate=False)
    assert response.status_code == 401
    assert "Unsupported app only token." in response.headers["WWW-Authenticate"]


def test_the_role_and_the_audience(caller: Caller, sim: Simulator) -> None:
    assert caller.sharepoint("GET", f"{SITE}/_api/web/siteusers", audience=ADMIN).status_code == 401
    sim.arrange("fabrikam.example", "revoke_permission", permission="Sites.FullControl.All", api="sharepoint")
    assert caller.sharepoint("GET", f"{SITE}/_api/web/siteusers").status_code == 403


def test_unknown_calls_are_refused_and_recorded(caller: Caller, sim: Simulator) -> None:
    api = f"{SITE}/_api/web"
    refusals = [
        caller.sharepoint("GET", f"{api}/lists"),
        caller.sharepoint("POST", f"{api}/getuserbyid(3)", {"IsSiteAdmin": True}, headers=JSON),
        caller.sharepoint("POST", f"{api}/getuserbyid(3)", {"Title": "x"}, headers=MERGE),
        caller.sharepoint("POST", f"{api}/ensureuser", {"loginName": "x"}, headers=JSON),
        caller.sharepoint("GET", f"{api}/siteusers?$top=1"),
    ]
    assert [response.status_code for response in refusals] == [404, 405, 400, 400, 400]
    assert all(entry["refused"] for entry in sim.requests() if entry["service"] == "sharepoint")


def test_locked_and_missing_sites(caller: Caller, sim: Simulator) -> None:
    assert caller.sharepoint("GET", f"{SITE}x/_api/web/siteusers").status_code == 404
    sim.arrange("fabrikam.example", "site", user=seed.ADA, set={"lock": "NoAccess"})
    assert caller.sharepoint("GET", f"{SITE}/_api/web/siteusers").status_code == 423


def test_sharing_is_switched_off_and_read_back(caller: Caller, sim: Simulator) -> None:
    answer = csom(caller, sharing(0)).json()
    assert answer[0]["ErrorInfo"] is None
    assert state(sim)["SharingCapability"] == 0
    query = '<Query Id="3" ObjectPathId="2"><Query SelectAllProperties="true"><Properties/></Query></Query>'
    answer = csom(caller, query).json()
    assert answer[1] == 3
    assert answer[2]["SharingCapability"] == 0


def test_without_update_nothing_changes(caller: Caller, sim: Simulator) -> None:
    csom(caller, sharing(0).split("<Method")[0])
    assert state(sim)["SharingCapability"] == 2


def test_failures_answer_200_with_error_info(caller: Caller, sim: Simulator) -> None:
    response = csom(caller, sharing(0), url=f"{SITE}x")
    assert response.status_code == 200
    assert response.json()[0]["ErrorInfo"]["ErrorTypeName"].endswith("SpoNoSiteException")
    response = csom(caller, sharing(9))
    assert response.json()[0]["ErrorInfo"]["ErrorTypeName"].endswith("InvalidClientQueryException")
    assert sim.requests()[-1]["refused"] is True
    assert csom(caller, sharing(0), content_type="application/json").status_code == 415


def test_several_site_administrators_in_one_request(caller: Caller, sim: Simulator) -> None:
    assert csom(caller, site_admin("cy") + site_admin("bo")).json()[0]["ErrorInfo"] is None
    assert state(sim)["admins"] == [seed.ADA, seed.CY, seed.BO]
    assert (
        csom(caller, site_admin("nomail")).json()[0]["ErrorInfo"]["ErrorTypeName"] == "Microsoft.SharePoint.SPException"
    )


def test_the_rest_way_to_site_properties(caller: Caller, sim: Simulator) -> None:
    path = f"{ADMIN}/_api/SPO.Tenant/sites('{state(sim)['site_id']}')"
    assert caller.sharepoint("GET", path, audience=ADMIN).json()["SharingCapability"] == 2
    assert caller.sharepoint("POST", path, {"SharingCapability": 0}, audience=ADMIN, headers=MERGE).status_code == 204
    assert state(sim)["SharingCapability"] == 0


def test_the_rest_way_to_site_administrators_replaces_the_whole_list(caller: Caller, sim: Simulator) -> None:
    root = f"{ADMIN}/_api/SPOInternalUseOnly.Tenant"
    site_id = state(sim)["site_id"]
    data = {"siteId": site_id, "secondaryAdministratorLoginNames": [CLAIM.format("cy")]}
    body = {"secondaryAdministratorsFieldsData": data}
    path = f"{root}/SetSiteSecondaryAdministrators"
    assert caller.sharepoint("POST", path, body, audience=ADMIN, headers=JSON).status_code == 200
    assert state(sim)["admins"] == [seed.ADA, seed.CY]
    data["secondaryAdministratorLoginNames"] = [CLAIM.format("bo")]
    caller.sharepoint("POST", path, body, audience=ADMIN, headers=JSON)
    rows = caller.sharepoint("GET", f"{root}/GetSiteAdministrators?siteId='{site_id}'", audience=ADMIN).json()["value"]
    assert [row["email"] for row in rows] == ["ada@fabrikam.example", "bo@fabrikam.example"]


def test_the_root_of_the_onedrive_host_tells_its_title_to_those_who_may(caller: Caller, sim: Simulator) -> None:
    root = "https://fabrikam-my.sharepoint.com/_api/web?$select=Title"
    assert caller.sharepoint("GET", root, headers=JSON).json() == {"Title": "Fabrikam"}
    assert caller.sharepoint("GET", root.replace("-my", ""), headers=JSON).status_code == 404
    sim.arrange("fabrikam.example", "revoke_permission", permission="Sites.FullControl.All", api="sharepoint")
    assert caller.sharepoint("GET", root, headers=JSON).status_code == 403
