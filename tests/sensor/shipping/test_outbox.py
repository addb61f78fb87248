"""The outbox: what goes in comes out once, limits take the least important first, and the counters close whatever happens."""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from sensor import outbox
from sensor.outbox import Item
from sensor.shipping.output import Attempt
from sensor.shipping.pump import GivenUpError, Pump
from sensor.store import Store, atomic


class Kept:
    """An output that keeps what it gets; `fate` decides: None delivered, a text refused, False left."""

    def __init__(self, name: str = "kept", classes: Sequence[str] = ("alert", "transaction"), fate: object = None) -> None:
        self.name, self.classes, self.most, self.most_bytes = name, classes, 7, 1 << 20
        self.got: list[str] = []
        self.fate = fate if callable(fate) else (lambda _: fate)

    def resume(self, place: str | None) -> None: ...
    def place(self) -> str | None:
        return None

    def close(self) -> None: ...
    def deliver(self, items: Sequence[Item], doubtful: bool) -> Attempt:  # noqa: ARG002
        fates = [self.fate(item.id) for item in items]
        self.got += [item.id for item, fate in zip(items, fates, strict=True) if fate is None]
        refused = {place: fate for place, fate in enumerate(fates) if isinstance(fate, str)}
        left = [place for place, fate in enumerate(fates) if fate is False]
        return Attempt(left=left, refused=refused, trouble="busy" if left else None)


def pump(store: Store, output: Kept, patience: float | None = 0.0) -> Pump:
    return Pump(store.connection, output, say=lambda _: None, patience=patience)


def put(store: Store, of: str, count: int, size: int = 100) -> None:
    with atomic(store.connection):
        start = store.connection.execute("SELECT ifnull(max(sequence), 0) FROM outbox").fetchone()[0]
        outbox.put(store.connection, [(of, f"{of}-{start + n}", b"x" * size) for n in range(count)])


def counts(store: Store, output: str = "kept") -> dict[str, tuple[int, int, int, int, int]]:
    found = {c.of: c for c in outbox.counts(store.connection) if c.output == output}
    assert all(count.closes for count in found.values()), found
    return {of: (c.produced, c.delivered, c.waiting, c.dead, c.dropped) for of, c in found.items()}


def test_graver_classes_go_first(tmp_path: Path) -> None:
    with Store.open(tmp_path / "s") as store:
        put(store, "transaction", 20)
        put(store, "alert", 3)
        output = Kept()
        assert pump(store, output).drain() == 23
        assert [known.partition("-")[0] for known in output.got] == ["alert"] * 3 + ["transaction"] * 20
        assert counts(store) == {"alert": (3, 3, 0, 0, 0), "transaction": (20, 20, 0, 0, 0)}
        assert store.connection.execute("SELECT count(*) FROM outbox").fetchone() == (0,)


def test_each_output_has_its_own_pace_and_rows_go_when_all_have_them(tmp_path: Path) -> None:
    with Store.open(tmp_path / "s") as store:
        put(store, "alert", 10)
        slow = Kept("slow", fate=False)
        with pytest.raises(GivenUpError, match="busy"):
            pump(store, slow).drain()
        assert pump(store, Kept()).drain() == 10
        assert counts(store, "slow")["alert"] == (10, 0, 10, 0, 0)
        slow.fate = lambda _: None
        assert pump(store, slow).drain() == 10
        assert store.connection.execute("SELECT count(*) FROM outbox").fetchone() == (0,)
        put(store, "alert", 1)
        late = Kept("late")
        pump(store, late).drain()
        assert counts(store, "late")["alert"] == (1, 1, 0, 0, 0)


def test_an_output_that_is_no_more_holds_nothing_back(tmp_path: Path) -> None:
    with Store.open(tmp_path / "s") as store:
        put(store, "alert", 5)
        pump(store, Kept("old"))
        pump(store, Kept()).drain()
        with atomic(store.connection):
            assert outbox.forget(store.connection, "old") == 2
        assert store.connection.execute("SELECT count(*) FROM outbox").fetchone() == (0,)


