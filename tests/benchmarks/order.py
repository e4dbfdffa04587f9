"""In which order calls should begin: `python -m tests.benchmarks.order` prints the tables of docs/order.md.

Random sites in simulated seconds, by a seed. Every VM has its own durations; how well the rules know tonight's stands
above the columns. Each night is compared, in percent, with the same night in the database's order; a capture takes 2 s.

window     from the first create begun to the last removal answered
quiesced   the times from a create's answer to the removal's answer, of all VMs together
weighted   the same, each VM's time multiplied by the seconds of its removal: a long removal is a delta that grows
longer     nights of a hundred whose window is longer than in the database's order
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean

from snapall.backup.schedule import WORTH, CallOrder, Durations, ends, schedule, shortest_first

CAPTURE = 2.0
NOISE, OUTLIERS = 0.2, 0.02
SIZES = tuple((vms, places) for vms in (25, 54) for places in (4, 8))

Seconds = Mapping[int, float]
Duration = Callable[[random.Random], float]
Draw = Callable[[random.Random, int], "Site"]
Orders = tuple[Sequence[int], Sequence[int]]
Rule = Callable[["Site", int], Orders]


@dataclass(frozen=True, slots=True)
class Site:
    """What the calls of every VM take."""

    create: Seconds
    remove: Seconds

    @property
    def usual(self) -> dict[int, Durations]:
        """As the history would tell it."""
        return {vm: Durations(self.create[vm], self.remove[vm]) for vm in self.create}

    def tonight(self, source: random.Random) -> Site:
        """A night: every call shorter or longer by up to a fifth, and one in fifty takes three times as long."""

        def off() -> float:
            return source.uniform(1 - NOISE, 1 + NOISE) * (3 if source.random() < OUTLIERS else 1)

        return Site(
            {vm: seconds * off() for vm, seconds in self.create.items()},
            {vm: seconds * off() for vm, seconds in self.remove.items()},
        )


def drawn(create: Duration, remove: Duration) -> Draw:
    """Sites whose VMs are independent of each other."""
    return lambda source, vms: Site(
        {vm: create(source) for vm in range(vms)}, {vm: remove(source) for vm in range(vms)}
    )


def between(least: float, most: float) -> Duration:
    """Any duration between two is as likely."""
    return lambda source: source.uniform(least, most)


def skewed(source: random.Random) -> float:
    """Most are short, a few many times as long: log-normal, half of them under 6 s, one in a hundred over 60 s."""
    return 6 * source.lognormvariate(0, 1)


def giants(source: random.Random) -> float:
    """Short ones, and now and then one that takes minutes."""
    return source.uniform(60, 240) if source.random() < 0.05 else source.uniform(3, 8)


SITES = {
    "uneven": drawn(between(1, 30), between(1, 30)),
    "skewed": drawn(skewed, skewed),
    "giants": drawn(between(2, 8), giants),
    "even": drawn(between(2.5, 3.5), between(4, 6)),
}


class History(StrEnum):
    """What the rules know of tonight."""

    EXACT = "as known"
    TYPICAL = "tonight 20 % off"
    ONE_NIGHT = "known from one night that was off"


LABEL = 40  # wide
HEAD = f"{'window':>8} {'quiesced':>8} {'weighted':>8} {'longer':>6}"
ALWAYS = 1e-6  # of `worth`: every order that gains anything


def rank(seconds: Seconds, sign: int) -> list[int]:
    """Put the shortest first (1), or the longest (-1)."""
    return sorted(seconds, key=lambda vm: sign * seconds[vm])


def product(worth: float = WORTH) -> Rule:
    """What snapall does."""

    def orders(site: Site, places: int) -> Orders:
        found = schedule(list(site.create), site.usual, places, worth=worth)
        return found.creates, found.removals

    return orders


def behind_the_longest(seconds: Seconds, early: int) -> list[int]:
    """The shortest first, but for some of the longest."""
    rising = rank(seconds, 1)
    return [*reversed(rising[-early:]), *rising[:-early]]


RULES: dict[str, Rule] = {
    "longest | as listed": lambda site, _: (rank(site.create, -1), list(site.remove)),
    "as listed | shortest": lambda site, _: (list(site.create), rank(site.remove, 1)),
    "longest | longest": lambda site, _: (rank(site.create, -1), rank(site.remove, -1)),
    "longest | shortest": lambda site, _: (rank(site.create, -1), rank(site.remove, 1)),
    "longest | 1 longest, shortest": lambda site, _: (rank(site.create, -1), behind_the_longest(site.remove, 1)),
    "longest | P/2 longest, shortest": lambda site, places: (
        rank(site.create, -1),
        behind_the_longest(site.remove, places // 2),
    ),
    "longest | shortest, levelled": lambda site, places: (
        rank(site.create, -1),
        shortest_first(list(site.remove), site.remove, places),
    ),
    "longest | k longest, shortest, levelled": product(ALWAYS),
    f"chosen: the same from {WORTH:.0%} on": product(),
}


@dataclass(frozen=True, slots=True)
class RunSeconds:
    """The times of one run, in seconds."""

    window: float
    quiesced: float
    weighted: float

    @classmethod
    def of(cls, site: Site, orders: Orders, places: int) -> RunSeconds:
        """The calls of this site, begun in these orders."""
        created, removed = ends(orders[0], site.create, places), ends(orders[1], site.remove, places)
        release = max(created.values()) + CAPTURE
        quiesced = {vm: release + removed[vm] - created[vm] for vm in created}
        weighted = sum(site.remove[vm] * seconds for vm, seconds in quiesced.items())
        return cls(release + max(removed.values()), sum(quiesced.values()), weighted)


def nights(draw: Draw, vms: int, places: int, count: int, history: History) -> Iterator[tuple[Site, Site]]:
    """Pairs of what the rules know and of what tonight takes; the same for every rule."""
    sites, noise = random.Random(f"{vms} {places}"), random.Random(f"noise {vms} {places}")
    for _ in range(count):
        site = draw(sites, vms)
        match history:
            case History.EXACT:
                yield site, site
            case History.TYPICAL:
                yield site, site.tonight(noise)
            case History.ONE_NIGHT:
                yield site.tonight(noise), site.tonight(noise)


def compare(draw: Draw, rule: Rule, sizes: Sequence[tuple[int, int]], count: int, history: History) -> str:
    """The mean changes by a rule, in percent, on `count` sites of every size, and how often the window is longer."""
    pairs = []
    for vms, places in sizes:
        for known, tonight in nights(draw, vms, places, count, history):
            listed = list(known.create), list(known.remove)
            pairs.append((RunSeconds.of(tonight, rule(known, places), places), RunSeconds.of(tonight, listed, places)))
    window, quiesced, weighted = (
        fmean(100 * (getattr(night, name) / getattr(listed, name) - 1) for night, listed in pairs)
        for name in ("window", "quiesced", "weighted")
    )
    longer = fmean(100 * (night.window > listed.window * (1 + 1e-9)) for night, listed in pairs)
    return f"{window:>+8.1f} {quiesced:>+8.1f} {weighted:>+8.1f} {longer:>6.0f}"


def head(title: str, columns: Sequence[str]) -> str:
    """Two lines above the rows."""
    above, below = "   ".join(f"{one:^33}" for one in columns).rstrip(), "   ".join([HEAD] * len(columns))
    return f"\n{'':<{LABEL}}{above}\n{title:<{LABEL}}{below}"


def rules(count: int) -> None:
    """Print every rule on every kind of site."""
    shown = (History.EXACT, History.TYPICAL)
    for kind, draw in SITES.items():
        print(head(f"{kind}: creates | removals", shown))
        for name, one in RULES.items():
            print(
                f"{name:<{LABEL}}{'   '.join(compare(draw, one, SIZES, count, history) for history in shown)}",
                flush=True,
            )


def sizes(count: int) -> None:
    """Print the product's rule on every size of site."""
    print(head("chosen, by size", tuple(History)))
    for kind, draw in SITES.items():
        for vms, places in SIZES:
            rows = (compare(draw, product(), [(vms, places)], count, history) for history in History)
            print(f"{f'{kind}, {vms} VMs, {places} at a time':<{LABEL}}{'   '.join(rows)}", flush=True)


