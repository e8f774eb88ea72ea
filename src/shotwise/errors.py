"""Every error that Shotwise raises on purpose.

ShotwiseError
├── InvalidInput         the caller's values cannot be used; names each bad field and what to do
├── NotFound             a chart or document that does not exist
│   └── ShippedDocument  a document that came with the installation and cannot be removed
├── SettingError         a setting of the environment that cannot be used
├── BundleError          a model bundle that must not be served
├── Cancelled            nobody waits for the answer any more
├── KnowledgeError       the documents cannot be searched, or no answer can be worded
│   ├── TimeLimitExceeded  a model or a search does not answer in time
│   ├── ModelPaused      a model that failed a moment ago is not asked again so soon
│   ├── DocumentError    one document that cannot be read
│   └── OutOfTime        a document was not read within the time that its caller has; more time may be enough
└── StoreError           a chart or PDF could not be stored or fetched (the store of files, not of indexed documents)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field

from shotwise.limits import MAX_ERRORS_IN_TEXT
from shotwise.messages import DOCUMENT_FAILURES, FIELD_REASONS, Message, Param, text_of


class ShotwiseError(Exception):
    """Base class of all errors raised on purpose; `str()` is written for the person who has to act on it."""


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one field of a request.

    Attributes
    ----------
    field : str
        Path of the field in the request, such as `features.Spray_Time`.
    code : str
        A key of `shotwise.messages.FIELD_REASONS`.
    params : mapping
        Values for the names in braces in the text of that code.
    """

    field: str
    code: str
    params: Mapping[str, Param] = dataclass_field(default_factory=dict)

    @property
    def reason(self) -> str:
        """What is wrong and what to do, in English."""
        return text_of(FIELD_REASONS, Message(self.code, self.params))


class InvalidInput(ShotwiseError):
    """The caller sent values that cannot be used; `errors` names all of them at once."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        self.errors = tuple(errors)
        texts = [f"{error.field}: {error.reason}" for error in self.errors[:MAX_ERRORS_IN_TEXT]]
        more = len(self.errors) - len(texts)
        super().__init__("; ".join([*texts, f"and {more} more"] if more else texts))


class NotFound(ShotwiseError):
    """The requested chart or document does not exist."""


class ShippedDocument(NotFound):
    """The document came with the installation, so it cannot be removed; the plant added no file of that name."""


class SettingError(ShotwiseError):
    """A setting cannot be used; the message names it and says what to set it to."""


class BundleError(ShotwiseError):
    """The model bundle is incomplete, altered or of an unsupported format, so it is not served."""


class KnowledgeError(ShotwiseError):
    """A store, search or model of the knowledge pipeline cannot be used or does not answer."""


class TimeLimitExceeded(KnowledgeError):
    """A model or a search does not answer in time."""


class ModelPaused(KnowledgeError):
    """A model did not answer in time a moment ago, so it is not asked again yet."""


class Cancelled(ShotwiseError):
    """Nobody waits for the answer any more, so the work on it ends."""


class DocumentError(KnowledgeError):
    """A document cannot be read.

    Parameters
    ----------
    name : str
        The document's file name.
    code : str
        A key of `shotwise.messages.DOCUMENT_FAILURES`.
    **params
        Values for the names in braces in the text of that code.
    """

    def __init__(self, name: str, code: str, **params: Param) -> None:
        self.name = name
        self.failure = Message(code, params)
        super().__init__(f"{name}: {text_of(DOCUMENT_FAILURES, self.failure)}")


class OutOfTime(KnowledgeError):
    """A document was not read within the time that the caller has for it; nothing has changed."""


class StoreError(ShotwiseError):
    """A chart or document could not be stored or fetched."""
