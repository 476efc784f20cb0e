#!/usr/bin/env python3
"""Writes the man pages from what the program says about itself, so that they cannot be out of date.

    mongoferry --experimental-dump-help | Scripts/lib/manpages.py FOLDER VERSION DOCUMENTATION

DOCUMENTATION is the folder in which the program's documentation is installed. FOLDER gets mongoferry.1 and one page a
command, in mdoc(7), which groff's and mandoc's man both know.
"""

import datetime
import json
import os
import re
import sys

PROBLEMS = {
    "import": "Problems in the data were found: a damaged file, rows or indexes that were refused, and what else is warned "
    "of in what was written; with --fail-on-dangling also references that lead nowhere.",
    "verify": "Problems in the data were found: a damaged file, bad rows, differences, references that lead nowhere.",
    "inspect": "The file is damaged, as far as can be seen without reading all of it.",
    "plan": "The file is damaged, or cannot be read to its end.",
}


def exit_status(problems):
    return [
        ("0", "It is done."),
        ("1", "It could not be done; the message says what state things are in."),
        *([("2", problems)] if problems else []),
        ("64", "The command was used wrongly."),
        ("130", "It was interrupted."),
    ]


ENVIRONMENT = [
    ("MONGODB_URI", "The connection string, where neither --uri nor --uri-file is given."),
    ("NO_COLOR", "No colours, where it is set and not empty."),
    ("TMPDIR", "Where standard input is kept until it has been checked."),
]
if len(sys.argv) != 4:
    sys.exit(__doc__)
DOCUMENTATION = sys.argv[3]
FILES = [
    ("mongoferry.yaml", "The configuration, where it lies in the working folder and --config names no other."),
    (f"{DOCUMENTATION}/configuration.md", "What may stand in it."),
    (f"{DOCUMENTATION}/restoring.md", "How to restore, and what state things are in after each kind of stop."),
    (f"{DOCUMENTATION}/troubleshooting.md", "What errors mean, and how the rows of a damaged file are recovered."),
]


