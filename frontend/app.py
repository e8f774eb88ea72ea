"""The page's server: Streamlit's own, which draws page.py, and beside it a route that opens documents.

Run it from the repository root by `python -m streamlit run frontend/app.py`, which finds `app` here. settings.py says
which environment variables it reads.
"""

from __future__ import annotations

import os
from pathlib import Path

import streamlit as st

from frontend.document_route import document_route
from frontend.settings import client_from_environ

app = st.App(Path(__file__).parent / "page.py", routes=[
    document_route(lambda name: client_from_environ(os.environ).document_address(name))])
