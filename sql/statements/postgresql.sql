-- The statements that snapall sends to the VirtualCenter database, PostgreSQL, through pg8000.
-- Each query has its own connection, in autocommit, closed at once.
-- It begins with SET statement_timeout = 30000 (`database.timeout`).
-- snapall binds values, and never writes them into the text. Here they are variables, so that this file runs as it
-- stands:
--     psql -U snapall -d VCDB -f postgresql.sql
-- The values are an example's: datastore 688, snapshot-1228, and some VMs.
-- An error about the two tables of the disks, NUM_DISK, STORAGE_URL, DNS_NAME, IP_ADDRESS, FILE_NAME or POWER_STATE
-- does no harm: snapall goes on without them.
-- The owner of the tables is the schema `vc`, as on an appliance: `database.owner`, or found first.
-- Made by `python -m tests.site.statements postgresql`; a test compares this file with what is really sent. SQLAlchemy
-- words the statements: another release may set brackets differently. When it first connects, it also asks, for its own
-- use, for the version, the schema, the isolation level and standard_conforming_strings.

\set datastore 688
\set vm1 108
\set vm2 110
\set snapshot 1228
\set vm3 611
\set vm4 112

-- the VMs of a job's datastores, their names, hosts and disks, and what their guests are called (run, plan)
SELECT INFORMATION_SCHEMA.TABLES.TABLE_SCHEMA, INFORMATION_SCHEMA.TABLES.TABLE_NAME
FROM INFORMATION_SCHEMA.TABLES;
SELECT DISTINCT "vc".VPX_VM.ID, "vc".VPX_DS_ASSIGNMENT.DS_ID
FROM "vc".VPX_VM JOIN "vc".VPX_DS_ASSIGNMENT ON "vc".VPX_VM.ID = "vc".VPX_DS_ASSIGNMENT.ENTITY_ID
WHERE coalesce("vc".VPX_VM.IS_TEMPLATE, 0) = 0 AND "vc".VPX_DS_ASSIGNMENT.DS_ID IN (:datastore::INTEGER) ORDER BY "vc".VPX_VM.ID;
SELECT "vc".VPX_VM.ID, "vc".VPX_ENTITY.NAME
FROM "vc".VPX_VM JOIN "vc".VPX_ENTITY ON "vc".VPX_ENTITY.ID = "vc".VPX_VM.ID
WHERE "vc".VPX_VM.ID IN (:vm3::INTEGER);
SELECT "vc".VPX_VM.ID, "vc".VPX_HOST.DNS_NAME
FROM "vc".VPX_VM JOIN "vc".VPX_HOST ON "vc".VPX_HOST.ID = "vc".VPX_VM.HOST_ID
WHERE "vc".VPX_VM.ID IN (:vm3::INTEGER);
SELECT "vc".VPX_DATASTORE.ID, "vc".VPX_DATASTORE.NAME
FROM "vc".VPX_DATASTORE;
SELECT "vc".VPX_DATASTORE.ID, "vc".VPX_DATASTORE.STORAGE_URL
FROM "vc".VPX_DATASTORE;
SELECT "vc".VPX_VIRTUAL_DISK.VM_ID, "vc".VPX_VIRTUAL_DISK.UPDATE_KEY, "vc".VPX_VDEVICE_FILE_BACKING.DATASTORE_ID
FROM "vc".VPX_VIRTUAL_DISK LEFT OUTER JOIN "vc".VPX_VDEVICE_FILE_BACKING ON "vc".VPX_VDEVICE_FILE_BACKING.VM_ID = "vc".VPX_VIRTUAL_DISK.VM_ID AND "vc".VPX_VDEVICE_FILE_BACKING.UPDATE_KEY = "vc".VPX_VIRTUAL_DISK.UPDATE_KEY
WHERE "vc".VPX_VIRTUAL_DISK.VM_ID IN (:vm3::INTEGER);
SELECT "vc".VPX_VM.ID, "vc".VPX_VM.NUM_DISK
FROM "vc".VPX_VM
WHERE "vc".VPX_VM.ID IN (:vm3::INTEGER);
SELECT "vc".VPX_VM.ID, "vc".VPX_VM.DNS_NAME
FROM "vc".VPX_VM
WHERE "vc".VPX_VM.ID IN (:vm3::INTEGER);
SELECT "vc".VPX_VM.ID, "vc".VPX_VM.IP_ADDRESS
FROM "vc".VPX_VM
WHERE "vc".VPX_VM.ID IN (:vm3::INTEGER);

