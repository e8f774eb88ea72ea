"""Load test: users send real shots to a running API, and the measured figures are compared with targets.

run.py reads a profile of targets.toml (targets.py) and starts the users (locustfile.py). They send shots (shots.py),
signed on AWS (signing.py), and check every reply (replies.py). measurements.py records exact times, targets.py compares
them with the profile's targets, and report.py writes the comparison. Only run.py and locustfile.py import Locust.
"""
