"""Break one part of a running stack, ask it, and look whether every answer is right, or degraded as specified.

`harness.py` runs a scenario and counts its answers; `client.py` asks; `judge.py` compares with an undisturbed stack;
`stacks.py` starts stacks with a fault; `report.py` writes docs/reliability.md. The tests hold one kind of fault each:
a short run is marked `slow`, its loop is marked `long` and belongs to `make test-long`.
"""