-- the snapshots of these VMs (run, plan, recover)
SELECT "vc".VPX_SNAPSHOT.ID, "vc".VPX_SNAPSHOT.VM_ID, "vc".VPX_SNAPSHOT.SNAPSHOT_NAME, "vc".VPX_SNAPSHOT.CREATE_TIME
FROM "vc".VPX_SNAPSHOT
WHERE "vc".VPX_SNAPSHOT.VM_ID IN (:vm1::INTEGER, :vm2::INTEGER);

-- the same, and the VMs of the ids that vcbsnapshot printed (run, recover)
SELECT "vc".VPX_SNAPSHOT.ID, "vc".VPX_SNAPSHOT.VM_ID, "vc".VPX_SNAPSHOT.SNAPSHOT_NAME, "vc".VPX_SNAPSHOT.CREATE_TIME
FROM "vc".VPX_SNAPSHOT
WHERE "vc".VPX_SNAPSHOT.VM_ID IN (:vm1::INTEGER, :vm2::INTEGER) OR "vc".VPX_SNAPSHOT.ID IN (:snapshot::INTEGER);

-- the VMs that VirtualCenter still knows, with their hosts, when a removal fails (run, recover)
SELECT "vc".VPX_VM.ID
FROM "vc".VPX_VM
WHERE "vc".VPX_VM.ID IN (:vm1::INTEGER, :vm2::INTEGER);
SELECT "vc".VPX_VM.ID, "vc".VPX_HOST.DNS_NAME
FROM "vc".VPX_VM JOIN "vc".VPX_HOST ON "vc".VPX_HOST.ID = "vc".VPX_VM.HOST_ID
WHERE "vc".VPX_VM.ID IN (:vm1::INTEGER, :vm2::INTEGER);

-- where the .vmx files lie, for a job that copies them (run, doctor)
SELECT "vc".VPX_VM.ID, "vc".VPX_VM.FILE_NAME
FROM "vc".VPX_VM
WHERE "vc".VPX_VM.ID IN (:vm1::INTEGER, :vm2::INTEGER);
SELECT "vc".VPX_VM.ID
FROM "vc".VPX_VM
WHERE "vc".VPX_VM.ID IN (:vm1::INTEGER, :vm2::INTEGER);
SELECT "vc".VPX_VM.ID, "vc".VPX_HOST.DNS_NAME
FROM "vc".VPX_VM JOIN "vc".VPX_HOST ON "vc".VPX_HOST.ID = "vc".VPX_VM.HOST_ID
WHERE "vc".VPX_VM.ID IN (:vm1::INTEGER, :vm2::INTEGER);

-- the names of all VMs, which tell whose a LUN is (restore, verify)
SELECT "vc".VPX_VM.ID
FROM "vc".VPX_VM;
SELECT "vc".VPX_VM.ID, "vc".VPX_ENTITY.NAME
FROM "vc".VPX_VM JOIN "vc".VPX_ENTITY ON "vc".VPX_ENTITY.ID = "vc".VPX_VM.ID
WHERE "vc".VPX_VM.ID IN (:vm4::INTEGER, :vm3::INTEGER);
SELECT "vc".VPX_VM.ID, "vc".VPX_HOST.DNS_NAME
FROM "vc".VPX_VM JOIN "vc".VPX_HOST ON "vc".VPX_HOST.ID = "vc".VPX_VM.HOST_ID
WHERE "vc".VPX_VM.ID IN (:vm4::INTEGER, :vm3::INTEGER);

-- whether these VMs run (restore)
SELECT "vc".VPX_VM.ID, "vc".VPX_VM.POWER_STATE
FROM "vc".VPX_VM
WHERE "vc".VPX_VM.ID IN (:vm1::INTEGER, :vm2::INTEGER);

-- the datastores, if a job names one instead of giving its id (run, plan)
SELECT "vc".VPX_DATASTORE.ID, "vc".VPX_DATASTORE.NAME
FROM "vc".VPX_DATASTORE;

