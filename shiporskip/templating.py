"""What makes the site's templates quick without their knowing: see `docs/performance.md`."""

from collections import ChainMap
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from functools import lru_cache
from typing import Any

from jinja2 import Environment
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from markupsafe import escape


class SiteEnvironment(Environment):
    """An environment whose templates share one plain dictionary of globals.

    Jinja layers another one over it for each template, which every import of a macro then looks
    through; ours have nothing of their own to put there.
    """

    #: What templates say by name and never changes: see `Constants`.
    constants: Mapping[str, Any] = {}

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        return ChainMap(d, self.globals) if d else self.globals


class Constants(Extension):
    """Writes what never changes into the compiled template: `{{ url("home") }}`, `{{ site_name }}`.

    A name in `constants` stands for its value; a function there is called once if all it is given
    is text. So most of a page's frame is one piece of text instead of a hundred.
    """

    def filter_stream(self, stream: TokenStream) -> Iterable[Token]:
        autoescape = self.environment.autoescape
        escapes = autoescape(stream.name) if callable(autoescape) else autoescape
        tokens: Iterator[Token] = iter(stream)
        for token in tokens:
            if token.type != "variable_begin":
                yield token
                continue
            expression = [token]
            while expression[-1].type != "variable_end":
                expression.append(next(tokens))
            value = self._value(expression[1:-1])
            if value is None:
                yield from expression
            else:
                yield Token(token.lineno, "data", str(escape(value) if escapes else value))

    def _value(self, expression: list[Token]) -> Any:
        """Return what an expression always is, or None if it may be one thing or another."""
        constants: Mapping[str, Any] = getattr(self.environment, "constants", {})
        constant = constants.get(expression[0].value)
        if constant is None or expression[0].type != "name":
            return None
        if len(expression) == 1:
            return None if callable(constant) else constant
        given, separators = expression[2:-1:2], expression[3:-1:2]
        shape = (expression[1].type, expression[-1].type, {token.type for token in given})
        if shape != ("lparen", "rparen", {"string"}) or any(
            token.type != "comma" for token in separators
        ):
            return None
        return constant(*(token.value for token in given))


def remembered(
    environment: Environment, template: str, *names: str
) -> dict[str, Callable[..., Any]]:
    """Return macros that draw the same for the same arguments, and so draw each only once.

    For marks and stamps, of which there are few; what they are given has to be hashable.
    """

    def draws(name: str) -> Callable[..., Any]:
        @lru_cache(maxsize=1024)
        def draw(*args: Any, **kwargs: Any) -> Any:
            return getattr(environment.get_template(template).module, name)(*args, **kwargs)

        return draw

    return {name: draws(name) for name in names}
