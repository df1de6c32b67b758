"""The live page in a real browser: Debian's Chromium, driven by Playwright.

With SELFTAUGHT_PICTURES=FOLDER the pictures of docs/ui.md are made anew.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from test_ui import HOSTILE, PROMPT, answer, ask, begin, end, read_replies, score

from selftaught.journal.journal import open_journal

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
sync_api: Any = pytest.importorskip("playwright.sync_api", reason="NO BROWSER: no playwright")
if BROWSER is None:
    pytest.skip("NO BROWSER: chromium is not installed", allow_module_level=True)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(280)]
PICTURES = os.environ.get("SELFTAUGHT_PICTURES")
WIDTHS = (400, 1400, 2560)


@dataclass
class Site:
    """A page's server in a process of its own, over the store of a folder."""

    folder: Path
    address: str
    process: subprocess.Popen[str]

    @property
    def base(self) -> str:
        return self.address.partition("/?")[0]

    def end(self) -> None:
        self.process.terminate()
        self.process.communicate(timeout=20)

    def again(self) -> None:
        """Ended, and started anew on the same port."""
        self.end()
        time.sleep(1)
        self.process = serve(self.folder, self.base.rpartition(":")[2])
        assert self.process.stdout is not None
        assert self.process.stdout.readline().strip() == self.address


def serve(folder: Path, port: str) -> subprocess.Popen[str]:
    command = (sys.executable, "-m", "selftaught", "ui", "--port", port)
    kept = {**os.environ, "XDG_STATE_HOME": str(folder / "state")}  # of all tests, as a user's is
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True, env=kept)


def selftaught(folder: Path, *arguments: str) -> None:
    command = (sys.executable, "-m", "selftaught", *arguments)
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One `improve`, one STOP run and one audit, all real."""
    folder = tmp_path_factory.mktemp("site")
    streams = ("--search-runs", "2", "--val-runs", "2", "--test-runs", "2")
    selftaught(folder, "run", "flow_shop", "--iterations", "2", *streams)
    selftaught(folder, "improve", "flow_shop", "--lm-calls", "12")
    selftaught(folder, "improve", "flow_shop", "--lm-calls", "8", "--seed", "2")
    selftaught(folder, "audit", "sandbox", "--samples", "6")
    process = serve(folder, "0")
    assert process.stdout is not None
    made = Site(folder, process.stdout.readline().strip(), process)
    yield made
    made.end()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield started
        started.close()


@dataclass
class Tab:
    """A page that was let in; whatever its browser complains of is kept."""

    page: Any
    site: Site
    troubles: list[str]

    def go(self, path: str) -> None:
        self.page.goto(self.site.base + path)
        if self.page.locator("#live[data-stream]").count():
            self.until(lambda: self.page.inner_text("#live") == "live")

    def text(self) -> str:
        return str(self.page.inner_text("main"))

    def until(self, holds: Callable[[], bool], within_s: float = 60) -> None:
        """Asked from here: the page's own policy lets nobody wait inside it."""
        end_s = time.monotonic() + within_s
        while not holds():
            assert time.monotonic() < end_s, self.text()
            self.page.wait_for_timeout(100)

    def wait(self, said: str, within_s: float = 60) -> None:
        self.until(lambda: said in self.text(), within_s)

    def runs(self, like: str = "improve") -> list[str]:
        """Addresses of runs, newest first."""
        self.go(f"/?q={like}")
        found = self.page.eval_on_selector_all(
            "th.run a", "all => all.map(one => one.getAttribute('href'))"
        )
        return [str(one) for one in found]


@pytest.fixture
def open_tab(browser: Any, site: Site) -> Iterator[Callable[..., Tab]]:
    contexts: list[Any] = []
    tabs: list[Tab] = []

    def make(width: int = 1400, scheme: str = "light") -> Tab:
        size = {"width": width, "height": 900}
        context = browser.new_context(viewport=size, color_scheme=scheme)
        contexts.append(context)
        page, troubles = context.new_page(), []
        page.on("console", lambda one: troubles.append(one.text) if one.type == "error" else None)
        page.on("pageerror", lambda one: troubles.append(str(one)))
        page.on("request", lambda one: _stays(one.url, site.base, troubles))
        page.goto(site.address)
        tabs.append(Tab(page, site, troubles))
        return tabs[-1]

    yield make
    for context in contexts:
        context.close()
    assert [trouble for tab in tabs for trouble in tab.troubles] == []


def _stays(url: str, base: str, troubles: list[str]) -> None:
    if not url.startswith(f"{base}/"):
        troubles.append(f"a request leaves: {url}")


@pytest.fixture
def tab(open_tab: Callable[..., Tab]) -> Tab:
    return open_tab()


