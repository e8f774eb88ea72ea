"""The emulator: Shotwise on one machine, with the real handlers, API description and workflow file, without AWS.

`template` reads template.yaml → `lambda_host` loads the handlers that it names → `gateway` serves api/openapi.yaml with
them → `workflow` runs the state machine in moto's interpreter → `stack` puts these together → `serve` runs them.
"""
