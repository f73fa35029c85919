"""The real page in Debian's Chromium: seen, drawn on, corrected, found in the inbox."""

import pytest
from playwright.sync_api import expect

from datasets.voc import read_xml
from tests.conftest import ROOT
from tests.web import in_chromium
from tests.web.in_chromium import draw, names, needs_chromium, open_page, serving
from web.browser_runtime import is_complete

PICTURE = ROOT / "demo" / "episode15_000012.jpg"

pytestmark = [pytest.mark.slow, needs_chromium]


@pytest.fixture(scope="module")
def inbox(tmp_path_factory):
    return tmp_path_factory.mktemp("visitors") / "inbox"


@pytest.fixture(scope="module")
def address(inbox):
    with serving(inbox) as address:
        yield address


@pytest.fixture
def page(chromium, address):
    with open_page(chromium, address) as page:
        yield page


def look(page, where="server"):
    in_chromium.look(page, PICTURE, 4, where)


def test_names_are_seen_and_hovering_shows_five(page):
    look(page)
    assert set(names(page)) == {"Captain Fen", "星野ひかり", "Tobi", "花咲もも"}
    expect(page.locator(".person").first).to_contain_text("sure")
    box = page.locator(".box").first
    box.hover()
    expect(box.locator(".tip")).to_be_visible()
    assert box.locator(".tip b").count() == 5


@pytest.mark.skipif(not is_complete(), reason="ONNX Runtime Web is not here: python -m web.browser_runtime")
def test_the_browser_says_the_same_and_nothing_leaves_it(page):
    look(page)
    on_server = page.locator(".person").all_inner_texts()
    page.locator(".close").click()
    sent = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    look(page, "browser")
    expect(page.locator(".status")).to_contain_text("in this browser")
    assert page.locator(".person").all_inner_texts() == on_server
    draw(page)
    expect(page.locator(".answers .bar")).to_have_count(5)
    assert sent == []


def test_a_box_is_drawn_moved_resized_and_removed(page):
    look(page)
    draw(page)
    expect(page.locator(".box")).to_have_count(5)
    expect(page.locator(".answers .bar")).to_have_count(5)
    box = page.locator('.box[aria-pressed="true"]')
    before = box.bounding_box()
    box.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    after = box.bounding_box()
    assert after["x"] > before["x"]
    assert after["height"] > before["height"]
    corner = box.locator(".corner.right.bottom").bounding_box()
    page.mouse.move(corner["x"] + 5, corner["y"] + 5)
    page.mouse.down()
    page.mouse.move(corner["x"] + 60, corner["y"] + 40)
    page.mouse.up()
    assert box.bounding_box()["width"] > after["width"] + 30
    box.focus()
    page.keyboard.press("Delete")
    expect(page.locator(".box")).to_have_count(4)


def test_a_correction_travels_into_the_inbox(page, inbox):
    look(page)
    page.locator(".person", has_text="Tobi").click()
    page.get_by_label("Another name").fill("<script>alert(1)</script>")
    page.get_by_role("button", name="That is it").click()
    page.locator(".person", has_text="花咲もも").click()
    page.get_by_role("button", name="not a face").click()
    page.get_by_role("button", name="Send 2 corrections").click()
    expect(page.locator(".message")).to_contain_text("Tick the box above first")
    page.get_by_label("Keep this picture on the server").check()
    page.get_by_role("button", name="Send 2 corrections").click()
    expect(page.locator(".message")).to_contain_text("Thank you! Sent.")

    (xml,) = (inbox / "pending").glob("*.xml")
    raw = read_xml(xml)
    assert not raw.verified
    assert {one.name for one in raw.objects} == {"Captain Fen", "星野ひかり", "<script>alert(1)</script>"}


def test_everything_can_be_done_with_the_keyboard(page):
    look(page)
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.classList.contains('draw')"):
            break
    page.keyboard.press("Enter")
    expect(page.locator(".box")).to_have_count(5)
    assert page.evaluate("document.activeElement.classList.contains('box')")
    label = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert "of 5" in label
    page.keyboard.press("Delete")
    expect(page.locator("#said")).to_have_text("Box removed.")


def test_chinese_dark_and_a_phone(chromium, address):
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    with open_page(chromium, address, locale="zh-CN", color_scheme="dark", **phone) as page:
        expect(page.get_by_role("heading", level=1)).to_have_text("这是谁？")
        page.set_input_files("#choose", PICTURE)
        expect(page.locator("article:not([aria-busy]) .person")).to_have_count(4, timeout=60_000)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "wider than the phone"
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
        page.get_by_role("button", name="浅色或深色").click()
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") != dark
        page.get_by_role("button", name="English").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Who is it?")


def test_what_is_no_picture_is_told(page, tmp_path):
    page.get_by_label("On the server").check()
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"not a picture")
    page.set_input_files("#choose", bad)
    expect(page.locator(".status.error")).to_contain_text("This is not a picture that can be read.")
    page.errors.clear()  # the browser itself notes the 415


def test_a_link_with_the_token_opens_a_page_that_only_the_server_looks_for(chromium, tmp_path):
    token = "a-token-of-this-test"
    with serving(tmp_path / "inbox", "--no_browser", "--access_token", token) as address:
        page = chromium.new_context(locale="en-US").new_page()
        # A link in somebody else's page opens this one.
        page.goto(f"data:text/html,<a href='{address}/?token={token}'>Look</a>")
        page.get_by_text("Look").click()
        page.wait_for_selector("body[data-ready]")
        assert page.url == f"{address}/"
        said = "This server does not offer detection in the browser."
        expect(page.locator("#where-note")).to_have_text(said)
        expect(page.get_by_label("In this browser")).to_be_disabled()
        page.set_input_files("#choose", PICTURE)
        expect(page.locator(".person")).to_have_count(4)
        page.context.close()
