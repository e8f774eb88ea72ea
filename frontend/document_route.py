"""GET /open/{name} at the page's own server: on to a document, by an address that is made at the click.

A browser cannot sign, and an address that can be opened without a signature is good for minutes only, while an answer
is read for an hour. So a link leads here. The browser keeps the link's #page=N through a redirect.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from client import OPEN, ApiError
from views import problems
from views.markup import text
from words import LANGUAGES, Words

Address = Callable[[str], str]
FRESH = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


def document_route(address: Address) -> Route:
    """The route. address: a document's name → where its file is just now; raises ApiError."""

    def open_document(request: Request) -> Response:
        name = request.path_params["name"]
        try:
            return RedirectResponse(address(name), 302, FRESH)
        except ApiError as error:
            return HTMLResponse(_refusal(name, error), error.status or 502, FRESH)

    return Route(f"{OPEN}/{{name}}", open_document)


def _refusal(name: str, error: ApiError) -> str:
    """Why the document does not open, in every language: the link does not say which one the page speaks."""
    lines = "".join(f'<p lang="{language}">{text(problems.advice(error, Words(language), "problem.open"))}</p>'
                    for language in LANGUAGES)
    return f'<!doctype html><meta charset="utf-8"><title>{text(name)}</title><h1>{text(name)}</h1>{lines}'