def escaped(text):
    """Escapes text so that roff prints it unchanged."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    text = "".join(c if ord(c) < 128 else "\\[u%04X]" % ord(c) for c in text)
    # A period or an apostrophe at its start would make the line a request.
    return "\\&" + text if text.startswith((".", "'")) else text


def word(text):
    """Escapes text as an argument of a macro, so that words that are names of macros lose that meaning."""
    return " ".join("\\&" + escaped(part) for part in text.split(" "))


def paragraph(text):
    """Prose as lines; each sentence starts a new one, as mdoc wants it."""
    lines = []
    for sentence in re.split(r"(?<=[.?!])\s+(?=[A-Z-])", " ".join(text.split())):
        line = ""
        for part in sentence.split(" "):
            if line and len(line) + len(part) > 72:
                lines.append(escaped(line))
                line = part
            else:
                line = f"{line} {part}".strip()
        lines.append(escaped(line))
    return lines


def flags(argument):
    """The names of an option, such as -o and --output, and its value, each as the words of a macro."""
    value = [] if argument["kind"] == "flag" else ["Ar", word(argument["valueName"])]
    names = []
    for name in sorted(argument["names"], key=lambda name: name["kind"] == "long"):
        names.append(("Fl", "\\-" + escaped(name["name"]) if name["kind"] == "long" else escaped(name["name"])))
    return names, value


def synopsis(argument):
    if argument["kind"] == "positional":
        text = ["Ar", word(argument["valueName"])]
    else:
        names, value = flags(argument)
        text = [*names[0], *value]
    if argument["isOptional"]:
        text = ["Op", *text]
    return "." + " ".join(text) + (" ..." if argument["isRepeating"] else "")


def item(argument):
    if argument["kind"] == "positional":
        head = ".It Ar " + word(argument["valueName"])
    else:
        names, value = flags(argument)
        head = ".It " + " , ".join(" ".join(name) for name in names) + (" " + " ".join(value) if value else "")
    text = argument.get("abstract", "").strip() or argument["valueName"]
    default = argument.get("defaultValue")
    if default and "default" not in text.lower():
        text += f" Default: {default}."
    lines = [head, *paragraph(text)]
    meanings = argument.get("allValueDescriptions")
    if meanings:
        lines += [".Bl -tag -width Ds -compact"]
        for value in argument["allValues"]:
            lines += [f".It Cm {word(value)}", *paragraph(meanings[value])]
        lines += [".El"]
    return lines


def listed(title, arguments):
    if not arguments:
        return []
    lines = [f".Sh {title}", ".Bl -tag -width Ds"]
    for argument in arguments:
        lines += item(argument)
    return lines + [".El"]


def defined(title, macro, entries):
    lines = [f".Sh {title}", ".Bl -tag -width Ds"]
    for name, text in entries:
        lines += [f".It {macro} {word(name)}".replace("  ", " "), *paragraph(text)]
    return lines + [".El"]


def described(text):
    """Splits a discussion into its prose and the examples at its end."""
    prose, examples = [], []
    in_examples = False
    for line in (text or "").splitlines():
        if re.fullmatch(r"Examples?:", line.strip()):
            in_examples = True
        elif in_examples and (line.startswith("  ") or not line.strip()):
            examples.append(line[2:])
        else:
            in_examples = False
            prose.append(line)
    return "\n".join(prose).strip(), "\n".join(examples).strip("\n").splitlines()


def prose_lines(text):
    lines = []
    for number, part in enumerate(re.split(r"\n\s*\n", text)):
        if number:
            lines.append(".Pp")
        lines += paragraph(part)
    return lines


def literal(lines):
    return [".Bd -literal -offset indent", *[escaped(line) for line in lines], ".Ed"]


def head(name, abstract, version):
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    day = datetime.datetime.fromtimestamp(int(epoch), datetime.timezone.utc) if epoch else datetime.datetime.now()
    abstract = abstract.strip().rstrip(".")
    return [
        f".Dd {day.strftime('%B')} {day.day}, {day.year}",
        f".Dt {name.upper()} 1",
        f".Os {version}",
        ".Sh NAME",
        f".Nm {name}",
        # This does not start a sentence.
        f".Nd {escaped(abstract[0].lower() + abstract[1:])}",
        ".Sh SYNOPSIS",
    ]


def see_also(names):
    references = sorted(names)
    return [".Sh SEE ALSO", *[f".Xr {name} 1{' ,' if name != references[-1] else ''}" for name in references]]


def command_page(command, common, names, version):
    name = f"mongoferry-{command['commandName']}"
    own = [a for a in command["arguments"] if a["shouldDisplay"] and argument_name(a) not in common]
    shared = [a for a in command["arguments"] if a["shouldDisplay"] and argument_name(a) in common]
    prose, examples = described(command.get("discussion"))
    lines = head(name, command["abstract"], version)
    lines += [f".Nm mongoferry {word(command['commandName'])}"]
    lines += [synopsis(a) for a in own if a["kind"] != "positional"]
    lines += [".Op Ar common options"]
    lines += [synopsis(a) for a in own if a["kind"] == "positional"]
    lines += [".Sh DESCRIPTION", *prose_lines(prose or command["abstract"])]
    lines += listed("ARGUMENTS", [a for a in own if a["kind"] == "positional"])
    lines += listed("OPTIONS", [a for a in own if a["kind"] != "positional"])
    lines += listed("COMMON OPTIONS", shared)
    lines += defined("ENVIRONMENT", "Ev", ENVIRONMENT) + defined("FILES", "Pa", FILES)
    lines += defined("EXIT STATUS", "Sy", exit_status(PROBLEMS.get(command["commandName"])))
    if examples:
        lines += [".Sh EXAMPLES", *literal(examples)]
    return name, lines + see_also([other for other in names if other != name])


def main_page(root, commands, names, version):
    lines = head("mongoferry", root["abstract"], version)
    lines += [".Nm mongoferry", ".Ar command", ".Op Ar options"]
    lines += [".Nm mongoferry", ".Fl \\-version", ".Nm mongoferry", ".Cm help", ".Op Ar command"]
    prose, _ = described(root.get("discussion"))
    lines += [".Sh DESCRIPTION", *prose_lines(root["abstract"] + "\n\n" + prose)]
    lines += [".Sh COMMANDS", ".Bl -tag -width Ds"]
    for command in commands:
        lines += [f".It Cm {word(command['commandName'])}", *paragraph(command["abstract"])]
        lines += ["See", f".Xr mongoferry-{command['commandName']} 1 ."]
    lines += [".El"]
    lines += defined("ENVIRONMENT", "Ev", ENVIRONMENT) + defined("FILES", "Pa", FILES)
    lines += defined("EXIT STATUS", "Sy", exit_status("Problems in the data were found; the page of each command says which."))
    lines += [
        ".Sh EXAMPLES",
        "Make a backup of a database, and restore it exactly as it was:",
        *literal(
            [
                "mongoferry export --db insurance -o insurance.csv.zst",
                "mongoferry verify insurance.csv.zst",
                "mongoferry import insurance.csv.zst --db insurance --mode replace",
            ]
        ),
    ]
    return "mongoferry", lines + see_also([name for name in names if name != "mongoferry"])


def argument_name(argument):
    return argument.get("preferredName", {}).get("name") or argument["valueName"]


def main():
    folder, version = sys.argv[1:3]
    root = json.load(sys.stdin)["command"]
    commands = [c for c in root["subcommands"] if c["shouldDisplay"] and c["commandName"] != "help"]
    # The options that every command has.
    common = set.intersection(*[{argument_name(a) for a in c["arguments"] if a["kind"] != "positional"} for c in commands])
    names = ["mongoferry"] + [f"mongoferry-{c['commandName']}" for c in commands]
    pages = [main_page(root, commands, names, version)]
    pages += [command_page(command, common, names, version) for command in commands]
    for name, lines in pages:
        with open(os.path.join(folder, f"{name}.1"), "w", encoding="ascii") as file:
            file.write("\n".join(lines) + "\n")


main()
