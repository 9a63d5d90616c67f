"""What is found, and in which order, without the page around it."""

from datetime import UTC, datetime

import pytest
from django.db import connection

from comparisons import search
from comparisons.questions import MAX_LENGTH, MAX_WORDS, Question
from comparisons.results import put_against, suggested
from comparisons.snippets import snippets
from comparisons.spelling import corrected
from reviews.writing import Statement, record_reviews
from tests import cast
from tools.models import Tool, Vendor

pytestmark = pytest.mark.django_db


@pytest.fixture
def tools(db):
    anthropic = Vendor.objects.create(slug="anthropic", name="Anthropic")
    hugging = Vendor.objects.create(slug="hugging-face", name="Hugging Face")
    return {
        slug: cast.make_tool(slug, name, vendor=vendor, tagline=tagline, description=description)
        for slug, name, vendor, tagline, description in (
            ("claude-4-opus", "Claude 4 Opus", anthropic, "Long agentic tasks", ""),
            ("claude-4-sonnet", "Claude 4 Sonnet", anthropic, "Whole codebases", "Cheaper."),
            ("smolvlm2", "SmolVLM2", hugging, "Images on a phone", "Runs for everybody."),
            ("smolvlm2-turbo", "SmolVLM2 Turbo", hugging, "Images, fast", ""),
            ("openai-o3-pro-api", "OpenAI o3-pro API", hugging, "", "Unlike **Claude**, slow."),
            ("gpt-5-mini", "GPT-5 Mini", hugging, "", ""),
            ("next-js", "Next.js", hugging, "", ""),
            ("shahn", "شحن أو تخطي", hugging, "", ""),
        )
    }


def names(typed):
    keys = search.find(Question.read(typed)).tools
    return [tool.name for tool in search.tools_of(keys)]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("smol", ["SmolVLM2", "SmolVLM2 Turbo"]),
        ("SMOLVLM2", ["SmolVLM2", "SmolVLM2 Turbo"]),
        ("smolvlm2-turbo", ["SmolVLM2 Turbo"]),
        ("claude son", ["Claude 4 Sonnet"]),
        ("sonnet claude", ["Claude 4 Sonnet"]),
        ("o3-pro", ["OpenAI o3-pro API"]),
        ("o3 pro", ["OpenAI o3-pro API"]),
        ("GPT-5", ["GPT-5 Mini"]),
        ("gpt 5", ["GPT-5 Mini"]),
        ("4", ["Claude 4 Opus", "Claude 4 Sonnet"]),
        ("next.js", ["Next.js"]),
        ("شحن", ["شحن أو تخطي"]),
        ("anthropic", ["Claude 4 Opus", "Claude 4 Sonnet"]),
        ("anthropic opus", ["Claude 4 Opus"]),
        ("hugging smolvlm2 fast", ["SmolVLM2 Turbo"]),
        ("image for phones", ["SmolVLM2"]),
        ("image or codebase", ["Claude 4 Sonnet", "SmolVLM2", "SmolVLM2 Turbo"]),
        ("gp 5 mini nonsense", []),
    ],
)
def test_names_slugs_vendors_and_prose_find_a_tool(tools, typed, found):
    assert sorted(names(typed)) == sorted(found)


def test_a_name_weighs_more_than_a_mention_and_the_exact_one_most(tools):
    assert names("claude")[-1] == "OpenAI o3-pro API"
    assert names("smolvlm2")[0] == "SmolVLM2"
    assert names("claude 4 sonnet")[0] == "Claude 4 Sonnet"


def test_a_word_like_the_or_for_does_not_narrow_a_search_with_others(tools):
    assert names("for the phone") == ["SmolVLM2"]
    assert names("the") == []


def test_a_change_of_a_name_is_found_at_once_and_the_old_one_is_not(tools):
    Tool.objects.filter(slug="smolvlm2-turbo").update(name="Grandvlm", slug="grandvlm")
    assert names("grandvlm") == ["Grandvlm"]
    assert names("turbo") == []


@pytest.mark.parametrize(
    "facts", [{"status": "draft"}, {"published_at": datetime(2999, 1, 1, tzinfo=UTC)}]
)
def test_what_is_not_public_is_never_found(tools, facts):
    hidden = cast.make_tool("hidden-turbo", **facts)
    cast.review(hidden, "ship ship ship ship")
    cast.compare(hidden, tools["smolvlm2"])
    found = search.find(Question.read("hidden"))
    assert not found
    assert "hidden" not in str(suggested(Question.read("hidden turbo")))
    cast.compare(tools["smolvlm2"], tools["claude-4-opus"], summary="Plinth.", status="draft")
    assert not search.find(Question.read("plinth"))


def test_a_comparison_has_the_words_of_both_names_and_of_its_text(tools):
    made = cast.compare(tools["smolvlm2"], tools["claude-4-opus"], summary="One fits a *pocket*.")
    cast.compare(tools["smolvlm2-turbo"], tools["claude-4-sonnet"], summary="")
    for typed in ("pockets", "opus smolvlm2", "pocket opus", "opus pocket smol"):
        assert search.find(Question.read(typed)).comparisons == [made.pk], typed
    assert len(search.find(Question.read("claude smol")).comparisons) == 2


