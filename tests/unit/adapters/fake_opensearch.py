"""A fake OpenSearch Serverless: it refuses what the real one refuses and shows writes only after a refresh.

Bodies are checked key by key against the documentation of each query, so a misspelt one is a 400 here too.
"""

from __future__ import annotations

import json
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from typing import Any

MAPPED = {"keyword": {"type"}, "integer": {"type"}, "boolean": {"type"}, "text": {"type", "analyzer"},
          "knn_vector": {"type", "dimension", "method", "space_type"}}
SEARCH = {"query", "size", "_source", "track_total_hits"}


class RequestError(Exception):
    """Answered with this status, type and reason."""

    def __init__(self, status: int, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.status, self.kind, self.reason = status, kind, reason


def require(condition: object, reason: str) -> None:
    """Answer 400 unless the condition holds."""
    if not condition:
        raise RequestError(400, "parsing_exception", reason)


class Store:
    """The index.

    Attributes
    ----------
    body : settings and mappings; None before the index is created
    written, visible : id → passage; what was written is visible after a refresh
    requests : method, path and body of every request
    scripted : answers to give first, as (end of the path, (status, content))
    refuses_engine : as some newer collections do
    hidden_looks : how often an index that was created is not shown yet
    """

    def __init__(self) -> None:
        self.body: dict[str, Any] | None = None
        self.written: dict[str, dict[str, Any]] = {}
        self.visible: dict[str, dict[str, Any]] = {}
        self.next_id = 0
        self.requests: list[tuple[str, str, Any]] = []
        self.scripted: list[tuple[str, Any]] = []
        self.headers: list[Any] = []
        self.refuses_engine = False
        self.hidden_looks = 0

    def refresh(self, _: float = 0) -> None:
        """Make what was written visible."""
        self.visible = dict(self.written)

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        """Return status and JSON of the answer."""
        self.requests.append((method, path, body))
        if self.scripted and path.endswith(self.scripted[0][0]):
            _, (status, content) = self.scripted.pop(0)
            return status, content
        try:
            return 200, self._answer(method, path, body)
        except RequestError as error:
            cause = {"type": error.kind, "reason": error.reason}
            return error.status, {"error": {**cause, "root_cause": [cause]}, "status": error.status}

    def _answer(self, method: str, path: str, body: bytes) -> Any:
        index, _, action = path.strip("/").partition("/")
        if (method, action) == ("HEAD", ""):
            if self.body is None or self.hidden_looks > 0:
                self.hidden_looks -= self.body is not None
                raise RequestError(404, "index_not_found_exception", "no such index")
            return {}
        if (method, action) == ("PUT", ""):
            return self._create(json.loads(body))
        if self.body is None:
            raise RequestError(404, "index_not_found_exception", f"no such index [{index}]")
        if action == "_mapping":
            return self._mapping(method, index, body)
        if (method, action) == ("POST", "_bulk"):
            return self._bulk(body.decode())
        if (method, action) == ("POST", "_search"):
            return self._search(json.loads(body))
        raise RequestError(404, "not_found", f"{method} {path} is not supported")

    def _create(self, body: dict[str, Any]) -> Any:
        if self.body is not None:
            raise RequestError(400, "resource_already_exists_exception", "index already exists")
        require(body.keys() == {"settings", "mappings"}, "unknown part")
        settings, mappings = body["settings"]["index"], body["mappings"]
        require(settings.keys() <= {"analysis", "knn"} and mappings.keys() == {"dynamic", "properties"},
                "unknown setting")
        for analyzer in settings["analysis"]["analyzer"].values():
            require(analyzer["tokenizer"] in settings["analysis"]["tokenizer"], "unknown tokenizer")
        for field in mappings["properties"].values():
            self._check_field(field, settings)
        self.body = body
        return {"acknowledged": True, "index": "passages"}

    def _check_field(self, field: dict[str, Any], settings: dict[str, Any]) -> None:
        require(field.keys() <= MAPPED[field["type"]], f"unknown parameter of {field}")
        require(field.get("analyzer", "korean") in settings["analysis"]["analyzer"], "unknown analyzer")
        if field["type"] == "knn_vector":
            require(settings.get("knn"), "index.knn is not set")
            if "method" in field and self.refuses_engine:
                raise RequestError(400, "mapper_parsing_exception", "Field parameter 'engine' is not supported")

    def _mapping(self, method: str, index: str, body: bytes) -> Any:
        """Show the mappings, or add fields to them."""
        assert self.body is not None
        if method == "GET":
            return {index: {"mappings": self.body["mappings"]}}
        added, fields = json.loads(body), self.body["mappings"]["properties"]
        require(method == "PUT" and added.keys() == {"properties"}, "unknown part")
        for name, field in added["properties"].items():
            self._check_field(field, self.body["settings"]["index"])
            require(fields.get(name, field) == field, f"Mapper for [{name}] conflicts with existing mapper")
        fields.update(added["properties"])
        return {"acknowledged": True}

    def _bulk(self, body: str) -> Any:
        require(body.endswith("\n"), "the bulk request must be terminated by a newline")
        lines, items = iter(body.splitlines()), []
        for line in lines:
            [(action, names)] = json.loads(line).items()
            if action == "delete":
                exists = names["_id"] in self.written
                self.written.pop(names["_id"], None)
                items.append({"delete": {"_id": names["_id"], "status": 200 if exists else 404}})
            else:
                items.append({action: self._index(action, names, json.loads(next(lines)))})
        return {"took": 1, "errors": any("error" in outcome for item in items for outcome in item.values()),
                "items": items}

    def _index(self, action: str, names: dict[str, Any], source: dict[str, Any]) -> dict[str, Any]:
        assert self.body is not None
        fields = self.body["mappings"]["properties"]
        reason = ""
        if action != "index" or names:
            reason = "Document ID is not supported in create/index operation request"
        elif source.keys() - fields.keys():
            reason = f"dynamic introduction of {source.keys() - fields.keys()} is not allowed"
        elif len(source.get("embedding", [])) not in (0, fields.get("embedding", {}).get("dimension", 0)):
            reason = "Vector dimension mismatch"
        if reason:
            return {"status": 400, "error": {"type": "illegal_argument_exception", "reason": reason}}
        self.next_id += 1
        self.written[f"1%3A0%3A{self.next_id}"] = source
        return {"_id": f"1%3A0%3A{self.next_id}", "status": 201}

    def _search(self, body: dict[str, Any]) -> Any:
        require(body.keys() <= SEARCH, f"unknown key in {body.keys()}")
        require(0 <= body.get("size", 10) <= 10_000, "Result window is too large")
        scored = [(score, name) for name, source in self.visible.items()
                  if (score := self._score(body["query"], source)) is not None]
        scored.sort(key=lambda pair: -pair[0])
        fields = body.get("_source", [])
        hits = [{"_index": "passages", "_id": name, "_score": score,
                 "_source": {key: self.visible[name][key] for key in fields or ()}} for score, name in scored]
        return {"took": 1, "timed_out": False, "hits": {
            "total": {"value": len(hits), "relation": "eq"}, "hits": hits[:body.get("size", 10)]}}

    def _score(self, query: dict[str, Any], source: dict[str, Any]) -> float | None:
        """The score of a document, None where it does not match."""
        require(len(query) == 1, "a query has one name")
        [(kind, content)] = query.items()
        if kind == "term":
            [(field, value)] = content.items()
            return 1.0 if source[field] == value else None
        if kind == "bool":
            return self._bool(content, source)
        if kind == "knn":
            return self._knn(content, source)
        require(kind == "multi_match", f"unknown query [{kind}]")
        require(content.keys() == {"query", "type", "fields"} and content["type"] == "most_fields", "unknown parameter")
        score = 0.0
        for field in content["fields"]:
            name, _, boost = field.partition("^")
            score += float(boost or 1) * sum(word in source.get(name, "") for word in content["query"].split())
        return score or None

    def _bool(self, content: dict[str, Any], source: dict[str, Any]) -> float | None:
        require(content.keys() <= {"must", "filter", "must_not"}, "unknown clause")
        scores = [self._score(query, source) for query in content.get("must", [])]
        filtered = [self._score(query, source) for query in content.get("filter", [])]
        others = [self._score(query, source) for query in content.get("must_not", [])]
        if None in scores or None in filtered or any(score is not None for score in others):
            return None
        return sum(score or 0 for score in scores)

    def _knn(self, content: dict[str, Any], source: dict[str, Any]) -> float | None:
        assert self.body is not None
        [(field, near)] = content.items()
        mapped = self.body["mappings"]["properties"].get(field, {})
        require(mapped.get("type") == "knn_vector", f"Field '{field}' is not knn_vector type.")
        require(near.keys() <= {"vector", "k", "filter"} and near["k"] >= 1, "unknown parameter")
        require(len(near["vector"]) == mapped["dimension"], "Query vector has invalid dimension")
        if "filter" in near and self._score(near["filter"], source) is None:
            return None
        return 1 + sum(a * b for a, b in zip(near["vector"], source["embedding"], strict=True))


def handler(store: Store) -> type[BaseHTTPRequestHandler]:
    """Serve the store over HTTP."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            """Answer a request of any method."""
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            store.headers.append(self.headers)
            status, content = store.answer(self.command, self.path, body)
            payload = b"" if self.command == "HEAD" else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(payload)))
            self.end_headers()
            with suppress(OSError):  # the client may have hung up
                self.wfile.write(payload)

        do_HEAD = do_PUT = do_POST = do_GET = do_DELETE = answer  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    return Handler
