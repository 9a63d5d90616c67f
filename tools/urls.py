"""Facts: tools, categories, and what a reader has saved."""

from django.urls import path

from . import views
from .addresses import page, public

urlpatterns = [
    path("tools/", public(views.tools), name="tools"),
    *page("tools/<name:slug>", views.tool, name="tool"),
    *page("categories/<name:slug>", views.category, name="category"),
    path("bookmarks/", public(views.bookmarks), name="bookmarks"),
    path("bookmarks/cards/", public(views.bookmark_cards), name="bookmark-cards"),
]
