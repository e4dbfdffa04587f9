-- The statements that snapall sends to the VirtualCenter database, PostgreSQL, through pg8000.
-- Each query has its own connection, in autocommit, closed at once. Values are bound, never written into the text;
-- these are an example's: datastore 688, the VMs 108 and 110, and snapshot-1228.
-- The owner of the tables is `vc_user` here (`vc` on an appliance): `database.owner`, or found first.
-- Made by `python -m tests.site.statements postgresql`; a test compares this file with what is really sent. SQLAlchemy
-- words the statements: another release may set brackets differently. When it first connects, it also asks, for its own
-- use, for the version, the schema, the isolation level and standard_conforming_strings.

-- the VMs of a job's datastores, their names, hosts and disks, and what their guests are called (run, plan)
SELECT INFORMATION_SCHEMA.TABLES.TABLE_SCHEMA, INFORMATION_SCHEMA.TABLES.TABLE_NAME
FROM INFORMATION_SCHEMA.TABLES;
SELECT DISTINCT "vc_user".VPX_VM.ID, "vc_user".VPX_DS_ASSIGNMENT.DS_ID
FROM "vc_user".VPX_VM JOIN "vc_user".VPX_DS_ASSIGNMENT ON "vc_user".VPX_VM.ID = "vc_user".VPX_DS_ASSIGNMENT.ENTITY_ID
WHERE coalesce("vc_user".VPX_VM.IS_TEMPLATE, 0) = 0 AND "vc_user".VPX_DS_ASSIGNMENT.DS_ID IN (%s::INTEGER) ORDER BY "vc_user".VPX_VM.ID;  -- bound: 688
SELECT "vc_user".VPX_VM.ID, "vc_user".VPX_ENTITY.NAME
FROM "vc_user".VPX_VM JOIN "vc_user".VPX_ENTITY ON "vc_user".VPX_ENTITY.ID = "vc_user".VPX_VM.ID
WHERE "vc_user".VPX_VM.ID IN (%s::INTEGER);  -- bound: 611
SELECT "vc_user".VPX_VM.ID, "vc_user".VPX_HOST.DNS_NAME
FROM "vc_user".VPX_VM JOIN "vc_user".VPX_HOST ON "vc_user".VPX_HOST.ID = "vc_user".VPX_VM.HOST_ID
WHERE "vc_user".VPX_VM.ID IN (%s::INTEGER);  -- bound: 611
SELECT "vc_user".VPX_DATASTORE.ID, "vc_user".VPX_DATASTORE.NAME
FROM "vc_user".VPX_DATASTORE;
SELECT "vc_user".VPX_DATASTORE.ID, "vc_user".VPX_DATASTORE.STORAGE_URL
FROM "vc_user".VPX_DATASTORE;
SELECT "vc_user".VPX_VIRTUAL_DISK.VM_ID, "vc_user".VPX_VIRTUAL_DISK.UPDATE_KEY, "vc_user".VPX_VDEVICE_FILE_BACKING.DATASTORE_ID
FROM "vc_user".VPX_VIRTUAL_DISK LEFT OUTER JOIN "vc_user".VPX_VDEVICE_FILE_BACKING ON "vc_user".VPX_VDEVICE_FILE_BACKING.VM_ID = "vc_user".VPX_VIRTUAL_DISK.VM_ID AND "vc_user".VPX_VDEVICE_FILE_BACKING.UPDATE_KEY = "vc_user".VPX_VIRTUAL_DISK.UPDATE_KEY
WHERE "vc_user".VPX_VIRTUAL_DISK.VM_ID IN (%s::INTEGER);  -- bound: 611
SELECT "vc_user".VPX_VM.ID, "vc_user".VPX_VM.NUM_DISK
FROM "vc_user".VPX_VM
WHERE "vc_user".VPX_VM.ID IN (%s::INTEGER);  -- bound: 611
SELECT "vc_user".VPX_VM.ID, "vc_user".VPX_VM.DNS_NAME
FROM "vc_user".VPX_VM
WHERE "vc_user".VPX_VM.ID IN (%s::INTEGER);  -- bound: 611
SELECT "vc_user".VPX_VM.ID, "vc_user".VPX_VM.IP_ADDRESS
FROM "vc_user".VPX_VM
WHERE "vc_user".VPX_VM.ID IN (%s::INTEGER);  -- bound: 611

-- the snapshots of these VMs (run, plan, recover)
SELECT "vc_user".VPX_SNAPSHOT.ID, "vc_user".VPX_SNAPSHOT.VM_ID, "vc_user".VPX_SNAPSHOT.SNAPSHOT_NAME, "vc_user".VPX_SNAPSHOT.CREATE_TIME
FROM "vc_user".VPX_SNAPSHOT
WHERE "vc_user".VPX_SNAPSHOT.VM_ID IN (%s::INTEGER, %s::INTEGER);  -- bound: 108, 110

-- the same, and the VMs of the ids that vcbsnapshot printed (run, recover)
SELECT "vc_user".VPX_SNAPSHOT.ID, "vc_user".VPX_SNAPSHOT.VM_ID, "vc_user".VPX_SNAPSHOT.SNAPSHOT_NAME, "vc_user".VPX_SNAPSHOT.CREATE_TIME
FROM "vc_user".VPX_SNAPSHOT
WHERE "vc_user".VPX_SNAPSHOT.VM_ID IN (%s::INTEGER, %s::INTEGER) OR "vc_user".VPX_SNAPSHOT.ID IN (%s::INTEGER);  -- bound: 108, 110, 1228

