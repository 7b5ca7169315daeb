"""Every error code that the program can emit, read from its sources.

A code is born where one of the error classes is called, or a row of a table that errors are made
from. Often a function stands between: `refused(code, message, hint)`. So we begin with the classes,
look at every call of them, and where the code is a parameter of the function around, that function
is looked for too, and so on until nothing is new. An expression that is not understood is kept, for
the test to fail with: a code that nobody can see here is one that nobody can look up.

Beside each code stands who acts, as far as the sources say it: `fix`, `retry` or `escalate` in
results, the name of the exit code for commands.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

CLASSES = {
    "workflow.errors.TaskError": ("code", "action"),
    "workflow.errors.WorkflowError": ("code", "exit"),
    "workflow.task.InvalidTask": ("code", None),
    "workflow.content.failure.EditFailed": ("code", None),
}
"""Where codes end, with the names of the parameters for the code and for who acts."""
UNKNOWN = "?"
"""Who acts, where the sources alone do not tell it."""
_FIXED = {"workflow.task.InvalidTask": "fix", "workflow.content.failure.EditFailed": "fix"}
"""Who acts on errors that do not say it."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Parameter:
    """A value that the caller of the function around has to give."""

    name: str


Value = str | Parameter | None
"""A text; what a caller gives; None for what cannot be told."""


@dataclass
class Slot:
    """One parameter of a callable: which argument it is, and what it is without one."""

    name: str
    position: int | None
    default: ast.expr | None


@dataclass
class Sink:
    """A callable through which codes go."""

    module: Module
    code: Slot
    act: Slot | frozenset[str]


@dataclass
class Found:
    """All that was read. `codes`: each with who acts; `passed_on`: `x.code` of another error."""

    codes: dict[str, set[str]] = field(default_factory=dict)
    places: dict[str, set[str]] = field(default_factory=dict)
    passed_on: set[tuple[str, str]] = field(default_factory=set)
    unread: set[tuple[str, str]] = field(default_factory=set)


class Module:
    """A source file: what its names stand for."""

    def __init__(self, path: Path, package: Path) -> None:
        parts = path.relative_to(package.parent).with_suffix("").parts
        self.name = ".".join(parts).removesuffix(".__init__")
        self.path = path.relative_to(package.parent).as_posix()
        self.tree = ast.parse(path.read_text(encoding="utf-8"))
        self.imports: dict[str, str] = {}
        self.constants: dict[str, ast.expr] = {}
        self.callables: dict[str, ast.ClassDef | Function] = {}
        self.around: dict[ast.AST, list[ast.AST]] = {}
        self._look(self.tree, [])
        for statement in self.tree.body:
            for target, value in _assigned(statement):
                if isinstance(target, ast.Name):
                    self.constants[target.id] = value

    def _look(self, node: ast.AST, above: list[ast.AST]) -> None:
        self.around[node] = above
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                self.imports[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                self.imports[alias.asname or alias.name] = alias.name
        elif isinstance(node, ast.ClassDef | Function):
            classes = [one.name for one in above if isinstance(one, ast.ClassDef)]
            self.callables[".".join([*classes, node.name])] = node
        for child in ast.iter_child_nodes(node):
            self._look(child, [*above, node])

    def function(self, node: ast.AST) -> Function | None:
        """The innermost function around a node."""
        around = [one for one in self.around[node] if isinstance(one, Function)]
        return around[-1] if around else None

    def called(self, called: ast.expr, node: ast.AST) -> str | None:
        """The whole name of what a call calls, if it is known by its text."""
        if isinstance(called, ast.Name):
            if called.id in self.imports:
                return self.imports[called.id]
            return f"{self.name}.{called.id}" if called.id in self.callables else None
        if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name):
            holder = called.value.id
            if holder in ("self", "cls"):
                for one in reversed(self.around[node]):
                    if isinstance(one, ast.ClassDef):
                        return f"{self.name}.{one.name}.{called.attr}"
            if holder in self.imports:
                return f"{self.imports[holder]}.{called.attr}"
        return None

    def whole_name(self, function: Function) -> str:
        classes = [one.name for one in self.around[function] if isinstance(one, ast.ClassDef)]
        return ".".join([self.name, *classes, function.name])