-- the datastores with their VMs and their space (datastores, audit)
SELECT "vc".VPX_DATASTORE.ID, "vc".VPX_DATASTORE.NAME
FROM "vc".VPX_DATASTORE;
SELECT DISTINCT "vc".VPX_DS_ASSIGNMENT.DS_ID, "vc".VPX_VM.ID
FROM "vc".VPX_DS_ASSIGNMENT JOIN "vc".VPX_VM ON "vc".VPX_VM.ID = "vc".VPX_DS_ASSIGNMENT.ENTITY_ID
WHERE coalesce("vc".VPX_VM.IS_TEMPLATE, 0) = 0;
SELECT "vc".VPX_DATASTORE.ID, "vc".VPX_DATASTORE.CAPACITY
FROM "vc".VPX_DATASTORE;
SELECT "vc".VPX_DATASTORE.ID, "vc".VPX_DATASTORE.FREE_SPACE
FROM "vc".VPX_DATASTORE;

-- the database's own time (doctor)
SELECT timezone('utc', now()) AS timezone_1;

-- all VMs with their datastores, names and disks (audit)
SELECT DISTINCT "vc".VPX_VM.ID, "vc".VPX_DS_ASSIGNMENT.DS_ID
FROM "vc".VPX_VM JOIN "vc".VPX_DS_ASSIGNMENT ON "vc".VPX_VM.ID = "vc".VPX_DS_ASSIGNMENT.ENTITY_ID
WHERE coalesce("vc".VPX_VM.IS_TEMPLATE, 0) = 0 ORDER BY "vc".VPX_VM.ID;
SELECT "vc".VPX_VM.ID, "vc".VPX_ENTITY.NAME
FROM "vc".VPX_VM JOIN "vc".VPX_ENTITY ON "vc".VPX_ENTITY.ID = "vc".VPX_VM.ID
WHERE "vc".VPX_VM.ID IN (:vm3::INTEGER);
SELECT "vc".VPX_VM.ID, "vc".VPX_HOST.DNS_NAME
FROM "vc".VPX_VM JOIN "vc".VPX_HOST ON "vc".VPX_HOST.ID = "vc".VPX_VM.HOST_ID
WHERE "vc".VPX_VM.ID IN (:vm3::INTEGER);
SELECT "vc".VPX_VIRTUAL_DISK.VM_ID, "vc".VPX_VIRTUAL_DISK.UPDATE_KEY, "vc".VPX_VDEVICE_FILE_BACKING.DATASTORE_ID
FROM "vc".VPX_VIRTUAL_DISK LEFT OUTER JOIN "vc".VPX_VDEVICE_FILE_BACKING ON "vc".VPX_VDEVICE_FILE_BACKING.VM_ID = "vc".VPX_VIRTUAL_DISK.VM_ID AND "vc".VPX_VDEVICE_FILE_BACKING.UPDATE_KEY = "vc".VPX_VIRTUAL_DISK.UPDATE_KEY;
SELECT "vc".VPX_VM.ID, "vc".VPX_VM.NUM_DISK
FROM "vc".VPX_VM;

-- what is below the datastores (audit)
SELECT "vc".VPX_DATASTORE.ID, "vc".VPX_DATASTORE.NAME
FROM "vc".VPX_DATASTORE;
SELECT "vc".VPX_DATASTORE.ID, "vc".VPX_DATASTORE.STORAGE_URL
FROM "vc".VPX_DATASTORE;

-- the VMs that a job's own `query` names, here the one below (run, plan, audit)
BEGIN READ ONLY;
DECLARE snapall_query NO SCROLL CURSOR FOR SELECT ID FROM vc.VPX_VM WHERE IS_TEMPLATE = 0;
FETCH 5001 FROM snapall_query;
ROLLBACK;
SELECT "vc".VPX_VM.ID
FROM "vc".VPX_VM
WHERE "vc".VPX_VM.ID IN (:vm3::INTEGER);
SELECT "vc".VPX_VM.ID
FROM "vc".VPX_VM
WHERE coalesce("vc".VPX_VM.IS_TEMPLATE, 0) = 0 AND "vc".VPX_VM.ID IN (:vm3::INTEGER);
