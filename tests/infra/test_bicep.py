"""What a compiler would say first: names, parameters and outputs fit together in every file."""

import re

import pytest
from bicep import FILES, FUNCTIONS, KEYWORDS, declared, template, used, variables

MAIN = template("main.bicep")
PREVIEWS = {"Microsoft.Insights/diagnosticSettings": "has had no other version with log categories since 2021"}


@pytest.mark.parametrize("file", FILES)
def test_every_name_is_declared(file: str) -> None:
    text = template(file).text

    assert set(used(text)) - declared(text) - KEYWORDS - FUNCTIONS == set()


@pytest.mark.parametrize("file", FILES)
def test_nothing_is_declared_without_use(file: str) -> None:
    parsed = template(file)

    assert {*parsed.parameters, *parsed.variables} - set(used(parsed.text)) == set()


def test_a_name_that_is_not_declared_is_found() -> None:
    text = """
param a string
var b = '${a}/${c.d}' // e
var f = [for g in b: { h: g.i, j: a ? k : 'l' }]
var m = '''${n}'''
"""

    assert set(used(text)) - declared(text) - KEYWORDS == {"c", "k"}


@pytest.mark.parametrize("file", FILES)
def test_every_resource_has_a_stable_api_version(file: str) -> None:
    for resource in template(file).resources:
        suffix = "-preview" if resource.type in PREVIEWS else ""
        assert re.fullmatch(rf"20\d\d-\d\d-\d\d{suffix}", resource.api_version), resource.symbol


def test_one_type_has_one_api_version() -> None:
    found = {(resource.type, resource.api_version) for file in FILES for resource in template(file).resources}

    assert len(found) == len({kind for kind, _ in found})


def test_every_module_gets_the_parameters_that_it_has() -> None:
    for module in MAIN.modules:
        parameters = template(module.file).parameters
        needed = {name for name, parameter in parameters.items() if parameter["default"] is None}
        assert needed <= set(module.params) <= set(parameters), module.symbol


def test_every_file_is_used() -> None:
    assert {"main.bicep", *(module.file for module in MAIN.modules)} == set(FILES)


def test_every_output_that_is_asked_for_exists() -> None:
    files = {module.symbol: module.file for module in MAIN.modules}
    asked = re.findall(r"\b(\w+)\.outputs\.(\w+)", MAIN.text)

    assert asked
    assert [one for one in asked if one[1] not in template(files[one[0]]).outputs] == []


def test_every_parameter_comes_from_the_azd_environment() -> None:
    assert set(variables()) == set(MAIN.parameters)
    assert len({variable for variable, _ in variables().values()}) == len(MAIN.parameters)


def test_the_parameter_file_has_the_defaults_of_the_template() -> None:
    # azd gives an empty value where a variable is not set, and that counts: a default must stand in both files.
    for name, (_, default) in variables().items():
        wanted = MAIN.default(name)
        assert (default or "") == ("" if wanted is None else str(wanted)), name


def test_azd_asks_for_no_more_than_what_nobody_can_guess() -> None:
    asked = {name for name, parameter in MAIN.parameters.items() if parameter["default"] is None}

    assert asked == {"environmentName", "location", "m365ClientId"}


def test_no_output_takes_the_place_of_a_variable() -> None:
    # azd writes outputs into the environment that the parameters come from.
    shared = set(MAIN.outputs) & {variable for variable, _ in variables().values()}

    assert shared == {"AZURE_LOCATION"}
