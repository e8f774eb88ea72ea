"""T2 from event to reply, with the chart in a store."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from shots import as_features

from shotwise.adapters.folder_file_store import FolderFileStore
from shotwise.bundle import Bundle
from shotwise.charts.waterfall import waterfall
from shotwise.errors import StoreError
from shotwise.files import StoredFile
from shotwise.handlers.importance import importance_handler
from shotwise.handlers.lambda_handler import LambdaHandler
from shotwise.handlers.problem import InvalidPayload

Event = Callable[..., dict[str, Any]]


class BrokenStore:
    """A store that takes nothing."""

    def put(self, name: str, content: bytes) -> str:
        raise StoreError("disk /dev/secret is full")

    def get(self, name: str) -> StoredFile:
        raise StoreError("disk /dev/secret is full")


class RemoteStore:
    """A store that hands out addresses, as S3 does."""

    def put(self, name: str, content: bytes) -> str:
        return f"s3://bucket/charts/{name}"

    def get(self, name: str) -> StoredFile:
        return StoredFile(None, f"https://bucket.example/{name}?signed")


@pytest.fixture
def function(bundle: Bundle, tmp_path: Path) -> LambdaHandler:
    """T2 with the shipped bundle and a folder for its charts."""
    return importance_handler(bundle, FolderFileStore([tmp_path], "http://127.0.0.1:8000/charts"), waterfall)


def test_contributions_add_up_and_the_chart_opens(function: LambdaHandler, event: Event, bundle: Bundle,
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
    function = importance_handler(excluding, FolderFileStore([tmp_path], ""), waterfall)
    sent, left_out = (function({"features": given, "include": []}, None)
                      for given in ({**features, "Ladle": 7}, features))
    assert sent["importance"] == left_out["importance"] and sent["importance"]["Ladle"] == 0
    assert "Ladle" not in [top["name"] for top in sent["top_features"]]


def test_top_features_are_the_strongest(function: LambdaHandler, features: dict[str, Any]) -> None:
    """Sorted by size, labelled, with the measured value and its unit."""
    found = function({"features": features, "language": "en"}, None)
    strongest = sorted(found["importance"].values(), key=abs, reverse=True)[:5]
    assert [top["value"] for top in found["top_features"]] == pytest.approx(strongest)
    assert all(top["measured"] == features[top["name"]] for top in found["top_features"])


def test_a_plain_payload_gives_the_same_numbers(function: LambdaHandler, event: Event, features: dict[str, Any]) -> None:
    """With the same id even the chart is the same: its key holds its content's hash."""
    request = {"features": features, "prediction_id": "pred_20260101_abc"}
    plain = function(request, None)
    body = json.loads(function(event("POST", "/importance", request), None)["body"])
    assert plain.pop("processing_time_ms") and body.pop("processing_time_ms")
    assert plain == body


def test_without_the_chart_nothing_is_stored(function: LambdaHandler, tmp_path: Path, features: dict[str, Any]) -> None:
    """`include: []` asks for the values alone."""
    assert function({"features": features, "include": []}, None)["visualization_url"] is None
    assert list(tmp_path.iterdir()) == []


def test_an_id_never_replaces_another_shots_chart(function: LambdaHandler, tmp_path: Path, features: dict[str, Any],
                                                  good_features: dict[str, Any]) -> None:
    """Two shots under one made-up id keep two charts."""
    urls = {function({"features": shot, "prediction_id": "pred_20260101_abc"}, None)["visualization_url"]
            for shot in (features, good_features)}
    assert len(urls) == len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("wrong", [{"prediction_id": "../../etc"}, {"prediction_id": "pred_2026_x"},
                                   {"prediction_id": "pred_٢٠٢٦٠١٠١_abc"},
                                   {"prediction_id": 7}, {"include": "chart"}, {"include": ["setpoints", 3]},
                                   {"include": ["everything"]},
                                   {"language": "de"}, {"x": 1}])
def test_bad_options_are_named(function: LambdaHandler, features: dict[str, Any], wrong: dict[str, Any]) -> None:
    """Each bad option is an error on its own field."""
    with pytest.raises(InvalidPayload) as caught:
        function({"features": features, **wrong}, None)
    assert [error["field"] for error in json.loads(str(caught.value))["errors"]] == list(wrong)


def test_a_broken_store_leaves_the_values(bundle: Bundle, event: Event, features: dict[str, Any],
                                          function: LambdaHandler) -> None:
    """The caller learns that there is no chart, not where the store is, and loses no number."""
    broken = importance_handler(bundle, BrokenStore(), waterfall)
    reply = broken(event("POST", "/importance", {"features": features}), None)
    body, whole = json.loads(reply["body"]), function({"features": features}, None)
    assert reply["statusCode"] == 200 and "secret" not in reply["body"]
    assert body["degraded"] == [{"step": "chart", "error": "StoreError"}] and body["visualization_url"] is None
    assert whole["degraded"] == [] and whole["visualization_url"]
    assert all(body[name] == whole[name] for name in ("importance", "setpoints", "signals", "top_features"))


