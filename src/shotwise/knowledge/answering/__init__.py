"""Ranked passages to an answer.

`extract` quotes statements, `semantic` finds them by meaning where question and documents share no words, `generate`
lets a language model word claims, and `answerer`, the entrance, chooses between them. No quote leaves this package that
was not checked against the text of the page it cites.
"""
