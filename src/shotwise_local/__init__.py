"""The one-machine stack: the real handlers, the real API description and the real workflow file, without AWS.

`template` reads template.yaml → `functions` loads the handlers it names → `gateway` serves api/openapi.yaml with them →
`workflow` runs the state machine in an existing interpreter → `serve` starts all of it → `cli` is the command.
"""
