"""The page in the browser (Streamlit).

Streamlit runs app.py, which serves page.py; that shows one of the screens/. A screen calls the API (client.py) and
draws the reply with the modules of views/. All texts are in messages/, in Korean and English.
"""
