"""The forms: typed, safe against what devices and policies write, readable where people read them."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO, StringIO
from pathlib import Path

import openpyxl
import pytest

from sensor.reports.forms import FormMissing, format_of, made
from sensor.reports.model import Report, Stranger
from sensor.reports.tables import NAMES, tables
from tests.sensor.reports.made import attack

HOSTILE = [
    "=cmd|'/C calc'!A0",
    "+1+1",
    "-2",
    "@SUM(A1)",
    "\t=1",
    "  =1",
    "<script>alert(1)</script>",
    'a"b,c\nd',
    "{{ 7*7 }}",
    "Насос",
    "]]>",
]


@pytest.fixture(scope="module")
def report() -> Report:
    return attack()


@pytest.fixture(scope="module")
def hostile(report: Report) -> Report:
    """A report whose texts were written by somebody who means ill."""
    (chapter,) = report.chapters
    violations = [replace(one, client=text, function=text, points=[text], title=f"x: {text}") for one, text in
                  zip(chapter.violations, HOSTILE, strict=False)]  # fmt: skip
    one = Stranger(id="", kind="host", addresses=["10.0.0.1"], zone="unknown", vendor=None, acts_as=[], first=None, last=None)
    strangers = [replace(one, id=text, vendor=text) for text in HOSTILE]
    return replace(report, chapters=[replace(chapter, violations=violations, strangers=strangers, site=HOSTILE[6], file=HOSTILE[0])])


def program(name: str, package: str) -> str:
    """A program of the system. Missing it is a failure where CI=true, elsewhere the test is skipped."""
    found = shutil.which(name)
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{name} is missing: apt-get install {package} (make tools does)")
        pytest.skip(f"{name} is missing: apt-get install {package}")
    return found


def browse(*words: str) -> bytes:
    run = [program("chromium", "chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--enable-logging=stderr"]
    done = subprocess.run([*run, *words], capture_output=True, check=False, timeout=90)
    assert done.returncode == 0, done.stderr
    console = [line for line in done.stderr.decode(errors="replace").splitlines() if "CONSOLE" in line]
    assert console == [], "the page logged something, or its own policy blocked it"
    return done.stdout


@pytest.mark.parametrize("table", sorted(NAMES))
def test_csv_has_every_cell_and_runs_nothing(hostile: Report, table: str) -> None:
    rows = list(csv.reader(StringIO(made(hostile, "csv", table=table).decode(), newline="")))
    wanted = next(one for one in tables(hostile) if one.name == table)
    assert rows[0] == list(wanted.columns)
    assert len(rows) == len(wanted.rows) + 1
    for row in rows[1:]:
        for cell in row:
            assert not cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r")) or re.fullmatch(r"-?[\d.e+-]+", cell), cell


def test_a_workbook_holds_numbers_as_numbers_and_no_formula(hostile: Report) -> None:
    book = openpyxl.load_workbook(BytesIO(made(hostile, "xlsx")))
    assert book.sheetnames == [table.name for table in tables(hostile)]
    for table in tables(hostile):
        sheet = book[table.name]
        head = [cell.value for cell in sheet[1]]
        assert head == list(table.columns)
        offset = 4 if table.name == "summary" else 2
        for line, row in enumerate(table.rows, start=offset):
            for place, cell in enumerate(row, start=1):
                kept = sheet.cell(line, place)
                assert kept.data_type != "f", (table.name, cell)
                if isinstance(cell, int | float) and not isinstance(cell, bool):
                    assert kept.value == pytest.approx(cell)
                    assert kept.data_type == "n"
                elif isinstance(cell, str) and cell and "\n" not in cell:
                    assert kept.value == cell.replace("\r", "_x000D_")


def test_json_is_the_model(report: Report) -> None:
    document = json.loads(made(report, "json"))
    assert document["fieldtap_report"] == 1
    assert document["chapters"][0]["violations"][0]["count"] == report.chapters[0].violations[0].count
    assert {one["name"] for one in document["thresholds"]} >= {"both ways", "missing", "encrypted", "capture drops"}
    assert document["method"]
    assert document["limits"]
    assert document["references"]["entries"]


class Tags(HTMLParser):
    """Collects tags, attributes and the text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.style = tag == "style"

    def handle_data(self, data: str) -> None:
        self.text += "" if self.style else data


