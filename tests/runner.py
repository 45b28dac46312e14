#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Runs the tests of the host and of the guests, reads their TAP, and adds up.

A guest case is an executable in tests/guest/cases (lib* are not cases) that prints TAP. Comment lines at its head say how to run it:
  # timeout: SECONDS      natively; three times that on slow engines (default 60)
  # engines: NAME...      where it can run (default: all)
  # slice: NAME...        where `make test` runs it (default: uml-debug qemu-6.1 qemu-6.12)
  # bare                  in a guest of its own in which nothing is loaded
  # peer: FILE            in a guest of its own, with another one as tests/guest/run --peer has it

Each line `ok`/`not ok` counts. What goes wrong outside of them counts as one more failure: a wrong plan, no plan, a
failing exit status with no failed line, the limit, a complaint of the kernel, a skip that does not say why.
"""

import argparse
import collections
import functools
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(TOP, "build")
CASES = os.path.join(TOP, "tests/guest/cases")
PROGRAMS = os.path.join(TOP, "tests/guest/programs")
RUN = os.path.join(TOP, "tests/guest/run")
LOGS = os.path.join(BUILD, "logs")

# name: arguments of tests/guest/run, its target of tests/guest/setup, how much slower than native, and whether it has two
# CPUs and one boot for all cases
ENGINES = {
    "uml": (["--engine", "uml"], "uml", 1, False),
    "uml-debug": (["--engine", "uml-debug"], "uml-debug", 3, False),
    "qemu-6.1": (["--engine", "qemu", "--kernel", "6.1"], "6.1", 3, True),
    "qemu-6.12": (["--engine", "qemu", "--kernel", "6.12"], "6.12", 3, True),
}
SLICE = ["uml-debug", "qemu-6.1", "qemu-6.12"]
HOST = [("unit", "tests/unit", "check", 900), ("fuzz", "tests/fuzz", "run", 900)]

began = time.time()
printing = threading.Lock()
children = set()
interrupted = threading.Event()


def say(text):
    with printing:
        print(text, flush=True)


class Case:
    def __init__(self, path):
        self.name = os.path.basename(path)
        self.timeout, self.engines, self.slice, self.bare, self.peer = 60, list(ENGINES), SLICE, False, None
        with open(path, errors="replace") as file:
            for line in file:
                if not line.startswith("#"):
                    break
                match = re.match(r"#\s*(timeout|engines|slice|bare|peer)\b:?\s*(.*)", line)
                if not match:
                    continue
                key, value = match[1], match[2].split()
                if key == "timeout":
                    self.timeout = int(value[0])
                elif key == "bare":
                    self.bare = True
                elif key == "peer":
                    self.peer = os.path.join(TOP, value[0])
                else:
                    unknown = set(value) - set(ENGINES)
                    if unknown:
                        sys.exit(f"{path}: no such engine: {', '.join(unknown)}")
                    setattr(self, key, value)

    def alone(self, engine):
        return self.bare or self.peer or not ENGINES[engine][3]

    def limit(self, engine):
        return self.timeout * ENGINES[engine][2]


class Result:
    """What one run of one case came to."""

    LINE = re.compile(r"(not )?ok\b[ \t]*(\d+)?[ \t]*-?[ \t]*(.*?)(?:[ \t]+#[ \t]*(SKIP|TODO)\b[ \t:]*(.*))?$", re.I)
    PLAN = re.compile(r"1\.\.(\d+)[ \t]*(?:#[ \t]*SKIP\b[ \t]*(.*))?$", re.I)

    def __init__(self, output, status, took, complaint=""):
        self.passed, self.failed, self.skipped, self.took = 0, [], [], took
        plan = None
        for line in output.splitlines():
            line = line.rstrip()
            match = self.PLAN.match(line)
            if match and plan is None:
                plan = int(match[1])
                if plan == 0:
                    self.skip("all", match[2])
                continue
            match = self.LINE.match(line)
            if not match:
                continue
            if match[4] and match[4].upper() == "SKIP":
                self.skip(match[3], match[5])
            elif match[1]:
                self.failed.append(match[3])
            else:
                self.passed += 1
        seen = self.passed + len(self.failed) + (len(self.skipped) if plan else 0)
        if status == 124:
            self.failed.append("ran into its limit")
        elif complaint:
            self.failed.append(f"the kernel complained: {complaint}")
        elif status == 99:
            self.failed.append("the guest died, or its kernel complained")
        elif status and not self.failed:
            self.failed.append(f"exit status {status}")
        elif plan is None:
            self.failed.append("no plan" if seen or self.skipped else "no results")
        elif plan != seen:
            self.failed.append(f"planned {plan} results, got {seen}")

    def skip(self, name, why):
        if why:
            self.skipped.append(f"{name}: {why}")
        else:
            self.failed.append(f"{name}: skipped, and does not say why")

    def counts(self):
        return f"{self.passed} passed, {len(self.failed)} failed, {len(self.skipped)} skipped"


class Fingerprint:
    """
    Of the files that a result stands on: all that git would keep, but of other cases and of the documents only those
    that the case names, and that these name in turn. The files are read once: as they are when the run begins.
    """

    LOOSE = re.compile(r"tests/guest/cases/|docs/|[^/]*\.md$")

    def __init__(self):
        names = subprocess.run(["git", "ls-files", "-coz", "--exclude-standard"], cwd=TOP, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True).stdout.split("\0")
        self.common, self.loose = hashlib.sha256(), {}
        for name in sorted(filter(None, names)):
            try:
                with open(os.path.join(TOP, name), "rb") as file:
                    content = file.read()
            except OSError:
                continue
            if self.LOOSE.match(name):
                self.loose[os.path.basename(name)] = content
            else:
                self.common.update(name.encode() + b"\0" + hashlib.sha256(content).digest())

    def of(self, case):
        wanted, todo = set(), {case} & set(self.loose)
        while todo:
            wanted |= todo
            words = set(re.findall(rb"[\w.-]+", b" ".join(self.loose[name] for name in todo)))
            todo = {name for name in self.loose if name.encode() in words} - wanted
        digest = self.common.copy()
        for name in sorted(wanted):
            digest.update(name.encode() + b"\0" + hashlib.sha256(self.loose[name]).digest())
        return digest.hexdigest()[:16]


class Tally:
    """All results, kept on disk as they come, each with its fingerprint, for a run that goes on where another ended."""

    def __init__(self, folder):
        self.folder, self.results, self.fingerprint = folder, {}, Fingerprint()
        os.makedirs(folder, exist_ok=True)

    def path(self, engine, name):
        return os.path.join(self.folder, f"{engine}.{name}.json")

    def recall(self, engine, name):
        try:
            with open(self.path(engine, name)) as file:
                kept = json.load(file)
            if kept.pop("fingerprint") != self.fingerprint.of(name):
                return False
        except (OSError, ValueError, KeyError):
            return False
        result = Result.__new__(Result)
        result.__dict__.update(kept)
        self.results[engine, name] = result
        say(f"[{engine}] {name}: {result.counts()} (from an earlier run)")
        return True

    def add(self, engine, name, result, output=None):
        # What was cut short has no result.
        if interrupted.is_set():
            return
        if output is not None:
            with open(os.path.join(LOGS, f"{engine}.{name}.log"), "w") as file:
                file.write(output)
        self.results[engine, name] = result
        with open(self.path(engine, name) + ".new", "w") as file:
            json.dump({**result.__dict__, "fingerprint": self.fingerprint.of(name)}, file)
        os.rename(self.path(engine, name) + ".new", self.path(engine, name))
        say(f"[{engine}] {name}: {result.counts()} ({result.took:.0f} s; {time.time() - began:.0f} s in all)")
        for failure in result.failed:
            say(f"[{engine}]   FAILED {failure}")
        for skip in result.skipped:
            say(f"[{engine}]   skipped {skip}")
        if result.failed:
            say(f"[{engine}]   see build/logs/{engine}.{name}.log")

    def tell_failures(self):
        """Once more at the end, with what was printed before each: a reader may be left with nothing but the last lines."""
        for (engine, name), result in self.results.items():
            if not result.failed:
                continue
            print(f"\n[{engine}] {name}:")
            for line in excerpt(os.path.join(LOGS, f"{engine}.{name}.log")):
                print(f"    {line}")
            for failure in result.failed:
                print(f"[{engine}]   FAILED {failure}")

    def sum(self, engine=None):
        chosen = [r for (e, _), r in self.results.items() if engine in (None, e)]
        return (sum(r.passed for r in chosen), sum(len(r.failed) for r in chosen), sum(len(r.skipped) for r in chosen))


def excerpt(log, before=6, after=30, most=120):
    """
    The lines of a case's output that lead to each of its failures, and the comments that follow; its last lines where
    none says `not ok`.
    """
    try:
        with open(log, errors="replace") as file:
            lines = file.read().splitlines()
    except OSError:
        return []
    wanted = set(range(max(0, len(lines) - after), len(lines)))
    wrong = [number for number, line in enumerate(lines) if line.startswith("not ok")]
    if wrong:
        wanted = set()
    for number in wrong:
        end = number + 1
        while end < len(lines) and end <= number + after and lines[end].startswith("#"):
            end += 1
        wanted.update(range(max(0, number - before), end))
    return [lines[n] for n in sorted(wanted)[:most]]


def launch(args, **more):
    child = subprocess.Popen(args, stdin=subprocess.DEVNULL, start_new_session=True, cwd=TOP, **more)
    children.add(child)
    return child


def stop(child, sig=signal.SIGTERM):
    try:
        os.killpg(child.pid, sig)
    except ProcessLookupError:
        pass


def host_test(tally, name, folder, target, limit):
    start = time.time()
    child = launch(["make", "-s", "-C", folder, target], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                   errors="replace")
    timer = threading.Timer(limit, stop, [child, signal.SIGKILL])
    timer.start()
    output = child.communicate()[0]
    timer.cancel()
    children.discard(child)
    took = time.time() - start
    tally.add("host", name, Result(output, 124 if took >= limit else child.returncode, took), output)


def single(tally, engine, case):
    """A case in a guest of its own."""
    start = time.time()
    log = os.path.join(LOGS, f"{engine}.{case.name}.kernel.log")
    child = launch([RUN, *ENGINES[engine][0], "--timeout", str(case.limit(engine)), *(["--bare"] if case.bare else []),
                    *(["--peer", case.peer] if case.peer else []), "--", os.path.join(CASES, case.name)],
                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                   errors="replace", env={**os.environ, "WHARF_GUEST_LOG": log})
    output = child.communicate()[0]
    children.discard(child)
    found = re.search(r"^wharf: the kernel complained: (.*)$", output, re.M)
    tally.add(engine, case.name, Result(output, child.returncode, time.time() - start, found[1] if found else ""), output)


def batch(tally, engine, cases):
    """Cases in one guest; where it dies, the rest go on in a new one."""
    round = 0
    while cases:
        round += 1
        log = os.path.join(LOGS, f"{engine}.batch-{round}")
        total = sum(case.limit(engine) + 90 for case in cases)
        todo = {case.name: case for case in cases}
        current, lines, start, done = None, [], time.time(), 0
        with open(log + ".log", "w") as errors:
            child = launch([RUN, *ENGINES[engine][0], "--timeout", str(total), "--", os.path.join(TOP, "tests/guest/batch"),
                            *(f"{case.name}:{case.limit(engine)}" for case in cases)], stdout=subprocess.PIPE,
                           stderr=errors, text=True, errors="replace",
                           env={**os.environ, "WHARF_GUEST_LOG": log + ".kernel.log"})
            # The guest sees to the limits itself; this is for one that hangs.
            watch = threading.Timer(300, stop, [child])
            watch.start()
            for line in child.stdout:
                if line.startswith("@begin "):
                    current, lines, start = todo[line.split()[1]], [], time.time()
                    watch.cancel()
                    watch = threading.Timer(current.limit(engine) + 120, stop, [child])
                    watch.start()
                elif line.startswith("@end ") and current:
                    _, name, status, took, *complaint = line.rstrip("\n").split(" ", 4)
                    tally.add(engine, name, Result("".join(lines), int(status), int(took), "".join(complaint)),
                              "".join(lines) + line)
                    cases = [case for case in cases if case.name != name]
                    current, done = None, done + 1
                else:
                    lines.append(line)
            status = child.wait()
            watch.cancel()
            children.discard(child)
        took = time.time() - start
        if current:
            tally.add(engine, current.name, Result("".join(lines), 99, took), "".join(lines))
            cases = [case for case in cases if case.name != current.name]
        elif cases and not done:
            with open(log + ".log") as errors:
                tail = errors.read()
            for case in cases:
                tally.add(engine, case.name, Result("", status or 99, took), "".join(lines) + tail)
            return
        elif status and not any(r.failed for (e, _), r in tally.results.items() if e == engine):
            tally.add(engine, f"batch-{round}", Result("", status, took))


def plan(tally, engines, cases, recall, chosen, host):
    """
    What is to be done, as functions to call: the guests that have two CPUs, of which each wants the machine; the
    host's tests and the guests that have one.
    """
    large, small = collections.deque(), collections.deque()
    for name, where, target, limit in host:
        if os.path.exists(os.path.join(TOP, where, "Makefile")) and not (recall and tally.recall("host", name)):
            small.append(functools.partial(host_test, tally, name, where, target, limit))
    for engine in engines:
        mine = [case for case in cases if engine in case.engines and (chosen or engine in case.slice)]
        mine = [case for case in mine if not (recall and tally.recall(engine, case.name))]
        together = [case for case in mine if not case.alone(engine)]
        queue = large if ENGINES[engine][3] else small
        queue.extend(functools.partial(single, tally, engine, case) for case in mine if case not in together)
        if together:
            queue.append(functools.partial(batch, tally, engine, together))
    return large, small


def worker(queue):
    while queue:
        try:
            job = queue.popleft()
        except IndexError:
            break
        job()


def work(*queues):
    """A worker for each, all at once"""
    threads = [threading.Thread(target=worker, args=[queue], daemon=True) for queue in queues]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            thread.join(1)


def heartbeat(tally):
    last = -1
    while True:
        time.sleep(60)
        if len(tally.results) == last:
            say(f"... still at it, {time.time() - began:.0f} s in all")
        last = len(tally.results)


def quit(number, frame):
    interrupted.set()
    say("interrupted")
    for child in list(children):
        stop(child)
    for child in list(children):
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            stop(child, signal.SIGKILL)
    os._exit(130)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--engine", action="append", choices=list(ENGINES))
    parser.add_argument("--case", action="append")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, quit)
    signal.signal(signal.SIGTERM, quit)

    engines = options.engine or (list(ENGINES) if options.full else SLICE)
    names = sorted(os.listdir(CASES)) if os.path.isdir(CASES) else []
    cases = [Case(os.path.join(CASES, n)) for n in names
             if os.access(os.path.join(CASES, n), os.X_OK) and os.path.isfile(os.path.join(CASES, n))
             and not n.startswith("lib")]
    if options.case:
        unknown = set(options.case) - {case.name for case in cases}
        if unknown:
            sys.exit(f"no such case: {', '.join(unknown)}")
        cases = [case for case in cases if case.name in options.case]

    shutil.rmtree(LOGS, ignore_errors=True)
    os.makedirs(LOGS)
    folder = os.path.join(BUILD, "results")
    tally = Tally(folder)

    if cases:
        if os.path.exists(os.path.join(PROGRAMS, "Makefile")) and subprocess.run(["make", "-s", "-C", PROGRAMS]).returncode:
            say("the programs of the guest cases do not build")
            tally.add("host", "programs", Result("", 1, 0))
        for engine in engines:
            if subprocess.run([os.path.join(TOP, "tests/guest/setup"), ENGINES[engine][1], "modules"]).returncode:
                say(f"[{engine}] can not be set up")
                tally.add(engine, "setup", Result("", 98, 0))
        engines = [engine for engine in engines if (engine, "setup") not in tally.results]

    threading.Thread(target=heartbeat, args=[tally], daemon=True).start()
    chosen = options.full or options.engine or options.case # more than the slice
    recall = options.full and not options.case # who names a case wants to see it run
    large, small = plan(tally, engines, cases, recall, chosen, [] if options.case else HOST)
    # Of two CPUs that are both a guest's, each waits for the other: anything beside costs it four times its time.
    if os.cpu_count() >= 4:
        work(large, small, small)
    else:
        work(large)
        work(small, small)

    tally.tell_failures()
    print()
    for engine in ["host", *ENGINES]:
        if any(e == engine for e, _ in tally.results):
            passed, failed, skipped = tally.sum(engine)
            print(f"{engine}: {'FAILED' if failed or not passed else 'passed'} "
                  f"({passed} passed, {failed} failed, {skipped} skipped)")
    passed, failed, skipped = tally.sum()
    # What any run came to is kept for the whole; the whole, once told, begins anew.
    if options.full and not (options.engine or options.case):
        shutil.rmtree(folder, ignore_errors=True)
    if not passed and not failed:
        print("nothing ran")
    print(f"{passed} passed, {failed} failed, {skipped} skipped", flush=True)
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
