"""What went wrong, in the reader's language, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from frontend.client import ApiError, Unsigned
from frontend.fields import Field, shown_range
from frontend.messages import Words
from frontend.views import markup
from frontend.views.markup import text

PREFIX = "features."
OWN_WORDS = ("name",)  # fields whose reason the API explains by a Korean example


def show(error: ApiError, fields: Mapping[str, Field], address: str, words: Words, about: str = "problem") -> None:
    """Draw a failed call: the fields to correct, or what to do. about: begins the keys of what failed."""
    if isinstance(error, Unsigned):
        command = "<p><code>aws configure</code></p>" if error.reason == "credentials" else ""
        markup.draw(f"<p><b>{text(words(f'{about}.title'))}</b></p><p>{text(advice(error, words))}</p>{command}"
                    f'<p class="quiet">{text(words("problem.address"))}: {text(address)}</p>', "sw-note alarm")
        return
    if error.status is None:
        markup.draw(f"<p><b>{text(words('problem.unreachable'))}</b></p><p>{text(words('problem.unreachable_what'))}</p>"
                    f"<p><code>make run</code></p>"
                    f'<p class="quiet">{text(words("problem.address"))}: {text(address)}</p>', "sw-note alarm")
        return
    lines = list(explained(error, fields, words))
    if error.status != 400 or not lines:
        markup.note([words(f"{about}.title"), advice(error, words, about)], "alarm")
        return
    items = "".join(f"<li><b>{text(label)}</b>: {text(reason)}</li>" for label, reason in lines)
    markup.draw(f"<p><b>{text(words(f'{about}.title'))}</b></p><p>{text(words('problem.fields'))}</p><ul>{items}</ul>",
                "sw-note alarm")


def advice(error: ApiError, words: Words, about: str = "problem") -> str:
    """What a refusal means and what to do, in one line."""
    if isinstance(error, Unsigned):
        return words(f"problem.unsigned.{error.reason}")
    lines = list(explained(error, {}, words)) if error.status == 400 else []
    if lines:
        return " ".join(reason for _, reason in lines)
    general = words.either(f"problem.{error.status}", words("problem.other"))
    return words.either(f"{about}.{error.status}", general)


def explained(error: ApiError, fields: Mapping[str, Field], words: Words) -> Iterable[tuple[str, str]]:
    """(label, reason) of every bad field. The API's reasons are English; other languages get the page's own words."""
    for item in error.problem.get("errors", []):
        path = str(item["field"])
        name = path.removeprefix(PREFIX)
        field = fields.get(name) if path.startswith(PREFIX) else None
        label = field.label[words.language] if field else words.either(f"field.{path}", name)
        own = words.language != "en" or path in OWN_WORDS
        yield label, _reason(path, field, error.sent, words) if own else item["reason"]


def _reason(path: str, field: Field | None, sent: Mapping[str, Any], words: Words) -> str:
    """What is wrong with a field, as far as the schema and what was sent tell."""
    if field is None:
        unknown = path.startswith(PREFIX)
        return words.either(f"reason.{path}", words("reason.unknown" if unknown else "reason.check"))
    value = sent.get(field.name)
    if value is None and not field.missing:
        return words("reason.empty")
    low, high = field.plausible
    if isinstance(value, int | float) and not field.categories and not low <= value <= high:
        return words("reason.range", range=shown_range(field, low, high))
    return words("reason.check")
