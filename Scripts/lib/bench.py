#!/usr/bin/env python3
"""Times mongoferry against bare libmongoc loops, and against MongoDB's own tools where they are installed.

usage: bench.py BIN URI FOLDER [--pairs N] [--only PART]… [--quick]

BIN holds mongoferry, ferry-ledger, ferry-bench and bare-loops; FOLDER takes the files. Prints a report in Markdown.

Each measurement is a pair: what is measured and what it is compared with, one right after the other, A B A B …, so that
a drift of the machine's speed affects both. The report has the median of each pair's ratios, and the medians of wall
times, processor times and memory (the peak of the whole process, as the kernel counts it).
"""

import argparse
import json
import os
import platform
import shlex
import shutil
import statistics
import subprocess
import sys
import time

PARTS = ["codec", "export", "import", "compression", "latency", "memory"]


class Failed(Exception):
    """A step that did not work, so that its time would mean nothing."""


class Run:
    """The time and memory that one process took."""

    def __init__(self, wall, cpu, peak):
        self.wall, self.cpu, self.peak = wall, cpu, peak


class LocalServer:
    """One server on this machine, as a connection string names it."""

    def __init__(self, user, port, database, options):
        self.user, self.port, self.database, self.options = user, port, database, options

    @staticmethod
    def of(uri):
        """Parses a connection string; None if it names several servers, or none on this machine."""
        scheme, _, rest = uri.partition("://")
        place, _, options = rest.partition("?")
        authority, _, database = place.partition("/")
        user, at, hosts = authority.rpartition("@")
        host, _, port = hosts.partition(":")
        if scheme != "mongodb" or host not in ("localhost", "127.0.0.1"):
            return None
        return LocalServer(user + at, int(port or 27017), database, options.split("&") if options else [])

    def through(self, port):
        """A connection string that leads through a proxy: direct, since the server's own name would lead around it."""
        others = [one for one in self.options if one.partition("=")[0].lower() not in ("replicaset", "directconnection")]
        return f"mongodb://{self.user}127.0.0.1:{port}/{self.database}?{'&'.join(others + ['directConnection=true'])}"


