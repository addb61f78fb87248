"""The table as a page for people: `python -m sensor.documents.reference` prints what stands in sensor/documents/README.md."""

from __future__ import annotations

from sensor.documents.fields import RECORDS, STREAMS, fields


def reference() -> str:
    """Markdown."""
    lines = ["# Documents", "", _HEAD, "", "| stream | records | kept |", "|---|---|---|"]
    for of, stream in STREAMS.items():
        what = f"findings of kind {of}" if stream.record == "finding" else _RECORDS[stream.record]
        kept = "as long as you like" if stream.days is None else f"{stream.days} days"
        lines.append(f"| `{stream.pattern}` | {what}{' or health' if of == 'coverage' else ''} | {kept} |")
    lines += ["", "| field | type | in | meaning |", "|---|---|---|---|"]
    for field in fields():
        where = "all" if len(field.records) == len(RECORDS) else ", ".join(sorted(field.records))
        lines.append(f"| `{field.name}` | {field.type}{' (list)' if field.many else ''} | {where} | {field.meaning} |")
    return "\n".join(lines) + "\n"


_RECORDS = {
    "transaction": "transactions, where they are asked for",
    "asset": "what is new or another of an asset",
    "current": "what is known of each asset now (a plain index, one document an asset)",
    "sensor": "one a run: packets, drops, ledger, ceilings",
}
_HEAD = (
    "What Fieldtap ships, made from `fields.tsv` (`python -m sensor.documents.reference > sensor/documents/README.md`; a test keeps them\n"
    "equal).\n"
    "To add one more field: a line in `fields.tsv`, and where its value is worked out a function of that name in `derived.py`.\n"
    "Every field may be absent; what is absent was not seen. `points` are objects, so a query on two of their fields may meet them in two\n"
    "different points of one transaction."
)

if __name__ == "__main__":
    print(reference(), end="")