def test_arguments_are_found_by_their_stems(tools):
    record_reviews([Statement(tools["smolvlm2"].pk, "founder", "skip", 20, "Budgets are *cut*.")])
    (key,) = search.find(Question.read("budget cutting")).reviews
    (found,) = search.reviews_of([key])
    assert (found.persona, found.tool.name) == ("founder", "SmolVLM2")


def test_a_vendor_without_a_public_tool_is_not_found(tools):
    Vendor.objects.create(slug="lonely", name="Lonely Anthropics")
    found = search.vendors_of(search.find(Question.read("anthropic")).vendors)
    assert [vendor.name for vendor in found] == ["Anthropic"]
    assert [tool.name for tool in found[0].tools.all()] == ["Claude 4 Opus", "Claude 4 Sonnet"]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("antropic", "anthropic"),
        ("smolvm", "smolvlm2"),
        ("claud sonet", "claud sonnet"),
        ("Sonett", "sonnet"),
        ("claude sonnet", None),
        ("qqqzzz", None),
        ("99", None),
    ],
)
def test_a_typing_error_is_mended_with_the_words_of_names(tools, typed, meant):
    better = corrected(Question.read(typed))
    assert (better and better.text) == meant


@pytest.mark.parametrize(
    ("typed", "title", "is_clear"),
    [
        ("SmolVLM2 vs Claude 4 Opus", "Claude 4 Opus vs SmolVLM2", True),
        ("smolvlm2 VS. opus", "Claude 4 Opus vs SmolVLM2", True),
        ("gpt-5 or sonnet", "Claude 4 Sonnet vs GPT-5 Mini", True),
        ("opus versus turbo", "Claude 4 Opus vs SmolVLM2 Turbo", True),
        ("claude-4-opus-vs-smolvlm2", "Claude 4 Opus vs SmolVLM2", True),
        ("claude vs turbo", "Claude 4 Opus vs SmolVLM2 Turbo", False),
        ("opuss vs turbbo", "Claude 4 Opus vs SmolVLM2 Turbo", False),
    ],
)
def test_two_names_with_vs_between_them_mean_a_comparison(tools, typed, title, is_clear):
    versus = put_against(Question.read(typed))
    assert (versus.title, versus.is_clear) == (title, is_clear)


@pytest.mark.parametrize("typed", ["smolvlm2 vs smolvlm2", "opus vs qqqzzz", "a vs b vs c", "vs"])
def test_no_comparison_is_made_up_of_less_than_two_tools(tools, typed):
    assert put_against(Question.read(typed)) is None


def test_the_editors_order_is_the_one_that_is_offered(tools):
    cast.compare(tools["smolvlm2"], tools["claude-4-opus"])
    versus = put_against(Question.read("opus vs smolvlm2"))
    assert versus.address == "/compare/smolvlm2-vs-claude-4-opus/"


def test_a_question_is_cut_where_it_says():
    assert len(Question.read("x" * 10_000).text) == MAX_LENGTH
    long = Question.read(" ".join(f"w{number}" for number in range(30)))
    assert len(long.words) == MAX_WORDS
    assert long.is_cut
    assert not Question.read("x" * MAX_LENGTH).is_cut


@pytest.mark.parametrize(
    "typed",
    ["", " ", "\0", "\ud800", "& | ! :* ( ' \\", "' OR 1=1 --", "🙂", "\ufe0f", "½ ²", "<->",
     "a:*B", "x" * 3000],
)  # fmt: skip
def test_whatever_is_typed_can_be_asked(tools, typed):
    question = Question.read(typed)
    search.find(question)
    suggested(question)
    question.text.encode()


@pytest.mark.parametrize(
    "text",
    [
        "<p>Use &lt;script&gt;alert(1)&lt;/script&gt; for images</p>",
        "<p>\x02images\x03 <em>fast</em> &amp; small</p>",
        "<p>&lt;mark&gt;images&lt;/mark&gt; &quot;onload=x</p>",
        "images " + "&lt;b&gt;" * 400,
    ],
)
def test_a_snippet_is_text_with_nothing_but_marks(text):
    (snippet,) = snippets([text], "'images' | 'imag'")
    rest = snippet.replace("<mark>", "").replace("</mark>", "")
    assert "<mark>images</mark>" in snippet
    assert "<" not in rest
    assert ">" not in rest
    assert snippet.count("<mark>") == snippet.count("</mark>")


def test_a_snippet_shows_where_it_was_cut():
    words = [f"word{number}" for number in range(200)]
    text = " ".join([*words[:100], "needle", *words[100:]])
    (snippet,) = snippets([f"<p>{text}</p>"], "'needl'")
    assert snippet.startswith("… ")
    assert snippet.endswith(" …")
    assert snippets(["<p>The needle.</p>"], "'needl'") == ["The <mark>needle</mark>."]


def test_the_indexes_are_there(db):
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes WHERE indexdef LIKE '%USING gin (search%'")
        found = {row[0] for row in cursor.fetchall()}
    assert found == {
        "tools_tool_search", "tools_tool_search_names", "tools_vendor_search",
        "reviews_review_search", "comparisons_comparison_search",
    }  # fmt: skip