class Bench:
    # Short runs are repeated more often, since noise affects them more: for this many seconds, this often at most.
    SECONDS, MOST_PAIRS = 10, 25

    def __init__(self, arguments):
        self.bin, self.uri, self.folder = arguments.bin, arguments.uri, arguments.folder
        self.pairs = arguments.pairs
        self.seconds = 0 if arguments.quick else self.SECONDS
        self.rows = []

    # --- Running -------------------------------------------------------------------------------------------------------

    def program(self, name):
        return os.path.join(self.bin, name)

    def file(self, name):
        return os.path.join(self.folder, name)

    def run(self, command):
        """Runs a command to its end; a failure ends the whole measurement, since its time would mean nothing."""
        with open(self.file("output"), "w+") as log:
            start = time.monotonic()
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.monotonic() - start
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode != 0:
                log.seek(0)
                # The connection string may contain a password.
                text = f"{' '.join(command)}\n{log.read()[-2000:]}".replace(self.uri, "URI")
                raise Failed(f"exit status {process.returncode}: {text}")
        return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)

    def ferry(self, *words):
        return [self.program("mongoferry"), *words, "--quiet", "--config", self.file("references.yaml")]

    def export(self, database, path, *words, uri=None):
        return self.ferry("export", "--uri", uri or self.uri, "--db", database, "-o", path, "--force", *words)

    def load(self, path, database, mode, *words, uri=None):
        return self.ferry("import", path, "--uri", uri or self.uri, "--db", database, "--mode", mode, "--yes", *words)

    def drain(self, database, uri=None):
        return [self.program("bare-loops"), "drain", uri or self.uri, database, self.file(database + ".bson")]

    def fill(self, source, target, uri=None):
        return [self.program("bare-loops"), "fill", uri or self.uri, target, self.file(source + ".bson"), source]

    def ledger(self, *words):
        return self.run([self.program("ferry-ledger"), *words, "--uri", self.uri])

    def drop(self, database):
        self.ledger("drop", "--db", database)

    def clean_up(self, databases):
        """Drops the databases and those made from them; reports those that cannot be dropped."""
        for database in databases:
            for name in (database, database + "_new", database + "_bare"):
                try:
                    self.drop(name)
                except Failed as error:
                    print(f"bench.py: {name} is left on the server: {error}", file=sys.stderr)

    # --- Pairs ---------------------------------------------------------------------------------------------------------

    def pair(self, ours, theirs, before_ours=None, before_theirs=None, warm=0):
        mine, others = [], []
        start = time.monotonic()
        for number in range(warm + max(self.pairs, self.MOST_PAIRS)):
            if number >= warm + self.pairs and time.monotonic() - start > self.seconds:
                break
            if before_ours:
                before_ours()
            first = self.run(ours)
            if before_theirs:
                before_theirs()
            second = self.run(theirs)
            if number >= warm:
                mine.append(first)
                others.append(second)
        return mine, others

    def note(self, what, mine, others=None, against="", size=None):
        row = {
            "what": what,
            "wall": statistics.median(run.wall for run in mine),
            "cpu": statistics.median(run.cpu for run in mine),
            "peak": statistics.median(run.peak for run in mine),
            "size": size,
            "against": against,
        }
        if others:
            ratios = [one.wall / other.wall for one, other in zip(mine, others)]
            row["other"] = statistics.median(run.wall for run in others)
            row["ratio"] = statistics.median(ratios)
            row["range"] = (min(ratios), max(ratios))
        self.rows.append(row)
        print(self.line(row), file=sys.stderr, flush=True)
        return row

    @staticmethod
    def line(row):
        ratio = other = ""
        if "ratio" in row:
            ratio = f"**{row['ratio']:.2f}** ({row['range'][0]:.2f} to {row['range'][1]:.2f})"
            other = f"{row['other']:.2f} s {row['against']}"
        size = "" if row["size"] is None else f"{row['size'] / 1e6:.0f} MB"
        return (
            f"| {row['what']} | {row['wall']:.2f} s | {row['cpu']:.2f} s | {row['peak']:.0f} MB | {size} | {other} "
            f"| {ratio} |"
        )

    def table(self, title, text, body):
        start = len(self.rows)
        print(f"# {title}", file=sys.stderr, flush=True)
        body()
        print(f"\n## {title}\n\n{text}\n")
        print("| what | wall | processor | peak memory | file | against | ratio of wall times |")
        print("|---|---|---|---|---|---|---|")
        for row in self.rows[start:]:
            print(self.line(row))
        sys.stdout.flush()

    # --- What is measured ----------------------------------------------------------------------------------------------

    def measure_export(self, name, label):
        path = self.file(name + ".csv")
        mine, others = self.pair(self.export(name, path), self.drain(name), warm=1)
        self.note(f"export, {label}", mine, others, "bare drain", os.path.getsize(path))
        if label.startswith("ledger"):
            without = self.unconfigured(self.export(name, path))
            mine, others = self.pair(without, self.drain(name))
            self.note(f"export that discovers references first, {label}", mine, others, "bare drain")
        self.peers_export(name, label, mine)

    def peers_export(self, name, label, ours):
        if shutil.which("mongodump"):
            command = ["mongodump", "--uri", self.uri, "--db", name, "--archive=" + self.file(name + ".dump"), "--quiet"]
            runs = [self.run(command) for _ in ours]
            self.note(f"mongodump, {label}", runs, ours, "mongoferry export")
        if shutil.which("mongoexport"):
            runs = [self.run(self.each_collection(
                name, "mongoexport", name, "--jsonFormat=canonical", "-o")) for _ in ours]
            self.note(f"mongoexport, {label}", runs, ours, "mongoferry export")

    def peers_import(self, name, label, target, ours):
        """Must follow `peers_export`, whose files it uses."""
        def measure(what, command):
            runs = []
            for _ in ours:
                self.drop(target)
                runs.append(self.run(command))
            self.note(f"{what}, {label}", runs, ours, "mongoferry replace")

        dump = self.file(name + ".dump")
        if shutil.which("mongorestore") and os.path.exists(dump):
            measure("mongorestore", ["mongorestore", "--uri", self.uri, "--archive=" + dump, "--quiet",
                                     f"--nsFrom={name}.*", f"--nsTo={target}.*"])
        if shutil.which("mongoimport") and shutil.which("mongoexport"):
            # Without indexes: the files have none.
            if all(os.path.exists(self.json_file(name, one)) for one in self.names(name)):
                measure("mongoimport", self.each_collection(name, "mongoimport", target, "--file"))

    def each_collection(self, name, tool, database, *words):
        """One command that runs a tool for each collection of a database, one after the other, with its file."""
        commands = [
            [tool, "--uri", self.uri, "--db", database, "-c", one, "--quiet", *words, self.json_file(name, one)]
            for one in self.names(name)]
        return ["sh", "-c", " && ".join(shlex.join(command) for command in commands)]

    def json_file(self, name, collection):
        return self.file(f"{name}.{collection}.json")

    def names(self, database):
        """The names of the collections in the database."""
        plan = subprocess.run(
            self.unconfigured(self.ferry("plan", "--uri", self.uri, "--db", database, "--format", "json")), check=True,
            capture_output=True, text=True).stdout
        return [collection["name"] for collection in json.loads(plan)["collections"]]

    def unconfigured(self, command):
        open(self.file("empty.yaml"), "w").write("collections: {}\n")
        return [word if word != self.file("references.yaml") else self.file("empty.yaml") for word in command]

    def measure_import(self, name, label):
        path, target, bare = self.file(name + ".csv"), name + "_new", name + "_bare"
        size = os.path.getsize(path)
        drop_target, drop_bare = (lambda: self.drop(target)), (lambda: self.drop(bare))
        fill = self.fill(name, bare)
        replaced, filled = self.pair(self.load(path, target, "replace"), fill, drop_target, drop_bare)
        self.note(f"replace, {label}", replaced, filled, "bare fill and indexes", size)
        merged, replaced = self.pair(
            self.load(path, target, "merge"), self.load(path, target, "replace"), drop_target, drop_target)
        self.note(f"merge into nothing, {label}", merged, replaced, "replace", size)
        equal, exported = self.pair(self.load(path, target, "merge"), self.export(target, self.file("again.csv")))
        self.note(f"merge of equal data, {label}", equal, exported, "export", size)
        changed, filled = self.pair(
            self.load(path, target, "merge"), fill, lambda: self.ledger("touch", "--db", target), drop_bare)
        self.note(f"merge, 1 % changed, {label}", changed, filled, "bare fill and indexes", size)
        self.peers_import(name, label, target, replaced)
        drop_target()
        drop_bare()

    def measure_compression(self, name, label):
        plain = self.export(name, self.file(name + ".csv"))
        for ending in ("zst", "gz"):
            path = self.file(f"{name}.csv.{ending}")
            mine, others = self.pair(self.export(name, path), plain)
            self.note(f"export to .{ending}, {label}", mine, others, "export", os.path.getsize(path))
        target = name + "_new"
        mine, others = self.pair(
            self.load(self.file(name + ".csv.zst"), target, "replace"),
            self.load(self.file(name + ".csv"), target, "replace"))
        self.note(f"replace from .zst, {label}", mine, others, "replace", os.path.getsize(self.file(name + ".csv.zst")))
        self.drop(target)

    def measure_latency(self, name, label, delays=(5, 20), replaces=True):
        server = LocalServer.of(self.uri)
        if server is None:
            print("bench.py: latency is not measured: the proxy is for one server on this machine", file=sys.stderr)
            return
        here = os.path.dirname(os.path.abspath(__file__))
        path, target = self.file(name + ".csv"), name + "_new"
        proxies = {}
        for delay in (0, *delays):
            process = subprocess.Popen(
                [sys.executable, os.path.join(here, "slow_proxy.py"), str(server.port), str(delay)], stdout=subprocess.PIPE,
                text=True)
            proxies[delay] = (process, server.through(int(process.stdout.readline())))
        try:
            near = proxies[0][1]
            if not replaces:
                self.run(self.load(path, target, "replace", uri=near))
            for delay in delays:
                far = proxies[delay][1]
                mine, others = self.pair(
                    self.export(name, path, uri=far), self.export(name, path, uri=near))
                self.note(f"export, {label}, {delay} ms", mine, others, "0 ms")
                if replaces:
                    mine, others = self.pair(
                        self.load(path, target, "replace", uri=far), self.load(path, target, "replace", uri=near))
                    self.note(f"replace, {label}, {delay} ms", mine, others, "0 ms")
                mine, others = self.pair(
                    self.load(path, target, "merge", uri=far), self.load(path, target, "merge", uri=near))
                self.note(f"merge of equal data, {label}, {delay} ms", mine, others, "0 ms")
        finally:
            for process, _ in proxies.values():
                process.terminate()
                process.wait()
        self.drop(target)

    def measure_memory(self, name, label):
        path, target = self.file(name + ".csv"), name + "_new"
        self.note(f"export, {label}", [self.run(self.export(name, path))], size=os.path.getsize(path))
        for mode in ("replace", "merge"):
            self.note(f"{mode}, {label}", [self.run(self.load(path, target, mode))])
        self.note(f"verify of the file, {label}", [self.run(self.ferry("verify", path))])
        self.note(
            f"verify against the database, {label}",
            [self.run(self.ferry("verify", path, "--uri", self.uri, "--db", target))])
        self.drop(target)


