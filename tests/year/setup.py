"""What the year's site begins with, and its configuration as an operator writes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from snapall.lab.config_file import database_url
from snapall.lab.lunsites import igroups_of
from snapall.lab.sites import NIGHTLY, LabVm, SiteSpec, Volume
from tests.lab.sites import NEWER, batch
from tests.year.lun_site import LUNS, MIRROR, OWNERS, VAULT

CONFIGURATION = """\
state = "snapall.state"
log = "snapall.log"
keep_journals = 60

[vcenter]
host = "vc01.lab"
user = "vcbackup"
password = "{password}"
vcbsnapshot = ["vcbsnapshot"]
parallel = {parallel}

[database]
url = "{database}"
owner = ""

[filers.filer1]
host = "filer1.lab"
transport = "{transport}"
user = "snapall"
{login}

[jobs.vol1]
filer = "filer1"
volumes = {volumes}
datastores = {datastores}
retain = {retain}
order = "{order}"
vms = {{ "test-*" = "skip"{musts} }}
luns = {{ {luns} }}

[jobs.vol1.verify]
every = "3d"
sample = 1
igroup = "helper"
device = "devices/{{serial}}"
{replicate}"""
REPLICATE = """
[jobs.vol1.replicate]
wait = 900
mirrors = [{ filer = "filer1", source = "filer1:vmvol1", destination = "filer2:vmvol1_mirror" }]
vaults = [{ filer = "filer1", destination = "/vol/sv/vmvol1", keep_name = "nightly" }]
"""


@dataclass(frozen=True, slots=True)
class Setup:
    """What the operator changes in the configuration from time to time."""

    order: str = "safe"
    retain: int = 4
    volumes: int = 1
    must: str = ""
    transport: str = "ssh"
    parallel: int = 2
    replicate: bool = False

    def text(self, folder: Path, password: str) -> str:
        return CONFIGURATION.format(
            password=password,
            parallel=self.parallel,
            database=database_url(folder),
            transport=self.transport,
            login="" if self.transport == "rsh" else 'password = "never sent"\nknown_hosts = "known_hosts"',
            volumes='["vmvol1"]' if self.volumes == 1 else '["vmvol1", "vmvol2"]',
            datastores="[688]" if self.volumes == 1 else "[688, 689]",
            luns=", ".join(f'"vm-{vm}" = {paths}' for vm, paths in _luns(self.volumes).items()),
            retain=self.retain,
            order=self.order,
            musts=f', "{self.must}" = "must"' if self.must else "",
            replicate=REPLICATE if self.replicate else "",
        )


def _luns(volumes: int) -> dict[int, list[str]]:
    """The LUNs of each VM, on so many volumes."""
    on = [one.path for one in LUNS if volumes == 2 or one.path.startswith("/vol/vmvol1/")]
    found = {vm: [path for path in on if OWNERS.get(path) == vm] for vm in OWNERS.values()}
    return {vm: paths for vm, paths in found.items() if paths}


def site_spec(began: datetime) -> SiteSpec:
    """The recorded batch's site, and a VM on two datastores, one to skip, a template, other people's snapshots.

    Each VM has a LUN of its own, and vmvol1 a mirror and a vault.
    """
    small = batch()
    more = (
        LabVm(611, "sql02", 11, (688, 689)),
        LabVm(702, "test-web01", 11, (688,)),
        LabVm(112, "tmpl-w2k3", 11, (688,), template=True),
    )
    hourly = (("hourly.0", 1.2), ("hourly.1", 5.2))
    whole = SiteSpec(
        hosts=(*small.hosts, (12, "esx02.example.edu")),
        datastores=small.datastores,
        vms=(*small.vms, *more),
        volumes=(Volume("vmvol1", NIGHTLY + hourly), Volume("vmvol2", NIGHTLY + hourly)),
        vm_snapshots=((1200, 2001, "Quiesce"), (1201, 110, "before the patch")),
        luns=LUNS,
        igroups=igroups_of(small.hosts),
        relations=(MIRROR, VAULT),
    )
    return whole.having(
        clock=began.timestamp(), vc_password="very-secret", create_seconds=20.0, remove_seconds=40.0, filer_seconds=1.0,
        version=NEWER, transfer_seconds=60.0,
    )  # fmt: skip
