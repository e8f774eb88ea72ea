"""GET /open/{name} on the page's own server: redirect to a document, by an address that is made at the click.

A browser cannot sign, and an address that can be opened without a signature is good for minutes only, while an answer
is read for an hour. So a link leads here. The browser keeps the link's #page=N through a redirect.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from frontend.client import OPEN, ApiError
from frontend.messages import LANGUAGES, Messages
from frontend.views import problems
from frontend.views.markup import text

NO_STORE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


def document_route(address_of: Callable[[str], str]) -> Route:
    """Return the route.

    `address_of` takes the name of a document and returns where its file is just now; it may raise ApiError.
    """

    def open_document(request: Request) -> Response:
        name = request.path_params["name"]
        try:
            return RedirectResponse(address_of(name), 302, NO_STORE)
        except ApiError as error:
            return HTMLResponse(_error_page(name, error, _language(request)), error.status or 502, NO_STORE)

    return Route(f"{OPEN}/{{name}}", open_document)


def _language(request: Request) -> str:
    """The language of the page that holds the link: it is in that page's address, which the browser sends along."""
    languages = parse_qs(urlsplit(request.headers.get("referer", "")).query).get("lang", [])
    return next((language for language in languages if language in LANGUAGES), LANGUAGES[0])


def _error_page(name: str, error: ApiError, language: str) -> str:
    """A small HTML page that says why the document does not open."""
    head = f'<!doctype html><html lang="{language}"><meta charset="utf-8"><title>{text(name)}</title>'
    return f'{head}<h1>{text(name)}</h1><p>{text(problems.advice(error, Messages(language), "problem.open"))}</p>'
