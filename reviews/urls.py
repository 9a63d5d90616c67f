"""Opinions: the four lenses, the feeds of verdicts, and the badge."""

from django.urls import path

from tools.addresses import page, public

from . import views
from .feeds import CategoryFeed, ToolFeed, VerdictFeed

urlpatterns = [
    *page("personas/<name:slug>", views.persona, name="persona"),
    path("feeds/verdicts/", public(VerdictFeed()), name="verdict-feed"),
    path("feeds/categories/<name:slug>/", public(CategoryFeed()), name="category-feed"),
    path("feeds/tools/<name:slug>/", public(ToolFeed()), name="tool-feed"),
    path("badge/<name:slug>.svg", public(views.badge), name="badge"),
]
