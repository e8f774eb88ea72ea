"""T2 from event to reply, with the chart in a store."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shotwise.adapters.folder_store import FolderStore
from shotwise.bundle import Bundle
from shotwise.chart import draw
from shotwise.edge.function import Function
from shotwise.edge.importance import importance_function
from shotwise.edge.problem import Rejected
from shotwise.errors import StoreError
from shotwise.files import Stored

Event = Callable[..., dict[str, Any]]


class BrokenStore:
    """A store that takes nothing."""

    def put(self, name: str, content: bytes) -> str:
        raise StoreError("disk /dev/secret is full")

    def get(self, name: str) -> Stored:
        raise StoreError("disk /dev/secret is full")


class RemoteStore:
    """A store that hands out addresses, as S3 does."""

    def put(self, name: str, content: bytes) -> str:
        return f"s3://bucket/charts/{name}"

    def get(self, name: str) -> Stored:
        return Stored(None, f"https://bucket.example/{name}?signed")


@pytest.fixture
def function(bundle: Bundle, tmp_path: Path) -> Function:
    """T2 with the shipped bundle and a folder for its charts."""
    return importance_function(bundle, FolderStore([tmp_path], "http://127.0.0.1:8000/charts"), draw)


def test_contributions_add_up_and_the_chart_opens(function: Function, event: Event, bundle: Bundle,
                                                  features: dict[str, Any]) -> None:
    """Every feature has a contribution, they sum to the probability, and the URL's name gives a PNG."""
    reply = function(event("POST", "/importance", {"features": features}), None)
    body = json.loads(reply["body"])
    assert reply["statusCode"] == 200
    assert list(body["importance"]) == [*bundle.names, *(column.name for column in bundle.excluded)]
    assert body["base_value"] + sum(body["importance"].values()) == pytest.approx(body["probability"], abs=1e-6)
    name = body["visualization_url"].rsplit("/", 1)[1]
    chart = function(event("GET", f"/charts/{name}", resource="/charts/{name}", name=name), None)
    assert chart["statusCode"] == 200 and chart["isBase64Encoded"]
    assert base64.b64decode(chart["body"]).startswith(b"\x89PNG")


def test_an_excluded_column_contributes_exactly_nothing(excluding: Bundle, tmp_path: Path,
                                                        features: dict[str, Any]) -> None:
    """It is listed with 0 whether it was sent or not, and is no top feature."""
    function = importance_function(excluding, FolderStore([tmp_path], ""), draw)
    sent, left_out = (function({"features": given, "include": []}, None)
                      for given in ({**features, "Ladle": 7}, features))
    assert sent["importance"] == left_out["importance"] and sent["importance"]["Ladle"] == 0
    assert "Ladle" not in [top["name"] for top in sent["top_features"]]


def test_top_features_are_the_strongest(function: Function, features: dict[str, Any]) -> None:
    """Sorted by size, labelled, with the measured value and its unit."""
    found = function({"features": features, "language": "en"}, None)
    strongest = sorted(found["importance"].values(), key=abs, reverse=True)[:5]
    assert [top["value"] for top in found["top_features"]] == pytest.approx(strongest)
    assert all(top["measured"] == features[top["name"]] for top in found["top_features"])


def test_a_plain_payload_gives_the_same_numbers(function: Function, event: Event, features: dict[str, Any]) -> None:
    """With the same id even the chart is the same: its key holds its content's hash."""
    request = {"features": features, "prediction_id": "pred_20260101_abc"}
    plain = function(request, None)
    body = json.loads(function(event("POST", "/importance", request), None)["body"])
    assert plain.pop("processing_time_ms") and body.pop("processing_time_ms")
    assert plain == body


def test_without_the_chart_nothing_is_stored(function: Function, tmp_path: Path, features: dict[str, Any]) -> None:
    """`include: []` asks for the values alone."""
    assert function({"features": features, "include": []}, None)["visualization_url"] is None
    assert list(tmp_path.iterdir()) == []


def test_an_id_never_replaces_another_shots_chart(function: Function, tmp_path: Path, features: dict[str, Any],
                                                  good_features: dict[str, Any]) -> None:
    """Two shots under one made-up id keep two charts."""
    urls = {function({"features": shot, "prediction_id": "pred_20260101_abc"}, None)["visualization_url"]
            for shot in (features, good_features)}
    assert len(urls) == len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("wrong", [{"prediction_id": "../../etc"}, {"prediction_id": "pred_2026_x"},
                                   {"prediction_id": "pred_٢٠٢٦٠١٠١_abc"},
                                   {"prediction_id": 7}, {"include": "chart"}, {"include": ["setpoints", 3]},
                                   {"language": "de"}, {"x": 1}])
def test_bad_options_are_named(function: Function, features: dict[str, Any], wrong: dict[str, Any]) -> None:
    """Each bad option is an error on its own field."""
    with pytest.raises(Rejected) as caught:
        function({"features": features, **wrong}, None)
    assert [error["field"] for error in json.loads(str(caught.value))["errors"]] == list(wrong)


def test_a_broken_store_is_a_503_that_tells_nothing(bundle: Bundle, event: Event, features: dict[str, Any]) -> None:
    """The caller learns that the store does not answer, not where it is."""
    function = importance_function(bundle, BrokenStore(), draw)
    reply = function(event("POST", "/importance", {"features": features}), None)
    assert reply["statusCode"] == 503 and "secret" not in reply["body"]


def test_a_remote_chart_is_a_redirect(bundle: Bundle, event: Event) -> None:
    """On AWS the bytes do not pass through the function."""
    function = importance_function(bundle, RemoteStore(), draw)
    reply = function(event("GET", "/charts/a.png", resource="/charts/{name}", name="a.png"), None)
    location = reply["multiValueHeaders"]["Location"]
    assert reply["statusCode"] == 302 and location == ["https://bucket.example/a.png?signed"]
