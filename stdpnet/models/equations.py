"""Reading equations and statements: their lines, what they define, their dimensions.

Brian2 checks all this again when a program is built; here it is checked
without Brian2, where a model is made, with the name of the model in the message.
"""

import ast
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from stdpnet.units import DIMENSIONLESS, UNITS, Dimension, dimension_name

#: Words that a variable of generated code may not be called.
_RESERVED = frozenset(
    """alignas alignof asm auto bool break case catch char class const constexpr
    continue decltype default delete do double else enum explicit export extern false
    float for friend goto if inline int long mutable namespace new noexcept nullptr
    operator private protected public register return short signed sizeof static
    struct switch template this throw true try typedef typeid typename union unsigned
    using virtual void volatile while lambda def None in is not and or pass""".split()
)
_SECOND = UNITS["second"].dimension
_EQUATION = re.compile(
    r"^(?P<differential>d)?(?P<name>\w+)(?(differential)/dt)\s*"
    r"(?:=(?P<right>[^:]+))?:\s*(?P<unit>[^()]+?)\s*(?:\((?P<flags>[^()]*)\))?$"
)
_STATEMENT = re.compile(r"^(\w+)\s*([-+*/]?)=(?!=)\s*(.+)$")
#: Functions of a dimensionless argument that return one.
_PLAIN = ("exp", "log", "log10", "sin", "cos", "tan", "tanh", "sinh", "cosh", "expm1")
#: Functions that return what they are given.
_SAME = ("abs", "clip", "floor", "ceil")
#: Names that every equation may use.
BUILT_IN: Mapping[str, Dimension] = {
    "t": _SECOND,
    "dt": _SECOND,
    "i": DIMENSIONLESS,
    "N": DIMENSIONLESS,
    "pi": DIMENSIONLESS,
    "True": DIMENSIONLESS,
    "False": DIMENSIONLESS,
}


class Equation(NamedTuple):
    """One line of equations, taken apart."""

    name: str
    differential: bool
    right: str
    unit: str

    @property
    def is_state(self) -> bool:
        """Whether the variable is stored, not computed from others."""
        return self.differential or not self.right


def lines(text: str) -> list[str]:
    """Return the lines of equations or statements; semicolons separate too."""
    parts = text.replace(";", "\n").split("\n")
    return [part.split("#")[0].strip() for part in parts if part.split("#")[0].strip()]


def read_equation(line: str) -> Equation:
    """Take one equation apart.

    Raises
    ------
    ValueError
        If it is not written like Brian2's equations.
    """
    match = _EQUATION.match(line.strip())
    if match is None or (match["differential"] and not match["right"]):
        raise ValueError(
            f"cannot read the equation {line!r}; write 'dx/dt = ... : unit', "
            "'x = ... : unit' or 'x : unit'"
        )
    right = (match["right"] or "").strip()
    return Equation(match["name"], bool(match["differential"]), right, match["unit"])


def read_statement(line: str) -> tuple[str, str, str]:
    """Return the variable, the operator before ``=`` and the right-hand side.

    Raises
    ------
    ValueError
        If it is not an assignment.
    """
    match = _STATEMENT.match(line.strip())
    if match is None:
        raise ValueError(f"cannot read the statement {line!r}; write 'x = ...'")
    return match[1], match[2], match[3]


def variables(text: str) -> list[str]:
    """Return the stored variables of some equations."""
    read = map(read_equation, lines(text))
    return [equation.name for equation in read if equation.is_state]


def dimensions(text: str) -> dict[str, Dimension]:
    """Return the dimension of every variable that some equations define."""
    read = map(read_equation, lines(text))
    return {equation.name: _unit("equations", equation.unit) for equation in read}


def by_level(text: str, per_map: Iterable[str], kind: str) -> dict[str, list[str]]:
    """Sort lines by what they define: a variable of neurons or of maps."""
    levels: dict[str, list[str]] = {"neuron": [], "map": [], "site": []}
    for line in lines(text):
        name = (
            read_equation(line).name if kind == "equations" else read_statement(line)[0]
        )
        levels["map" if name in per_map else "neuron"].append(line)
    return levels


# -- dimensions -------------------------------------------------------------------


def check_equations(
    owner: str, text: str, names: Mapping[str, Dimension]
) -> dict[str, Dimension]:
    """Check equations; return the dimensions of the variables that they define.

    Parameters
    ----------
    owner : str
        Whose they are, for messages: ``"MyNeuron.equations"``.
    text : str
        One equation a line.
    names : dict
        Dimension of everything else that they may use.

    Raises
    ------
    ValueError
        If a line cannot be read, a name is not known or dimensions disagree.
    """
    read = [_named(owner, read_equation, line) for line in lines(text)]
    for equation in read:
        _check_name(owner, equation.name)
    defined = {e.name: _unit(owner, e.unit) for e in read}
    known = {**BUILT_IN, **names, **defined}
    for equation in read:
        if not equation.right:
            continue
        found = dimension_of(owner, equation.right, known)
        wanted = defined[equation.name]
        if equation.differential:
            wanted = tuple(a - b for a, b in zip(wanted, _SECOND, strict=True))
        if found != wanted:
            left = f"d{equation.name}/dt" if equation.differential else equation.name
            raise ValueError(
                f"{owner}: {left} has dimension {dimension_name(wanted)!r}, "
                f"{equation.right!r} has {dimension_name(found)!r}"
            )
    return defined


def _check_name(owner: str, name: str) -> None:
    if name.endswith(("_pre", "_post")):
        base, _, side = name.rpartition("_")
        raise ValueError(
            f"{owner}: a variable may not end in _pre or _post, got {name!r}; "
            f"call it {side}_{base}"
        )
    if name in _RESERVED:
        raise ValueError(
            f"{owner}: {name!r} is a word of C++ or Python; choose another name"
        )


