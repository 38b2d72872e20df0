"""A headless browser, where there is one."""

import contextlib
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

# Of Debian, of others, and of Google.
_NAMES = ('chromium', 'chromium-browser', 'google-chrome')
_SECONDS = 120


@contextlib.contextmanager
def context() -> Iterator[Any]:
  """A playwright BrowserContext; skips the test where it cannot be had."""
  reason = 'needs playwright (extra test) to click in a browser'
  api = pytest.importorskip('playwright.sync_api', reason=reason)
  program = next(filter(None, map(shutil.which, _NAMES)), None)
  if program is None:
    pytest.skip(f'needs one of {", ".join(_NAMES)} on the PATH')
  with api.sync_playwright() as playwright:
    chromium = playwright.chromium.launch(
        executable_path=program,
        # Containers run as root, which Chromium's sandbox refuses.
        args=['--no-sandbox', '--autoplay-policy=no-user-gesture-required'],
    )
    context = chromium.new_context(viewport={'width': 1280, 'height': 1100})
    context.set_default_timeout(_SECONDS * 1000)
    yield context
    chromium.close()
