"""What people bring to the portal's pages from outside."""

import base64

import pytest
from playwright.sync_api import Page, expect

from tests.recipes import recipe_picture

pytestmark = pytest.mark.browser

DROP = """(text) => {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const carried = new DataTransfer();
  carried.items.add(new File([bytes], "frame.png", { type: "image/png" }));
  const form = document.getElementById("composer-form");
  form.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: carried }));
}"""


def test_settings_come_back_from_a_dropped_file(page: Page) -> None:
    page.fill("#prompt", "mine")
    page.evaluate(DROP, base64.b64encode(recipe_picture()).decode())
    expect(page.locator("#prompt")).to_have_value("a <red> cat & a “dog”")
    expect(page.locator("#seed")).to_have_value("7")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#prompt")).to_have_value("mine")
    page.evaluate(DROP, base64.b64encode(b"hello").decode())
    expect(page.locator("#recipe-error")).to_be_visible()
    expect(page.locator("#prompt")).to_have_value("mine")
