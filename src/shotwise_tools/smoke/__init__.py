"""The smoke test of a deployment; run it as `python -m shotwise_tools.smoke`.

run.py runs the steps: it uploads a document of its own (document.py), asks for its content, checks the answers
(answers.py) and the logs (logs.py), and removes the document again.
"""
