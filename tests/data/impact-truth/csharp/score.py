"""Scores the edges that the agent finds against what truth.cs prints.

usage: ra-agent deps REPO --json | score.py TRUTH.tsv [ROOT]
  ROOT  the folder in the repository that the truth's paths start from
"""
import json
import sys

truth_file, root = sys.argv[1], (sys.argv[2].rstrip("/") + "/" if len(sys.argv) > 2 else "")
with open(truth_file) as lines:
    truth = {tuple(line.split("\t")[:2]) for line in lines}
known = {file for pair in truth for file in pair}
edges = json.load(sys.stdin)["edges"]
found = {tuple(edge[end].removeprefix(root) for end in ("source_file", "dependent_file")) for edge in edges}
found = {pair for pair in found if known.issuperset(pair)}
hits = len(truth & found)
print(f"{len(truth)} pairs, recall {hits / len(truth):.3f}, precision at least {hits / max(1, len(found)):.3f}")
for name, pairs in (("missed", truth - found), ("too many", found - truth)):
    for source, dependent in sorted(pairs)[:20]:
        print(f"{name}\t{source}\t{dependent}")
