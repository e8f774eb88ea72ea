"""Request bodies are read strictly, and each fault has its code."""

from __future__ import annotations

import base64
import json
import time

import pytest

from shotwise.errors import InvalidInput
from shotwise.handlers.body import (
    PayloadTooLarge,
    UnsupportedMediaType,
    check_media_type,
    read_body,
)
from shotwise.handlers.problem import problem
from shotwise.limits import MAX_BATCH_BODY_BYTES, MAX_BODY_BYTES, MAX_JSON_VALUES


def test_reads_an_object() -> None:
    """Plain and base64 bodies give the same object."""
    text = '{"a": [1, 2.5, null, "주조"]}'
    assert read_body(text) == {"a": [1, 2.5, None, "주조"]}
    assert read_body(base64.b64encode(text.encode()).decode(), base64_encoded=True) == read_body(text)


@pytest.mark.parametrize(("body", "code"), [
    (None, "body_empty"), ("", "body_empty"), ("  ", "body_empty"), ("{", "not_json"), ("[]", "not_an_object"),
    ("1", "not_an_object"), ('"x"', "not_an_object"), ("null", "not_an_object"), ('{"a": 1,}', "not_json"),
    ('{"a": }', "not_json"), ("{'a': 1}", "not_json"), ('{"a": 01}', "not_json"),
    ('{"a":' * 30 + "1" + "}" * 30, "nested_too_deeply"), ('{"a":' + "[" * 100_000, "nested_too_deeply"),
    ('{"a":' + "[" * 50_000 + "]" * 50_000 + "}", "nested_too_deeply")], ids=lambda text: str(text)[:20])
def test_refuses_everything_but_an_object(body: str | None, code: str) -> None:
    """Emptiness, broken JSON, other types and depth are each one error on `body`."""
    with pytest.raises(InvalidInput) as caught:
        read_body(body)
    assert [(error.field, error.code) for error in caught.value.errors] == [("body", code)]


def test_broken_json_says_where_it_breaks() -> None:
    """By line and column, from 1."""
    with pytest.raises(InvalidInput) as caught:
        read_body('{"a": 1,\n "b": }')
    assert caught.value.errors[0].params == {"line": 2, "column": 7}


def test_names_every_repeated_key() -> None:
    """A repeated key would lose a value silently; it is reported instead, at any depth."""
    with pytest.raises(InvalidInput) as caught:
        read_body('{"features": {"Shot": 1, "Shot": 2, "a": 1, "a": 1, "b": 1}}')
    assert [(error.field, error.code) for error in caught.value.errors] == [
        ("Shot", "repeated_key"), ("a", "repeated_key")]


def test_many_keys_are_not_taken_for_repeated_ones() -> None:
    """An object of 1,000 different keys is read."""
    payload = {f"key {number}": number for number in range(1000)}
    assert read_body(json.dumps(payload)) == payload


def test_huge_numbers_do_not_break_the_reader() -> None:
    """Thousands of digits become infinity, which the check of the field then reports."""
    assert read_body('{"a": 1' + "0" * 5000 + "}") == {"a": float("inf")}


def test_bytes_that_are_not_utf8_are_refused() -> None:
    """They are one error on `body`."""
    with pytest.raises(InvalidInput) as caught:
        read_body(base64.b64encode(b'{"a": "\xff"}').decode(), base64_encoded=True)
    assert [(error.field, error.code) for error in caught.value.errors] == [("body", "not_utf8")]


def test_half_a_surrogate_pair_is_refused() -> None:
    """In a key or a value, also in a repeated key: no response could repeat it."""
    for text in ('{"\\ud800": 1}', '{"a": ["\\udfff"]}', '{"\\ud800": 1, "\\ud800": 2}'):
        with pytest.raises(InvalidInput) as caught:
            read_body(text)
        json.dumps(problem(caught.value), ensure_ascii=False).encode("utf-8")


def test_many_keys_take_no_longer_than_their_number() -> None:
    """20,000 keys with one repeated are refused in well under a second; counting each key anew took ten."""
    started = time.process_time()
    with pytest.raises(InvalidInput):
        read_body("{" + ",".join(f'"{number}":1' for number in range(20_000)) + ',"7":1}')
    assert time.process_time() - started < 1


def test_only_a_batch_may_be_larger() -> None:
    """Over 256 KiB the key of the batch has to be there; any other body of that size is too large, whatever it is."""
    shots = json.dumps({"shots": ["x" * 1000] * 400})
    assert read_body(shots, batch_key="shots") == json.loads(shots)
    for body, batch_key in ((shots, None), (shots.replace("shots", "x"), "shots"), ("x" * 300_000, "shots"),
                        ('{"shots": "' + "x" * 5_000_000 + '"}', "shots")):
        with pytest.raises(PayloadTooLarge):
            read_body(body, batch_key=batch_key)


def test_size_is_counted_in_bytes() -> None:
    """The limit is in bytes, and Korean takes three for a syllable."""
    with pytest.raises(PayloadTooLarge):
        read_body('{"a": "' + "가" * (MAX_BODY_BYTES // 3) + '"}')
    assert read_body('{"a": "' + "x" * (MAX_BODY_BYTES - 20) + '"}')


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


@pytest.mark.parametrize(("size", "batch_key", "max_kib"), [
    (MAX_BODY_BYTES, None, 256), (MAX_BODY_BYTES, "shots", 256), (MAX_BATCH_BODY_BYTES, "shots", 4096)])
def test_the_limit_that_was_exceeded_is_named(size: int, batch_key: str | None, max_kib: int) -> None:
    """A body too large even for a batch is told the limit of a batch, any other the usual one."""
    with pytest.raises(PayloadTooLarge) as caught:
        read_body('{"a": "' + "x" * size + '"}', batch_key=batch_key)
    assert caught.value.errors[0].params == {"max_kib": max_kib}


@pytest.mark.parametrize("element", ["[]", "{}", "1", '""', '{"a": [[]]}'])
def test_a_body_of_very_many_values_is_refused_quickly(element: str) -> None:
    """What is inside does not matter: its check would take seconds, while a batch of 1,000 shots passes."""
    count = MAX_JSON_VALUES + 1
    start = time.process_time()
    with pytest.raises(InvalidInput) as raised:
        read_body(f'{{"shots": [{",".join([element] * count)}]}}', batch_key="shots")
    assert [error.code for error in raised.value.errors] == ["too_many_values"]
    assert time.process_time() - start < 0.5
    shot = {f"feature {number}": number for number in range(100)}
    assert len(read_body(json.dumps({"shots": [shot] * 1000}), batch_key="shots")["shots"]) == 1000
