"""The configuration, which changes now and then between two nights."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from snapall.backup.model import Grade, Job, Order, Pace, Policies, Vm, VmPolicy, chain_names

STORES = {688: (108, 110, 1226), 689: (1300, 1302)}  # datastore -> the VMs that lie on it at the beginning
NAMES = {108: "web01", 110: "sql01", 1226: "app01", 1300: "mail01", 1302: "test-a"}

A_VOLUMES, B_VOLUMES = ("v", "x"), ("w",)
PACE = Pace(parallel=2, create_timeout=40, settle=60, filer_timeout=12)

POLICIES = (
    (),
    (("test-*", VmPolicy.SKIP),),
    (("sql01", VmPolicy.MUST),),
    (("*", VmPolicy.MUST),),
    (("vm-110", VmPolicy.SKIP), ("test-*", VmPolicy.SKIP)),
)


@dataclass(frozen=True)
class Setup:
    """Two jobs of one filer that have VMs in common."""

    a: Job
    b: Job
    pace: Pace = PACE

    @property
    def jobs(self) -> tuple[Job, ...]:
        return (self.a, self.b)


def beginning() -> Setup:
    """The configuration of the first night."""
    a = Job("a", "filer1", ("v",), (688,), chain_names("vmware", 4), max_quiesced=70, busy_wait=40)
    b = replace(a, name="b", volumes=B_VOLUMES, datastores=(688, 689), chain=chain_names("vmware", 3))
    return Setup(a, b)


def changed(setup: Setup, chance: random.Random) -> Setup:
    """Change one thing or another in the configuration."""
    match chance.choice(("order", "retain", "publish", "volumes", "parallel", "vms", "max_quiesced", "datastores")):
        case "order":
            order = Order.SAFE if setup.a.order is Order.PAPER else Order.PAPER
            publish = Grade.CRASH_CONSISTENT if order is Order.PAPER else Grade.PARTIAL
            return replace(setup, a=replace(setup.a, order=order, publish=publish))
        case "retain":
            return replace(setup, a=replace(setup.a, chain=chain_names("vmware", chance.randint(2, 5))))
        case "publish" if setup.a.order is Order.SAFE:
            return replace(setup, a=replace(setup.a, publish=chance.choice(list(Grade))))
        case "volumes":
            return replace(setup, a=replace(setup.a, volumes=A_VOLUMES[: chance.randint(1, 2)]))
        case "vms":
            return replace(setup, a=replace(setup.a, policies=Policies(chance.choice(POLICIES))))
        case "max_quiesced":
            return replace(setup, a=replace(setup.a, max_quiesced=chance.choice((15.0, 70.0, 300.0))))
        case "datastores":
            return replace(setup, a=replace(setup.a, datastores=chance.choice(((688,), (688, 689)))))
        case _:
            return replace(setup, pace=replace(setup.pace, parallel=chance.randint(1, 4)))


def vm_of(number: int) -> Vm:
    """A VM as the database shows it."""
    return Vm(number, NAMES.get(number, f"new-{number}"), f"esx{number % 3}")