class Reader:
    """Reads a package. `rows`: classes of tables whose field `code` ends in errors."""

    def __init__(self, package: Path, rows: Collection[str] = ()) -> None:
        modules = [Module(path, package) for path in sorted(package.rglob("*.py"))]
        self.modules = {module.name: module for module in modules}
        self.found = Found()
        self.sinks: dict[str, Sink] = {}
        begin = {**CLASSES, **dict.fromkeys(rows, ("code", "action"))}
        for name, (code, act) in begin.items():
            if name.rpartition(".")[0] in self.modules:
                self._begin(name, code, act)

    def read(self) -> Found:
        """Follow every call until no new function is found."""
        done: set[tuple[str, str, int]] = set()
        more = True
        while more:
            more = False
            for module in self.modules.values():
                for call in ast.walk(module.tree):
                    if not isinstance(call, ast.Call):
                        continue
                    name = self._origin(module.called(call.func, call))
                    sink = self.sinks.get(name or "")
                    key = (name or "", module.name, id(call))
                    if sink is not None and key not in done:
                        done.add(key)
                        more = self._call(module, call, name or "", sink) or more
        return self.found

    def _origin(self, name: str | None) -> str | None:
        """Where a name that was imported on comes from."""
        for _ in range(4):
            if name is None or "." not in name:
                return name
            holder, own = name.rsplit(".", 1)
            module = self.modules.get(holder)
            if module is None or own not in module.imports:
                return name
            name = module.imports[own]
        return name

    def _begin(self, name: str, code: str, act: str | None) -> None:
        module_name, _, class_name = name.rpartition(".")
        module = self.modules[module_name]
        node = module.callables[class_name]
        assert isinstance(node, ast.ClassDef)
        slots = {slot.name: slot for slot in _fields(node)}
        fixed = frozenset({_FIXED[name]} if name in _FIXED else ())
        self.sinks[name] = Sink(module, slots[code], slots.get(act or "", fixed))

    def _call(self, module: Module, call: ast.Call, name: str, sink: Sink) -> bool:
        """Read one call of a sink; whether the function around it became one."""
        place = f"{module.path}:{call.lineno}"
        function = module.function(call)
        codes = self._slot(module, call, sink, sink.code)
        if isinstance(sink.act, Slot):
            acts: list[Value] = self._slot(module, call, sink, sink.act)
        else:
            acts = list(sink.act)
        new = False
        for code in codes:
            if isinstance(code, str):
                said = {act if isinstance(act, str) else UNKNOWN for act in acts or [None]}
                self.found.codes.setdefault(code, set()).update(said)
                self.found.places.setdefault(code, set()).add(place)
            elif isinstance(code, Parameter) and function is not None:
                new = self._follow(module, function, code.name, acts) or new
        return new

    def _follow(self, module: Module, function: Function, code: str, acts: list[Value]) -> bool:
        name = module.whole_name(function)
        if function.name == "__init__":
            name = name.removesuffix(".__init__")
        if name in self.sinks:
            return False
        slots = {slot.name: slot for slot in _parameters(function)}
        given = next((slots[act.name] for act in acts if isinstance(act, Parameter)), None)
        fixed = frozenset(act for act in acts if isinstance(act, str))
        self.sinks[name] = Sink(module, slots[code], given or fixed)
        return True

    def _slot(self, module: Module, call: ast.Call, sink: Sink, slot: Slot) -> list[Value]:
        for keyword in call.keywords:
            if keyword.arg == slot.name:
                return self._values(module, keyword.value, call)
        starred = [n for n, argument in enumerate(call.args) if isinstance(argument, ast.Starred)]
        if slot.position is not None and slot.position < len(call.args) and not starred:
            return self._values(module, call.args[slot.position], call)
        if starred and slot.position is not None:
            first = call.args[starred[0]]
            assert isinstance(first, ast.Starred)
            return self._values(module, first.value, call, slot.position - starred[0])
        if slot.default is not None:
            return self._values(sink.module, slot.default, None)
        return [None]

    def _values(
        self, module: Module, node: ast.expr, where: ast.AST | None, part: int | None = None
    ) -> list[Value]:
        """What an expression may be; `part`: of the tuple that it is, the part with this number."""
        if isinstance(node, ast.Tuple) and part is not None:
            inside = part < len(node.elts)  # else it comes from what stands behind `*told(x)`
            return self._values(module, node.elts[part], where) if inside else [None]
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and part is None:
            return [node.value]
        if isinstance(node, ast.IfExp):
            return [
                *self._values(module, node.body, where, part),
                *self._values(module, node.orelse, where, part),
            ]
        if isinstance(node, ast.BoolOp):
            return [v for one in node.values for v in self._values(module, one, where, part)]
        if isinstance(node, ast.Constant) and node.value is None:
            return []
        if isinstance(node, ast.Attribute):
            return self._attribute(module, node)
        if isinstance(node, ast.Name):
            return self._name(module, node, where, part)
        if isinstance(node, ast.Call):
            return self._returned(module, node, part)
        return self._unread(module, node)

    def _attribute(self, module: Module, node: ast.Attribute) -> list[Value]:
        if isinstance(node.value, ast.Name) and node.value.id == "Exit":
            return [node.attr]
        if node.attr in ("action", "exit"):
            return [None]
        if node.attr == "code":
            self.found.passed_on.add((module.path, ast.unparse(node)))
            return [None]
        return self._unread(module, node)

    def _name(
        self, module: Module, node: ast.Name, where: ast.AST | None, part: int | None
    ) -> list[Value]:
        function = None if where is None else module.function(where)
        if function is not None:
            own = [
                value
                for statement in ast.walk(function)
                for held, number in _named(statement, node.id)
                for value in self._values(module, held, where, number if part is None else part)
            ]
            if own:
                return own
            if node.id in {slot.name for slot in _parameters(function)}:
                return [Parameter(node.id)]
        if node.id in module.constants:
            return self._values(module, module.constants[node.id], None, part)
        origin = self._origin(module.imports.get(node.id))
        holder, _, name = (origin or "").rpartition(".")
        other = self.modules.get(holder)
        if other is not None and name in other.constants:
            return self._values(other, other.constants[name], None, part)
        return self._unread(module, node)

    def _returned(self, module: Module, node: ast.Call, part: int | None) -> list[Value]:
        """What a function of ours returns, or `TABLE.get(key, other)` may give."""
        if isinstance(node.func, ast.Attribute) and node.func.attr == "get":
            table = node.func.value
            held = module.constants.get(table.id) if isinstance(table, ast.Name) else None
            if isinstance(held, ast.Dict):
                others = [*held.values, *node.args[1:]]
                return [v for one in others for v in self._values(module, one, node, part)]
        name = self._origin(module.called(node.func, node)) or ""
        holder, _, own = name.rpartition(".")
        other = self.modules.get(holder)
        function = other.callables.get(own) if other is not None else None
        if other is None or not isinstance(function, Function):
            return self._unread(module, node)
        return [
            value
            for one in ast.walk(function)
            if isinstance(one, ast.Return) and one.value is not None
            for value in self._values(other, one.value, one, part)
            if not isinstance(value, Parameter)
        ]

    def _unread(self, module: Module, node: ast.expr) -> list[Value]:
        self.found.unread.add((module.path, ast.unparse(node)))
        return [None]


