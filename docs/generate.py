"""Reference pages out of the code: settings, commands, reasons, the SQL schema, Dags. `python docs/generate.py` too."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import typer.main
from pydantic.fields import FieldInfo

from hdqm_ops.cli import app
from hdqm_ops.deploy import DeploySettings
from hdqm_ops.model import Reason
from hdqm_ops.settings import as_markdown, shipped

_COMMENT = re.compile(
    r"^COMMENT ON (?P<kind>TABLE|VIEW|FUNCTION|COLUMN|SCHEMA) hdqm(?:\.(?P<name>[^\s(]+))?(?P<arguments>\([^)]*\))?"
    r"\s+IS\s+(?P<text>(?:'(?:[^']|'')*'\s*)+);",
    re.MULTILINE,
)


def write(folder: Path) -> None:
    """Write the pages into ``folder``; one that would not change keeps its time."""
    folder.mkdir(parents=True, exist_ok=True)  # a fresh clone has none
    for name, text in pages().items():
        file = folder / name
        if not file.exists() or file.read_text() != text:
            file.write_text(text)


def pages() -> dict[str, str]:
    """File name → page."""
    return {
        "settings.md": _settings(),
        "commands.md": "\n".join(_commands()),
        "reasons.md": _reasons(),
        "sql.md": _sql(),
        "dags.md": _dags(),
    }


# -- settings ----------------------------------------------------------------------------------------------------------


def _settings() -> str:
    rows = [_row(name, field) for name, field in DeploySettings.model_fields.items()]
    return (
        "# Settings\n\nFrom the environment, else from `$HDQM_HOME/settings.env`, else the default.\n\n"
        f"{as_markdown()}\n\n## Only for setting up a server\n\n"
        "`hdqm deploy init` and `init-grafana` read these; `docker-compose.yml` gives them.\n\n"
        "| variable | default | what it says |\n|---|---|---|\n" + "\n".join(rows) + "\n"
    )


def _row(name: str, field: FieldInfo) -> str:
    default = "" if field.is_required() or field.default is None else f"`{field.default}`"
    return f"| `HDQM_DEPLOY_{name.upper()}` | {default} | {field.description} |"


# -- commands ----------------------------------------------------------------------------------------------------------


def _commands() -> Iterator[str]:
    yield "# Commands\n\n`--help` on each says the same. Results and `--json` go to stdout, all else to stderr.\n"
    yield from _command(typer.main.get_command(app), "hdqm", 2)


def _command(command: object, path: str, level: int) -> Iterator[str]:
    children = getattr(command, "commands", {})
    yield f"{'#' * min(level, 4)} {path}\n\n{_plain(getattr(command, 'help', '') or '')}\n"
    rows = [_parameter(parameter) for parameter in getattr(command, "params", ()) if parameter.name != "help"]
    if rows:
        yield "| argument or option | default | |\n|---|---|---|\n" + "\n".join(rows) + "\n"
    for name in sorted(children):
        yield from _command(children[name], f"{path} {name}", level + 1)


def _parameter(parameter: object) -> str:
    names = [*getattr(parameter, "opts", ()), *getattr(parameter, "secondary_opts", ())]
    shown = f"`{', '.join(names)}`" if names and names[0].startswith("-") else f"*{' '.join(names)}*"
    default = getattr(parameter, "default", None)
    told = "" if default in (None, False, (), "", []) or callable(default) else f"`{default}`"
    return f"| {shown} | {told} | {_plain(getattr(parameter, 'help', '') or '')} |"


def _plain(text: str) -> str:
    """In a cell of a table, or a paragraph: no line breaks, no bars, no HTML."""
    joined = " ".join(text.split()).replace("|", "\\|").replace("<", "\\<")
    return joined.replace("*", "\\*").replace("_", "\\_") if "`" not in joined else joined


# -- reasons, SQL, Dags ------------------------------------------------------------------------------------------------


def _reasons() -> str:
    rows = "\n".join(f"| `{reason.code}` | {_plain(reason.meaning)} |" for reason in Reason)
    return (
        "# Reasons for gaps\n\nA trend point without a value says why, in its column `status`; `hdqm.reasons` holds "
        f"the same list.\n\n| status | meaning |\n|---|---|\n{rows}\n"
    )


def _sql() -> str:
    """All that carries a comment, of the last migration that gives it one."""
    told: dict[tuple[str, str], str] = {}
    for file in sorted((shipped("sql") / "migrations").glob("*.sql")):
        for found in _COMMENT.finditer(file.read_text()):
            text = "".join(re.findall(r"'((?:[^']|'')*)'", found["text"])).replace("''", "'")
            told[(found["kind"], (found["name"] or "") + (found["arguments"] or ""))] = text
    introduction = (
        "# The SQL schema\n\nEverything in schema `hdqm` says what it is: `\\d+ hdqm.trend_points` in psql shows the "
        "same. Views are for everybody and stay; tables are ours to change.\n"
    )
    parts = [introduction, *_section("Views", "VIEW", told)]
    parts += ["## Functions\n", "| function | what it gives |", "|---|---|"]
    parts += [f"| `{name}` | {_plain(text)} |" for (kind, name), text in sorted(told.items()) if kind == "FUNCTION"]
    parts += ["", *_section("Tables", "TABLE", told)]
    return "\n".join(parts) + "\n"


def _section(title: str, kind: str, told: dict[tuple[str, str], str]) -> Iterator[str]:
    yield f"## {title}\n"
    for (found, name), text in sorted(told.items()):
        if found == kind:
            columns = [
                f"| `{column.partition('.')[2]}` | {_plain(says)} |"
                for (what, column), says in told.items()
                if what == "COLUMN" and column.partition(".")[0] == name
            ]
            yield f"### {name}\n\n{_plain(text)}\n"
            if columns:
                yield "| column | |\n|---|---|\n" + "\n".join(columns) + "\n"


def _dags() -> str:
    """The docstring of each Dag file is its page in Airflow, and its section here."""
    parts = ["# Dags\n\nWhat each Dag reads and writes, and what to do when it fails. Airflow shows the same.\n"]
    for file in sorted(shipped("dags").glob("*.py")):
        text = ast.get_docstring(ast.parse(file.read_text())) or ""
        # The page's own headings lie one below the Dag's name.
        body = re.sub(r"^#+ .*\n", "", text, count=1).strip()
        parts.append(f"## {file.stem}\n\n{re.sub(r'^#+ ', '### ', body, flags=re.MULTILINE)}\n")
    return "\n".join(parts)


if __name__ == "__main__":
    write(Path(__file__).parent / "reference")
