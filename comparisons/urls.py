"""What readers come for: the home page, the comparisons, and how their answers come about.

Below that stands what machines come for. A twin goes before the page whose address it extends.
"""

from django.urls import path

from tools.addresses import page, public

from . import machines, sitemaps, views
from .duel_views import duel
from .feeds import ComparisonFeed

urlpatterns = [
    path("", public(views.home), name="home"),
    path("compare/", public(views.index), name="compare"),
    path("compare/<name:slugs>.json", public(machines.comparison_json), name="comparison-json"),
    path("compare/<name:slugs>.md", public(machines.comparison_markdown), name="comparison-md"),
    path("compare/<name:slugs>/vote/", duel, name="duel"),
    *page("compare/<name:slugs>", views.comparison, name="comparison"),
    path("preview/compare/<name:token>/", public(views.preview), name="comparison-preview"),
    path("search/", public(views.search), name="search"),
    path("search/suggest/", public(views.suggestions), name="suggestions"),
    path("methodology/", public(views.methodology), name="methodology"),
    path("privacy/", public(views.privacy), name="privacy"),
    path("corrections/", public(views.corrections), name="corrections"),
    path("tools/<name:slug>.json", public(machines.tool_json), name="tool-json"),
    path("tools/<name:slug>.md", public(machines.tool_markdown), name="tool-md"),
    path("feeds/comparisons/", public(ComparisonFeed()), name="comparison-feed"),
    path("sitemap.xml", public(sitemaps.index), name="sitemap"),
    path("sitemap-<section>.xml", public(sitemaps.part), name="sitemap-part"),
    path("llms.txt", public(machines.llms), name="llms"),
    path("og/site.png", public(machines.site_picture), name="site-picture"),
    path("og/tools/<name:slug>.png", public(machines.tool_picture), name="tool-picture"),
    path(
        "og/compare/<name:slugs>.png",
        public(machines.comparison_picture),
        name="comparison-picture",
    ),
    *page("embed/<name:slugs>", machines.card, name="card"),
]
