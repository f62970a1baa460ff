"""Expressions as Python source: a straight line of code for many messages instead of a tree of closures for each.

The source that `Writer` makes of a node has the same value as the closures of `evaluation.py`, for every message: what
numbers usually are is computed in whole numbers and doubles (`fixed_point.py`), everything else by the functions that
closures call. Nothing that a user wrote stands in the source: texts and names are constants, known by number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from kumoi.iot_sql import fixed_point, nodes
from kumoi.iot_sql.called import NAMES, of_doubles
from kumoi.iot_sql.fixed_point import DECIMALS, MOST_DOUBLE, MOST_WHOLE, Fixed, Quotient
from kumoi.iot_sql.mathematics import DOUBLES, FUNCTIONS
from kumoi.iot_sql.nodes import Node
from kumoi.iot_sql.values import EXACT, decimal

__all__ = ["NAMES", "NotStraight", "Reference", "Writer", "function"]

MOST_DEPTH = 25
"""Deeper expressions are left to closures: Python's parser has a limit of its own."""
_ORDER = ("<", "<=", ">", ">=")
_EQUALITY = ("=", "<>")
_NUMBERS = ("BIGINT", "DOUBLE")


class NotStraight(Exception):
    """An expression has a part that is not written as source."""


class Reference(NamedTuple):
    """A variable that holds what a part of an expression is worth for a message.

    `kind` is BIGINT, DOUBLE, VARCHAR or BOOLEAN where that is known of the message, and the variable None where the
    message lacks it; or "" where it can be anything, UNDEFINED too.
    """

    variable: str
    kind: str = ""

    @property
    def value(self) -> str:
        """Python for the value."""
        return f"(U if {self.variable} is None else {self.variable})" if self.kind else self.variable

    @property
    def is_number(self) -> str:
        """Python for whether it is a number."""
        if self.kind:
            return f"{self.variable} is not None" if self.kind in _NUMBERS else "False"
        return f"(type({self.variable}) is float or type({self.variable}) is int)"


def function(name: str, source: str, constants: dict[str, Any]) -> Callable[..., Any]:
    """The function of that name that source defines."""
    exec(compile(source, "<straight>", "exec"), constants)  # noqa: S102  (users' texts are constants)
    found: Callable[..., Any] = constants[name]
    return found


