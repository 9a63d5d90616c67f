"""Opinions: the four lenses."""

from tools.addresses import page

from . import views

urlpatterns = [
    *page("personas/<name:slug>", views.persona, name="persona"),
]