def check_statements(owner: str, text: str, names: Mapping[str, Dimension]) -> None:
    """Check statements one after another; a name that is new may be used after it.

    Raises
    ------
    ValueError
        As for `check_equations`.
    """
    known = {**BUILT_IN, **names}
    for line in lines(text):
        name, operator, right = _named(owner, read_statement, line)
        if name not in known:
            _check_name(owner, name)
        found = dimension_of(owner, right, known)
        if operator and name not in known:
            raise ValueError(_unknown(owner, name, known))
        if operator in ("*", "/"):
            found = _combined(known[name], found, 1 if operator == "*" else -1)
        if found != known.setdefault(name, found):
            raise ValueError(
                f"{owner}: {name} has dimension {dimension_name(known[name])!r}, "
                f"{right!r} has {dimension_name(found)!r}"
            )


def check_condition(owner: str, text: str, names: Mapping[str, Dimension]) -> None:
    """Check a condition such as a threshold (see `check_equations`)."""
    dimension_of(owner, text, {**BUILT_IN, **names})


def dimension_of(owner: str, text: str, names: Mapping[str, Dimension]) -> Dimension:
    """Return the dimension of an expression.

    Raises
    ------
    ValueError
        If it cannot be read, a name is not known or dimensions disagree.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        raise ValueError(f"{owner}: cannot read {text!r}: {error.msg}") from error
    return _Expression(owner, text, names).dimension(tree)


def _named(owner: str, read: object, line: str):  # type: ignore[no-untyped-def]
    try:
        return read(line)  # type: ignore[operator]
    except ValueError as error:
        raise ValueError(f"{owner}: {error}") from error


def _unit(owner: str, text: str) -> Dimension:
    if text in ("boolean", "integer"):
        return DIMENSIONLESS
    return dimension_of(f"{owner}, unit {text!r}", text, {})


def _combined(a: Dimension, b: Dimension, sign: float) -> Dimension:
    return tuple(x + sign * y for x, y in zip(a, b, strict=True))


def _unknown(owner: str, name: str, names: Iterable[str]) -> str:
    known = ", ".join(sorted(set(names) - set(BUILT_IN)))
    return (
        f"{owner} uses {name!r}, which nothing defines; define it in the equations or "
        f"declare it as a parameter (defined: {known})"
    )


class _Expression:
    """The dimension of every node of one parsed expression."""

    def __init__(self, owner: str, text: str, names: Mapping[str, Dimension]) -> None:
        self.owner, self.text, self.names = owner, text, names

    def dimension(self, node: ast.AST) -> Dimension:
        if isinstance(node, ast.Constant):
            return DIMENSIONLESS
        if isinstance(node, ast.Name):
            return self._name(node.id)
        if isinstance(node, ast.UnaryOp):
            return self.dimension(node.operand)
        if isinstance(node, ast.BinOp):
            return self._binary(node)
        if isinstance(node, ast.Compare):
            self._agree([node.left, *node.comparators])
            return DIMENSIONLESS
        if isinstance(node, ast.BoolOp):
            for value in node.values:
                self.dimension(value)
            return DIMENSIONLESS
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            return self._call(node.func.id, node.args)
        raise ValueError(f"{self.owner}: cannot read {self.text!r}")

    def _name(self, name: str) -> Dimension:
        if name in self.names:
            return tuple(self.names[name])
        if name in UNITS:
            return tuple(UNITS[name].dimension)
        raise ValueError(_unknown(self.owner, name, self.names))

    def _binary(self, node: ast.BinOp) -> Dimension:
        if isinstance(node.op, (ast.Add, ast.Sub, ast.Mod)):
            return self._agree([node.left, node.right])
        left, right = self.dimension(node.left), self.dimension(node.right)
        if isinstance(node.op, ast.Mult):
            return _combined(left, right, 1)
        if isinstance(node.op, (ast.Div, ast.FloorDiv)):
            return _combined(left, right, -1)
        self._dimensionless(node.right)
        if left == DIMENSIONLESS:
            return left
        try:
            power = float(ast.literal_eval(node.right))
        except ValueError as error:
            raise ValueError(
                f"{self.owner}: the exponent in {self.text!r} must be a number"
            ) from error
        return tuple(power * exponent for exponent in left)

    def _call(self, name: str, arguments: list[ast.expr]) -> Dimension:
        if name in _PLAIN:
            self._dimensionless(*arguments)
        elif name in _SAME:
            return self._agree(arguments)
        elif name == "sqrt":
            return tuple(exponent / 2 for exponent in self.dimension(arguments[0]))
        elif name in ("int", "sign", "rand", "randn", "timestep") or name in self.names:
            for argument in arguments:
                self.dimension(argument)
        else:
            raise ValueError(_unknown(self.owner, name, self.names))
        return DIMENSIONLESS

    def _agree(self, nodes: list[ast.expr]) -> Dimension:
        found = [self.dimension(node) for node in nodes]
        for node, dimension in zip(nodes[1:], found[1:], strict=True):
            if dimension != found[0]:
                raise ValueError(
                    f"{self.owner}: in {self.text!r}, {ast.unparse(nodes[0])!r} has "
                    f"dimension {dimension_name(found[0])!r} and {ast.unparse(node)!r} "
                    f"{dimension_name(dimension)!r}"
                )
        return found[0]

    def _dimensionless(self, *nodes: ast.expr) -> None:
        for node in nodes:
            found = self.dimension(node)
            if found != DIMENSIONLESS:
                raise ValueError(
                    f"{self.owner}: {ast.unparse(node)!r} in {self.text!r} must be "
                    f"dimensionless, it has {dimension_name(found)!r}"
                )
