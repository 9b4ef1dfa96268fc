"""The OpenAPI document: complete, and its examples are what is really answered."""

from __future__ import annotations

import re
from typing import Any

import jsonschema
import pytest
import requests
import schemathesis
from api_market import SAMSUNG, publish_everything
from api_server import serving
from databases import emptied
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

PATHS = {
    "/api/kr/signals": "/api/kr/signals",
    "/api/kr/signals/gone": "/api/kr/signals/gone",
    "/api/kr/signals/{ticker}": f"/api/kr/signals/{SAMSUNG}",
    "/api/kr/market-gate": "/api/kr/market-gate",
    "/api/kr/market-gate/history": "/api/kr/market-gate/history",
    "/api/kr/market-gate/sectors": "/api/kr/market-gate/sectors",
    "/api/kr/jongga-v2/latest": "/api/kr/jongga-v2/latest",
    "/api/daytrading/signals": "/api/daytrading/signals",
    "/api/kr/stocks": "/api/kr/stocks?q=0059",
    "/api/kr/stocks/{ticker}": f"/api/kr/stocks/{SAMSUNG}",
    "/api/kr/stocks/{ticker}/chart": f"/api/kr/stocks/{SAMSUNG}/chart",
    "/api/kr/stocks/{ticker}/flow": f"/api/kr/stocks/{SAMSUNG}/flow",
    "/api/kr/stocks/{ticker}/signals": f"/api/kr/stocks/{SAMSUNG}/signals",
    "/api/kr/performance": "/api/kr/performance",
    "/api/kr/scans": "/api/kr/scans",
    "/api/kr/timetable": "/api/kr/timetable",
    "/api/kr/backtests": "/api/kr/backtests",
    "/api/kr/backtests/{id}": "/api/kr/backtests/1",
    "/health": "/health",
    "/health/live": "/health/live",
    "/health/ready": "/health/ready",
}


@pytest.fixture(scope="module")
def document(client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").json()
    return found


def answered(document: dict[str, Any], path: str) -> dict[str, Any]:
    content: dict[str, Any] = document["paths"][path]["get"]["responses"]["200"]["content"]
    return content["application/json"]


def shape(value: Any, *, deep: bool = True) -> Any:
    """Names and kinds of an answer; parts and the scanners of health are free."""
    if isinstance(value, dict):
        return {
            key: shape(one) if key not in FREE else type(one).__name__ for key, one in value.items()
        }
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else None


FREE = (
    *("parts", "last_scan", "sources", "grades", "left_out", "reasons", "flags"),
    *("spec", "changes", "not_bought", "gates", "conditions", "notes"),
)


def test_every_path_of_the_contract_is_described(document):
    assert set(PATHS) | {"/metrics", "/session"} == set(document["paths"])
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["description"], path
            problem = operation["responses"]["422"]["content"]["application/problem+json"]
            assert problem["schema"] == {"$ref": "#/components/schemas/Problem"}


@pytest.mark.parametrize("path", PATHS)
def test_real_answers_and_examples_have_the_same_shape_and_keep_the_schema(client, document, path):
    described = answered(document, path)
    real, example = client.get(PATHS[path]).json(), described["example"]
    schema = described["schema"] | {"components": document["components"]}
    for value in (real, example):
        jsonschema.validate(value, schema, jsonschema.Draft202012Validator)
    assert names(shape(real)) == names(shape(example))


def names(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: names(one) for key, one in value.items()}
    return [names(one) for one in value] if isinstance(value, list) else None


INTERNAL = re.compile(
    r"Traceback|psycopg|sqlalchemy|pydantic|site-packages|\.py\b|SELECT |relation \"|0x[0-9a-f]{8}",
    re.IGNORECASE,
)


@pytest.mark.slow
def test_no_request_makes_it_fail_or_break_its_own_schema(postgres_url):
    """At least 5,000 requests made from the document itself; a cursor is more than its pattern."""
    with emptied(postgres_url) as database:
        publish_everything(database)
        with serving(database) as served, requests.Session() as session:
            schema = schemathesis.openapi.from_url(f"{served.url}/openapi.json")
            asked = []

            for operation in schema.exclude(path="/session").get_all_operations():
                run(operation.ok(), served, asked, session)
            with served.client() as client:
                assert client.get("/health/live").status_code == 200
            assert served.services.reading.checked_out == 0
    assert len(asked) >= 5_000
    assert set(asked) <= {200, 404, 405, 414, 422}
    assert asked.count(200) > 1_000


def run(operation: Any, served: Any, asked: list[int], session: requests.Session) -> None:
    @settings(
        max_examples=640,
        deadline=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )
    @given(case=operation.as_strategy())
    def ask(case: schemathesis.Case) -> None:
        answer = case.call(base_url=served.url, session=session)
        asked.append(answer.status_code)
        told = answer.content.decode(errors="replace")
        assert not INTERNAL.search(told), told
        case.validate_response(answer, excluded_checks=[positive_data_acceptance])

    ask()
