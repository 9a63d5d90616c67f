import re

from playwright.sync_api import expect

ADDRESS = "/compare/claude-4-sonnet-vs-smolvlm2-turbo/"


def test_the_first_screen_of_a_phone_holds_names_answer_stamps_and_strips(reader, demo):
    page = reader.open(ADDRESS, width=360, height=640)
    for selector in ("h1", ".answer", ".versus-bar .verdict-stamp", ".versus-bar .panel-strip"):
        for found in page.locator(selector).all():
            box = found.bounding_box()
            assert box["y"] + box["height"] <= 640, selector
    assert page.locator(".versus-bar .verdict-stamp").count() == 2


def test_the_bar_keeps_names_and_stamps_in_sight_while_scrolling(reader, demo):
    for width in (360, 1280):
        page = reader.open(ADDRESS, width=width)
        page.locator("#founder").scroll_into_view_if_needed()
        box = page.locator(".versus-bar").bounding_box()
        assert 0 <= box["y"] <= 1
        assert box["height"] < 100


def test_the_table_keeps_two_columns_on_a_phone_with_the_question_above(reader, demo):
    page = reader.open(ADDRESS, width=360)
    row = page.locator(".decision tbody tr").first
    question = row.locator("th").bounding_box()
    left, right = (cell.bounding_box() for cell in row.locator("td").all())
    assert question["y"] + question["height"] <= left["y"] + 1
    assert left["y"] == right["y"]
    assert left["x"] + left["width"] <= right["x"] + 1


def test_the_marks_stand_where_the_scores_are(reader, demo):
    page = reader.open(ADDRESS)
    line = page.locator(".score-line").first
    rule = line.locator("line").bounding_box()
    for mark, score in (("left", 84), ("right", 85)):
        box = line.locator(f"[href='#mark-{mark}']").bounding_box()
        middle = box["x"] + box["width"] / 2
        assert abs(middle - (rule["x"] + rule["width"] * score / 100)) < 1.5


def test_it_fits_one_sheet_when_printed_whatever_the_screen_shows(reader, demo):
    page = reader.open(ADDRESS, color_scheme="dark")
    sheet = page.pdf(format="A4", prefer_css_page_size=True)
    assert len(re.findall(rb"/Type /Page\b", sheet)) <= 2  # its two sides
    page.emulate_media(media="print")
    expect(page.locator(".masthead-nav")).to_be_hidden()
    expect(page.locator("h1")).to_have_css("color", "rgb(23, 25, 27)")
