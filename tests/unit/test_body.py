"""Bodies are read strictly, and what is wrong is said in words."""

from __future__ import annotations

import base64
import json
import time

import pytest

from shotwise.errors import InvalidInput
from shotwise.handlers.body import MAX_BYTES, PayloadTooLarge, UnsupportedMediaType, check_media_type, read_body
from shotwise.handlers.problem import problem


def test_reads_an_object() -> None:
    """Plain and base64 bodies give the same object."""
    text = '{"a": [1, 2.5, null, "주조"]}'
    assert read_body(text) == {"a": [1, 2.5, None, "주조"]}
    assert read_body(base64.b64encode(text.encode()).decode(), base64_encoded=True) == read_body(text)


@pytest.mark.parametrize("body", [
    None, "", "  ", "{", "[]", "1", '"x"', "null", '{"a": 1,}', '{"a": }', "{'a': 1}", '{"a": 01}',
    '{"a":' * 30 + "1" + "}" * 30, '{"a":' + "[" * 100_000, '{"a":' + "[" * 50_000 + "]" * 50_000 + "}"])
def test_refuses_what_is_no_plain_object(body: str | None) -> None:
    """Emptiness, broken JSON, other types and depth are all one error on `body`."""
    with pytest.raises(InvalidInput) as caught:
        read_body(body)
    assert [error.field for error in caught.value.errors] == ["body"]


def test_names_every_repeated_key() -> None:
    """A repeated key would lose a value silently; it is named instead, at any depth."""
    with pytest.raises(InvalidInput) as caught:
        read_body('{"features": {"Shot": 1, "Shot": 2, "a": 1, "a": 1, "b": 1}}')
    assert [error.field for error in caught.value.errors] == ["Shot", "a"]


def test_huge_numbers_do_not_break_the_reader() -> None:
    """Thousands of digits become infinity, which the field check then names."""
    assert read_body('{"a": 1' + "0" * 5000 + "}") == {"a": float("inf")}


def test_not_utf8_is_said() -> None:
    """Bytes that are no text are one error on `body`."""
    with pytest.raises(InvalidInput, match="UTF-8"):
        read_body(base64.b64encode(b'{"a": "\xff"}').decode(), base64_encoded=True)


def test_half_a_surrogate_pair_is_refused() -> None:
    """In a key or a value, also in one that is repeated: no reply could repeat it."""
    for text in ('{"\\ud800": 1}', '{"a": ["\\udfff"]}', '{"\\ud800": 1, "\\ud800": 2}'):
        with pytest.raises(InvalidInput) as caught:
            read_body(text)
        json.dumps(problem(caught.value), ensure_ascii=False).encode("utf-8")


def test_many_keys_take_no_longer_than_their_number() -> None:
    """28,000 keys with one repeated are refused in well under a second; counting each anew took ten."""
    started = time.perf_counter()
    with pytest.raises(InvalidInput):
        read_body("{" + ",".join(f'"{number}":1' for number in range(20_000)) + ',"7":1}')
    assert time.perf_counter() - started < 1


def test_only_a_batch_may_be_larger() -> None:
    """Over 256 KiB the key of the batch has to be there; junk of that size is too large, not badly written."""
    shots = json.dumps({"shots": ["x" * 1000] * 400})
    assert read_body(shots, batch="shots") == json.loads(shots)
    for body, batch in ((shots, None), (shots.replace("shots", "x"), "shots"), ("x" * 300_000, "shots"),
                        ('{"shots": "' + "x" * 5_000_000 + '"}', "shots")):
        with pytest.raises(PayloadTooLarge):
            read_body(body, batch=batch)


def test_size_is_counted_in_bytes() -> None:
    """Korean text takes three bytes a syllable: the limit is of bytes."""
    with pytest.raises(PayloadTooLarge):
        read_body('{"a": "' + "가" * (MAX_BYTES // 3) + '"}')
    assert read_body('{"a": "' + "x" * (MAX_BYTES - 20) + '"}')


@pytest.mark.parametrize("declared", [None, "application/json", "application/json; charset=utf-8", "Application/JSON",
                                      "application/x-www-form-urlencoded"])
def test_takes_json_and_what_curl_declares(declared: str | None) -> None:
    """`curl -d` works without a header."""
    check_media_type(declared)


@pytest.mark.parametrize("declared", ["text/plain", "application/xml", "multipart/form-data"])
def test_refuses_other_media_types(declared: str) -> None:
    """The error names the header."""
    with pytest.raises(UnsupportedMediaType, match="Content-Type"):
        check_media_type(declared)
