"""Measure the search by words: its ranking against other ways to split Korean text, and the speed of the SQLite store.

    python -m benchmarks.knowledge.run --sets DIR

DIR has one folder per set, with passages.jsonl ({id, text}) and queries.jsonl ({query, relevant}). All systems rank by
the same BM25 (shotwise.knowledge.retrieval.bm25); only how they split a text differs. Writes results.json and the
tables of README.md.
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
from shotwise.knowledge.retrieval.hybrid_search import HybridSearch, reciprocal_rank_fusion
from shotwise.knowledge.text.analyzer import Analyzer
from shotwise.knowledge.text.dictionary import normalise, read_dictionary, shipped_dictionaries
from shotwise_cli.knowledge_evaluation import evaluate_ranking, mean_ndcg, read_corpus, read_queries

HERE = Path(__file__).parent
BEGIN, END = "<!-- results -->", "<!-- end -->"
SPEED_SIZES, SPEED_QUERIES, SEED = (10_000, 100_000), 300, 2026
FUSION_DEPTH = 100  # passages of each ranking that are fused
MIN_SENTENCE, MAX_SENTENCE = 20, 300  # characters of the sentences that passages for the speed test are made of
KIWI_TAGS = ("NN", "NP", "NR", "VV", "VA", "XR", "SL", "SN", "SH", "MA")
_RUN = re.compile(r"[가-힣]+|[a-z0-9]+(?:\.[0-9]+)?")
Split = Callable[[str], list[str]]


def whitespace(text: str) -> list[str]:
    """Split at white space."""
    return normalise(text).split()


def bigrams(text: str) -> list[str]:
    """Split Korean words into pairs of syllables, and leave other words whole."""
    runs = _RUN.findall(normalise(text))
    return [run[start:start + 2] for run in runs if run[0] >= "가" for start in range(max(len(run) - 1, 1))] \
        + [run for run in runs if run[0] < "가"]


def kiwi() -> Split:
    """Return a function that splits a text into Kiwi's content morphemes."""
    from kiwipiepy import Kiwi

    kiwi = Kiwi(num_workers=1)
    return lambda text: [token.form for token in kiwi.tokenize(normalise(text)) if token.tag[:2] in KIWI_TAGS]