-- the VMs that VirtualCenter still knows, with their hosts, when a removal fails (run, recover)
SELECT "vc_user".VPX_VM.ID
FROM "vc_user".VPX_VM
WHERE "vc_user".VPX_VM.ID IN (%s::INTEGER, %s::INTEGER);  -- bound: 108, 110
SELECT "vc_user".VPX_VM.ID, "vc_user".VPX_HOST.DNS_NAME
FROM "vc_user".VPX_VM JOIN "vc_user".VPX_HOST ON "vc_user".VPX_HOST.ID = "vc_user".VPX_VM.HOST_ID
WHERE "vc_user".VPX_VM.ID IN (%s::INTEGER, %s::INTEGER);  -- bound: 108, 110

-- the datastores, if a job names one instead of giving its id (run, plan)
SELECT "vc_user".VPX_DATASTORE.ID, "vc_user".VPX_DATASTORE.NAME
FROM "vc_user".VPX_DATASTORE;

-- the datastores with their VMs and their space (datastores, audit)
SELECT "vc_user".VPX_DATASTORE.ID, "vc_user".VPX_DATASTORE.NAME
FROM "vc_user".VPX_DATASTORE;
SELECT DISTINCT "vc_user".VPX_DS_ASSIGNMENT.DS_ID, "vc_user".VPX_VM.ID
FROM "vc_user".VPX_DS_ASSIGNMENT JOIN "vc_user".VPX_VM ON "vc_user".VPX_VM.ID = "vc_user".VPX_DS_ASSIGNMENT.ENTITY_ID
WHERE coalesce("vc_user".VPX_VM.IS_TEMPLATE, 0) = 0;
SELECT "vc_user".VPX_DATASTORE.ID, "vc_user".VPX_DATASTORE.CAPACITY
FROM "vc_user".VPX_DATASTORE;
SELECT "vc_user".VPX_DATASTORE.ID, "vc_user".VPX_DATASTORE.FREE_SPACE
FROM "vc_user".VPX_DATASTORE;

-- the database's own time (doctor)
SELECT timezone('utc', now()) AS timezone_1;

-- all VMs with their datastores, names and disks (audit)
SELECT DISTINCT "vc_user".VPX_VM.ID, "vc_user".VPX_DS_ASSIGNMENT.DS_ID
FROM "vc_user".VPX_VM JOIN "vc_user".VPX_DS_ASSIGNMENT ON "vc_user".VPX_VM.ID = "vc_user".VPX_DS_ASSIGNMENT.ENTITY_ID
WHERE coalesce("vc_user".VPX_VM.IS_TEMPLATE, 0) = 0 ORDER BY "vc_user".VPX_VM.ID;
SELECT "vc_user".VPX_VM.ID, "vc_user".VPX_ENTITY.NAME
FROM "vc_user".VPX_VM JOIN "vc_user".VPX_ENTITY ON "vc_user".VPX_ENTITY.ID = "vc_user".VPX_VM.ID
WHERE "vc_user".VPX_VM.ID IN (%s::INTEGER);  -- bound: 611
SELECT "vc_user".VPX_VM.ID, "vc_user".VPX_HOST.DNS_NAME
FROM "vc_user".VPX_VM JOIN "vc_user".VPX_HOST ON "vc_user".VPX_HOST.ID = "vc_user".VPX_VM.HOST_ID
WHERE "vc_user".VPX_VM.ID IN (%s::INTEGER);  -- bound: 611
SELECT "vc_user".VPX_VIRTUAL_DISK.VM_ID, "vc_user".VPX_VIRTUAL_DISK.UPDATE_KEY, "vc_user".VPX_VDEVICE_FILE_BACKING.DATASTORE_ID
FROM "vc_user".VPX_VIRTUAL_DISK LEFT OUTER JOIN "vc_user".VPX_VDEVICE_FILE_BACKING ON "vc_user".VPX_VDEVICE_FILE_BACKING.VM_ID = "vc_user".VPX_VIRTUAL_DISK.VM_ID AND "vc_user".VPX_VDEVICE_FILE_BACKING.UPDATE_KEY = "vc_user".VPX_VIRTUAL_DISK.UPDATE_KEY;
SELECT "vc_user".VPX_VM.ID, "vc_user".VPX_VM.NUM_DISK
FROM "vc_user".VPX_VM;

-- what is below the datastores (audit)
SELECT "vc_user".VPX_DATASTORE.ID, "vc_user".VPX_DATASTORE.NAME
FROM "vc_user".VPX_DATASTORE;
SELECT "vc_user".VPX_DATASTORE.ID, "vc_user".VPX_DATASTORE.STORAGE_URL
FROM "vc_user".VPX_DATASTORE;

-- the VMs that a job's own `query` names, here the one below (run, plan, audit)
BEGIN READ ONLY;
DECLARE snapall_query NO SCROLL CURSOR FOR SELECT ID FROM vc_user.VPX_VM WHERE IS_TEMPLATE = 0;
FETCH 5001 FROM snapall_query;
ROLLBACK;
SELECT "vc_user".VPX_VM.ID
FROM "vc_user".VPX_VM
WHERE "vc_user".VPX_VM.ID IN (%s::INTEGER);  -- bound: 611
SELECT "vc_user".VPX_VM.ID
FROM "vc_user".VPX_VM
WHERE coalesce("vc_user".VPX_VM.IS_TEMPLATE, 0) = 0 AND "vc_user".VPX_VM.ID IN (%s::INTEGER);  -- bound: 611
