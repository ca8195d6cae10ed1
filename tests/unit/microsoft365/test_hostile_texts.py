"""A text that somebody chose stays a text: in OData, in paths, in Exchange's filters and in XML.

HTML has its tests where it is made: mail in `test_formats`, out-of-office messages in `test_out_of_office`.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree as ET

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.microsoft365 import sharepoint
from shared.microsoft365.exchange import exchange_cmdlets
from shared.microsoft365.graph import graph_calls
from shared.microsoft365.http.errors import MicrosoftError

HOSTILE = [
    "' or 1 eq 1 or ''='",
    "x') or proxyAddresses/any(a:a ne '",
    'a" OR "displayName:b',
    "ends in a backslash\\",
    '\\" OR "mail:x',
    "x&$select=passwordProfile#",
    "x?$expand=manager",
    "../../directory/deletedItems/x",
    "%27%22%2e%2e",
    "' -or Name -like '*",
    "$(Get-Mailbox)",
    "`n; Remove-Mailbox *",
    "\u2019 -or 1 -eq 1",
    "]]></Parameter><Parameter>",
    "<script>alert(1)</script>",
    '" onmouseover="alert(1)',
    "&lt;img src=x onerror=alert(1)&gt;",
    "\u202eetadpu",
]
texts = st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40) | st.sampled_from(HOSTILE)
named = texts.filter(str.strip)


def _options(path: str) -> dict[str, str]:
    parts = urlsplit(path)
    assert parts.fragment == ""
    return {name: value for name, (value,) in parse_qs(parts.query, keep_blank_values=True).items()}


@given(texts)
def test_an_odata_literal_ends_where_the_text_ends(text: str) -> None:
    options = _options(graph_calls.find_users_by_address(text).path)

    condition = re.fullmatch(r"proxyAddresses/any\(a:a eq '((?:[^']|'')*)'\)", options["$filter"], re.DOTALL)
    assert condition
    assert condition[1].replace("''", "'") == f"smtp:{text}"
    assert set(options) == {"$filter", "$select", "$count"}


@given(texts)
def test_a_search_ends_where_the_text_ends(text: str) -> None:
    options = _options(graph_calls.search_users(text).path)

    said = re.findall(r'"(\w+):((?:[^"\\]|\\.)*)"( OR |\Z)', options["$search"], re.DOTALL)
    assert [name for name, _, _ in said] == ["displayName", "userPrincipalName", "mail"]
    assert {re.sub(r"\\(.)", r"\1", wanted, flags=re.DOTALL) for _, wanted, _ in said} == {text}
    assert "".join(f'"{name}:{wanted}"{rest}' for name, wanted, rest in said) == options["$search"]


@given(named.filter(lambda text: not text.startswith("$")))
def test_an_id_is_one_segment_of_the_path(text: str) -> None:
    if text in {".", ".."}:
        return
    path = graph_calls.delete_user(text).path

    assert path.startswith("/users/")
    assert not set(path.removeprefix("/users/")) & set("/?#\\'\" ")
    assert unquote(path.removeprefix("/users/")) == text


@pytest.mark.parametrize("text", [".", ".."])
def test_an_id_that_clients_take_for_a_folder_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="folder"):
        graph_calls.delete_user(text)


@given(named)
def test_a_filter_of_exchange_ends_where_the_text_ends(text: str) -> None:
    said = exchange_cmdlets.find_send_on_behalf(text).parameters["Filter"]

    condition = re.fullmatch(r"GrantSendOnBehalfTo -eq '((?:[^']|'')*)'", str(said), re.DOTALL)
    assert condition
    assert condition[1].replace("''", "'") == text


@given(named)
def test_cmdlets_take_names_as_values_of_parameters(text: str) -> None:
    assert exchange_cmdlets.get_mailbox(text).parameters == {"Identity": text}


@given(texts)
@example("https://contoso-my.sharepoint.com/personal/o&amp;x")
def test_the_address_of_a_site_cannot_leave_its_element(text: str) -> None:
    for address in (text, f"https://contoso-my.sharepoint.com/personal/{text}"):
        try:
            site = sharepoint.parse_site(address)
        except MicrosoftError:
            continue
        request = ET.fromstring(sharepoint._CSOM.format(actions="", site=sharepoint.escape(site.url)))  # noqa: S314
        found = [element.text for element in request.iter() if element.get("Type") == "String"]
        assert found == [site.url]
        assert not set(site.url) & set("<>&\"' ?#")
