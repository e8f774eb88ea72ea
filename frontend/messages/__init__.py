"""Every text of the page, in Korean and in English.

page.py and documents.py hold the page's own texts, by key; codes.py and document_codes.py hold the texts of what the
API reports, by the API's code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from frontend.messages.documents import DOCUMENT_MESSAGES
from frontend.messages.page import PAGE_MESSAGES

LANGUAGES = ("ko", "en")
MESSAGES: Mapping[str, tuple[str, str]] = {**PAGE_MESSAGES, **DOCUMENT_MESSAGES}


class Messages:
    """The texts of one language: messages("advice.accept"), messages("step.skipped", step=…).

    Attributes
    ----------
    language : str
        One of LANGUAGES.
    """

    def __init__(self, language: str) -> None:
        self.language = language
        self._column = LANGUAGES.index(language)

    def __call__(self, key: str, **params: object) -> str:
        """Return the text of `key` with `params` put in."""
        return MESSAGES[key][self._column].format(**params)

    def either(self, key: str, otherwise: str, **params: object) -> str:
        """Return the text of `key`, or `otherwise` where there is no such key."""
        return self(key, **params) if key in MESSAGES else otherwise

    def of_code(self, texts: Mapping[str, tuple[str, str]], code: object, params: object) -> str | None:
        """Return the text of a code of the API.

        Parameters
        ----------
        texts : mapping
            A table of codes.py.
        code, params : object
            As the API sent them, so of any type.

        Returns
        -------
        str or None
            None for a code that the page does not know, or with other parameters than the page expects: the API is
            newer than the page, or older than codes.
        """
        if not isinstance(code, str) or code not in texts or not isinstance(params, Mapping):
            return None
        try:
            return texts[code][self._column].format(**{name: _shown(name, value) for name, value in params.items()})
        except (LookupError, ValueError):
            return None


def _shown(name: str, value: object) -> object:
    """A parameter as a text takes it: a list by its items, a unit after a space, a float without trailing zeros."""
    if name == "unit":
        return f" {value}" if value else ""
    if isinstance(value, float):
        return f"{value:g}"
    return ", ".join(map(str, value)) if isinstance(value, Sequence) and not isinstance(value, str) else value
