"""The screens of the page, one module each: what a screen shows, in which order, and its calls to the API.

The folder is not called pages/, because Streamlit turns a folder of that name beside the entry point into a navigation
of its own.
"""
