"""Messages as the document stores keep them: JSON of code and parameters."""

from __future__ import annotations

from typing import Any

from shotwise.messages import Message

EARLIER = "earlier_text"


def message_to_json(message: Message) -> dict[str, Any]:
    """The JSON object of a message."""
    return {"code": message.code, "params": dict(message.params)}


def message_from_json(stored: Any, name: str) -> Message:
    """A message of the document `name` as it was stored.

    Versions before codes stored English text, mostly beginning with the name. It becomes the code `earlier_text`, so
    that a store which they wrote stays readable.
    """
    if isinstance(stored, str):
        return Message(EARLIER, {"text": stored.removeprefix(f"{name}: ")})
    return Message(str(stored["code"]), dict(stored["params"]))
