"""What can be asked, as a page without scripts, made of the OpenAPI document."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    """Every path with its parameters and an example; the document itself says more."""
    document = request.app.openapi()
    title = escape(f"{document['info']['title']} {document['info']['version']}")
    body = "\n".join(_paths(document["paths"]))
    return HTMLResponse(
        f'<!doctype html><html lang="en"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{title}</title>'
        f"<h1>{title}</h1><p>{escape(document['info']['description'])}</p>"
        f'<p>The whole of it, for programs: <a href="/openapi.json">openapi.json</a></p>\n{body}'
    )


def _paths(paths: Mapping[str, Any]) -> Iterator[str]:
    for path, operations in paths.items():
        for method, operation in operations.items():
            yield f"<h2>{method.upper()} {escape(path)}</h2>"
            yield f"<p>{escape(operation.get('description', ''))}</p>"
            if parameters := operation.get("parameters"):
                yield f"<ul>{''.join(map(_parameter, parameters))}</ul>"
            answer = operation["responses"].get("200", {}).get("content", {})
            example = answer.get("application/json", {}).get("example")
            if example is not None:
                shown = escape(json.dumps(example, ensure_ascii=False, indent=2))
                yield f"<details><summary>Example</summary><pre>{shown}</pre></details>"


def _parameter(parameter: Mapping[str, Any]) -> str:
    about = escape(parameter.get("description", ""))
    return f"<li><code>{escape(parameter['name'])}</code> ({escape(parameter['in'])}) {about}</li>"
