"""Keys, webhook receivers and languages, in a real browser, and what axe says of every page."""

import pytest
from playwright.sync_api import Page, expect

from tests.receiver import receiver
from vidgen.jobs.service import ControlPlane
from vidgen.jobs.webhooks.outbox import Outbox
from vidgen_workers.dispatcher import Dispatcher

pytestmark = pytest.mark.browser


def test_a_webhook_receiver_is_managed_and_a_delivery_resent(page: Page, plane: ControlPlane) -> None:
    outbox = Outbox(plane.engine, plane.settings.webhook_secret, lambda artifact_id, _: f"http://x/{artifact_id}")
    dispatcher = Dispatcher(outbox, ("127.0.0.1",))
    page.get_by_role("link", name="Settings").click()
    page.get_by_role("link", name="Webhooks").click()
    with receiver(410, 200) as there:
        page.fill("#url", there.url)
        page.get_by_role("button", name="Add the receiver").click()
        expect(page.locator("#secret")).to_contain_text("whsec_")
        page.get_by_role("button", name="Send a test").click()
        expect(page.locator("#log")).to_contain_text("under way")
        assert dispatcher.deliver_one()
        page.get_by_role("link", name="vidgen").click()
        page.get_by_role("link", name="Look at webhooks").click()
        page.get_by_role("link", name=there.url).click()
        expect(page.locator("#main")).to_contain_text("it answered that it is gone (410)")
        # each answer is waited for, so that nothing is asked of a page that is about to go
        page.get_by_role("button", name="Switch on").click()
        expect(page.get_by_role("button", name="Switch off")).to_be_visible()
        page.get_by_role("button", name="Send again: webhook.test").click()
        expect(page.locator("#log")).to_contain_text("under way")
        assert dispatcher.deliver_one()
        page.reload()
        expect(page.locator("#log")).to_contain_text("delivered")
        assert len(there.received) == 2
        page.once("dialog", lambda dialog: dialog.dismiss())
        page.get_by_role("button", name="Remove").click()
        assert len(plane.endpoints.list().items) == 1
        page.once("dialog", lambda dialog: dialog.accept())
        page.get_by_role("button", name="Remove").click()
        expect(page.locator("#main")).to_contain_text("No receivers yet")


def test_a_key_is_made_in_german(page: Page, plane: ControlPlane) -> None:
    page.get_by_role("button", name="Deutsch").click()
    expect(page.get_by_role("button", name="Erzeugen")).to_be_visible()
    page.fill("#prompt", "a cat")
    expect(page.locator("#forecast")).to_contain_text("eine erste Schätzung")
    page.click("#generate")
    expect(page.locator("#queue-rows [data-state]")).to_have_text("Als Nächstes dran")
    page.get_by_role("link", name="Einstellungen", exact=True).click()
    page.get_by_role("link", name="API-Schlüssel").click()
    page.get_by_role("button", name="Schlüssel machen").click()
    key = page.locator("#secret").inner_text()
    assert plane.keys.recognise(key).scopes == ("jobs:read", "jobs:write", "uploads")
