"""How long a browser draws a page of trends after the last answer: 8 groups × 18 series × 400 runs, in a real Grafana.

    HDQM_GRAFANA_HOME=… python tests/benchmarks/draw_page.py READER_URL [--error-bars] [--port N]

READER_URL is the address of the database of ``many_points.py`` for a login of ``hdqm_reader``. The page is opened
twice; what is printed is of the second time: when the last answer had come, how much later the last mark was drawn, and
the processor time of the browser's main thread from beginning to end.
"""

import argparse
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from hdqm_ops.local._grafana import Grafana, find_grafana
from hdqm_ops.settings import Settings

PAGE = (
    "/d/hdqm-trends?kiosk&var-subsystem=Pixel&var-pd=Dataset1&var-processing=PromptReco&var-mode=latest&var-runs=400"
    "&var-per_page=8&var-options=fills"
)
# notes when something is drawn on any canvas
WATCH = """
window.lastDrawn = 0;
for (const name of ['stroke', 'fill', 'fillRect'])
    CanvasRenderingContext2D.prototype[name] = (original => function (...args) {
        window.lastDrawn = performance.now();
        return original.apply(this, args);
    })(CanvasRenderingContext2D.prototype[name]);
performance.setResourceTimingBufferSize(10000);
"""
ANSWERED = """Math.max(...performance.getEntriesByType('resource')
    .filter(entry => entry.name.includes('/api/ds/query')).map(entry => entry.responseEnd))"""


@dataclass(frozen=True)
class Reader:
    """The login that Grafana asks with."""

    reader_login: str
    knows_reader: bool = True


def look(page: Page, address: str) -> tuple[float, float, float, int]:
    """Seconds to the last answer, to the last mark, of the main thread; plots drawn."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.goto(address, timeout=300_000)
    page.wait_for_function("document.querySelectorAll('.uplot canvas').length >= 8", timeout=300_000)
    page.wait_for_load_state("networkidle", timeout=300_000)
    page.wait_for_function("performance.now() - window.lastDrawn > 5000 && window.lastDrawn > 0", timeout=300_000)
    metrics = {m["name"]: m["value"] for m in session.send("Performance.getMetrics")["metrics"]}
    answered, drawn = page.evaluate(f"[{ANSWERED}, window.lastDrawn]")
    return answered / 1000, drawn / 1000, metrics["TaskDuration"], page.locator(".uplot canvas").count()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reader_url")
    parser.add_argument("--error-bars", action="store_true")
    parser.add_argument("--port", type=int, default=3939, help="for Grafana")
    given = parser.parse_args()
    named = os.environ.get("HDQM_GRAFANA_HOME")
    home = Path(tempfile.mkdtemp(prefix="hdqm-benchmark-grafana-"))
    server = Grafana(
        Settings(home=home, grafana_port=given.port),
        find_grafana(Path(named) if named else None),
        Reader(given.reader_url),
    )
    component = server.component()
    try:
        server.prepare()
        component.start()
        component.await_health(300)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium") or shutil.which("google-chrome"),
                args=["--no-sandbox", "--disable-gpu"],
            )
            page = browser.new_context(viewport={"width": 1600, "height": 1800}).new_page()
            page.add_init_script(WATCH)
            for _ in range(2):
                found = look(page, server.address + PAGE + ("&var-options=errors" if given.error_bars else ""))
            browser.close()
        answered, drawn, worked, plots = found
        sys.stdout.write(
            f"{plots} plots: last answer after {answered:.1f} s, drawn {drawn - answered:.2f} s later; "
            f"the page's thread worked {worked:.1f} s; load {os.getloadavg()[0]:.0f}\n"
        )
    finally:
        component.stop()
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
