-- The statements that snapall sends to the VirtualCenter database, SQLite, the lab's.
-- Each query has its own connection, in autocommit, closed at once.
-- snapall binds values, and never writes them into the text. Here they are variables, so that this file runs as it
-- stands:
--     sqlite3 -readonly virtualcenter.db < sqlite.sql
-- The values are an example's: datastore 688, snapshot-1228, and some VMs.
-- An error about the two tables of the disks, NUM_DISK, STORAGE_URL, DNS_NAME, IP_ADDRESS, FILE_NAME or POWER_STATE
-- does no harm: snapall goes on without them.
-- There are no owners.
-- Made by `python -m tests.site.statements sqlite`; a test compares this file with what is really sent. SQLAlchemy
-- words the statements: another release may set brackets differently. When it first connects, it also asks, for its own
-- use, for nothing that concerns these tables.

.parameter set @datastore 688
.parameter set @vm1 108
.parameter set @vm2 110
.parameter set @snapshot 1228
.parameter set @vm3 1226
.parameter set @vm4 2001

-- the VMs of a job's datastores, their names, hosts and disks, and what their guests are called (run, plan)
SELECT DISTINCT VPX_VM.ID, VPX_DS_ASSIGNMENT.DS_ID
FROM VPX_VM JOIN VPX_DS_ASSIGNMENT ON VPX_VM.ID = VPX_DS_ASSIGNMENT.ENTITY_ID
WHERE coalesce(VPX_VM.IS_TEMPLATE, 0) = 0 AND VPX_DS_ASSIGNMENT.DS_ID IN (@datastore) ORDER BY VPX_VM.ID;
SELECT VPX_VM.ID, VPX_ENTITY.NAME
FROM VPX_VM JOIN VPX_ENTITY ON VPX_ENTITY.ID = VPX_VM.ID
WHERE VPX_VM.ID IN (@vm1, @vm2, @vm3);
SELECT VPX_VM.ID, VPX_HOST.DNS_NAME
FROM VPX_VM JOIN VPX_HOST ON VPX_HOST.ID = VPX_VM.HOST_ID
WHERE VPX_VM.ID IN (@vm1, @vm2, @vm3);
SELECT VPX_DATASTORE.ID, VPX_DATASTORE.NAME
FROM VPX_DATASTORE;
SELECT VPX_DATASTORE.ID, VPX_DATASTORE.STORAGE_URL
FROM VPX_DATASTORE;
SELECT VPX_VIRTUAL_DISK.VM_ID, VPX_VIRTUAL_DISK.UPDATE_KEY, VPX_VDEVICE_FILE_BACKING.DATASTORE_ID
FROM VPX_VIRTUAL_DISK LEFT OUTER JOIN VPX_VDEVICE_FILE_BACKING ON VPX_VDEVICE_FILE_BACKING.VM_ID = VPX_VIRTUAL_DISK.VM_ID AND VPX_VDEVICE_FILE_BACKING.UPDATE_KEY = VPX_VIRTUAL_DISK.UPDATE_KEY
WHERE VPX_VIRTUAL_DISK.VM_ID IN (@vm1, @vm2, @vm3);
SELECT VPX_VM.ID, VPX_VM.NUM_DISK
FROM VPX_VM
WHERE VPX_VM.ID IN (@vm1, @vm2, @vm3);
SELECT VPX_VM.ID, VPX_VM.DNS_NAME
FROM VPX_VM
WHERE VPX_VM.ID IN (@vm1, @vm2, @vm3);
SELECT VPX_VM.ID, VPX_VM.IP_ADDRESS
FROM VPX_VM
WHERE VPX_VM.ID IN (@vm1, @vm2, @vm3);

-- the snapshots of these VMs (run, plan, recover)
SELECT VPX_SNAPSHOT.ID, VPX_SNAPSHOT.VM_ID, VPX_SNAPSHOT.SNAPSHOT_NAME, VPX_SNAPSHOT.CREATE_TIME
FROM VPX_SNAPSHOT
WHERE VPX_SNAPSHOT.VM_ID IN (@vm1, @vm2);

-- the same, and the VMs of the ids that vcbsnapshot printed (run, recover)
SELECT VPX_SNAPSHOT.ID, VPX_SNAPSHOT.VM_ID, VPX_SNAPSHOT.SNAPSHOT_NAME, VPX_SNAPSHOT.CREATE_TIME
FROM VPX_SNAPSHOT
WHERE VPX_SNAPSHOT.VM_ID IN (@vm1, @vm2) OR VPX_SNAPSHOT.ID IN (@snapshot);

-- the VMs that VirtualCenter still knows, with their hosts, when a removal fails (run, recover)
SELECT VPX_VM.ID
FROM VPX_VM
WHERE VPX_VM.ID IN (@vm1, @vm2);
SELECT VPX_VM.ID, VPX_HOST.DNS_NAME
FROM VPX_VM JOIN VPX_HOST ON VPX_HOST.ID = VPX_VM.HOST_ID
WHERE VPX_VM.ID IN (@vm1, @vm2);

