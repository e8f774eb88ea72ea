"""The page's server: Streamlit's server of page.py, with an additional route that opens documents.

Run it from the repository root with `python -m streamlit run frontend/app.py`. settings.py lists the environment
variables that it reads.
"""

from __future__ import annotations

import os
from pathlib import Path

import streamlit as st

from frontend.document_route import document_route
from frontend.settings import client_from_environ

app = st.App(Path(__file__).parent / "page.py", routes=[
    document_route(lambda name: client_from_environ(os.environ).document_address(name))])
