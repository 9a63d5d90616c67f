"""Facts: tools, categories, the feed of prices, and what a reader has saved."""

from django.urls import path

from . import views
from .addresses import page, public
from .feeds import PriceFeed

urlpatterns = [
    path("tools/", public(views.tools), name="tools"),
    *page("tools/<name:slug>", views.tool, name="tool"),
    path("preview/tools/<name:token>/", public(views.preview), name="tool-preview"),
    *page("categories/<name:slug>", views.category, name="category"),
    path("feeds/prices/", public(PriceFeed()), name="price-feed"),
    path("bookmarks/", public(views.bookmarks), name="bookmarks"),
    path("bookmarks/cards/", public(views.bookmark_cards), name="bookmark-cards"),
]
