"""A dashboard in a headless browser: opened, waited for, and asked what went wrong."""

import time

PATIENCE_S = 120


class Page:
    """A dashboard in the browser, and all that went wrong with it."""

    def __init__(self, page, address):
        self.page = page
        self.wrong = []
        self._address = address
        self._open = set()  # requests on their way
        page.set_default_timeout(PATIENCE_S * 1000)  # a busy machine draws slowly
        page.on("request", self._began)
        for end in ("requestfinished", "requestfailed"):
            page.on(end, self._ended)
        page.on("console", lambda message: message.type == "error" and self.wrong.append(message.text))
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("response", lambda answer: answer.status >= 400 and self.wrong.append(f"{answer.status} {answer.url}"))

    def _began(self, request):
        self._open.add(request)

    def _ended(self, request):
        self._open.discard(request)

    def open(self, path):
        self.page.goto(self._address + path)
        self.settle()
        return self

    def settle(self):
        """Wait until all is asked and drawn: nothing on its way, nothing loading, nothing to compute, for a while."""
        deadline, quiet = time.monotonic() + PATIENCE_S, 0
        while quiet < 6 and time.monotonic() < deadline:
            self.page.wait_for_timeout(120)
            quiet = 0 if self._busy() else quiet + 1

    def _busy(self):
        return bool(self._open) or self.page.evaluate(
            """async () => {
                const idle = await new Promise(tell => requestIdleCallback(tell, {timeout: 1000}));
                return idle.didTimeout || document.readyState !== 'complete'
                    || !document.querySelector("[data-testid*='Panel header'], section[data-testid*='Panel']")
                    || !!document.querySelector('[aria-label="Panel loading bar"]');
            }"""
        )

    def faults(self):
        """Errors of the page and of its panels."""
        red = self.page.locator('[data-testid="data-testid Panel status error"]').count()
        words = self.page.locator("text=/^(Err$|Unable to find field|Values must be in|No numeric fields)/")
        return [*self.wrong, *["a panel shows an error"] * red, *words.all_inner_texts()]

    def marks(self):
        """Coloured pixels of all plots: none means that nothing is drawn."""
        return self.page.evaluate(
            """() => [...document.querySelectorAll('.uplot canvas')].map(canvas => {
                const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
                let coloured = 0;
                for (let i = 0; i < data.length; i += 4) {
                    const rgb = data.subarray(i, i + 3);
                    coloured += data[i + 3] > 100 && Math.max(...rgb) - Math.min(...rgb) > 40;
                }
                return coloured;
            })"""
        )