def _fields(node: ast.ClassDef) -> list[Slot]:
    """The parameters of a class: of its __init__, else its fields."""
    for one in node.body:
        if isinstance(one, ast.FunctionDef) and one.name == "__init__":
            return _parameters(one)
    fields = [one for one in node.body if isinstance(one, ast.AnnAssign)]
    return [
        Slot(one.target.id, number, one.value)
        for number, one in enumerate(fields)
        if isinstance(one.target, ast.Name)
    ]


def _parameters(function: Function) -> list[Slot]:
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    if positional and positional[0].arg in ("self", "cls"):
        positional = positional[1:]
    without = len(positional) - len(arguments.defaults)
    slots = [
        Slot(one.arg, number, arguments.defaults[number - without] if number >= without else None)
        for number, one in enumerate(positional)
    ]
    return slots + [
        Slot(one.arg, None, default)
        for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    ]


def _assigned(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Each target of an assignment with its value."""
    if isinstance(node, ast.Assign):
        yield from ((target, node.value) for target in node.targets)
    elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None:
        yield node.target, node.value


def _named(node: ast.AST, name: str) -> Iterator[tuple[ast.expr, int | None]]:
    """Where a name gets a value: the value, and which part of it, if it is taken apart."""
    pairs = list(_assigned(node))
    if isinstance(node, ast.For | ast.comprehension):
        over = node.iter.elts if isinstance(node.iter, ast.Tuple | ast.List) else [node.iter]
        pairs += [(node.target, one) for one in over]
    for target, value in pairs:
        if isinstance(target, ast.Name) and target.id == name:
            yield value, None
        elif isinstance(target, ast.Tuple):
            for number, one in enumerate(target.elts):
                if isinstance(one, ast.Name) and one.id == name:
                    yield value, number
