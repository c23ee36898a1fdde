"""Code, SQL and other languages under grammars in Lark.

No terminal is a keyword that begins a longer one, so that all readers of Lark agree on the texts.
"""

from __future__ import annotations

from bench.wild.tasks.task import Task, chat

_SQL = r"""
start: "SELECT " columns " FROM " table where? order? ";"
columns: "*" | column (", " column)*
column: "name" | "age" | "city" | "salary" | "COUNT(*)"
table: "employees" | "customers"
where: " WHERE " condition (" AND " condition)*
condition: field " = " STRING | number_field OPERATOR NUMBER
field: "name" | "city"
number_field: "age" | "salary"
order: " ORDER BY " number_field (" DESC" | " ASC")?
OPERATOR: " > " | " < " | " = "
STRING: /'[A-Za-z ]{1,30}'/
NUMBER: /[0-9]{1,6}/
"""

_EXPRESSION = r"""
start: "def " NAME "(" NAME (", " NAME)* "):\n    return " sum
sum: product ((" + " | " - ") product)*
product: atom ((" * " | " / ") atom)*
atom: NAME | NUMBER | "(" sum ")"
NAME: /[a-z_]{1,16}/
NUMBER: /[0-9]{1,4}/
"""

_COMMIT = r"""
start: KIND scope? ": " SUBJECT body?
KIND: "feat" | "fix" | "docs" | "test"
scope: "(" SCOPE ")"
SCOPE: /[a-z]{2,12}/
SUBJECT: /[a-z][a-zA-Z0-9 ,'-]{5,60}/
body: "\n\n" LINE ("\n" LINE)*
LINE: /- [A-Za-z][a-zA-Z0-9 ,.'-]{5,60}/
"""

_CSS = r"""
start: SELECTOR " {\n" declaration+ "}"
declaration: "  " (color | size | WORDS) ";\n"
color: ("color" | "background-color") ": " COLOR
size: ("font-size" | "padding" | "margin") ": " SIZE
WORDS: /text-align: (left|center|right)/
COLOR: /#[0-9a-f]{6}|red|blue|green|white|black/
SIZE: /[0-9]{1,3}px/
SELECTOR: /[.#]?[a-z][a-z-]{0,20}/
"""

_HTML = r"""
start: "<ul>\n" item+ "</ul>"
item: "  <li>" content "</li>\n"
content: TEXT | "<b>" TEXT "</b>" | "<a href=\"" URL "\">" TEXT "</a>"
TEXT: /[A-Za-z][A-Za-z0-9 ,.'-]{0,50}/
URL: /https:\/\/[a-z]{2,20}\.(com|org)/
"""

_CONFIG = r"""
start: section+
section: "[" NAME "]\n" pair+
pair: NAME " = " value "\n"
value: STRING | NUMBER | "true" | "false"
NAME: /[a-z_]{2,16}/
STRING: /"[A-Za-z0-9 .\/:_-]{0,40}"/
NUMBER: /[0-9]{1,5}/
"""

TASKS = (
    Task(
        "sql_question",
        chat(
            "Table employees(name, age, city, salary). Write the SQL query: the names of the "
            "employees in Berlin who are older than 30."
        ),
        "grammar",
        _SQL,
        64,
        invites=True,
        fields={
            "table": r"FROM (\w+)",
            "columns": r"SELECT (.*?) FROM",
            "city": r"city = '(.*?)'",
            "age": r"age > (\d+)",
        },
        answers={"table": "employees", "columns": "name", "city": "Berlin", "age": "30"},
    ),
    Task(
        "sql_unasked",
        "Which customers earn the most? Show name and salary, highest first.\n",
        "grammar",
        _SQL,
        64,
        invites=False,
        fields={"table": r"FROM (\w+)", "order": r"ORDER BY (\w+ ?\w*)"},
        answers={"table": "customers", "order": "salary DESC"},
    ),
    Task(
        "expression",
        "# Python\n# The area of a rectangle with the given width and height.\n",
        "grammar",
        _EXPRESSION,
        60,
        invites=True,
        fields={"returned": r"return (.*)", "name": r"def (\w+)"},
        answers={"returned": "width * height"},
    ),
    Task(
        "commit",
        chat(
            "Write a commit message: the login page crashed for empty passwords, and that is "
            "repaired now, with a test."
        ),
        "grammar",
        _COMMIT,
        96,
        invites=False,
        fields={"kind": r"^(\w+)", "body": r"\n\n(-)"},
        answers={"kind": "fix"},
    ),
    Task(
        "css",
        "/* CSS: a red, centered heading */\n",
        "grammar",
        _CSS,
        80,
        invites=True,
        fields={"selector": r"^(\S+)", "color": r" color: (\S+);", "align": r"align: (\w+)"},
        answers={"color": "red", "align": "center"},
    ),
    Task(
        "html",
        chat("Give me a list of three fruits."),
        "grammar",
        _HTML,
        96,
        invites=False,
        fields={"first": r"<li>(?:<[^>]*>)?([A-Za-z]+)", "markup": r"<li><(\w)"},
    ),
    Task(
        "config",
        "A config file in TOML for a web server on port 8080, with debug switched off.\n\n",
        "grammar",
        _CONFIG,
        80,
        invites=True,
        fields={"section": r"^\[(\w+)\]", "port": r"port = (\w+)", "debug": r"debug = (\w+)"},
        answers={"port": "8080", "debug": "false"},
    ),
)
