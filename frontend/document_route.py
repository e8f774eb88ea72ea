"""GET /open/{name} on the page's own server: redirect to a document, at an address that is made when it is opened.

A browser cannot sign requests, and an address that works without a signature is valid for some minutes only, while a
reader may follow a link an hour later. So links lead here. The browser keeps the link's #page=N when it is redirected.
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

    `address_of` returns the current address of a document's file, by the document's name; it may raise ApiError.
    """

    def open_document(request: Request) -> Response:
        name = request.path_params["name"]
        try:
            return RedirectResponse(address_of(name), 302, NO_STORE)
        except ApiError as error:
            return HTMLResponse(_error_page(name, error, _language(request)), error.status or 502, NO_STORE)

    return Route(f"{OPEN}/{{name}}", open_document)


def _language(request: Request) -> str:
    """Return the language of the page with the link, from the page's address, which the browser sends as Referer."""
    languages = parse_qs(urlsplit(request.headers.get("referer", "")).query).get("lang", [])
    return next((language for language in languages if language in LANGUAGES), LANGUAGES[0])


def _error_page(name: str, error: ApiError, language: str) -> str:
    """Return a small HTML page that says why the document cannot be opened."""
    head = f'<!doctype html><html lang="{language}"><meta charset="utf-8"><title>{text(name)}</title>'
    return f'{head}<h1>{text(name)}</h1><p>{text(problems.advice(error, Messages(language), "problem.open"))}</p>'
