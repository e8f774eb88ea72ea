"""Ranking of passages by words, ours against the usual ways to split Korean, and the speed of the embedded store.

    python -m benchmarks.knowledge.run --sets DIR

DIR holds a folder a set, with passages.jsonl ({id, text}) and queries.jsonl ({query, relevant}). All systems rank by
the same BM25 (shotwise.knowledge.retrieval.bm25, k1 1.2, b .75); only what they make of a text differs. Writes results.json
and the tables of README.md.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from shotwise.adapters.sqlite.document_store import SqliteDocumentStore
from shotwise.knowledge.ingestion.postings import build_postings, pack_postings
from shotwise.knowledge.models import Document, IndexedDocument, Line, Passage, PassageId, Query
from shotwise.knowledge.retrieval.bm25 import Bm25Index
from shotwise.knowledge.retrieval.hybrid_search import HybridSearch, fused
from shotwise.knowledge.text.analyzer import Analyzer
from shotwise.knowledge.text.dictionary import normalise, read_dictionary, shipped_dictionaries
from shotwise_cli.knowledge_evaluation import evaluate_ranking, mean_ndcg, read_corpus, read_queries

HERE = Path(__file__).parent
BEGIN, END = "<!-- results -->", "<!-- end -->"
SPEED_SIZES, SPEED_QUERIES, SEED = (10_000, 100_000), 300, 2026
DEPTH = 100  # of each ranking that the rank fusion sees
_RUN = re.compile(r"[가-힣]+|[a-z0-9]+(?:\.[0-9]+)?")
KIWI_TAGS = ("NN", "NP", "NR", "VV", "VA", "XR", "SL", "SN", "SH", "MA")
Split = Callable[[str], list[str]]


def whitespace(text: str) -> list[str]:
    """Words as they are written."""
    return normalise(text).split()


def bigrams(text: str) -> list[str]:
    """Pairs of syllables of every Korean run, other runs whole."""
    return [run[at:at + 2] for run in _RUN.findall(normalise(text))
            for at in (range(max(len(run) - 1, 1)) if run[0] >= "가" else ())] \
        + [run for run in _RUN.findall(normalise(text)) if run[0] < "가"]


def kiwi() -> Split:
    """Content morphemes by Kiwi."""
    from kiwipiepy import Kiwi

    analyser = Kiwi(num_workers=1)
    return lambda text: [found.form for found in analyser.tokenize(normalise(text)) if found.tag[:2] in KIWI_TAGS]


def main() -> None:
    """Measure every set, then the speed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=Path, required=True, help="a folder of sets")
    options = parser.parse_args()
    analyzer = Analyzer(read_dictionary(*shipped_dictionaries()))
    folders = sorted(path.parent for path in options.sets.glob("*/queries.jsonl"))
    splits = {"whitespace": whitespace, "bigrams": bigrams, "Kiwi morphemes": kiwi()}
    found = {"sets": {folder.name: measure(folder, splits, analyzer) for folder in folders},
             "speed": [speed(size, folders, analyzer) for size in SPEED_SIZES], "start": start()}
    (HERE / "results.json").write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")
    text = (HERE / "README.md").read_text("utf-8")
    (HERE / "README.md").write_text(f"{text.split(BEGIN)[0]}{BEGIN}\n{tables(found)}{END}{text.split(END)[1]}", "utf-8")
    print(tables(found))


def measure(folder: Path, splits: dict[str, Split], analyzer: Analyzer) -> dict[str, Any]:
    """nDCG@10 of every system on a set."""
    ids, passages = read_corpus(folder / "passages.jsonl")
    queries = read_queries(folder / "queries.jsonl", set(ids))
    figures, rankings = {}, []
    for name, split in splits.items():
        counted = [Counter(split(passage.lines[0].text)) for passage in passages]
        index = Bm25Index({"": ("", pack_postings(([(each, False)] for each in counted), [False] * len(passages)))})
        rankings.append([index.search(dict.fromkeys(split(text), 1.0), DEPTH) for text, _ in queries])
        figures[name] = _ndcg(rankings[-1], ids, queries)
    figures["rank fusion"] = _ndcg([fused(ranked) for ranked in zip(*rankings, strict=True)], ids, queries)
    ours = evaluate_ranking(folder / "passages.jsonl", folder / "queries.jsonl", analyzer, lambda items: items)
    print(folder.name, figures, ours, file=sys.stderr)
    return {"passages": len(ids), "queries": len(queries),
            "characters": float(np.mean([len(passage.lines[0].text) for passage in passages])),
            "asked": float(np.mean([len(text) for text, _ in queries])), **figures, "ours": ours["ndcg@10"],
            "p50_ms": ours["p50_ms"], "p95_ms": ours["p95_ms"]}


