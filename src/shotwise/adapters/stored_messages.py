"""Convert messages to and from the JSON that document stores contain: codes with parameters."""

from __future__ import annotations

from typing import Any

from shotwise.messages import Message

EARLIER = "earlier_text"


def message_to_json(message: Message) -> dict[str, Any]:
    """Return the JSON object of a message."""
    return {"code": message.code, "params": dict(message.params)}


def message_from_json(stored: Any, name: str) -> Message:
    """Read a stored message about the document `name`.

    Versions before there were codes stored English text, which usually begins with the name. Such text becomes a
    message with the code `earlier_text`, so that stores of these versions remain readable.
    """
    if isinstance(stored, str):
        return Message(EARLIER, {"text": stored.removeprefix(f"{name}: ")})
    return Message(str(stored["code"]), dict(stored["params"]))