def main() -> None:
    """Measure every set, then the speed, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=Path, required=True, help="a folder with one folder per set")
    options = parser.parse_args()
    analyzer = Analyzer(read_dictionary(*shipped_dictionaries()))
    folders = sorted(path.parent for path in options.sets.glob("*/queries.jsonl"))
    splits = {"whitespace": whitespace, "bigrams": bigrams, "Kiwi morphemes": kiwi()}
    results = {"sets": {folder.name: measure_set(folder, splits, analyzer) for folder in folders},
               "speed": [measure_speed(size, folders, analyzer) for size in SPEED_SIZES], "start": measure_start()}
    (HERE / "results.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", "utf-8")
    readme = (HERE / "README.md").read_text("utf-8")
    (HERE / "README.md").write_text(
        f"{readme.split(BEGIN)[0]}{BEGIN}\n{tables(results)}{END}{readme.split(END)[1]}", "utf-8")
    print(tables(results))


def measure_set(folder: Path, splits: dict[str, Split], analyzer: Analyzer) -> dict[str, Any]:
    """Compute nDCG@10 of every system on a set."""
    ids, passages = read_corpus(folder / "passages.jsonl")
    queries = read_queries(folder / "queries.jsonl", set(ids))
    figures, rankings = {}, []
    for name, split in splits.items():
        term_counts = [Counter(split(passage.lines[0].text)) for passage in passages]
        postings = pack_postings(([(counts, False)] for counts in term_counts), [False] * len(passages))
        index = Bm25Index({"": ("", postings)})
        rankings.append([index.search(dict.fromkeys(split(text), 1.0), FUSION_DEPTH) for text, _ in queries])
        figures[name] = _ndcg(rankings[-1], ids, queries)
    figures["rank fusion"] = _ndcg([reciprocal_rank_fusion(of_query) for of_query in zip(*rankings, strict=True)], ids,
                                   queries)
    ours = evaluate_ranking(folder / "passages.jsonl", folder / "queries.jsonl", analyzer, lambda queries: queries)
    print(folder.name, figures, ours, file=sys.stderr)
    return {"passages": len(ids), "queries": len(queries),
            "characters": float(np.mean([len(passage.lines[0].text) for passage in passages])),
            "asked": float(np.mean([len(text) for text, _ in queries])), **figures, "ours": ours["ndcg@10"],
            "p50_ms": ours["p50_ms"], "p95_ms": ours["p95_ms"]}


def _ndcg(rankings: Sequence[Sequence[PassageId]], ids: Sequence[str],
          queries: Sequence[tuple[str, set[str]]]) -> float:
    return mean_ndcg([([ids[passage_id.number] for passage_id in ranked], relevant)
                      for ranked, (_, relevant) in zip(rankings, queries, strict=True)])


def measure_speed(size: int, folders: Sequence[Path], analyzer: Analyzer) -> dict[str, Any]:
    """Measure a store of `size` passages, each made of three sentences drawn from all sets.

    The times are those of writing and of opening the store, and of a search from the query's text to the passages.
    """
    generator = random.Random(SEED)
    texts = [passage.lines[0].text for folder in folders for passage in read_corpus(folder / "passages.jsonl")[1]]
    sentences = [sentence for text in texts for sentence in re.split(r"(?<=[.?!])\s+", text)
                 if MIN_SENTENCE <= len(sentence) <= MAX_SENTENCE]
    queries = [text for folder in folders for text, _ in
               read_queries(folder / "queries.jsonl", set(read_corpus(folder / "passages.jsonl")[0]))]
    passages = tuple(Passage("made.pdf", "", number, (), (Line(text, text),), False)
                     for number, text in enumerate(" ".join(generator.sample(sentences, 3)) for _ in range(size)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.sqlite"
        store = SqliteDocumentStore(path)
        started = time.perf_counter()
        store.put(IndexedDocument(Document("made.pdf", "", "", ()), "1", passages, build_postings(passages, analyzer)))
        write_s = time.perf_counter() - started
        search = HybridSearch(store, analyzer)
        started = time.perf_counter()
        search.search(Query("."), 1)
        open_s = time.perf_counter() - started
        times = sorted(_search_ms(search, text) for text in generator.sample(queries, SPEED_QUERIES))
        row = {"passages": size, "characters": float(np.mean([len(passage.lines[0].text) for passage in passages])),
               "write_s": write_s, "open_s": open_s, "mb": path.stat().st_size / 1e6,
               "p50_ms": times[len(times) // 2], "p95_ms": times[int(0.95 * len(times))]}
        store.close()
    print(row, file=sys.stderr)
    return row


def _search_ms(search: HybridSearch, text: str) -> float:
    started = time.perf_counter()
    search.search(Query(text), 10)
    return (time.perf_counter() - started) * 1e3


def measure_start() -> dict[str, dict[str, float]]:
    """Measure the cost of loading each splitter: seconds and peak resident MB, in a process of its own."""
    ours = ("from shotwise.knowledge.text.dictionary import *; from shotwise.knowledge.text.analyzer import *; "
            "Analyzer(read_dictionary(*shipped_dictionaries())).terms('형체력이 낮으면')")
    kiwi = "from kiwipiepy import Kiwi; Kiwi(num_workers=1).tokenize('형체력이 낮으면')"
    return {"ours": _start_cost(ours), "Kiwi": _start_cost(kiwi)}


def _start_cost(code: str) -> dict[str, float]:
    """Seconds and peak resident MB of a child process that runs `code`.

    The child reports its own peak, because the kernel's figure for a child includes the parent that it was forked from.
    """
    peak = "; print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code + peak], capture_output=True, text=True, check=True)
    return {"s": time.perf_counter() - started, "mb": int(done.stdout.split()[-1]) / 1e3}


def tables(results: dict[str, Any]) -> str:
    """Write the results as Markdown, as the tables of README.md."""
    systems = ("whitespace", "bigrams", "Kiwi morphemes", "rank fusion")
    lines = ["| set | passages | characters | queries | characters | " + " | ".join(systems)
             + " | **ours** | against the best of them | ms, median | 95 % |", "|" + "---|" * 12]
    for name, row in results["sets"].items():
        best = max(row[system] for system in systems)
        cells = [name, f"{row['passages']:,}", f"{row['characters']:.0f}", f"{row['queries']:,}",
                 f"{row['asked']:.0f}", *(f"{row[system]:.3f}" for system in systems), f"**{row['ours']:.3f}**",
                 f"{row['ours'] - best:+.3f}", f"{row['p50_ms']:.1f}", f"{row['p95_ms']:.1f}"]
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "| passages | characters | search ms, median | 95 % | opening, s | writing, s | file, MB |",
              "|" + "---|" * 7]
    lines += [f"| {row['passages']:,} | {row['characters']:.0f} | {row['p50_ms']:.1f} | {row['p95_ms']:.1f} | "
              f"{row['open_s']:.2f} | {row['write_s']:.0f} | {row['mb']:.0f} |" for row in results["speed"]]
    lines += ["", "| ready to split a text | s | resident, MB |", "|---|---|---|"]
    lines += [f"| {name} | {row['s']:.2f} | {row['mb']:.0f} |" for name, row in results["start"].items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
