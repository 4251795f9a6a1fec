"""Walls around single modules: sizes, the clock, AWS clients, scans, addresses."""

import ast
import re
from collections.abc import Iterator

from tests.architecture.code import Project, dotted, texts

FILE_LINES, FUNCTION_LINES = 400, 40
KERNEL = {"market": (14, 1_775), "guard": (10, 1_400)}
"""Modules and lines of the kernel, and of what stands before every request."""
_CLOCKS = re.compile(
    r"(^|\.)(datetime\.(now|utcnow|today)|date\.today|time\.(time|time_ns|gmtime|localtime|ctime|strftime))$"
)
_CHANCE = frozenset({"random", "secrets", "uuid"})
_REGISTRIES = re.compile(
    "|".join(re.escape(host) for host in ("py" + "pi.org", "python" + "hosted.org", "npm" + "js.org", "npm" + "js.com"))
)
_MACHINE = re.compile(r"(?<![\w.:/$}-])/(?:work|home|root|Users|tmp/[a-z])/[\w.-]+")
_LOCKS = re.compile(r"(^|/)(package-lock\.json|requirements[^/]*\.txt|requirements/[^/]*\.txt)$")
_ADDRESS = re.compile(r'^\s*"resolved"|^--(extra-)?index-url|^--find-links|^[^#"]*https?://')


def files_and_functions_are_short(project: Project) -> Iterator[str]:
    for module in project.python:
        lines = module.text.count("\n")
        if lines > FILE_LINES:
            yield f"{module.at(FILE_LINES)} has {lines} lines"
        for node in ast.walk(ast.parse(module.text)):  # of the whole repository: not kept
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
                length = node.end_lineno - node.lineno + 1
                if length > FUNCTION_LINES:
                    yield f"{module.at(node.lineno)} {node.name} has {length} lines"


def the_kernel_is_small(project: Project) -> Iterator[str]:
    for package, (most, longest) in KERNEL.items():
        modules = [module for module in project.kernel if module.path.parent.name == package]
        names = [module.name for module in modules if module.name != "__init__"]
        lines = sum(module.text.count("\n") for module in modules)
        if len(names) > most:
            yield f"{modules[0].at(1)} and its like are {len(names)} modules: {' '.join(names)}"
        if lines > longest:
            yield f"{modules[0].at(1)} and its like have {lines} lines"


def nothing_scans(project: Project) -> Iterator[str]:
    for module in project.deployed:
        for call in module.calls():
            if isinstance(call.func, ast.Attribute) and call.func.attr == "scan":
                yield f"{module.at(call.lineno)} scans"
        for text, line in texts(module):
            if text in ("Scan", "scan", "dynamodb:Scan"):
                yield f"{module.at(line)} names the operation {text}"


def the_clock_is_asked(project: Project) -> Iterator[str]:
    for module in project.deployed:
        if module.owner == "market" and module.name == "clock":
            continue
        for node in module.nodes:
            if isinstance(node, ast.Attribute) and _CLOCKS.search(dotted(node)):
                yield f"{module.at(node.lineno)} asks {dotted(node)} for the time; market.clock tells it"
        for imported in module.imports:
            if imported.source == "time" and imported.name in ("time", "time_ns"):
                yield f"{module.at(imported.line)} imports {imported.name}; market.clock tells the time"


def chance_comes_from_ids(project: Project) -> Iterator[str]:
    """Randomness is replaceable: `market.ids` gives it. The pauses between two tries of the table may be random."""
    for module in project.deployed:
        allowed = (
            {"ids": {"secrets"}, "table": {"random"}}.get(module.name, set()) if module.owner == "market" else set()
        )
        for imported in module.imports:
            if imported.package in _CHANCE - allowed:
                yield f"{module.at(imported.line)} imports {imported.package}; market.ids is replaceable"


def clients_come_from_config(project: Project) -> Iterator[str]:
    for module in project.deployed:
        if module.owner == "market" and module.name == "config":
            continue
        for imported in module.imports:
            if imported.package == "boto3" or imported.source == "botocore.session":
                yield f"{module.at(imported.line)} imports {imported.source}; market.config makes the clients"


def settings_come_from_config(project: Project) -> Iterator[str]:
    for module in project.deployed:
        if module.owner == "market" and module.name == "config":
            continue
        for node in module.nodes:
            if isinstance(node, ast.Attribute) and dotted(node) in ("os.environ", "os.getenv"):
                yield f"{module.at(node.lineno)} reads the environment; market.config does that"
        for imported in module.imports:
            if imported.source == "os" and imported.name in ("environ", "getenv"):
                yield f"{module.at(imported.line)} imports {imported.name}; market.config reads the environment"


def files_name_no_registry_and_no_machine(project: Project) -> Iterator[str]:
    for path in project.files:
        try:
            lines = path.read_text().splitlines()
        except UnicodeDecodeError:
            continue
        locked = _LOCKS.search(str(path.relative_to(project.root)))
        for number, line in enumerate(lines, 1):
            where = f"{path.relative_to(project.root)}:{number}"
            if found := _REGISTRIES.search(line) or _MACHINE.search(line):
                yield f"{where} names {found[0]}"
            if locked and _ADDRESS.search(line):
                yield f"{where} is locked to an address"
