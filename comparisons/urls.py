"""What readers come for: the home page, the comparisons, and how their answers come about."""

from django.urls import path

from tools.addresses import page, public

from . import views

urlpatterns = [
    path("", public(views.home), name="home"),
    path("compare/", public(views.index), name="compare"),
    *page("compare/<name:slugs>", views.comparison, name="comparison"),
    path("search/", public(views.search), name="search"),
    path("search/suggest/", public(views.suggestions), name="suggestions"),
    path("methodology/", public(views.methodology), name="methodology"),
]