def parsed(report: Report) -> Tags:
    page = Tags()
    page.feed(made(report, "html").decode())
    return page


def test_html_loads_nothing_and_has_no_script(hostile: Report) -> None:
    page = parsed(hostile)
    assert not {tag for tag, _ in page.tags} & {"script", "link", "img", "iframe", "object", "embed", "base", "form"}
    for tag, attributes in page.tags:
        assert not set(attributes) & {"src", "style", "onload", "onclick", "onerror"}, (tag, attributes)
        assert (attributes.get("href") or "#").startswith("#")
    policy = next(attributes["content"] for tag, attributes in page.tags if attributes.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "http://" not in made(hostile, "html").decode()
    for text in (HOSTILE[6], HOSTILE[9], HOSTILE[8]):
        assert text in page.text


def test_html_says_what_the_report_says(report: Report) -> None:
    text = " ".join(parsed(report).text.split())
    for said in (report.statement.text, report.chapters[0].sha256, "at least 99 %", "What it cannot say", "SR 5.2", "never used"):
        assert said in text, said
    for verdict in report.chapters[0].violations:
        assert verdict.id[:8] in text


def test_a_browser_shows_it_without_a_complaint(hostile: Report, report: Report, tmp_path: Path) -> None:
    for name, one in (("plain", report), ("hostile", hostile)):
        path = tmp_path / f"{name}.html"
        path.write_bytes(made(one, "html"))
        shown = browse("--dump-dom", path.as_uri()).decode()
        assert "Signatures" in shown
    picture = tmp_path / "shown.png"
    browse(f"--screenshot={picture}", "--window-size=1240,1400", (tmp_path / "plain.html").as_uri())
    assert picture.stat().st_size > 50_000, "an empty page is smaller"


def test_it_prints_on_a4(report: Report, tmp_path: Path) -> None:
    path, paper = tmp_path / "r.html", tmp_path / "r.pdf"
    path.write_bytes(made(report, "html"))
    browse("--no-pdf-header-footer", f"--print-to-pdf={paper}", path.as_uri())
    assert_printed(paper, report)


def test_pdf(report: Report, tmp_path: Path) -> None:
    path = tmp_path / "r.pdf"
    path.write_bytes(made(report, "pdf"))
    assert_printed(path, report)


def assert_printed(path: Path, report: Report) -> None:
    """Text, size of the pages, and something on each of them."""
    text = subprocess.run(
        [program("pdftotext", "poppler-utils"), "-layout", str(path), "-"], capture_output=True, check=True
    ).stdout.decode()
    words = " ".join(text.split())
    for said in (
        "Zones and conduits report",
        report.chapters[0].sha256,
        "86 kinds of operation violate the policy",
        "SR 5.2",
        "Reviewed by",
    ):
        assert said in words, said
    missing = [verdict.id for verdict in report.chapters[0].violations if verdict.id[:8] not in words]
    assert missing == []
    info = subprocess.run([program("pdfinfo", "poppler-utils"), str(path)], capture_output=True, check=True).stdout.decode()
    size = re.search(r"Page size:\s+(\d+)\S* x (\d+)", info)
    assert size is not None
    assert tuple(map(int, size.groups())) in {(594, 841), (595, 841), (595, 842)}
    subprocess.run(["pdftoppm", "-r", "90", "-gray", str(path), str(path.with_suffix(""))], check=True)
    for page in path.parent.glob(f"{path.stem}-*.pgm"):
        _, _, _, pixels = page.read_bytes().split(b"\n", 3)  # P5, width and height, greatest value
        assert min(pixels) < 128, f"{page.name} is empty"


def test_a_pdf_of_hostile_texts_is_made(hostile: Report) -> None:
    content = made(hostile, "pdf")
    assert content.startswith(b"%PDF-")
    assert b"/JavaScript" not in content
    assert b"/URI" not in content


def test_without_reportlab_it_says_how(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "reportlab.platypus", None)
    with pytest.raises(FormMissing, match=r"pip install 'fieldtap\[pdf\]'"):
        made(report, "pdf")


def test_endings_name_forms() -> None:
    assert [format_of(Path(name)) for name in ("a.HTML", "b.htm", "c.pdf", "d.csv", "e.xlsx", "f.json", "g", "h.doc")] == [
        "html", "html", "pdf", "csv", "xlsx", "json", None, None,
    ]  # fmt: skip
