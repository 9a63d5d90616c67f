"""What a page weighs on its way to a reader, in bytes, and what it has to wait for."""

import gzip
import re

import brotli
import pytest
from django.contrib.staticfiles import finders
from django.core.management import call_command

from shiporskip import static_files
from shiporskip.static_files import SITE, Storage, joined, stylesheets
from tests.shiporskip.kept import page_cache_on

__all__ = ["page_cache_on"]

#: The demo's fullest pages, of the four kinds that readers arrive on.
PAGES = {
    "comparison": "/compare/claude-4-sonnet-vs-smolvlm2-turbo/",
    "tool": "/tools/claude-4-sonnet/",
    "list": "/tools/",
    "home": "/",
}
HTML = 14 * 1024
TOGETHER = 40 * 1024


def style_and_script_files():
    return {
        name: (storage, name)
        for finder in finders.get_finders()
        for name, storage in finder.list([])
        if name.startswith(("css/", "js/"))
    }


def text_of(name):
    return joined(style_and_script_files(), name)


@pytest.fixture
def demo(db):
    call_command("import_catalog", "fixtures/demo.json", verbosity=0)


@pytest.mark.usefixtures("page_cache_on", "demo")
@pytest.mark.parametrize("kind", PAGES)
@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("br", brotli.compress)])
def test_a_page_is_light_with_everything_that_it_loads(site, client, kind, encoding, pack):
    address = PAGES[kind]
    html = len(client.get(address, headers={"accept-encoding": encoding}).content)
    tree = site.get(address).tree
    loaded = [
        element.get("href") or element.get("src")
        for element in tree.cssselect("link[rel=stylesheet], script[src]")
    ]
    files = {name: len(pack(text_of(name.removeprefix("/static/")).encode())) for name in loaded}
    assert html <= HTML
    assert html + sum(files.values()) <= TOGETHER, {address: html} | files


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize("kind", PAGES)
def test_a_page_waits_for_stylesheets_alone_and_for_no_script_font_or_picture(site, kind):
    tree = site.get(PAGES[kind]).tree
    sheets = [sheet.get("href") for sheet in tree.cssselect("link[rel=stylesheet]")]
    assert sheets == [f"/static/{name}" for name in stylesheets()]
    assert all(script.get("type") == "module" for script in tree.cssselect("script[src]"))
    assert not tree.cssselect("img, link[rel=preload], iframe, video, object")


def test_where_files_are_collected_a_page_has_one_stylesheet_and_else_the_parts_of_it(
    monkeypatch,
):
    assert stylesheets()[:2] == ["css/reset.css", "css/tokens.css"]
    assert "".join(text_of(name) for name in stylesheets()) == text_of(SITE)
    monkeypatch.setattr(static_files, "staticfiles_storage", Storage())
    assert stylesheets.__wrapped__() == [SITE]


def test_the_sites_stylesheet_is_one_file_with_all_of_its_parts_in_order():
    text = text_of(SITE)
    assert "@import" not in text
    assert "/*" not in text
    parts = [
        *(".skip-link", ".cell-ship", ".manifest-name", ".versus-title-vs", ".price-steps"),
        *(".suggestions", ".ballot-choice", ".duel-bar", ".sign-up-trap"),
    ]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    assert text.startswith("@layer reset, tokens, base, layout, components;")
    assert text.count("{") == text.count("}")


def test_collected_it_has_its_content_in_its_name_and_is_packed(tmp_path):
    storage = Storage(location=tmp_path, base_url="/static/")
    paths = {name: path for name, path in style_and_script_files().items() if "css/" in name}
    names = {name: hashed for name, hashed, _ in storage.post_process(paths)}
    assert re.fullmatch(r"css/site\.[0-9a-f]{12}\.css", names[SITE])
    file = tmp_path / names[SITE]
    assert ".sign-up-trap" in file.read_text()
    packed = file.with_name(f"{file.name}.br").read_bytes()
    assert brotli.decompress(packed) == file.read_bytes()
    assert len(packed) < 8 * 1024


def test_a_part_with_an_address_in_it_is_refused_because_it_would_lead_elsewhere(tmp_path):
    from django.core.files.storage import FileSystemStorage

    (tmp_path / "css").mkdir()
    (tmp_path / "css" / "site.css").write_text('@import url("part.css");\n')
    (tmp_path / "css" / "part.css").write_text("a { background: url(x.png) }")
    storage = FileSystemStorage(tmp_path)
    paths = {name: (storage, name) for name in ("css/site.css", "css/part.css")}
    with pytest.raises(ValueError, match=r"part\.css has an address"):
        joined(paths, "css/site.css")
