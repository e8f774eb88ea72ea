"""Emulate AWS on one machine: run Shotwise with the real handlers, API description and workflow file.

`template` reads template.yaml → `lambda_host` loads the handlers that it names → `gateway` serves api/openapi.yaml with
them (`routes`, `vtl`), `workflow` runs the state machine in moto's interpreter, and `s3_events` stands in for the
documents bucket → `stack` puts these together → `serve` runs them.
"""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]  # of the checkout, whose template, manuals and models are used
