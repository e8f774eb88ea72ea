"""The left side: pick a sample shot or edit the values, and ask for the diagnosis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from frontend.fields import Field, to_features, to_widget
from frontend.messages import Words
from frontend.views import markup

GROUPS = ("process", "sensor")
STEPS = ("importance", "knowledge")


@dataclass(frozen=True)
class Asked:
    """What the reader asks: the body of POST /diagnose without its language; pressed: the button was, just now."""

    body: Mapping[str, Any]
    pressed: bool


def show(fields: Sequence[Field], samples: Sequence[Mapping[str, Any]], model: Mapping[str, Any],
         words: Words) -> Asked:
    """Draw the form and give what it holds."""
    markup.heading(words("shot.title"), first=True)
    sample = _sample(fields, samples, model, words)
    edited_note = st.empty()
    pressed = st.button(words("shot.diagnose"), type="primary", width="stretch", key="diagnose")
    question = st.text_area(words("shot.question"), key="question", height=80,
                            placeholder=words("shot.question_example"), help=words("shot.question_note"))
    markup.draw(f'<div class="quiet">{markup.text(words("shot.always"))}</div>')
    columns = st.columns(len(STEPS))
    always = [step for step, column in zip(STEPS, columns, strict=True)
              if column.checkbox(words(f"step.{step}").capitalize(), key=f"always:{step}")]
    _values(fields, words)
    features = to_features(fields, {field.name: st.session_state[_key(field)] for field in fields})
    if sample and features != to_features(fields, _widgets(fields, sample)):
        edited_note.caption(words("shot.edited"))
    body = {"features": features, "always": always, **({"question": question} if question.strip() else {})}
    return Asked(body, pressed)


def keep() -> None:
    """Hold on to what the form holds: Streamlit forgets a widget that is not drawn, as when the API is away."""
    for key in map(str, st.session_state):
        if key in ("sample", "question") or key.startswith(("value:", "always:")):
            st.session_state[key] = st.session_state[key]


def _key(field: Field) -> str:
    return f"value:{field.name}"


def _widgets(fields: Iterable[Field], sample: Mapping[str, Any]) -> dict[str, Any]:
    return {field.name: to_widget(field, sample["features"].get(field.name)) for field in fields}


def _sample(fields: Sequence[Field], samples: Sequence[Mapping[str, Any]], model: Mapping[str, Any],
            words: Words) -> Mapping[str, Any] | None:
    """Let the reader pick a sample; its values fill the form when it is picked, and the first one's at the start."""
    def load() -> None:
        chosen = samples[st.session_state["sample"]] if samples else {"features": {}}
        for name, value in _widgets(fields, chosen).items():
            st.session_state[f"value:{name}"] = value

    if any(_key(field) not in st.session_state for field in fields):
        st.session_state["sample"] = 0
        load()
    if not samples:
        return None

    def name(index: int) -> str:
        return words("shot.name", number=index + 1, outcome=words(f"shot.outcome.{samples[index]['outcome']}"))

    index = st.selectbox(words("shot.pick"), range(len(samples)), format_func=name, key="sample", on_change=load,
                         filter_mode=None)  # a search that finds nothing would say so in English
    markup.draw(f'<div class="quiet">{markup.text(_found(samples[index], model, words))}</div>')
    return samples[index]


def _found(sample: Mapping[str, Any], model: Mapping[str, Any], words: Words) -> str:
    """What inspection found, in words."""
    labels = {kind["name"]: kind["label"][words.language] for kind in model["defect_types"]}
    types = [labels.get(name, name) for name in sample["defect_types"]]
    if types:
        return words("shot.found", types=", ".join(types))
    return words("shot.found_bad" if sample["outcome"] == "defect" else "shot.found_good")


def _values(fields: Sequence[Field], words: Words) -> None:
    """Every feature's widget, by group; constants are folded away."""
    markup.heading(words("shot.values"), words("shot.empty_note") if any(field.missing for field in fields) else "")
    varying = [field for field in fields if not field.constant]
    known = [(words(f"group.{group}"), [field for field in varying if field.group == group]) for group in GROUPS]
    other = [(words("group.other"), [field for field in varying if field.group not in GROUPS])]
    for label, members in known + other:
        if members:
            markup.draw(f'<div class="sw-subheading">{markup.text(label)}</div>')
            _grid(members, words)
    constants = [field for field in fields if field.constant]
    if constants:
        with st.expander(words("group.constant", count=len(constants))):
            _grid(constants, words)


def _grid(fields: Sequence[Field], words: Words) -> None:
    for start in range(0, len(fields), 2):
        for field, column in zip(fields[start:start + 2], st.columns(2, vertical_alignment="bottom"), strict=False):
            with column:
                _widget(field, words)


def _widget(field: Field, words: Words) -> None:
    """No limits on the widget itself: its messages would be the browser's, and the API names every bad value anyway."""
    label = field.label[words.language] + (f" ({field.unit})" if field.unit else "")
    empty = words("shot.not_measured" if field.missing else "shot.needed")
    if field.categories:
        # Without a first choice the box can be cleared, which only a value that may be missing allows.
        st.selectbox(label, field.categories, key=_key(field), index=None if field.missing else 0, placeholder=empty,
                     filter_mode=None)
        return
    st.number_input(label, value=None, step=field.step, format=f"%.{field.decimals}f", placeholder=empty,
                    key=_key(field))
