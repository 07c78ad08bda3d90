"""The OpenAPI document: everything in it has an example, and every example is what it says."""

import jsonschema
import pytest

from hdqm_ops.api import create_app
from hdqm_ops.settings import Settings

DOCUMENT = create_app(Settings(reader_url="postgresql://x@127.0.0.1:1/x")).openapi()
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
}


def examples(schema):
    """Examples of a parameter or property, or what else shows how it looks."""
    return (
        schema.get("examples") or schema.get("enum") or [schema["default"] for _ in ("default",) if "default" in schema]
    )


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_says_what_it_does_and_shows_an_answer(name):
    operation = OPERATIONS[name]

    assert operation["summary"]
    assert operation["description"]
    if "302" not in operation["responses"]:
        assert operation["responses"]["200"]["content"]["application/json"]["example"]
    for status, told in operation["responses"].items():
        if status[0] in "45d":
            assert list(told["content"]) == ["application/problem+json"], status


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_parameter_has_an_example_that_is_allowed(name):
    for parameter in OPERATIONS[name].get("parameters", ()):
        if parameter["name"] == "cursor":
            continue  # nobody can make one up
        shown = examples(parameter["schema"]) or examples(parameter)
        assert shown, parameter["name"]
        for one in shown:
            jsonschema.validate(one, parameter["schema"])


@pytest.mark.parametrize("name", [name for name, operation in OPERATIONS.items() if "requestBody" in operation])
def test_every_body_has_an_example_that_is_allowed_and_answered(api, name):
    content = OPERATIONS[name]["requestBody"]["content"]["application/json"]
    body = content["schema"].get("examples", content.get("examples"))[0]
    schema = {**content["schema"], "components": DOCUMENT["components"]}

    jsonschema.validate(body, schema)
    assert api.post(name.split()[1], json=body).status_code == 200