def _ndcg(rankings: Sequence[Sequence[PassageId]], ids: Sequence[str], queries: Sequence[tuple[str, set[str]]]) -> float:
    return mean_ndcg([([ids[key.number] for key in ranked], wanted)
                      for ranked, (_, wanted) in zip(rankings, queries, strict=True)])


def speed(size: int, folders: Sequence[Path], analyzer: Analyzer) -> dict[str, Any]:
    """A library of `size` passages, each three sentences drawn from all sets: time of a search from the text of the
    query to the passages, time to open, size."""
    draw = random.Random(SEED)
    texts = [passage.lines[0].text for folder in folders for passage in read_corpus(folder / "passages.jsonl")[1]]
    sentences = [part for text in texts for part in re.split(r"(?<=[.?!])\s+", text) if 20 <= len(part) <= 300]
    queries = [text for folder in folders for text, _ in
               read_queries(folder / "queries.jsonl", set(read_corpus(folder / "passages.jsonl")[0]))]
    made = tuple(Passage("made.pdf", "", number, (), (Line(text, text),), False)
                 for number, text in enumerate(" ".join(draw.sample(sentences, 3)) for _ in range(size)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "library.sqlite"
        library = SqliteDocumentStore(path)
        started = time.perf_counter()
        library.put(IndexedDocument(Document("made.pdf", "", "", ()), "1", made, build_postings(made, analyzer)))
        wrote = time.perf_counter() - started
        index = HybridSearch(library, analyzer)
        started = time.perf_counter()
        index.search(Query("."), 1)
        opened = time.perf_counter() - started
        times = sorted(_timed(index, text) for text in draw.sample(queries, SPEED_QUERIES))
        found = {"passages": size, "characters": float(np.mean([len(one.lines[0].text) for one in made])),
                 "write_s": wrote, "open_s": opened, "mb": path.stat().st_size / 1e6,
                 "p50_ms": times[len(times) // 2], "p95_ms": times[int(0.95 * len(times))]}
        library.close()
    print(found, file=sys.stderr)
    return found


def _timed(index: HybridSearch, text: str) -> float:
    started = time.perf_counter()
    index.search(Query(text), 10)
    return (time.perf_counter() - started) * 1e3


def start() -> dict[str, dict[str, float]]:
    """What it costs to be ready to split a text: seconds and resident MB, each in a process of its own."""
    ours = ("from shotwise.knowledge.text.dictionary import *; from shotwise.knowledge.text.analyzer import *; "
            "Analyzer(read_dictionary(*shipped_dictionaries())).terms('형체력이 낮으면')")
    theirs = "from kiwipiepy import Kiwi; Kiwi(num_workers=1).tokenize('형체력이 낮으면')"
    return {"ours": _started(ours), "Kiwi": _started(theirs)}


def _started(code: str) -> dict[str, float]:
    """The child tells its own peak: what the kernel counts for a child includes the parent that it was forked from."""
    peak = "; print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code + peak], capture_output=True, text=True, check=True)
    return {"s": time.perf_counter() - started, "mb": int(done.stdout.split()[-1]) / 1e3}


def tables(found: dict[str, Any]) -> str:
    """The tables of README.md."""
    names = ("whitespace", "bigrams", "Kiwi morphemes", "rank fusion")
    lines = ["| set | passages | characters | queries | characters | " + " | ".join(names)
             + " | **ours** | against the best of them | ms, median | 95 % |", "|" + "---|" * 12]
    for name, row in found["sets"].items():
        best = max(row[other] for other in names)
        cells = [name, f"{row['passages']:,}", f"{row['characters']:.0f}", f"{row['queries']:,}",
                 f"{row['asked']:.0f}", *(f"{row[other]:.3f}" for other in names), f"**{row['ours']:.3f}**",
                 f"{row['ours'] - best:+.3f}", f"{row['p50_ms']:.1f}", f"{row['p95_ms']:.1f}"]
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "| passages | characters | search ms, median | 95 % | opening, s | writing, s | file, MB |",
              "|" + "---|" * 7]
    lines += [f"| {row['passages']:,} | {row['characters']:.0f} | {row['p50_ms']:.1f} | {row['p95_ms']:.1f} | "
              f"{row['open_s']:.2f} | {row['write_s']:.0f} | {row['mb']:.0f} |" for row in found["speed"]]
    lines += ["", "| ready to split a text | s | resident, MB |", "|---|---|---|"]
    lines += [f"| {name} | {row['s']:.2f} | {row['mb']:.0f} |" for name, row in found["start"].items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
