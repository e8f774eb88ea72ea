"""Ranked passages to an answer: quoted (`extract`), matched by meaning (`semantic`), or worded by a model (`generate`).

`answerer` is the entrance. Nothing leaves it that was not verified against the text of the page it cites.
"""
