"""The page in the browser (Streamlit); `app` is what Streamlit runs."""
