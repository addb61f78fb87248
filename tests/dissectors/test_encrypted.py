"""What is encrypted is said as not seen: in the ledger, and once as a transaction."""

from __future__ import annotations

from dissectors import Engine
from tests import corpus

CAPTURE = corpus.PROJECT / "pcaps" / "s7" / "plus-engineering.pcap"


def test_tls_inside_cotp_is_counted_as_encrypted() -> None:
    engine = Engine(follow=True, threads=1)
    told = [t for batch in engine.replay(CAPTURE) for t in batch.transactions if t.function.name == "tls"]
    assert [(t.protocol, t.access, t.server.ip) for t in told] == [("s7commplus", "session", "10.20.1.33")]
    assert engine.result()["ledger"]["encrypted"] == 1, "the connection to the newer controller, and not the other"
