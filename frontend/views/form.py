"""Draw the form of the diagnosis: choose a sample shot, edit its values, request the diagnosis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from frontend.fields import Field, to_features, to_widget
from frontend.messages import Messages
from frontend.views import markup

GROUPS = ("process", "sensor")
STEPS = ("importance", "knowledge")


@dataclass(frozen=True)
class FormState:
    """The values of the form.

    Attributes
    ----------
    body : mapping
        The body of POST /diagnose, without its language.
    pressed : bool
        Whether the button has just been pressed.
    """

    body: Mapping[str, Any]
    pressed: bool


def show(fields: Sequence[Field], samples: Sequence[Mapping[str, Any]], model: Mapping[str, Any],
         messages: Messages) -> FormState:
    """Draw the form and return its values."""
    markup.heading(messages("shot.title"), first=True)
    sample = _sample(fields, samples, model, messages)
    edited_note = st.empty()
    pressed = st.button(messages("shot.diagnose"), type="primary", width="stretch", key="diagnose")
    question = st.text_area(messages("shot.question"), key="question", height=80,
                            placeholder=messages("shot.question_example"), help=messages("shot.question_note"))
    markup.draw(f'<div class="quiet">{markup.text(messages("shot.always"))}</div>')
    columns = st.columns(len(STEPS))
    always = [step for step, column in zip(STEPS, columns, strict=True)
              if column.checkbox(messages(f"step.{step}").capitalize(), key=f"always:{step}")]
    _values(fields, messages)
    features = to_features(fields, {field.name: st.session_state[_key(field)] for field in fields})
    if sample and features != to_features(fields, _widget_values(fields, sample)):
        edited_note.caption(messages("shot.edited"))
    body = {"features": features, "always": always, **({"question": question} if question.strip() else {})}
    return FormState(body, pressed)


def keep_state() -> None:
    """Keep the values of the widgets: Streamlit forgets a widget that is not drawn, as when the API does not answer."""
    for key in map(str, st.session_state):
        if key in ("sample", "question") or key.startswith(("value:", "always:")):
            st.session_state[key] = st.session_state[key]


def _key(field: Field) -> str:
    return f"value:{field.name}"


def _widget_values(fields: Iterable[Field], sample: Mapping[str, Any]) -> dict[str, Any]:
    return {field.name: to_widget(field, sample["features"].get(field.name)) for field in fields}


def _sample(fields: Sequence[Field], samples: Sequence[Mapping[str, Any]], model: Mapping[str, Any],
            messages: Messages) -> Mapping[str, Any] | None:
    """Let the reader choose a sample, and return it. At the start the form has the values of the first one."""
    def load() -> None:
        chosen = samples[st.session_state["sample"]] if samples else {"features": {}}
        for name, value in _widget_values(fields, chosen).items():
            st.session_state[f"value:{name}"] = value

    if any(_key(field) not in st.session_state for field in fields):
        st.session_state["sample"] = 0
        load()
    if not samples:
        return None

    def name(index: int) -> str:
        return messages("shot.name", number=index + 1, outcome=messages(f"shot.outcome.{samples[index]['outcome']}"))

    index = st.selectbox(messages("shot.pick"), range(len(samples)), format_func=name, key="sample", on_change=load,
                         filter_mode=None)  # a search without results would show an English text
    markup.draw(f'<div class="quiet">{markup.text(_inspection_result(samples[index], model, messages))}</div>')
    return samples[index]


def _inspection_result(sample: Mapping[str, Any], model: Mapping[str, Any], messages: Messages) -> str:
    """Return a sentence about the inspection result of a sample."""
    labels = {defect_type["name"]: defect_type["label"][messages.language] for defect_type in model["defect_types"]}
    types = [labels.get(name, name) for name in sample["defect_types"]]
    if types:
        return messages("shot.found", types=", ".join(types))
    return messages("shot.found_bad" if sample["outcome"] == "defect" else "shot.found_good")


def _values(fields: Sequence[Field], messages: Messages) -> None:
    """Draw the widgets of all features, by group; those of constants are folded."""
    note = messages("shot.empty_note") if any(field.missing for field in fields) else ""
    markup.heading(messages("shot.values"), note)
    varying = [field for field in fields if not field.constant]
    groups = [(messages(f"group.{group}"), [field for field in varying if field.group == group]) for group in GROUPS]
    groups.append((messages("group.other"), [field for field in varying if field.group not in GROUPS]))
    for label, members in groups:
        if members:
            markup.draw(f'<div class="sw-subheading">{markup.text(label)}</div>')
            _grid(members, messages)
    constants = [field for field in fields if field.constant]
    if constants:
        with st.expander(messages("group.constant", count=len(constants))):
            _grid(constants, messages)


def _grid(fields: Sequence[Field], messages: Messages) -> None:
    for start in range(0, len(fields), 2):
        for field, column in zip(fields[start:start + 2], st.columns(2, vertical_alignment="bottom"), strict=False):
            with column:
                _widget(field, messages)


def _widget(field: Field, messages: Messages) -> None:
    """Draw one widget. It has no limits, because the browser would word the messages; the API checks all values."""
    label = field.label[messages.language] + (f" ({field.unit})" if field.unit else "")
    empty = messages("shot.not_measured" if field.missing else "shot.needed")
    if field.categories:
        # A box without a preselected choice can be cleared, so only a value that may be missing has such a box.
        st.selectbox(label, field.categories, key=_key(field), index=None if field.missing else 0, placeholder=empty,
                     filter_mode=None)
        return
    st.number_input(label, value=None, step=field.step, format=f"%.{field.decimals}f", placeholder=empty,
                    key=_key(field))
