"""The load test: users send real shots to a running API, and the measured figures meet their targets or miss them.

targets.toml → targets (the profile) → shots (what is sent) → signing (on AWS) → locustfile (the users) →
replies (is the answer whole?) → measurements (exact times) → targets (what is missed) → run (table and exit status).
Only run and locustfile import Locust; the rest is plain and unit-tested.
"""
