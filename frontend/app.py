"""The page's server: Streamlit's server of page.py, with a route that opens documents and a guard against other sites.

Run it from the repository root with `python -m streamlit run frontend/app.py`. settings.py and
site_guard.py list the environment variables that it reads.
"""

from __future__ import annotations

import os
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from frontend.document_route import document_route
from frontend.settings import client_from_environ
from frontend.site_guard import SiteGuard, allowed_hosts

app = st.App(Path(__file__).parent / "page.py",
             routes=[document_route(lambda name: client_from_environ(os.environ).document_address(name))],
             middleware=[Middleware(SiteGuard, allowed_hosts(os.environ))])
