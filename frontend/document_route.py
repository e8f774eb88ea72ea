"""GET /open/{name} at the page's own server: on to a document, by an address that is made at the click.

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
from frontend.messages import LANGUAGES, Words
from frontend.views import problems
from frontend.views.markup import text

Address = Callable[[str], str]
FRESH = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


def document_route(address: Address) -> Route:
    """The route. address: a document's name → where its file is just now; raises ApiError."""

    def open_document(request: Request) -> Response:
        name = request.path_params["name"]
        try:
            return RedirectResponse(address(name), 302, FRESH)
        except ApiError as error:
            return HTMLResponse(_refusal(name, error, _language(request)), error.status or 502, FRESH)

    return Route(f"{OPEN}/{{name}}", open_document)


def _language(request: Request) -> str:
    """That of the page with the link: its address has it, and a browser says from where it comes."""
    spoken = parse_qs(urlsplit(request.headers.get("referer", "")).query).get("lang", [])
    return next((one for one in spoken if one in LANGUAGES), LANGUAGES[0])


def _refusal(name: str, error: ApiError, language: str) -> str:
    """Why the document does not open."""
    head = f'<!doctype html><html lang="{language}"><meta charset="utf-8"><title>{text(name)}</title>'
    return f'{head}<h1>{text(name)}</h1><p>{text(problems.advice(error, Words(language), "problem.open"))}</p>'
