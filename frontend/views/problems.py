"""Draw what went wrong with a call of the API and what to do about it, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from frontend.client import ApiError, Unsigned
from frontend.fields import Field
from frontend.messages import Messages
from frontend.messages.codes import FIELD_REASONS
from frontend.views import markup
from frontend.views.markup import text

FEATURES = "features."


def show(error: ApiError, fields: Mapping[str, Field], address: str, messages: Messages,
         about: str = "problem") -> None:
    """Draw a failed call: the fields to correct, or else what to do.

    Parameters
    ----------
    error : ApiError
        The failure.
    fields : mapping
        The fields of the form by feature name, for their labels.
    address : str
        The address of the API, shown if it could not be reached.
    messages : Messages
        The texts of the page's language.
    about : str, optional
        The prefix of the keys of the texts about the call that failed.
    """
    if isinstance(error, Unsigned):
        command = "aws configure" if error.reason == "credentials" else ""
        _show_unanswered(messages(f"{about}.title"), advice(error, messages), command, address, messages)
        return
    if error.status is None:
        _show_unanswered(messages("problem.unreachable"), messages("problem.unreachable_what"), "make run", address,
                         messages)
        return
    reasons = list(field_reasons(error, fields, messages))
    if error.status != 400 or not reasons:
        markup.note([messages(f"{about}.title"), advice(error, messages, about)], "alarm")
        return
    items = "".join(f"<li><b>{text(label)}</b>: {text(reason)}</li>" for label, reason in reasons)
    markup.draw(f"<p><b>{text(messages(f'{about}.title'))}</b></p><p>{text(messages('problem.fields'))}</p>"
                f"<ul>{items}</ul>", "sw-note alarm")


def _show_unanswered(title: str, what_to_do: str, command: str, address: str, messages: Messages) -> None:
    """Draw a call without a response, with a command to enter, if any, and the API's address."""
    code = f"<p><code>{command}</code></p>" if command else ""
    markup.draw(f"<p><b>{text(title)}</b></p><p>{text(what_to_do)}</p>{code}"
                f'<p class="quiet">{text(messages("problem.address"))}: {text(address)}</p>', "sw-note alarm")


def advice(error: ApiError, messages: Messages, about: str = "problem") -> str:
    """Return what an error means and what to do, in one line: the text of its code, else of its status."""
    if isinstance(error, Unsigned):
        return messages(f"problem.unsigned.{error.reason}")
    reasons = list(field_reasons(error, {}, messages)) if error.status == 400 else []
    if reasons:
        return " ".join(reason for _, reason in reasons)
    general = messages.either(f"problem.{error.status}", messages("problem.other"))
    of_status = messages.either(f"{about}.{error.status}", general)
    code = error.problem.get("code")
    return messages.either(f"{about}.{code}", of_status) if code else of_status


def field_reasons(error: ApiError, fields: Mapping[str, Field], messages: Messages) -> Iterable[tuple[str, str]]:
    """Yield label and reason of every bad field; the reason is the API's English text if its code is unknown."""
    for entry in error.problem.get("errors", []):
        path = str(entry["field"])
        name = path.removeprefix(FEATURES)
        field = fields.get(name) if path.startswith(FEATURES) else None
        label = field.label[messages.language] if field else messages.either(f"field.{path}", name)
        yield label, _reason(entry, messages)


def _reason(entry: Mapping[str, Any], messages: Messages) -> str:
    reason = messages.of_code(FIELD_REASONS, entry.get("code"), entry.get("params"))
    return reason or messages("server.message", text=entry["reason"])
