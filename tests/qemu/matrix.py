# SPDX-License-Identifier: Apache-2.0
"""The machines that two or more domUs must boot on, and a choice of few that cover many pairs.

Pure: no test runs here. python3 matrix.py prints the choice and what it covers.
"""
import itertools

AXES = {
    "gic": ("2", "3"),
    "cpu": ("cortex-a53", "cortex-a57", "cortex-a72", "cortex-a76", "neoverse-n1", "max"),
    "smp": (1, 2, 4, 8),
    "ram": ("1G", "2G", "6G"),
    "kernel": ("6.1", "6.12"),
    "domus": (1, 2, 4, 8),
}
FAST_BOOTS = 12


def is_allowed(case):
    """TCG is slow with many CPUs: 8 domUs only on 1 CPU, 8 CPUs only with up to 2 domUs."""
    if case["domus"] == 8:
        return case["smp"] == 1
    return case["smp"] < 8 or case["domus"] <= 2


def memory_mib(case):
    """Memory of each domU."""
    return 64 if case["domus"] == 8 else 128


def cost(case):
    """Rough seconds of wall time on two CPUs."""
    return 6 + 6 * case["domus"] * (2.0 if case["smp"] == 8 else 1.0)


def all_cases():
    """Every allowed combination."""
    combos = itertools.product(*AXES.values())
    cases = [dict(zip(AXES, combo)) for combo in combos]
    return [case for case in cases if is_allowed(case)]


def pairs_of(case):
    """The pairs of (axis, value) that a case covers."""
    return set(itertools.combinations(sorted((k, str(v)) for k, v in case.items()), 2))


def choose(limit=None):
    """Greedy and deterministic: most new pairs for the time, until LIMIT boots or all covered."""
    cases = all_cases()
    open_pairs = set().union(*(pairs_of(case) for case in cases))
    chosen = [dict(gic="3", cpu="cortex-a72", smp=1, ram="1G", kernel="6.12", domus=8)]
    open_pairs -= pairs_of(chosen[0])
    while open_pairs and (limit is None or len(chosen) < limit):
        best = max(cases, key=lambda case: len(pairs_of(case) & open_pairs) / cost(case) ** 0.4)
        chosen.append(best)
        open_pairs -= pairs_of(best)
    return chosen


def name(case):
    """A test id."""
    return "gic{gic}-{cpu}-smp{smp}-{ram}-{kernel}-{domus}domu".format(**case)


def main():
    """Print both choices."""
    every = set().union(*(pairs_of(case) for case in all_cases()))
    for limit in (FAST_BOOTS, None):
        chosen = choose(limit)
        covered = set().union(*(pairs_of(case) for case in chosen))
        print("%d boots of %d, %d of %d pairs, about %d s" % (
            len(chosen), len(all_cases()), len(covered), len(every), sum(map(cost, chosen))))
        for case in chosen:
            print("  " + name(case))


if __name__ == "__main__":
    main()
