"""The SharePoint client against a scripted server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.microsoft365.http.errors import Category, MicrosoftError
from shared.microsoft365.sharepoint import parse_root, parse_site

if TYPE_CHECKING:
    from conftest import Answer, FakeTokens, Server

    from shared.microsoft365.http.messages import SentRequest
    from shared.microsoft365.sharepoint import SharePoint

SITE = "https://contoso-my.sharepoint.com/personal/ann_contoso_example"
PATH = "/contoso-my.sharepoint.com/personal/ann_contoso_example"
HEADER = {"SchemaVersion": "15.0.0.0", "LibraryVersion": "16.0.0.0", "ErrorInfo": None, "TraceCorrelationId": "t"}


def test_makes_somebody_an_administrator(
    sharepoint: SharePoint, server: Server, answer: type[Answer], tokens: FakeTokens, log: list[SentRequest]
) -> None:
    server.add(
        answer(200, {"Id": 7, "LoginName": "i:0#.f|membership|bo@contoso.example", "IsSiteAdmin": False}), answer(204)
    )

    user = sharepoint.ensure_user(SITE, "bo@contoso.example")
    sharepoint.set_site_admin(SITE, user["Id"])

    ensure, merge = server.seen
    assert (ensure.method, ensure.path) == ("POST", f"{PATH}/_api/web/ensureuser")
    assert ensure.json == {"logonName": "i:0#.f|membership|bo@contoso.example"}
    assert (merge.method, merge.path, merge.json) == ("POST", f"{PATH}/_api/web/getuserbyid(7)", {"IsSiteAdmin": True})
    assert (merge.headers["X-HTTP-Method"], merge.headers["IF-MATCH"]) == ("MERGE", "*")
    assert {audience for _, audience in tokens.asked} == {"https://contoso.sharepoint.com"}
    assert [entry.is_write for entry in log] == [True, True]


def test_reads_the_administrators(
    sharepoint: SharePoint, server: Server, answer: type[Answer], log: list[SentRequest]
) -> None:
    server.add(answer(200, {"value": [{"Id": 7, "IsSiteAdmin": True}]}))

    assert sharepoint.get_site_admins(SITE) == [{"Id": 7, "IsSiteAdmin": True}]
    assert server.seen[0].path == f"{PATH}/_api/web/siteusers?$filter=IsSiteAdmin%20eq%20true"
    assert [entry.is_write for entry in log] == [False]


def test_raises_what_the_site_says(sharepoint: SharePoint, server: Server, answer: type[Answer]) -> None:
    message = {"lang": "en-US", "value": "The specified user could not be found."}
    code = "-2146232832, Microsoft.SharePoint.SPException"
    server.add(answer(404, {"odata.error": {"code": code, "message": message}}))

    with pytest.raises(MicrosoftError, match="license") as caught:
        sharepoint.ensure_user(SITE, "bo@contoso.example")
    assert caught.value.category is Category.not_licensed


def test_closes_the_site_to_people_outside(
    sharepoint: SharePoint, server: Server, answer: type[Answer], tokens: FakeTokens, log: list[SentRequest]
) -> None:
    server.add(answer(200, [HEADER, 2, {"IsNull": False}]))

    sharepoint.disable_sharing("https://contoso-my.sharepoint.com/personal/o'hara_x".replace("'", "%27"))

    (seen,) = server.seen
    assert seen.path == "/contoso-admin.sharepoint.com/_vti_bin/client.svc/ProcessQuery"
    assert seen.headers["Content-Type"] == "text/xml"
    text = seen.raw.decode()
    assert 'Name="SharingCapability"><Parameter Type="Enum">0</Parameter>' in text
    assert '<Method Id="4" ObjectPathId="2" Name="Update"/>' in text
    assert tokens.asked == [("11111111-2222-4333-8444-555555555555", "https://contoso-admin.sharepoint.com")]
    assert [(entry.is_write, entry.target) for entry in log] == [
        (True, "https://contoso-my.sharepoint.com/personal/o%27hara_x")
    ]


def test_reads_how_a_site_may_be_shared(
    sharepoint: SharePoint, server: Server, answer: type[Answer], log: list[SentRequest]
) -> None:
    server.add(answer(200, [HEADER, 3, {"_ObjectType_": "SiteProperties", "SharingCapability": 2}]))

    assert sharepoint.get_sharing(SITE) == 2
    assert "<Query " in server.seen[0].raw.decode()
    assert [entry.is_write for entry in log] == [False]


def test_a_failure_with_status_200_is_a_failure(sharepoint: SharePoint, server: Server, answer: type[Answer]) -> None:
    info = {"ErrorMessage": "Attempted to perform an unauthorized operation.", "ErrorCode": -1, "ErrorTypeName": "A.B"}
    server.add(answer(200, [{**HEADER, "ErrorInfo": info}]))

    with pytest.raises(MicrosoftError) as caught:
        sharepoint.disable_sharing(SITE)
    assert caught.value.category is Category.auth_role


@pytest.mark.parametrize("body", [None, [], {}, [{"x": 1}], "text"])
def test_an_answer_that_is_not_csom_is_no_success(
    sharepoint: SharePoint, server: Server, answer: type[Answer], body: object
) -> None:
    server.add(answer(200, body))

    with pytest.raises(MicrosoftError):
        sharepoint.disable_sharing(SITE)


def test_an_answer_without_the_value_is_no_value(sharepoint: SharePoint, server: Server, answer: type[Answer]) -> None:
    server.add(answer(200, [HEADER, 3, {}]))

    with pytest.raises(MicrosoftError, match="did not say"):
        sharepoint.get_sharing(SITE)


@pytest.mark.parametrize(
    "url",
    [
        "http://contoso-my.sharepoint.com/personal/ann",
        "https://contoso-my.sharepoint.com.evil.example/personal/ann",
        "https://evil.example/contoso-my.sharepoint.com/personal/ann",
        "https://contoso-my.sharepoint.com@evil.example/personal/ann",
        "https://contoso-my.sharepoint.com:444/personal/ann",
        "https://contoso.sharepoint.com/personal/ann",
        "https://-my.sharepoint.com/personal/ann",
        "https://contoso-my.sharepoint.com",
        "https://contoso-my.sharepoint.com/personal/../_api",
        "https://contoso-my.sharepoint.com/personal/ann?x=1",
        "https://contoso-my.sharepoint.com/personal/ann</Parameter>",
        "",
    ],
)
def test_a_token_goes_to_a_onedrive_only(sharepoint: SharePoint, server: Server, tokens: FakeTokens, url: str) -> None:
    with pytest.raises(MicrosoftError, match="nothing was sent"):
        sharepoint.disable_sharing(url)
    with pytest.raises(MicrosoftError, match="nothing was sent"):
        sharepoint.ensure_user(url, "bo@contoso.example")
    assert (server.seen, tokens.asked) == ([], [])


def test_a_renamed_tenant_and_other_clouds() -> None:
    site = parse_site("https://Old-Name-my.sharepoint.us/personal/ann_x/")
    assert (site.host, site.admin_host) == ("old-name-my.sharepoint.us", "old-name-admin.sharepoint.us")
    assert site.audience == "https://old-name.sharepoint.us"
    assert site.url == "https://old-name-my.sharepoint.us/personal/ann_x"


def test_checks_that_the_token_is_taken_at_the_root_of_the_onedrive_host(
    sharepoint: SharePoint, server: Server, answer: type[Answer], tokens: FakeTokens, log: list[SentRequest]
) -> None:
    server.add(
        answer(200, {"Title": "Contoso"}),
        answer(401),
        answer(401, {"error_description": "Unsupported app only token."}),
    )
    root = parse_root("https://Contoso.sharepoint.com/Shared%20Documents")

    sharepoint.check(root)
    with pytest.raises(MicrosoftError, match="certificate"):
        sharepoint.check(root)

    assert server.seen[0].path == "/contoso-my.sharepoint.com/_api/web?$select=Title"
    assert {audience for _, audience in tokens.asked} == {"https://contoso.sharepoint.com"}
    assert [entry.is_write for entry in log] == [False, False, False]


@pytest.mark.parametrize(
    "url",
    [
        "http://contoso.sharepoint.com/",
        "https://contoso.sharepoint.com.evil.example/",
        "https://contoso.sharepoint.com@evil.example/",
        "https://contoso.sharepoint.com:444/",
        "https://evil.example/contoso.sharepoint.com",
        "",
    ],
)
def test_a_root_is_a_host_of_sharepoint_only(url: str) -> None:
    with pytest.raises(MicrosoftError, match="nothing was sent"):
        parse_root(url)