def gains(draw: Draw, count: int) -> str:
    """What the history promises of creates and of removals, each in percent (see `Calls.gain_over`): the means."""
    found: list[tuple[float, float]] = []
    for vms, places in SIZES:
        for known, _ in nights(draw, vms, places, count, History.ONE_NIGHT):
            creates, removals = product(ALWAYS)(known, places)
            listed, ordered = (CallOrder.of_creates(order, known.create, places) for order in (range(vms), creates))
            before, after = (CallOrder.of_removals(order, known.remove, places) for order in (range(vms), removals))
            found.append((ordered.gain_over(listed), after.gain_over(before)))
    return "".join(f"{100 * fmean(column):>6.1f}" for column in zip(*found, strict=True))


def spreads(count: int) -> None:
    """Print what ordering gains by the spread of the durations, from a history that is one night; ±0: only noise."""
    print(
        head(
            "5 s each; gains of creates, removals", ("ordered where anything is gained", f"where {WORTH:.0%} is gained")
        )
    )
    for percent in range(0, 101, 10):
        draw = drawn(*[between(5 - percent / 20, 5 + percent / 20)] * 2)
        rows = (compare(draw, product(worth), SIZES, count, History.ONE_NIGHT) for worth in (ALWAYS, WORTH))
        print(f"{f'±{percent} %':<20}{gains(draw, count):<{LABEL - 20}}{'   '.join(rows)}", flush=True)


def main(argv: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.order")
    parser.add_argument("--sites", type=int, default=300, help="of every kind and size")
    count = parser.parse_args(argv).sites
    for table in (rules, sizes, spreads):
        table(count)


if __name__ == "__main__":
    main()