def every_page(tab: Tab) -> list[str]:
    """One address of each kind of page."""
    runs = tab.runs()
    others = [*tab.runs("audit"), *tab.runs("run+flow_shop")[-1:]]
    tab.go(runs[0])
    program = tab.page.locator("#tree a").nth(2).get_attribute("href")
    compare = "/compare?" + "&".join(f"run={one.rpartition('/')[2]}" for one in runs[:2])
    pages = ["/", runs[0], *others, f"{runs[0]}/improvers", f"{runs[0]}/improver/1", str(program)]
    return [*pages, f"{runs[0]}/tree", compare, "/start", "/acts"]


# --- what is seen ---------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_fits_its_screen_and_is_for_everybody(
    width: int, scheme: str, open_tab: Callable[..., Tab]
) -> None:
    tab = open_tab(width, scheme)
    for path in every_page(tab):
        tab.go(path)
        scrolled = tab.page.evaluate("document.documentElement.scrollWidth")
        assert scrolled <= width, path
        assert violations(tab.page) == [], path


def violations(page: Any) -> list[str]:
    """What axe-core, a checker of accessibility, finds: names, roles, contrast and much else."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe-core")
    # Its own script is let past the page's policy by the driver, as a world of its own.
    source = Path(axe.__file__).with_name("axe.min.js").read_text("utf-8")
    session = page.context.new_cdp_session(page)
    world = session.send(
        "Page.createIsolatedWorld",
        {"frameId": session.send("Page.getFrameTree")["frameTree"]["frame"]["id"]},
    )["executionContextId"]
    session.send("Runtime.evaluate", {"expression": source, "contextId": world})
    told = session.send(
        "Runtime.evaluate",
        {
            "expression": "axe.run(document, {resultTypes: ['violations']}).then(r => "
            "r.violations.map(v => v.id + ': ' + v.nodes[0].html.slice(0, 200)))",
            "contextId": world,
            "awaitPromise": True,
            "returnByValue": True,
        },
    )
    session.detach()
    assert "exceptionDetails" not in told, told
    return list(told["result"]["value"])


def test_all_is_reached_with_the_keyboard(tab: Tab) -> None:
    tab.go("/")
    tab.page.keyboard.press("Tab")
    assert tab.page.evaluate("document.activeElement.className") == "skip"
    tab.page.keyboard.press("/")
    assert tab.page.evaluate("document.activeElement.id") == "q"
    tab.page.keyboard.type("flow_shop run")
    tab.page.keyboard.press("Enter")
    tab.until(lambda: "q=flow_shop+run" in tab.page.url)


def test_a_figure_has_its_numbers_and_is_saved(tab: Tab) -> None:
    tab.go(tab.runs()[0])
    tab.page.get_by_text("Numbers (").first.click()
    assert tab.page.get_by_role("table").get_by_text("best so far").count()
    with tab.page.expect_download() as download:
        tab.page.get_by_role("link", name="Save as SVG").first.click()
    saved = Path(download.value.path()).read_text("utf-8")
    assert saved.startswith("<svg")


# --- live -----------------------------------------------------------------------------------------


def test_a_run_is_started_watched_to_its_end_and_its_budget_raised(tab: Tab) -> None:
    tab.go("/start")
    assert "local:" in tab.text()
    tab.page.get_by_label("Tasks").select_option("flow_shop")
    tab.page.get_by_label("Model calls", exact=True).fill("10")
    tab.page.get_by_role("button", name="Start it").click()
    link = tab.page.locator("#act a[href^='/run/']")
    link.wait_for(timeout=60_000)
    link.click()
    tab.wait("running")
    tab.wait("best so far")
    opened = {name: tab.page.locator(f"#{name}").count() for name in ("state", "curves", "open")}
    assert opened == {"state": 1, "curves": 1, "open": 1}
    # From here on nothing is loaded again: what is seen was brought by the stream.
    tab.page.evaluate("window.same = true")
    tab.wait("10 of 10", 120)
    tab.wait("The best program")
    assert tab.page.evaluate("window.same") is True
    tab.page.get_by_label("Model calls", exact=True).fill("12")
    tab.page.get_by_role("button", name="Go on with this run").click()
    tab.wait("at most 2 Model calls more")
    tab.page.locator("#act a[href^='/run/']").click()
    tab.wait("12 of 12", 120)
    if PICTURES:
        tab.page.screenshot(path=f"{PICTURES}/ui-run.png")


def test_a_run_is_stopped_by_a_click_and_the_page_outlives_its_server(tab: Tab, site: Site) -> None:
    command = (sys.executable, "-m", "selftaught", "improve", "flow_shop", "--wall-s", "200")
    with subprocess.Popen(command, cwd=site.folder, stderr=subprocess.DEVNULL) as run:
        tab.go("/")
        tab.wait("running")
        tab.page.locator("span.state.running >> xpath=ancestor::tr >> th a").click()
        tab.wait("Stop this run")
        tab.wait("the model, ")
        tab.page.evaluate("window.same = true")
        scored = "document.getElementById('state').innerText.match(/([0-9,]+) programs/)[1]"
        before = tab.page.evaluate(scored)
        site.again()
        tab.until(lambda: tab.page.evaluate(scored) != before)
        tab.until(lambda: tab.page.inner_text("#live") == "live")
        assert tab.page.evaluate("window.same") is True
        _forget_lost_connections(tab)
        tab.page.get_by_role("button", name="Stop this run").click()
        tab.wait("stopping run")
        tab.page.locator("#act a[href^='/run/']").click()
        tab.wait("stopped")
        tab.wait("Go on with this run")
        assert run.wait(60) in (130, 143)  # by SIGTERM where nobody hears SIGINT


def _forget_lost_connections(tab: Tab) -> None:
    """While its server was away the browser said so, as it must."""
    tab.troubles[:] = [one for one in tab.troubles if "ERR_" not in one]


def test_a_page_that_is_left_open_does_not_grow(tab: Tab) -> None:
    tab.go(tab.runs()[0])
    count = "document.getElementsByTagName('*').length"
    before = tab.page.evaluate(count)
    tab.page.evaluate(
        """() => {
        for (let i = 0; i < 500; i++)
            for (const one of document.querySelectorAll('.part'))
                part({ id: one.id, html: one.innerHTML.replace(/0\\.\\d+/, '0.' + i) });
        }"""
    )
    assert tab.page.evaluate(count) == before


def test_what_is_typed_and_opened_stays_while_a_page_goes_on(tab: Tab) -> None:
    tab.go(tab.runs()[0])
    tab.page.get_by_label("Samples", exact=True).fill("77")
    tab.page.get_by_text("Numbers (").first.click()
    tab.page.evaluate(
        """() => { for (const one of document.querySelectorAll('.part')) {
        const now = one.cloneNode(true);
        for (const d of now.querySelectorAll('details')) d.removeAttribute('open');
        part({ id: one.id, html: now.innerHTML + '<p>more</p>' }); } }"""
    )
    assert tab.page.get_by_label("Samples", exact=True).input_value() == "77"
    assert tab.page.evaluate("document.querySelector('#curves details').open") is True
    assert "more" in tab.text()


def test_runs_are_compared_and_stay_selected(tab: Tab) -> None:
    tab.go("/")
    boxes = tab.page.get_by_role("checkbox")
    boxes.nth(0).check()
    boxes.nth(1).check()
    tab.page.wait_for_timeout(1000)
    tab.page.get_by_role("button", name="Compare the selected runs").click()
    tab.wait("What differs in configuration")
    assert "budget." in tab.text()
    if PICTURES:
        tab.page.screenshot(path=f"{PICTURES}/ui-compare.png")


def test_pictures_for_the_docs(open_tab: Callable[..., Tab]) -> None:
    tab = open_tab(1100, "dark")
    tab.go("/")
    assert len(tab.runs("")) >= 4
    if PICTURES:
        tab.page.screenshot(path=f"{PICTURES}/ui-runs.png")


def test_hostile_texts_run_nothing_in_a_browser(tab: Tab, site: Site) -> None:
    """As over HTTP, but here something would run."""
    run_id = "20200101-000000-ee"
    journal = open_journal(f"sqlite:///{site.folder}/selftaught.db")
    begin(journal, run_id, model=HOSTILE, tier=HOSTILE)
    ask(journal, run_id, user=HOSTILE + PROMPT, note=HOSTILE)
    answer(journal, run_id, [HOSTILE], model=HOSTILE)
    read_replies(journal, run_id, [HOSTILE])
    score(journal, run_id, HOSTILE, None, detail=HOSTILE, feedback=HOSTILE)
    end(journal, run_id, HOSTILE)
    with ThreadPoolExecutor(1) as thread:  # here runs the driver's loop
        thread.submit(asyncio.run, journal.aclose()).result()
    dialogs: list[str] = []

    def dismiss(one: Any) -> None:
        dialogs.append(one.message)
        one.dismiss()

    tab.page.on("dialog", dismiss)
    for path in (f"/run/{run_id}", f"/run/{run_id}/improver/1", f"/run/{run_id}/tree", "/?q=ee"):
        tab.go(path)
        tab.page.wait_for_timeout(300)
        assert "alert(1)" in tab.page.content()
        assert tab.page.locator("main script, main img, main [onload], main [onerror]").count() == 0
    assert dialogs == []