-- where the .vmx files lie, for a job that copies them (run, doctor)
SELECT VPX_VM.ID, VPX_VM.FILE_NAME
FROM VPX_VM
WHERE VPX_VM.ID IN (@vm1, @vm2);
SELECT VPX_VM.ID
FROM VPX_VM
WHERE VPX_VM.ID IN (@vm1, @vm2);
SELECT VPX_VM.ID, VPX_HOST.DNS_NAME
FROM VPX_VM JOIN VPX_HOST ON VPX_HOST.ID = VPX_VM.HOST_ID
WHERE VPX_VM.ID IN (@vm1, @vm2);

-- the names of all VMs, which tell whose a LUN is (restore, verify)
SELECT VPX_VM.ID
FROM VPX_VM;
SELECT VPX_VM.ID, VPX_ENTITY.NAME
FROM VPX_VM JOIN VPX_ENTITY ON VPX_ENTITY.ID = VPX_VM.ID
WHERE VPX_VM.ID IN (@vm1, @vm2, @vm3, @vm4);
SELECT VPX_VM.ID, VPX_HOST.DNS_NAME
FROM VPX_VM JOIN VPX_HOST ON VPX_HOST.ID = VPX_VM.HOST_ID
WHERE VPX_VM.ID IN (@vm1, @vm2, @vm3, @vm4);

-- whether these VMs run (restore)
SELECT VPX_VM.ID, VPX_VM.POWER_STATE
FROM VPX_VM
WHERE VPX_VM.ID IN (@vm1, @vm2);

-- the datastores, if a job names one instead of giving its id (run, plan)
SELECT VPX_DATASTORE.ID, VPX_DATASTORE.NAME
FROM VPX_DATASTORE;

-- the datastores with their VMs and their space (datastores, audit)
SELECT VPX_DATASTORE.ID, VPX_DATASTORE.NAME
FROM VPX_DATASTORE;
SELECT DISTINCT VPX_DS_ASSIGNMENT.DS_ID, VPX_VM.ID
FROM VPX_DS_ASSIGNMENT JOIN VPX_VM ON VPX_VM.ID = VPX_DS_ASSIGNMENT.ENTITY_ID
WHERE coalesce(VPX_VM.IS_TEMPLATE, 0) = 0;
SELECT VPX_DATASTORE.ID, VPX_DATASTORE.CAPACITY
FROM VPX_DATASTORE;
SELECT VPX_DATASTORE.ID, VPX_DATASTORE.FREE_SPACE
FROM VPX_DATASTORE;

-- the database's own time (doctor)
SELECT datetime('now') AS datetime_1;

-- all VMs with their datastores, names and disks (audit)
SELECT DISTINCT VPX_VM.ID, VPX_DS_ASSIGNMENT.DS_ID
FROM VPX_VM JOIN VPX_DS_ASSIGNMENT ON VPX_VM.ID = VPX_DS_ASSIGNMENT.ENTITY_ID
WHERE coalesce(VPX_VM.IS_TEMPLATE, 0) = 0 ORDER BY VPX_VM.ID;
SELECT VPX_VM.ID, VPX_ENTITY.NAME
FROM VPX_VM JOIN VPX_ENTITY ON VPX_ENTITY.ID = VPX_VM.ID
WHERE VPX_VM.ID IN (@vm1, @vm2, @vm3, @vm4);
SELECT VPX_VM.ID, VPX_HOST.DNS_NAME
FROM VPX_VM JOIN VPX_HOST ON VPX_HOST.ID = VPX_VM.HOST_ID
WHERE VPX_VM.ID IN (@vm1, @vm2, @vm3, @vm4);
SELECT VPX_VIRTUAL_DISK.VM_ID, VPX_VIRTUAL_DISK.UPDATE_KEY, VPX_VDEVICE_FILE_BACKING.DATASTORE_ID
FROM VPX_VIRTUAL_DISK LEFT OUTER JOIN VPX_VDEVICE_FILE_BACKING ON VPX_VDEVICE_FILE_BACKING.VM_ID = VPX_VIRTUAL_DISK.VM_ID AND VPX_VDEVICE_FILE_BACKING.UPDATE_KEY = VPX_VIRTUAL_DISK.UPDATE_KEY;
SELECT VPX_VM.ID, VPX_VM.NUM_DISK
FROM VPX_VM;

-- what is below the datastores (audit)
SELECT VPX_DATASTORE.ID, VPX_DATASTORE.NAME
FROM VPX_DATASTORE;
SELECT VPX_DATASTORE.ID, VPX_DATASTORE.STORAGE_URL
FROM VPX_DATASTORE;

-- the VMs that a job's own `query` names, here the one below (run, plan, audit)
PRAGMA query_only = ON;
SELECT ID FROM VPX_VM WHERE IS_TEMPLATE = 0;
PRAGMA query_only = OFF;
SELECT VPX_VM.ID
FROM VPX_VM
WHERE VPX_VM.ID IN (@vm1, @vm2, @vm3, @vm4);
SELECT VPX_VM.ID
FROM VPX_VM
WHERE coalesce(VPX_VM.IS_TEMPLATE, 0) = 0 AND VPX_VM.ID IN (@vm1, @vm2, @vm3, @vm4);