class Writer:
    """Writes expressions over references. `constants`, at first `NAMES`, gets what the source knows by name.

    `refer` gives the reference that stands for a part: for an attribute, and for what cannot be written, where it can.
    """

    def __init__(self, refer: Callable[[Node], Reference], constants: dict[str, Any]) -> None:
        self._refer = refer
        self._references: dict[str, Reference] = {}
        self.constants = constants

    def constant(self, value: Any) -> str:
        """The name of a constant."""
        name = f"k{len(self.constants)}"
        self.constants[name] = value
        return name

    def reference(self, node: Node) -> Reference:
        """The reference that stands for a node."""
        key = repr(node)  # nodes are equal where their literals are, and 1 equals TRUE
        if key not in self._references:
            self._references[key] = self._refer(node)
        return self._references[key]

    def is_true(self, node: Node) -> str:
        """Python for whether an expression is TRUE."""
        _check_depth(node)
        return self._holds(node, True) if _logical(node) else f"({self._value(node)} is True)"

    def rendered(self, node: Node) -> str:
        """Python for the value of an expression as JSON has it, or UNDEFINED."""
        _check_depth(node)
        slow = self._in_decimals(node, "shown_decimal") if _arithmetic(node) else f"rendered({self._value(node)})"
        if isinstance(node, nodes.Function) and node.name in DOUBLES:
            return self._shown_double(node)
        for most in _BOUNDS:
            leaves: dict[str, str] = {}
            found = self._quotient(node, leaves, most)
            if found is not None:
                return self._either(leaves, _shown(found), slow)
        return slow

    def _shown_double(self, node: nodes.Function) -> str:
        """A function of doubles as JSON has it."""
        if (known := self._known_double(node)) is None:
            return f"shown({self._operand(node)})"
        test, call = known
        return f"((double if (double := {call}) % 1 else shown(double)) if {test} else shown({self._called(node)}))"

    def _known_double(self, node: nodes.Function) -> tuple[str, str] | None:
        """Python's own function of an attribute, and for which values it certainly has a result."""
        argument = node.arguments[0]
        if node.name not in _DOMAINS or not isinstance(argument, nodes.Attribute | nodes.Member):
            return None
        (low, high), reference = _DOMAINS[node.name], self.reference(argument)
        value = reference.variable
        test = f"{reference.is_number} and {low!r} <= {value} <= {high!r}"
        return test, f"{self.constant(DOUBLES[node.name])}({value})"

    # Conditions

    def _holds(self, node: Node, wanted: bool) -> str:
        """Python for whether an expression, taken as a condition, is TRUE, or FALSE."""
        if isinstance(node, nodes.Binary) and node.operator in ("AND", "OR"):
            joint = "and" if (node.operator == "AND") is wanted else "or"
            return f"({self._holds(node.left, wanted)} {joint} {self._holds(node.right, wanted)})"
        if isinstance(node, nodes.Unary) and node.operator == "NOT":
            return self._holds(node.operand, not wanted)
        if isinstance(node, nodes.Between):
            low = nodes.Binary(">=", node.operand, node.low)
            return self._holds(nodes.Binary("AND", low, nodes.Binary("<=", node.operand, node.high)), wanted)
        if isinstance(node, nodes.Binary) and node.operator in (*_ORDER, *_EQUALITY):
            return self._comparison(node, wanted)
        if isinstance(node, nodes.IsNull):
            return f"({self._value(node.operand)} {'in' if wanted else 'not in'} (None, U))"
        if isinstance(node, nodes.Like):
            return f"(like({self._value(node.operand)}, {self._value(node.pattern)}) is {wanted})"
        if isinstance(node, nodes.In):
            among = "".join(f"{self._value(one)}, " for one in node.among)
            return f"(among({self._value(node.operand)}, ({among})) is {wanted})"
        return f"(truth({self._value(node)}) is {wanted})"

    def _comparison(self, node: nodes.Binary, wanted: bool) -> str:
        left, right = node.left, node.right
        null = any(isinstance(one, nodes.Literal) and one.value is None for one in (left, right))
        operator = self.constant(node.operator)
        slow = f"compared({operator}, {self._value(left)}, {self._value(right)}, null={null}) is {wanted}"
        if null:
            return f"({slow})"
        symbol = {"=": "==", "<>": "!="}.get(node.operator, node.operator)
        plain = self._plain(node.operator, left, right)
        if plain is not None:
            test, first, second = plain
            return f"(({'' if wanted else 'not '}{first} {symbol} {second}) if {test} else {slow})"
        for most in _BOUNDS:
            leaves: dict[str, str] = {}
            fixed = self._fixed(left, leaves, most), self._fixed(right, leaves, most)
            if leaves and fixed[0] is not None and fixed[1] is not None:
                one, other = fixed_point.aligned(fixed[0], fixed[1])
                fast = f"{'' if wanted else 'not '}{one.source} {symbol} {other.source}"
                return self._either(leaves, f"({fast})", slow)
        return f"({slow})"

    def _plain(self, operator: str, left: Node, right: Node) -> tuple[str, str, str] | None:
        """A comparison that Python makes as such: when it can, and both sides."""
        sides, tests, literals, exact = [], [], 0, True
        for one in (left, right):
            if isinstance(one, nodes.Literal):
                if type(one.value) not in (int, float) or abs(one.value) >= EXACT:
                    return None
                sides.append(self.constant(one.value))
                literals += 1
            elif isinstance(one, nodes.Attribute | nodes.Member):
                reference = self.reference(one)
                sides.append(reference.variable)
                tests.append(reference.is_number)
            elif isinstance(one, nodes.Function) and one.name in DOUBLES:
                sides.append(f"double_{len(sides)}")
                tests.append(f"({sides[-1]} := {self._operand(one)}) is not U")
                exact = False
            else:
                return None
        if literals == 2 or (not literals and not (exact and operator in _ORDER)):
            return None
        return " and ".join(tests), sides[0], sides[1]

    # Values

    def _value(self, node: Node) -> str:
        """Python for what the closures make of a node."""
        if isinstance(node, nodes.Literal):
            return self.constant(node.value)
        if isinstance(node, nodes.Function) and node.name in DOUBLES:
            return f"exact({self._operand(node)})"
        return self._in_decimals(node) if _arithmetic(node) else self.reference(node).value

    def _in_decimals(self, node: Node, after: str = "") -> str:
        """Python for the call of a function, made here, that computes a node with 38 digits, and another `after` it."""
        operands: dict[str, str] = {}
        body, name = self._decimal(node, operands), f"in_decimals_{len(self.constants)}"
        function(
            name,
            f"def {name}({', '.join(operands.values())}):\n    try:\n        return {after}({body})\n"
            "    except NoNumber:\n        return U\n",
            self.constants,
        )
        return f"{name}({', '.join(operands)})"

    def _decimal(self, node: Node, operands: dict[str, str]) -> str:
        """Python for a decimal; `operands` gets the values that it is computed of, and what they are called."""
        if isinstance(node, nodes.Literal) and type(node.value) in (int, float):
            return self.constant(decimal(node.value))
        if isinstance(node, nodes.Unary) and _arithmetic(node):
            operand = self._decimal(node.operand, operands)
            return f"minus({operand})" if node.operator == "-" else operand
        if isinstance(node, nodes.Binary) and _arithmetic(node):
            left, right = self._decimal(node.left, operands), self._decimal(node.right, operands)
            return f"{_IN_DECIMALS[node.operator]}({left}, {right})"
        if isinstance(node, nodes.Function) and _arithmetic(node):
            arguments = ", ".join([self._decimal(one, operands) for one in node.arguments])
            return f"some({self.constant(FUNCTIONS[node.name][2])}({arguments}))"
        value = operands.setdefault(self._operand(node), f"p{len(operands)}")
        return f"(Decimal(repr({value})) if type({value}) is float and -1e300 < {value} < 1e300 else number({value}))"

    def _operand(self, node: Node) -> str:
        """Python for a value that is about to be taken as a decimal: a double stands for the decimal that it shows."""
        if not isinstance(node, nodes.Function) or node.name not in DOUBLES:
            return self._value(node)
        if (known := self._known_double(node)) is not None:
            test, call = known
            return f"({call} if {test} else {self._called(node)})"
        return self._called(node)

    def _called(self, node: nodes.Function) -> str:
        """A function of doubles that takes any values."""
        called = self.constant(of_doubles(DOUBLES[node.name], len(node.arguments)))
        if len(node.arguments) == 1:
            return f"{called}({self._double(node.arguments[0])})"
        return f"{called}({', '.join(map(self._operand, node.arguments))})"  # it tells -0 from 0, as decimals do

    def _double(self, node: Node) -> str:
        """Python for a value that is about to be taken as a double."""
        for most in _BOUNDS:
            leaves: dict[str, str] = {}
            found = self._quotient(node, leaves, most)
            if found is not None:
                return self._either(leaves, f"{found.top} / {found.below}", self._operand(node))
        return self._operand(node)

    # Whole numbers

    def _quotient(self, node: Node, leaves: dict[str, str], most: int) -> Quotient | None:
        """A node as a quotient of whole numbers; `leaves` gets what has to hold for that."""
        if not isinstance(node, nodes.Binary) or node.operator != "/":
            if isinstance(node, nodes.Literal | nodes.Attribute | nodes.Member):
                return None
            one = self._fixed(node, leaves, most)
            found = fixed_point.quotient(one, Fixed("(1)", 0, 2))
        else:
            left, right = self._fixed(node.left, leaves, most), self._fixed(node.right, leaves, most)
            found = fixed_point.quotient(left, right)
        if found is not None:
            leaves.update(zip(found.conditions, found.conditions, strict=True))
        return found if leaves else None

    def _fixed(self, node: Node, leaves: dict[str, str], most: int) -> Fixed | None:
        if isinstance(node, nodes.Literal):
            return fixed_point.literal(node.value)
        if isinstance(node, nodes.Unary) and node.operator in "+-":
            one = self._fixed(node.operand, leaves, most)
            return one if node.operator == "+" else fixed_point.negated(one)
        if isinstance(node, nodes.Binary) and node.operator in "+-*%":
            left, right = self._fixed(node.left, leaves, most), self._fixed(node.right, leaves, most)
            found = fixed_point.combined(node.operator, left, right)
            if node.operator == "%" and right is not None:
                leaves[f"{right.source} != 0"] = f"{right.source} != 0"
            return found
        if isinstance(node, nodes.Function) and node.name in ("mod", "remainder"):
            return self._fixed(nodes.Binary("%", *node.arguments), leaves, most)
        if isinstance(node, nodes.Function) and len(node.arguments) == 1:
            return fixed_point.applied(node.name, self._fixed(node.arguments[0], leaves, most))
        if isinstance(node, nodes.Attribute | nodes.Member):
            return self._leaf(self.reference(node), leaves, most)
        return None

    def _leaf(self, reference: Reference, leaves: dict[str, str], most: int) -> Fixed | None:
        value, kind = reference.variable, reference.kind
        if kind == "BIGINT":
            leaves[value] = f"{value} is not None and -{MOST_WHOLE} < {value} < {MOST_WHOLE}"
            return Fixed(value, 0, MOST_WHOLE)
        if kind not in ("", "DOUBLE"):
            return None
        if kind:
            most = MOST_WHOLE
        whole, power, bound = f"n_{value}", 10**DECIMALS, most // 10**DECIMALS
        double = (
            f"-{MOST_DOUBLE} < {value} < {MOST_DOUBLE} and "
            f"({whole} := round({value} * {float(power)!r})) / {float(power)!r} == {value}"
        )
        if kind:
            leaves[value] = f"{value} is not None and {double}"
        else:
            number = f"-{bound} < {value} < {bound} and (({whole} := {value} * {power}) or True)"
            leaves[value] = f"({double} if type({value}) is float else type({value}) is int and {number})"
        return Fixed(whole, DECIMALS, most)

    def _either(self, leaves: Mapping[str, str], fast: str, slow: str) -> str:
        return f"({fast} if {' and '.join(leaves.values())} else {slow})"


