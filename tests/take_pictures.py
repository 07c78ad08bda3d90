"""Take the pictures of ``docs/pictures`` from a Grafana over a database of simulated data; by hand.

python tests/take_pictures.py http://127.0.0.1:3000 docs/pictures
python tests/take_pictures.py http://127.0.0.1:3000 /tmp/light --theme light --size 1920x1080
python tests/take_pictures.py http://127.0.0.1:3000 /tmp/demo --page home=/d/hdqm-home … --sheet all-demo.jpg
"""

import argparse
import shutil
from pathlib import Path

from browser import Page
from PIL import Image
from playwright.sync_api import sync_playwright

CHARGE = "var-subsystem=Pixel&var-panel=group:Cluster%20charge%20by%20layer"
OPTIONS = "&".join(f"var-options={name}" for name in ("fills", "errors", "mean", "range"))
PAGES = {
    "home": "/d/hdqm-home",
    "trends": "/d/hdqm-trends?var-subsystem=Pixel",
    "trend": f"/d/hdqm-trend?{CHARGE}&{OPTIONS}",
    "trend-number": f"/d/hdqm-trend?{CHARGE}&var-axis=number",
    "trend-date": f"/d/hdqm-trend?{CHARGE}&{OPTIONS}&var-axis=date",
    "trend-duration": f"/d/hdqm-trend?{CHARGE}&var-axis=duration",
    "trend-luminosity": f"/d/hdqm-trend?{CHARGE}&var-axis=luminosity",
    "run": "/d/hdqm-run?var-subsystem=Pixel&var-run=324358&var-series=charge_layer1",
    "correlation": "/d/hdqm-correlation?var-subsystem=Pixel&var-x=charge_layer1&var-y=charge_layer2",
    "runs": "/d/hdqm-runs",
    "coverage": "/d/hdqm-coverage",
    "pipeline": "/d/hdqm-pipeline?from=now-48h",
}


def main() -> None:
    read = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    read.add_argument("address", help="of Grafana")
    read.add_argument("folder", type=Path)
    read.add_argument("--theme", default="dark", choices=("dark", "light"))
    read.add_argument("--size", default="1600x1000", help="of the screen")
    read.add_argument("--whole", action="store_true", help="the whole page, not only what the screen shows")
    read.add_argument("--page", action="append", metavar="NAME=PATH", help="in place of our own list")
    read.add_argument("--sheet", type=Path, help="one picture (JPEG) of all of them, two side by side, half as large")
    asked = read.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    pages = dict(one.split("=", 1) for one in asked.page) if asked.page else PAGES
    width, height = map(int, asked.size.split("x"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": width, "height": height})
        for name, path in pages.items():
            page = context.new_page()
            if asked.whole:
                page.set_viewport_size({"width": width, "height": 3 * height})
            seen = Page(page, asked.address).open(f"{path}{'&' if '?' in path else '?'}theme={asked.theme}&kiosk")
            for fault in seen.faults():
                print(f"{name}: {fault}")  # noqa: T201 - a tool for the hand
            picture = asked.folder / f"{name}.png"
            page.screenshot(path=picture)
            shrink(Image.open(picture), picture)
            page.close()
        browser.close()
    if asked.sheet:
        taken = [Image.open(asked.folder / f"{name}.png") for name in pages]
        sheet(taken, width // 2, height // 2).save(asked.sheet, quality=75, optimize=True)


def shrink(picture: Image.Image, path: Path) -> None:
    """Save it in a third of the size; fewer colours lose those of single words."""
    picture.quantize(256).save(path, optimize=True)


def sheet(pictures: list[Image.Image], width: int, height: int) -> Image.Image:
    """All of them on one, two side by side."""
    whole = Image.new("RGB", (2 * width + 8, (height + 8) * ((len(pictures) + 1) // 2) - 8), "#808080")
    for number, picture in enumerate(pictures):
        small = picture.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
        whole.paste(small, (number % 2 * (width + 8), number // 2 * (height + 8)))
    return whole


if __name__ == "__main__":
    main()
