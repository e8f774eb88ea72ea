"""The screens of the page, one module each: the parts that a screen shows, their order, and its calls of the API.

The folder is not called pages/, because Streamlit makes its own navigation from a folder of that name.
"""
