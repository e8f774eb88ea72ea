"""The importance handler from event to reply, with the chart in a store."""

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
    """A store that does not take or give a file."""

    def put(self, name: str, content: bytes) -> str:
        """Fail."""
        raise StoreError("disk /dev/secret is full")

    def get(self, name: str) -> StoredFile:
        """Fail."""
        raise StoreError("disk /dev/secret is full")


class RemoteStore:
    """A store that gives URLs, as S3 does."""

    def put(self, name: str, content: bytes) -> str:
        """The URL of a file that is kept nowhere."""
        return f"s3://bucket/charts/{name}"

    def get(self, name: str) -> StoredFile:
        """A signed URL."""
        return StoredFile(None, f"https://bucket.example/{name}?signed")


@pytest.fixture
def handler(bundle: Bundle, tmp_path: Path) -> LambdaHandler:
    """The importance handler with the shipped bundle and a folder for its charts."""
    return importance_handler(bundle, FolderFileStore([tmp_path], "http://127.0.0.1:8000/charts"), waterfall)


def test_contributions_add_up_and_the_chart_opens(handler: LambdaHandler, event: Event, bundle: Bundle,
                                                  features: dict[str, Any]) -> None:
    """Every feature has a contribution, they add up to the probability, and the name in the URL leads to a PNG."""
    reply = handler(event("POST", "/importance", {"features": features}), None)
    body = json.loads(reply["body"])
    assert reply["statusCode"] == 200
    assert list(body["importance"]) == [*bundle.names, *(column.name for column in bundle.excluded)]
    assert body["base_value"] + sum(body["importance"].values()) == pytest.approx(body["probability"], abs=1e-6)
    name = body["visualization_url"].rsplit("/", 1)[1]
    chart = handler(event("GET", f"/charts/{name}", resource="/charts/{name}", name=name), None)
    assert chart["statusCode"] == 200 and chart["isBase64Encoded"]
    assert base64.b64decode(chart["body"]).startswith(b"\x89PNG")


def test_an_excluded_column_contributes_exactly_nothing(excluding: Bundle, tmp_path: Path,
                                                        features: dict[str, Any]) -> None:
    """It is listed with 0 whether it was sent or not, and is no top feature."""
    handler = importance_handler(excluding, FolderFileStore([tmp_path], ""), waterfall)
    sent, left_out = (handler({"features": values, "include": []}, None)
                      for values in ({**features, "Ladle": 7}, features))
    assert sent["importance"] == left_out["importance"] and sent["importance"]["Ladle"] == 0
    assert "Ladle" not in [top["name"] for top in sent["top_features"]]


def test_top_features_are_the_strongest(handler: LambdaHandler, features: dict[str, Any]) -> None:
    """They are sorted by size, labelled, and have the measured value."""
    reply = handler({"features": features, "language": "en"}, None)
    strongest = sorted(reply["importance"].values(), key=abs, reverse=True)[:5]
    assert [top["value"] for top in reply["top_features"]] == pytest.approx(strongest)
    assert all(top["measured"] == features[top["name"]] for top in reply["top_features"])


def test_a_direct_invocation_gives_the_same_numbers(handler: LambdaHandler, event: Event,
                                                    features: dict[str, Any]) -> None:
    """With the same id even the chart is the same: its name has the hash of its content."""
    request = {"features": features, "prediction_id": "pred_20260101_abc"}
    invoked = handler(request, None)
    body = json.loads(handler(event("POST", "/importance", request), None)["body"])
    assert invoked.pop("processing_time_ms") and body.pop("processing_time_ms")
    assert invoked == body


def test_without_the_chart_nothing_is_stored(handler: LambdaHandler, tmp_path: Path, features: dict[str, Any]) -> None:
    """`include: []` asks for the values alone."""
    assert handler({"features": features, "include": []}, None)["visualization_url"] is None
    assert list(tmp_path.iterdir()) == []


def test_an_id_never_replaces_another_shots_chart(handler: LambdaHandler, tmp_path: Path, features: dict[str, Any],
                                                  good_features: dict[str, Any]) -> None:
    """Two shots with the same id have two charts."""
    urls = {handler({"features": shot, "prediction_id": "pred_20260101_abc"}, None)["visualization_url"]
            for shot in (features, good_features)}
    assert len(urls) == len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("wrong", [{"prediction_id": "../../etc"}, {"prediction_id": "pred_2026_x"},
                                   {"prediction_id": "pred_٢٠٢٦٠١٠١_abc"},
                                   {"prediction_id": 7}, {"include": "chart"}, {"include": ["setpoints", 3]},
                                   {"include": ["everything"]},
                                   {"language": "de"}, {"x": 1}])
def test_invalid_options_are_listed(handler: LambdaHandler, features: dict[str, Any], wrong: dict[str, Any]) -> None:
    """Each invalid option is an error on its own field."""
    with pytest.raises(InvalidPayload) as caught:
        handler({"features": features, **wrong}, None)
    assert [error["field"] for error in json.loads(str(caught.value))["errors"]] == list(wrong)


