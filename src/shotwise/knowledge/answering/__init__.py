"""Answer questions from ranked passages.

`extract` quotes statements, `semantic` finds them by meaning if question and documents share no words, `generate` lets
a language model word claims, and `answerer` chooses between these. Every quote is verified against the text of the page
that it cites.
"""
