"""Defaults of parameters in the reference: `number(5, low=1)` is shown as 5."""

from typing import Any

import griffe

#: What declares a field with its default first (see `stdpnet.config`).
DECLARED = ("number", "numbers", "quantity", "choice", "flag", "text", "names", "table")


class Defaults(griffe.Extension):
    """Shows the default of a field, not how it is checked."""

    def on_attribute_instance(self, *, attr: griffe.Attribute, **_: Any) -> None:
        """Take the first argument of a declaration for the value."""
        value = attr.value
        if isinstance(value, griffe.ExprCall) and str(value.function) in DECLARED:
            first = value.arguments[0] if value.arguments else None
            is_named = isinstance(first, griffe.ExprKeyword)
            attr.value = None if first is None or is_named else first
