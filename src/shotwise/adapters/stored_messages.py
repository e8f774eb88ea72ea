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


def failure_to_json(failure: Message, version: str) -> dict[str, Any]:
    """Return the JSON object of a failure: the message, with the version of the file that could not be read if any."""
    return {**message_to_json(failure), **({"version": version} if version else {})}


def failure_of_version(stored: Any, name: str, version: str) -> Message | None:
    """Return a stored failure to read the document `name` if it is that of this version of the file."""
    if version and isinstance(stored, dict) and stored.get("version") == version:
        return message_from_json(stored, name)
    return None