_DOMAINS: Mapping[str, tuple[float, float]] = {
    **dict.fromkeys(("atan", "cos", "sin", "tan", "tanh"), (-1e300, 1e300)),
    **dict.fromkeys(("acos", "asin"), (-1.0, 1.0)),
    **dict.fromkeys(("cosh", "exp", "sinh"), (-700.0, 700.0)),
    **dict.fromkeys(("ln", "log"), (1e-300, 1e300)),
    "sqrt": (0.0, 1e300),
}
"""Between which doubles functions have a value."""
_BOUNDS = (MOST_WHOLE * 10**DECIMALS, MOST_WHOLE)
"""What whole numbers of attributes are below: the larger bound, or the one that leaves room for products."""


def _logical(node: Node) -> bool:
    if isinstance(node, nodes.Binary):
        return node.operator in ("AND", "OR", *_ORDER, *_EQUALITY)
    if isinstance(node, nodes.Unary):
        return node.operator == "NOT"
    return isinstance(node, nodes.Between | nodes.IsNull | nodes.In | nodes.Like)


def _shown(found: Quotient) -> str:
    """A quotient as JSON has it: whole, or the double next to it."""
    if found.most >= 2**63:
        return f"quotient({found.top}, {found.below})"
    if found.below == "(1)":
        return found.top
    return f"(top / {found.below} if (top := {found.top}) % {found.below} else top // {found.below})"


def _arithmetic(node: Node) -> bool:
    """Whether a node is computed with 38 digits."""
    if isinstance(node, nodes.Unary):
        return node.operator in "+-"
    if isinstance(node, nodes.Binary):
        return node.operator in _IN_DECIMALS
    return isinstance(node, nodes.Function) and node.name in FUNCTIONS and node.name not in DOUBLES


_IN_DECIMALS = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide", "%": "remainder"}


def _check_depth(node: Node) -> None:
    level, depth = [node], 0
    while level:
        depth += 1
        if depth > MOST_DEPTH:
            raise NotStraight
        level = [inner for one in level for inner in one.parts()]