def test_limits_take_transactions_before_alerts_and_never_what_is_being_sent(tmp_path: Path) -> None:
    with Store.open(tmp_path / "s") as store:
        put(store, "alert", 10)
        put(store, "transaction", 50)
        with pytest.raises(GivenUpError):
            pump(store, Kept(fate=lambda known: None if known.startswith("alert") else False)).drain()
        put(store, "alert", 10)
        with atomic(store.connection):
            assert outbox.limit(store.connection, most_bytes=2_000) == 40
        assert counts(store) == {"alert": (20, 10, 10, 0, 0), "transaction": (50, 0, 10, 0, 40)}
        with atomic(store.connection):
            outbox.limit(store.connection, most_bytes=1_000)
        assert counts(store) == {"alert": (20, 10, 3, 0, 7), "transaction": (50, 0, 7, 0, 43)}
        pump(store, Kept()).drain()
        assert counts(store) == {"alert": (20, 13, 0, 0, 7), "transaction": (50, 7, 0, 0, 43)}


def test_a_class_has_a_limit_of_its_own(tmp_path: Path) -> None:
    with Store.open(tmp_path / "s") as store:
        put(store, "transaction", 30)
        put(store, "alert", 5)
        with atomic(store.connection):
            assert outbox.limit(store.connection, most={"transaction": 10}) == 20
        output = Kept()
        pump(store, output).drain()
        assert output.got[5:] == [f"transaction-{n}" for n in range(20, 30)]


def test_dead_letters_wait_again_or_are_dropped(tmp_path: Path) -> None:
    with Store.open(tmp_path / "s") as store:
        put(store, "alert", 10)
        output = Kept(fate=lambda known: "no" if known in ("alert-2", "alert-5") else None)
        pump(store, output).drain()
        assert counts(store)["alert"] == (10, 8, 0, 2, 0)
        first, second = sorted(letter["number"] for letter in outbox.dead_letters(store.connection))
        assert outbox.retry(store.connection, [first]) == 1
        assert counts(store)["alert"] == (10, 8, 1, 1, 0)
        output.fate = lambda _: "still no"
        pump(store, output).drain()
        assert counts(store)["alert"] == (10, 8, 0, 2, 0)
        assert outbox.retry(store.connection) == 2
        output.fate = lambda _: None
        pump(store, output).drain()
        assert counts(store)["alert"] == (10, 10, 0, 0, 0)
        put(store, "alert", 1)
        output.fate = lambda _: "no"
        pump(store, output).drain()
        assert outbox.drop(store.connection, [second + 1]) == 1
        assert counts(store)["alert"] == (11, 10, 0, 0, 1)


def test_whatever_happens_the_counters_close(tmp_path: Path) -> None:
    chance = random.Random(7)
    with Store.open(tmp_path / "s") as store:
        fate = lambda _: chance.choice([None, None, None, "no", False])  # noqa: E731
        outputs = [Kept("kept", fate=fate), Kept("other", fate=fate)]
        for output in outputs:
            pump(store, output)
        for _ in range(60):
            put(store, chance.choice(["alert", "transaction"]), chance.randrange(30), chance.randrange(1, 200))
            with atomic(store.connection):
                outbox.limit(store.connection, most_bytes=chance.randrange(500, 20_000), most={"transaction": chance.randrange(100)})
            with suppress(GivenUpError):
                pump(store, chance.choice(outputs)).drain()
            if chance.random() < 0.2:
                chance.choice([outbox.retry, outbox.drop])(store.connection)
            counts(store), counts(store, "other")
        for output in outputs:
            output.fate = lambda _: None
            pump(store, output).drain()
            assert all(count[2] == 0 for count in counts(store, output.name).values())
        assert store.connection.execute("SELECT sum(held), sum(bytes) FROM outbox_classes").fetchone() == (0, 0)


def test_a_store_of_before_keeps_what_waited(tmp_path: Path) -> None:
    import sqlite3

    from sensor.schema import MIGRATIONS

    path = tmp_path / "s"
    before = sqlite3.connect(path)
    for step in MIGRATIONS[:3]:
        for statement in step:
            before.execute(statement)
    before.execute("INSERT INTO runs (finished, fieldtap) VALUES ('x', '0')")
    before.execute("INSERT INTO findings VALUES ('f', 1, 'health', 'low', NULL, NULL, NULL, NULL, NULL, 'open', 1, 1, 1, 1, '{}')")
    before.execute("INSERT INTO revisions VALUES ('f', 1, 'x', 1, '{\"id\": \"f\"}')")
    before.execute("INSERT INTO outbox (finding, revision) VALUES ('f', 1)")
    before.execute("PRAGMA user_version = 3")
    before.commit()
    before.close()
    with Store.open(path) as store:
        row = store.connection.execute("SELECT class, id, document FROM outbox").fetchone()
        assert row == ("coverage", "f.1", '{"id": "f"}')
        assert outbox.counts(store.connection)[0].waiting == 1
