"""The page's server: Streamlit's own, which draws page.py, and beside it the way to a document.

`streamlit run frontend/app.py` finds `app` here. How the page asks the API: settings.py.
"""

from __future__ import annotations

import os
from pathlib import Path

import streamlit as st

from frontend.document_route import document_route
from frontend.settings import client_of

app = st.App(Path(__file__).parent / "page.py", routes=[
    document_route(lambda name: client_of(os.environ).document_address(name))])
