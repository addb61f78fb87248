"""README shows what `make demo` prints."""

from __future__ import annotations

from collections.abc import Iterator

from tests import demo
from tests.corpus import PROJECT


def test_readme_shows_what_the_demo_prints() -> None:
    kept = demo.README.read_text(encoding="utf-8")
    now = demo.written(kept)
    assert list(compared(kept)) == list(compared(now)), "make it anew with `python -m tests.demo`; it should be:\n" + demo.block()


def compared(readme: str) -> Iterator[str]:
    """The block without the rows of assets: who the vendor of a MAC address is says the list that scapy brings, each version its own."""
    block = readme.partition(demo.BEGIN)[2].partition(demo.END)[0]
    assets = False
    for line in block.splitlines():
        assets = (assets and line.startswith(" ")) or line.startswith("Assets: ")
        if not assets or not line.startswith(" "):
            yield line


def test_long_sections_are_cut_and_say_so() -> None:
    lines = ["Assets: 20", "  ASSET", *(f"  {number}" for number in range(20)), "", "Alerts: 3", *(f"  {number}" for number in range(20))]
    cut = list(demo.shortened(lines))
    assert cut[: demo.ROWS + 3] == [*lines[: demo.ROWS + 2], "  …"]
    assert cut[demo.ROWS + 3 :] == lines[22:]


def test_make_demo_runs_what_readme_shows() -> None:
    makefile = PROJECT / "Makefile"
    if makefile.is_file():  # away from the source tree there is none
        assert f"fieldtap {' '.join(demo.WORDS)} --store" in makefile.read_text(encoding="utf-8")
