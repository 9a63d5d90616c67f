"""Opinions: the four lenses, the votes, the feeds of verdicts, and the badge."""

from django.urls import path

from tools.addresses import page, public

from . import views
from .feeds import CategoryFeed, ToolFeed, VerdictFeed
from .vote_views import vote

urlpatterns = [
    *page("personas/<name:slug>", views.persona, name="persona"),
    path("tools/<name:slug>/vote/", vote, name="vote"),
    path("feeds/verdicts/", public(VerdictFeed()), name="verdict-feed"),
    path("feeds/categories/<name:slug>/", public(CategoryFeed()), name="category-feed"),
    path("feeds/tools/<name:slug>/", public(ToolFeed()), name="tool-feed"),
    path("badge/<name:slug>.svg", public(views.badge), name="badge"),
]
