"""The page in the browser (Streamlit).

app.py is what Streamlit runs; it draws page.py, which shows one of the screens/. A screen calls the API (client.py) and
draws the reply with the modules of views/. Every text is in messages/, in Korean and in English.
"""