def test_a_picture_that_cannot_be_drawn_leaves_the_values(bundle: Bundle, tmp_path: Path,
                                                          features: dict[str, Any]) -> None:
    """Whatever goes wrong in drawing, the values come."""
    def broken(*_: Any) -> bytes:
        raise OSError("no font")

    found = importance_handler(bundle, FolderFileStore([tmp_path], ""), broken)({"features": features}, None)
    assert found["degraded"] == [{"step": "chart", "error": "OSError"}] and any(found["importance"].values())


def test_only_what_is_asked_for_is_done(function: LambdaHandler, features: dict[str, Any]) -> None:
    """`include` names the parts; the others are null."""
    found = function({"features": features, "include": ["signals"]}, None)
    assert found["setpoints"] is None and found["visualization_url"] is None and found["signals"]
    bare = function({"features": features, "include": []}, None)
    assert bare["signals"] is None and any(bare["importance"].values())


def test_a_proposal_has_labels_units_and_a_probability(function: LambdaHandler, features: dict[str, Any],
                                                       bundle: Bundle) -> None:
    """What to change, from where to where, and what the model says of the shot then."""
    found = function({"features": features, "language": "en"}, None)["setpoints"]
    assert found["state"] == "found" and found["reason"] is None
    assert found["probability"] < bundle.thresholds.decision
    for change in found["changes"]:
        feature = bundle.features[bundle.position[change["feature"]]]
        assert change["label"] == feature.label["en"] and change["unit"] == feature.unit
        assert change["from"] == features[change["feature"]] != change["to"]


@pytest.mark.parametrize(("language", "word"), [("ko", "판정 기준"), ("en", "threshold")])
def test_where_nothing_is_proposed_the_reason_is_told(function: LambdaHandler, good_features: dict[str, Any],
                                                      language: str, word: str) -> None:
    """In the language asked for."""
    found = function({"features": good_features, "language": language}, None)["setpoints"]
    assert found["changes"] == [] and found["probability"] is None
    assert found["state"] == "not_needed" and word in found["reason"]


def test_signals_stand_side_by_side(function: LambdaHandler, features: dict[str, Any], bundle: Bundle) -> None:
    """A value outside its limits is listed even where the model does not mind, and those most agreed on come first."""
    high = bundle.limits["1"]["Coolant_Temp"][1]
    found = function({"features": {**features, "Coolant_Temp": high + 2}}, None)["signals"]
    told = {signal["feature"]: signal for signal in found}
    assert told["Coolant_Temp"]["outside_limits"] is True
    counts = [sum(signal[name] is True for name in ("outside_limits", "high_attribution", "high_error"))
              for signal in found]
    assert min(counts) >= 1 and counts == sorted(counts, reverse=True)


def test_a_value_that_was_not_measured_is_told(function: LambdaHandler, features: dict[str, Any]) -> None:
    """It is listed as imputed, and no signal pretends to know its limits or its error."""
    found = function({"features": {**features, "Factory_Humidity": None}}, None)
    assert found["imputed"] == ["Factory_Humidity"]
    assert all(signal["outside_limits"] is None and signal["high_error"] is None
               for signal in found["signals"] if signal["feature"] == "Factory_Humidity")


def test_an_unusual_shot_is_told(function: LambdaHandler, features: dict[str, Any], bundle: Bundle) -> None:
    """The values come, with the word that they say little; nothing is proposed that stays unusual."""
    seen = bundle.features[bundle.position["Cylinder_Pressure"]].seen
    found = function({"features": {**features, "Biscuit_Thickness": 40, "Cylinder_Pressure": seen[1]}}, None)
    assert found["unusual"] is True and any(found["importance"].values())
    assert found["setpoints"]["state"] == "unusual_shot"


def test_a_background_shot_is_explained_like_any_other(function: LambdaHandler, bundle: Bundle) -> None:
    """A shot equal to one that it is compared with is no special case for the caller."""
    found = function({"features": as_features(bundle.background[3], bundle)}, None)
    assert found["base_value"] + sum(found["importance"].values()) == pytest.approx(found["probability"], abs=1e-6)


def test_a_remote_chart_is_a_redirect(bundle: Bundle, event: Event) -> None:
    """On AWS the bytes do not pass through the function."""
    function = importance_handler(bundle, RemoteStore(), waterfall)
    reply = function(event("GET", "/charts/a.png", resource="/charts/{name}", name="a.png"), None)
    location = reply["multiValueHeaders"]["Location"]
    assert reply["statusCode"] == 302 and location == ["https://bucket.example/a.png?signed"]