def test_a_broken_store_leaves_the_values(bundle: Bundle, event: Event, features: dict[str, Any],
                                          handler: LambdaHandler) -> None:
    """The caller learns that there is no chart, but not where the store is, and gets every number."""
    broken = importance_handler(bundle, BrokenStore(), waterfall)
    reply = broken(event("POST", "/importance", {"features": features}), None)
    body, complete = json.loads(reply["body"]), handler({"features": features}, None)
    assert reply["statusCode"] == 200 and "secret" not in reply["body"]
    assert body["degraded"] == [{"step": "chart", "error": "StoreError", "code": "chart_failed", "params": {}}]
    assert body["visualization_url"] is None
    assert complete["degraded"] == [] and complete["visualization_url"]
    assert all(body[name] == complete[name] for name in ("importance", "setpoints", "signals", "top_features"))


def test_a_chart_that_cannot_be_drawn_leaves_the_values(bundle: Bundle, tmp_path: Path,
                                                        features: dict[str, Any]) -> None:
    """Whatever goes wrong in drawing, the reply has the values."""
    def broken(*_: Any) -> bytes:
        raise OSError("no font")

    reply = importance_handler(bundle, FolderFileStore([tmp_path], ""), broken)({"features": features}, None)
    assert reply["degraded"] == [{"step": "chart", "error": "OSError", "code": "chart_failed", "params": {}}]
    assert any(reply["importance"].values())


def test_only_the_included_parts_are_computed(handler: LambdaHandler, features: dict[str, Any]) -> None:
    """`include` names the parts; the others are null."""
    reply = handler({"features": features, "include": ["signals"]}, None)
    assert reply["setpoints"] is None and reply["visualization_url"] is None and reply["signals"]
    bare = handler({"features": features, "include": []}, None)
    assert bare["signals"] is None and any(bare["importance"].values())


def test_a_proposal_has_labels_units_and_a_probability(handler: LambdaHandler, features: dict[str, Any],
                                                       bundle: Bundle) -> None:
    """It says what to change, from which value to which, and the probability of the changed shot."""
    setpoints = handler({"features": features, "language": "en"}, None)["setpoints"]
    assert setpoints["state"] == "found" and setpoints["reason"] is None
    assert setpoints["probability"] < bundle.thresholds.decision
    for change in setpoints["changes"]:
        feature = bundle.features[bundle.position[change["feature"]]]
        assert change["label"] == feature.label["en"] and change["unit"] == feature.unit
        assert change["from"] == features[change["feature"]] != change["to"]


@pytest.mark.parametrize(("language", "word"), [("ko", "판정 기준"), ("en", "threshold")])
def test_without_a_proposal_there_is_a_reason(handler: LambdaHandler, good_features: dict[str, Any], language: str,
                                              word: str) -> None:
    """It is in the language of the request."""
    setpoints = handler({"features": good_features, "language": language}, None)["setpoints"]
    assert setpoints["changes"] == [] and setpoints["probability"] is None
    assert setpoints["state"] == "not_needed" and word in setpoints["reason"]


def test_signals_are_ordered_by_agreement(handler: LambdaHandler, features: dict[str, Any], bundle: Bundle) -> None:
    """A value outside its limits is listed even if the model ignores it; those with the most signals come first."""
    high = bundle.limits["1"]["Coolant_Temp"][1]
    signals = handler({"features": {**features, "Coolant_Temp": high + 2}}, None)["signals"]
    by_feature = {signal["feature"]: signal for signal in signals}
    assert by_feature["Coolant_Temp"]["outside_limits"] is True
    counts = [sum(signal[name] is True for name in ("outside_limits", "high_attribution", "high_error"))
              for signal in signals]
    assert min(counts) >= 1 and counts == sorted(counts, reverse=True)


def test_a_value_that_was_not_measured_is_listed(handler: LambdaHandler, features: dict[str, Any]) -> None:
    """It is listed as imputed, and its signals have no limits and no error."""
    reply = handler({"features": {**features, "Factory_Humidity": None}}, None)
    assert reply["imputed"] == ["Factory_Humidity"]
    assert all(signal["outside_limits"] is None and signal["high_error"] is None
               for signal in reply["signals"] if signal["feature"] == "Factory_Humidity")


def test_an_unusual_shot_is_marked(handler: LambdaHandler, features: dict[str, Any], bundle: Bundle) -> None:
    """It has its values and the mark that they say little; there is no proposal, as it would stay unusual."""
    seen = bundle.features[bundle.position["Cylinder_Pressure"]].seen
    reply = handler({"features": {**features, "Biscuit_Thickness": 40, "Cylinder_Pressure": seen[1]}}, None)
    assert reply["unusual"] is True and any(reply["importance"].values())
    assert reply["setpoints"]["state"] == "unusual_shot"


def test_a_background_shot_is_explained_like_any_other(handler: LambdaHandler, bundle: Bundle) -> None:
    """A shot that equals a background shot is no special case for the caller."""
    reply = handler({"features": as_features(bundle.background[3], bundle)}, None)
    assert reply["base_value"] + sum(reply["importance"].values()) == pytest.approx(reply["probability"], abs=1e-6)


def test_a_remote_chart_is_a_redirect(bundle: Bundle, event: Event) -> None:
    """On AWS the bytes do not pass through the function."""
    handler = importance_handler(bundle, RemoteStore(), waterfall)
    reply = handler(event("GET", "/charts/a.png", resource="/charts/{name}", name="a.png"), None)
    location = reply["multiValueHeaders"]["Location"]
    assert reply["statusCode"] == 302 and location == ["https://bucket.example/a.png?signed"]