def machine():
    model = "unknown processor"
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    memory = int(next(line for line in open("/proc/meminfo") if line.startswith("MemTotal")).split()[1]) / 1e6
    return f"{os.cpu_count()} cores of {model}, {memory:.0f} GB, {platform.system()} {platform.release()}"


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1])
    parser.add_argument("bin")
    parser.add_argument("uri")
    parser.add_argument("folder")
    parser.add_argument("--pairs", type=int, default=5, help="at least so many")
    parser.add_argument("--only", action="append", choices=PARTS)
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    bench = Bench(arguments)
    # References come from a configuration, as in the demo; without one, an export first samples the data for them.
    # Nothing is excluded, since the bare loops read everything.
    ledger = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../Tests/InsuranceLedger/mongoferry.yaml")
    lines = [line for line in open(ledger) if not line.startswith("exclude")]
    open(bench.file("references.yaml"), "w").writelines(lines)
    wanted = arguments.only or PARTS
    # Scale 1 of the ledger is about 33,000 documents.
    # The names belong to this run alone, since filling a database drops what it held.
    prefix = f"mongoferry_bench_{os.getpid()}_"
    scales = [("small", 0.3), ("large", 1.0)] if arguments.quick else [("small", 1.5), ("medium", 5.0), ("large", 15.0)]
    sizes = [(prefix + name, scale) for name, scale in scales]
    labels = {name: f"ledger of {scale * 32.95:.0f},000 documents" for name, scale in sizes}
    many, many_label = prefix + "many", "2,000,000 small documents"
    huge, huge_label = prefix + "huge", "20 documents of 16 MiB"
    large = sizes[-1][0]

    version = subprocess.run([bench.program("mongoferry"), "--version"], capture_output=True, text=True).stdout.strip()
    peers = [name for name in ("mongodump", "mongorestore", "mongoexport", "mongoimport") if shutil.which(name)]
    print(f"{version}, on {machine()}; {time.strftime('%Y-%m-%d')}. Client and server share the machine.")
    print(f"MongoDB's own tools on this machine: {', '.join(peers) or 'none are installed'}.")

    if "codec" in wanted:
        print("\n## Codec\n\nOne thread, the ledger's documents; `ferry-bench codec`.\n", flush=True)
        print("```")
        print(subprocess.run(
            [bench.program("ferry-bench"), "codec", "--scale", "0.5"], check=True, capture_output=True,
            text=True).stdout.strip())
        print("```")
    every = list(labels.items()) + ([] if arguments.quick else [(many, many_label), (huge, huge_label)])
    try:
        for name, scale in sizes:
            bench.ledger("fill", "--force", "--db", name, "--scale", str(scale))
        if not arguments.quick:
            bench.ledger("small", "--force", "--db", many)
            bench.ledger("huge", "--force", "--db", huge)
        if "export" in wanted:
            bench.table(
                "Export", "Against a bare cursor loop that writes raw BSON.",
                lambda: [bench.measure_export(name, label) for name, label in every])
        else:
            for name, _ in every:
                bench.run(bench.export(name, bench.file(name + ".csv")))
                bench.run(bench.drain(name))
        if "import" in wanted:
            bench.table(
                "Import", "The bare fill is a 2-thread `insert_many` of the same raw BSON and the same index builds.",
                lambda: [bench.measure_import(name, label) for name, label in every])
        if "compression" in wanted:
            bench.table("Compression", "Against the same without.", lambda: bench.measure_compression(large, labels[large]))
        if "latency" in wanted:
            def measure_latency():
                bench.measure_latency(large, labels[large])
                if not arguments.quick:
                    # Longer runs, which pay for the same round trips.
                    bench.measure_latency(many, many_label, delays=(5,), replaces=False)

            bench.table(
                "Latency", "What a round trip takes more, added by a proxy; against the same proxy without.",
                measure_latency)
        if "memory" in wanted and not arguments.quick:
            bench.ledger("small", "--force", "--db", many, "--count", "5000000")
            bench.table(
                "Five million documents in one collection", "One run each.",
                lambda: bench.measure_memory(many, "5,000,000 small documents"))
    finally:
        bench.clean_up(name for name, _ in every)


if __name__ == "__main__":
    try:
        main()
    except Failed as error:
        sys.exit(f"bench.py: {error}")
