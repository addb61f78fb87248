"""The map in a real browser: the system's Chromium, headless and without a network."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sensor.outputs.mapped import write_map
from tests.sensor.inventory.plant import plant
from tests.sensor.inventory.test_outputs import HOSTILE, hostile

DEVICES = 300
CONTROLLER = "10.20.3.11"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium. Missing it is a failure where CI=true, elsewhere the tests are skipped."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("Chromium is missing: apt-get install chromium (make tools does)")
        pytest.skip("Chromium is missing: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The map of a plant."""
    place = tmp_path_factory.mktemp("map") / "plant.html"
    with place.open("w", encoding="utf-8") as out:
        write_map(plant(DEVICES), out, "Made-up plant")
    return place


def opened(browser: Any, file: Path, **more: Any) -> Any:
    """The page, once it is ready. What it logs, asks of a network or fails in stands in its `told`."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}, **more).new_page()
    page.told = []
    page.on("console", lambda message: page.told.append(message.text))
    page.on("pageerror", lambda error: page.told.append(str(error)))
    page.on("request", lambda request: request.url.startswith("file://") or page.told.append(request.url))
    page.goto(file.as_uri())
    page.wait_for_selector("body[data-ready]")
    return page


def shown(page: Any) -> int:
    return int(page.locator(".card:visible").count())


def test_it_loads_and_asks_nobody(browser: Any, file: Path) -> None:
    page = opened(browser, file)
    assert shown(page) == DEVICES
    assert page.inner_text("#status").startswith(f"{DEVICES} of {DEVICES} assets")
    assert [text.strip() for text in page.locator(".lane header b").all_inner_texts()] == ["4", "3", "2", "1", "0"]
    assert page.told == []


def test_filters_limit_assets_and_connections(browser: Any, file: Path) -> None:
    page = opened(browser, file)
    page.select_option("#access", "program")
    assert shown(page) == 20
    assert page.inner_text("#status").startswith("20 of 300 assets · 10 of ")
    page.select_option("#zone", "=cell-3")
    assert shown(page) == 2
    page.click("#reset")
    from playwright.sync_api import expect  # not page.wait_for_function: the page's policy forbids to evaluate a text

    expect(page.locator(".card:not([hidden])")).to_have_count(DEVICES)
    page.select_option("#role", "drive_io")
    drives = shown(page)
    assert 100 < drives < DEVICES
    page.fill("#text", "10.20.3.")
    assert shown(page) == 15
    page.select_option("#protocol", "s7comm")
    assert shown(page) == 0
    assert page.is_visible("#nothing")
    assert page.told == []


def test_a_click_shows_attributes_with_provenance_votes_and_contradictions(browser: Any, file: Path) -> None:
    page = opened(browser, file)
    page.click(f'.card[data-id="{CONTROLLER}"]')
    detail = page.inner_text("#detail")
    for said in ("CPU-3-1", "Siemens 6ES7 315-2EH14-0AB0", "PLC · 9", "V3.2.7", "the firmware is another than before",
                 "packet 99 of plant.pcapng",
                 "order number is that of a SIMATIC controller", "3 program", "cpe:2.3:o:siemens:"):  # fmt: skip
        assert said in detail
    assert page.get_attribute(f'.card[data-id="{CONTROLLER}"]', "aria-pressed") == "true"
    assert page.locator(".card.near").count() == 18
    page.check("#only")
    assert shown(page) == 19
    page.click("#detail .item button >> nth=0")
    assert page.inner_text("#detail h2") == "PANEL-3"
    page.keyboard.press("Escape")
    assert shown(page) == DEVICES
    assert "Who is here" in page.inner_text("#detail")


def test_the_keyboard_is_enough(browser: Any, file: Path) -> None:
    page = opened(browser, file)
    page.keyboard.press("/")
    page.keyboard.type("historian")
    assert shown(page) == 1
    page.keyboard.press("Escape")
    assert shown(page) == DEVICES
    page.focus('.card[data-id="10.8.0.1"]')
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    focused = page.evaluate("document.activeElement.dataset.id")
    assert focused not in (None, "10.8.0.1")
    page.keyboard.press("Enter")
    assert page.url.endswith(f"#{focused}")
    again = opened(browser, file)
    again.goto(f"{file.as_uri()}#{CONTROLLER}")
    again.reload()
    again.wait_for_selector("body[data-ready]")
    assert again.inner_text("#detail h2") == "CPU-3-1"


def test_dark_and_light_are_as_the_system_says_and_can_be_switched(browser: Any, file: Path) -> None:
    colours = {}
    for scheme in ("light", "dark"):
        page = opened(browser, file, color_scheme=scheme)
        colours[scheme] = page.evaluate("getComputedStyle(document.body).backgroundColor")
        page.click("#theme")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") != colours[scheme]
    assert colours["light"] != colours["dark"]


def test_lines_are_drawn(browser: Any, file: Path) -> None:
    page = opened(browser, file)
    pixels = "[...document.getElementById('lines').getContext('2d').getImageData(0, 0, 1000, 900).data]"
    painted = f"{pixels}.filter((value, place) => place % 4 === 3 && value > 0).length"
    assert page.evaluate(painted) > 1000
    page.fill("#text", "nobody")
    assert page.evaluate(painted) == 0


def test_what_a_device_says_is_never_run(browser: Any, tmp_path: Path) -> None:
    place = tmp_path / "hostile.html"
    with place.open("w", encoding="utf-8") as out:
        write_map(hostile(), out, "<img src=x onerror=alert(1)>")
    page = opened(browser, place)
    page.click('.card[data-id="10.0.0.2"]')
    assert HOSTILE[:12] in page.inner_text("#detail")
    assert page.locator("#detail script, #detail img, header img").count() == 0
    assert page.told == []
    script = "const one = document.createElement('script'); one.textContent = 'window.hit = 1'; document.body.append(one)"
    inject = f"(() => {{ {script}; return window.hit }})()"
    assert page.evaluate(inject) is None, "the policy allows only the map's own script"
    assert any("Content Security Policy" in text for text in page.told)
