"""The two databases of the lab: the truth (world.db) and what VirtualCenter shows (virtualcenter.db)."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE = 60.0  # seconds to wait for another transaction

WORLD = """
CREATE TABLE settings (json TEXT NOT NULL);
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE hosts (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE datastores (id INTEGER PRIMARY KEY, name TEXT NOT NULL, capacity INTEGER NOT NULL, free INTEGER NOT NULL);
CREATE TABLE vms (id INTEGER PRIMARY KEY, name TEXT NOT NULL, host INTEGER NOT NULL, template INTEGER NOT NULL);
CREATE TABLE disks (vm INTEGER NOT NULL, datastore INTEGER NOT NULL, PRIMARY KEY (vm, datastore));
CREATE TABLE vm_snapshots (id INTEGER PRIMARY KEY, vm INTEGER NOT NULL, name TEXT NOT NULL, created TEXT NOT NULL);
CREATE INDEX snapshots_of ON vm_snapshots (vm);
CREATE TABLE volumes (name TEXT PRIMARY KEY, state TEXT NOT NULL DEFAULT 'online', read_only INTEGER NOT NULL DEFAULT 0,
    full INTEGER NOT NULL DEFAULT 0, kb INTEGER NOT NULL, reserve INTEGER NOT NULL DEFAULT 20, -- percent
    used INTEGER NOT NULL DEFAULT 40, -- percent of what is not reserved
    sched TEXT NOT NULL DEFAULT '0 0 0', autodelete TEXT NOT NULL DEFAULT 'off');
CREATE TABLE filer_snapshots (seq INTEGER PRIMARY KEY AUTOINCREMENT, volume TEXT NOT NULL, name TEXT NOT NULL,
    date TEXT NOT NULL, tags TEXT NOT NULL DEFAULT '', kb INTEGER NOT NULL, UNIQUE (volume, name));
CREATE TABLE faults (id INTEGER PRIMARY KEY, json TEXT NOT NULL, seen INTEGER NOT NULL DEFAULT 0);
-- Deferred commands: `acted` is null until one was tried, then whether it changed anything.
CREATE TABLE tasks (id INTEGER PRIMARY KEY, due REAL NOT NULL, entry INTEGER NOT NULL, words TEXT NOT NULL, vm INTEGER,
    acted INTEGER);
-- Changes that virtualcenter.db does not show yet; `due` is null until the next filer command.
CREATE TABLE echoes (id INTEGER PRIMARY KEY, due REAL, statement TEXT NOT NULL, arguments TEXT NOT NULL);
"""

LUNS = """
-- Volume options that differ from their default.
CREATE TABLE IF NOT EXISTS volume_options (volume TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (volume, name));
CREATE TABLE IF NOT EXISTS igroups (name TEXT PRIMARY KEY, protocol TEXT NOT NULL, ostype TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS initiators (igroup TEXT NOT NULL, name TEXT NOT NULL, interface TEXT NOT NULL);
-- `image` is the content. `backing` is the seq of the snapshot that a clone rests on, `backed_by` the path in it.
-- `work` is what the filer copies in the background (split, efficient, restore), from `begun` to `due`.
CREATE TABLE IF NOT EXISTS luns (id INTEGER PRIMARY KEY AUTOINCREMENT, volume TEXT NOT NULL, path TEXT NOT NULL UNIQUE,
    size INTEGER NOT NULL, serial TEXT NOT NULL, online INTEGER NOT NULL DEFAULT 1,
    read_only INTEGER NOT NULL DEFAULT 0, comment TEXT NOT NULL DEFAULT '', reserved INTEGER NOT NULL DEFAULT 1,
    ostype TEXT NOT NULL DEFAULT 'vmware', created REAL NOT NULL, image INTEGER NOT NULL,
    backing INTEGER, backed_by TEXT NOT NULL DEFAULT '', work TEXT NOT NULL DEFAULT '', task INTEGER NOT NULL DEFAULT 0,
    begun REAL NOT NULL DEFAULT 0, due REAL NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS lun_maps (lun INTEGER NOT NULL, igroup TEXT NOT NULL, id INTEGER NOT NULL,
    PRIMARY KEY (lun, igroup));
-- The LUNs of a snapshot, as they were. `holds`: whether the snapshot locks the one that the LUN rests on.
CREATE TABLE IF NOT EXISTS frozen (snapshot INTEGER NOT NULL, lun INTEGER NOT NULL, path TEXT NOT NULL,
    size INTEGER NOT NULL, serial TEXT NOT NULL, online INTEGER NOT NULL, read_only INTEGER NOT NULL,
    comment TEXT NOT NULL, reserved INTEGER NOT NULL, ostype TEXT NOT NULL, created REAL NOT NULL,
    image INTEGER NOT NULL, epoch INTEGER NOT NULL, backing INTEGER, backed_by TEXT NOT NULL, holds INTEGER NOT NULL,
    maps TEXT NOT NULL, PRIMARY KEY (snapshot, lun));
CREATE INDEX IF NOT EXISTS holders ON frozen (backing) WHERE backing IS NOT NULL;
-- Content: an image begins as its parent was at an epoch, or without one as a disk called `label`; blocks are what was
-- written since, each from an epoch on. A snapshot ends an epoch.
CREATE TABLE IF NOT EXISTS images (id INTEGER PRIMARY KEY, parent INTEGER, epoch INTEGER NOT NULL DEFAULT 0,
    label TEXT NOT NULL DEFAULT '', kind TEXT NOT NULL DEFAULT '', size INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS blocks (image INTEGER NOT NULL, number INTEGER NOT NULL, epoch INTEGER NOT NULL,
    data BLOB NOT NULL, PRIMARY KEY (image, number, epoch)) WITHOUT ROWID;
-- SnapMirror and SnapVault, by their destination.
CREATE TABLE IF NOT EXISTS relations (destination TEXT PRIMARY KEY, kind TEXT NOT NULL, source TEXT NOT NULL,
    state TEXT NOT NULL, status TEXT NOT NULL DEFAULT 'Idle', base TEXT NOT NULL DEFAULT '', based REAL NOT NULL,
    coming TEXT NOT NULL DEFAULT '', error TEXT NOT NULL DEFAULT '', keep TEXT NOT NULL DEFAULT '',
    number INTEGER NOT NULL DEFAULT 1, task INTEGER NOT NULL DEFAULT 0, begun REAL NOT NULL DEFAULT 0,
    took REAL NOT NULL DEFAULT 0);
INSERT OR IGNORE INTO counters (name, value) VALUES ('epoch', 0), ('serial', 0), ('task', 0), ('transfer', 0);
"""

VIRTUALCENTER = """
CREATE TABLE VPX_OBJECT_TYPE (ID INTEGER PRIMARY KEY, NAME TEXT);
INSERT INTO VPX_OBJECT_TYPE VALUES (0, 'VM'), (1, 'HOST'), (3, 'FOLDER'), (4, 'DATACENTER'), (5, 'COMPUTE_RESOURCE');
CREATE TABLE VPX_ENTITY (ID INTEGER PRIMARY KEY, NAME TEXT COLLATE NOCASE, TYPE_ID INTEGER, PARENT_ID INTEGER);
INSERT INTO VPX_ENTITY VALUES (1, 'Datacenters', 3, NULL), (2, 'Campus', 4, 1), (3, 'vm', 3, 2), (4, 'host', 3, 2),
    (7, 'Cluster', 5, 4);
CREATE TABLE VPX_HOST (ID INTEGER PRIMARY KEY, DNS_NAME TEXT, IP_ADDRESS TEXT, ENABLED INTEGER, USER_NAME TEXT);
CREATE TABLE VPX_DATASTORE (ID INTEGER PRIMARY KEY, NAME TEXT COLLATE NOCASE, CAPACITY REAL, FREE_SPACE REAL, TYPE TEXT,
    STORAGE_URL TEXT);
CREATE TABLE VPX_VM (ID INTEGER PRIMARY KEY, HOST_ID INTEGER, FILE_NAME TEXT, LOCAL_FILE_NAME TEXT, DNS_NAME TEXT,
    GUEST_OS TEXT, POWER_STATE INTEGER, MEM_SIZE_MB INTEGER, NUM_VCPU INTEGER, IS_TEMPLATE INTEGER);
-- As in vCenter 4 and 5; whether 2.x has these two is uncertain.
CREATE TABLE VPX_VIRTUAL_DISK (VM_ID INTEGER, UPDATE_KEY INTEGER, VDEVICE_ID INTEGER PRIMARY KEY);
CREATE TABLE VPX_VDEVICE_FILE_BACKING (BACKING_ID INTEGER PRIMARY KEY, VM_ID INTEGER, UPDATE_KEY INTEGER,
    DATASTORE_ID INTEGER);
CREATE TABLE VPX_DS_ASSIGNMENT (DS_ID INTEGER, ENTITY_ID INTEGER, PRIMARY KEY (DS_ID, ENTITY_ID));
-- SQL Server's usual collation ignores case: the measured one found `quiesce` for 'Quiesce'.
CREATE TABLE VPX_SNAPSHOT (ID INTEGER PRIMARY KEY, VM_ID INTEGER, SNAPSHOT_NAME TEXT COLLATE NOCASE, CREATE_TIME TEXT);
"""

# A real VirtualCenter keeps the hosts' encrypted passwords in this column, and snapall must not read it: a query of it
# (or of `*`) fails with "malformed JSON". It is added after the rows, because an insert would compute it.
UNREADABLE_COLUMN = """
ALTER TABLE VPX_HOST ADD COLUMN PASSWORD TEXT GENERATED ALWAYS AS (json('not yours to read')) VIRTUAL
"""

SNAPSHOT_MADE = "INSERT OR REPLACE INTO VPX_SNAPSHOT (ID, VM_ID, SNAPSHOT_NAME, CREATE_TIME) VALUES (?, ?, ?, ?)"
SNAPSHOT_GONE = "DELETE FROM VPX_SNAPSHOT WHERE ID = ?"
VM_MOVED = "UPDATE VPX_VM SET HOST_ID = ? WHERE ID = ?"
VM_GONE = (
    "DELETE FROM VPX_VM WHERE ID = ?",
    "DELETE FROM VPX_DS_ASSIGNMENT WHERE ENTITY_ID = ?",
    "DELETE FROM VPX_VIRTUAL_DISK WHERE VM_ID = ?",
    "DELETE FROM VPX_VDEVICE_FILE_BACKING WHERE VM_ID = ?",
    "DELETE FROM VPX_ENTITY WHERE ID = ?",
    "DELETE FROM VPX_SNAPSHOT WHERE VM_ID = ?",
)
DATASTORE_EMPTIED = "DELETE FROM VPX_DS_ASSIGNMENT WHERE DS_ID = ?"
ENTITY = "INSERT INTO VPX_ENTITY (ID, NAME, TYPE_ID, PARENT_ID) VALUES (?, ?, ?, ?)"
HOST = "INSERT INTO VPX_HOST (ID, DNS_NAME, IP_ADDRESS, ENABLED, USER_NAME) VALUES (?, ?, ?, 1, 'vpxuser')"
DATASTORE = (
    "INSERT INTO VPX_DATASTORE (ID, NAME, CAPACITY, FREE_SPACE, TYPE, STORAGE_URL) VALUES (?, ?, ?, ?, 'VMFS', ?)"
)
VM = (
    "INSERT INTO VPX_VM (ID, HOST_ID, FILE_NAME, LOCAL_FILE_NAME, DNS_NAME, GUEST_OS, POWER_STATE, MEM_SIZE_MB,"
    " NUM_VCPU, IS_TEMPLATE) VALUES (?, ?, ?, '', ?, 'winNetEnterpriseGuest', ?, 1024, 1, ?)"
)
DISK = (
    "INSERT INTO VPX_VIRTUAL_DISK (VM_ID, UPDATE_KEY) VALUES (?, ?)",
    "INSERT INTO VPX_VDEVICE_FILE_BACKING (VM_ID, UPDATE_KEY, DATASTORE_ID) VALUES (?, ?, ?)",
)
"""A disk of a VM, and its file on a datastore."""
ASSIGNMENT = "INSERT INTO VPX_DS_ASSIGNMENT (DS_ID, ENTITY_ID) VALUES (?, ?)"


def connect(path: Path) -> sqlite3.Connection:
    """Open a database of the lab. It survives a killed process, but perhaps no power cut."""
    db = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA synchronous = OFF")
    db.execute("PRAGMA journal_mode = TRUNCATE")
    return db
