-- The statements that snapall sends to the VirtualCenter database, SQL Server 2000 to 2005, through pyodbc.
-- Each query has its own connection, in autocommit, closed at once.
-- It begins with SET LOCK_TIMEOUT 30000 (`database.timeout`).
-- snapall binds values, and never writes them into the text. Here they are variables, so that this file runs as it
-- stands, in VirtualCenter's database:
--     osql -E -S SERVER -d VIM_VCDB -i mssql.sql   (or sqlcmd)
-- The values are an example's: datastore 688, snapshot-1228, and some VMs.
-- An error about the two tables of the disks, NUM_DISK, STORAGE_URL, DNS_NAME, IP_ADDRESS, FILE_NAME or POWER_STATE
-- does no harm: snapall goes on without them.
-- The owner of the tables is `vc_user` here: use `database.owner`, or what the first query finds.
-- Made by `python -m tests.site.statements mssql`; a test compares this file with what is really sent. SQLAlchemy
-- words the statements: another release may set brackets differently. When it first connects, it also asks, for its own
-- use, for the version, for NVARCHAR(max), for fn_listextendedproperty and for sys.system_views.

DECLARE @datastore int
SET @datastore = 688
DECLARE @vm1 int
SET @vm1 = 108
DECLARE @vm2 int
SET @vm2 = 110
DECLARE @snapshot int
SET @snapshot = 1228
DECLARE @vm3 int
SET @vm3 = 611
DECLARE @vm4 int
SET @vm4 = 112

-- the VMs of a job's datastores, their names, hosts and disks, and what their guests are called (run, plan)
SELECT [INFORMATION_SCHEMA].TABLES.TABLE_SCHEMA, [INFORMATION_SCHEMA].TABLES.TABLE_NAME
FROM [INFORMATION_SCHEMA].TABLES;
SELECT DISTINCT [vc_user].VPX_VM.ID, [vc_user].VPX_DS_ASSIGNMENT.DS_ID
FROM [vc_user].VPX_VM JOIN [vc_user].VPX_DS_ASSIGNMENT ON [vc_user].VPX_VM.ID = [vc_user].VPX_DS_ASSIGNMENT.ENTITY_ID
WHERE coalesce([vc_user].VPX_VM.IS_TEMPLATE, 0) = 0 AND [vc_user].VPX_DS_ASSIGNMENT.DS_ID IN (@datastore) ORDER BY [vc_user].VPX_VM.ID;
SELECT [vc_user].VPX_VM.ID, [vc_user].VPX_ENTITY.NAME
FROM [vc_user].VPX_VM JOIN [vc_user].VPX_ENTITY ON [vc_user].VPX_ENTITY.ID = [vc_user].VPX_VM.ID
WHERE [vc_user].VPX_VM.ID IN (@vm3);
SELECT [vc_user].VPX_VM.ID, [vc_user].VPX_HOST.DNS_NAME
FROM [vc_user].VPX_VM JOIN [vc_user].VPX_HOST ON [vc_user].VPX_HOST.ID = [vc_user].VPX_VM.HOST_ID
WHERE [vc_user].VPX_VM.ID IN (@vm3);
SELECT [vc_user].VPX_DATASTORE.ID, [vc_user].VPX_DATASTORE.NAME
FROM [vc_user].VPX_DATASTORE;
SELECT [vc_user].VPX_DATASTORE.ID, [vc_user].VPX_DATASTORE.STORAGE_URL
FROM [vc_user].VPX_DATASTORE;
SELECT [vc_user].VPX_VIRTUAL_DISK.VM_ID, [vc_user].VPX_VIRTUAL_DISK.UPDATE_KEY, [vc_user].VPX_VDEVICE_FILE_BACKING.DATASTORE_ID
FROM [vc_user].VPX_VIRTUAL_DISK LEFT OUTER JOIN [vc_user].VPX_VDEVICE_FILE_BACKING ON [vc_user].VPX_VDEVICE_FILE_BACKING.VM_ID = [vc_user].VPX_VIRTUAL_DISK.VM_ID AND [vc_user].VPX_VDEVICE_FILE_BACKING.UPDATE_KEY = [vc_user].VPX_VIRTUAL_DISK.UPDATE_KEY
WHERE [vc_user].VPX_VIRTUAL_DISK.VM_ID IN (@vm3);
SELECT [vc_user].VPX_VM.ID, [vc_user].VPX_VM.NUM_DISK
FROM [vc_user].VPX_VM
WHERE [vc_user].VPX_VM.ID IN (@vm3);
SELECT [vc_user].VPX_VM.ID, [vc_user].VPX_VM.DNS_NAME
FROM [vc_user].VPX_VM
WHERE [vc_user].VPX_VM.ID IN (@vm3);
SELECT [vc_user].VPX_VM.ID, [vc_user].VPX_VM.IP_ADDRESS
FROM [vc_user].VPX_VM
WHERE [vc_user].VPX_VM.ID IN (@vm3);

-- the snapshots of these VMs (run, plan, recover)
SELECT [vc_user].VPX_SNAPSHOT.ID, [vc_user].VPX_SNAPSHOT.VM_ID, [vc_user].VPX_SNAPSHOT.SNAPSHOT_NAME, [vc_user].VPX_SNAPSHOT.CREATE_TIME
FROM [vc_user].VPX_SNAPSHOT
WHERE [vc_user].VPX_SNAPSHOT.VM_ID IN (@vm1, @vm2);

-- the same, and the VMs of the ids that vcbsnapshot printed (run, recover)
SELECT [vc_user].VPX_SNAPSHOT.ID, [vc_user].VPX_SNAPSHOT.VM_ID, [vc_user].VPX_SNAPSHOT.SNAPSHOT_NAME, [vc_user].VPX_SNAPSHOT.CREATE_TIME
FROM [vc_user].VPX_SNAPSHOT
WHERE [vc_user].VPX_SNAPSHOT.VM_ID IN (@vm1, @vm2) OR [vc_user].VPX_SNAPSHOT.ID IN (@snapshot);

-- the VMs that VirtualCenter still knows, with their hosts, when a removal fails (run, recover)
SELECT [vc_user].VPX_VM.ID
FROM [vc_user].VPX_VM
WHERE [vc_user].VPX_VM.ID IN (@vm1, @vm2);
SELECT [vc_user].VPX_VM.ID, [vc_user].VPX_HOST.DNS_NAME
FROM [vc_user].VPX_VM JOIN [vc_user].VPX_HOST ON [vc_user].VPX_HOST.ID = [vc_user].VPX_VM.HOST_ID
WHERE [vc_user].VPX_VM.ID IN (@vm1, @vm2);

-- where the .vmx files lie, for a job that copies them (run, doctor)
SELECT [vc_user].VPX_VM.ID, [vc_user].VPX_VM.FILE_NAME
FROM [vc_user].VPX_VM
WHERE [vc_user].VPX_VM.ID IN (@vm1, @vm2);
SELECT [vc_user].VPX_VM.ID
FROM [vc_user].VPX_VM
WHERE [vc_user].VPX_VM.ID IN (@vm1, @vm2);
SELECT [vc_user].VPX_VM.ID, [vc_user].VPX_HOST.DNS_NAME
FROM [vc_user].VPX_VM JOIN [vc_user].VPX_HOST ON [vc_user].VPX_HOST.ID = [vc_user].VPX_VM.HOST_ID
WHERE [vc_user].VPX_VM.ID IN (@vm1, @vm2);

-- the names of all VMs, which tell whose a LUN is (restore, verify)
SELECT [vc_user].VPX_VM.ID
FROM [vc_user].VPX_VM;
SELECT [vc_user].VPX_VM.ID, [vc_user].VPX_ENTITY.NAME
FROM [vc_user].VPX_VM JOIN [vc_user].VPX_ENTITY ON [vc_user].VPX_ENTITY.ID = [vc_user].VPX_VM.ID
WHERE [vc_user].VPX_VM.ID IN (@vm4, @vm3);
SELECT [vc_user].VPX_VM.ID, [vc_user].VPX_HOST.DNS_NAME
FROM [vc_user].VPX_VM JOIN [vc_user].VPX_HOST ON [vc_user].VPX_HOST.ID = [vc_user].VPX_VM.HOST_ID
WHERE [vc_user].VPX_VM.ID IN (@vm4, @vm3);

-- whether these VMs run (restore)
SELECT [vc_user].VPX_VM.ID, [vc_user].VPX_VM.POWER_STATE
FROM [vc_user].VPX_VM
WHERE [vc_user].VPX_VM.ID IN (@vm1, @vm2);

-- the datastores, if a job names one instead of giving its id (run, plan)
SELECT [vc_user].VPX_DATASTORE.ID, [vc_user].VPX_DATASTORE.NAME
FROM [vc_user].VPX_DATASTORE;

-- the datastores with their VMs and their space (datastores, audit)
SELECT [vc_user].VPX_DATASTORE.ID, [vc_user].VPX_DATASTORE.NAME
FROM [vc_user].VPX_DATASTORE;
SELECT DISTINCT [vc_user].VPX_DS_ASSIGNMENT.DS_ID, [vc_user].VPX_VM.ID
FROM [vc_user].VPX_DS_ASSIGNMENT JOIN [vc_user].VPX_VM ON [vc_user].VPX_VM.ID = [vc_user].VPX_DS_ASSIGNMENT.ENTITY_ID
WHERE coalesce([vc_user].VPX_VM.IS_TEMPLATE, 0) = 0;
SELECT [vc_user].VPX_DATASTORE.ID, [vc_user].VPX_DATASTORE.CAPACITY
FROM [vc_user].VPX_DATASTORE;
SELECT [vc_user].VPX_DATASTORE.ID, [vc_user].VPX_DATASTORE.FREE_SPACE
FROM [vc_user].VPX_DATASTORE;

-- the database's own time (doctor)
SELECT getutcdate() AS getutcdate_1;

-- all VMs with their datastores, names and disks (audit)
SELECT DISTINCT [vc_user].VPX_VM.ID, [vc_user].VPX_DS_ASSIGNMENT.DS_ID
FROM [vc_user].VPX_VM JOIN [vc_user].VPX_DS_ASSIGNMENT ON [vc_user].VPX_VM.ID = [vc_user].VPX_DS_ASSIGNMENT.ENTITY_ID
WHERE coalesce([vc_user].VPX_VM.IS_TEMPLATE, 0) = 0 ORDER BY [vc_user].VPX_VM.ID;
SELECT [vc_user].VPX_VM.ID, [vc_user].VPX_ENTITY.NAME
FROM [vc_user].VPX_VM JOIN [vc_user].VPX_ENTITY ON [vc_user].VPX_ENTITY.ID = [vc_user].VPX_VM.ID
WHERE [vc_user].VPX_VM.ID IN (@vm3);
SELECT [vc_user].VPX_VM.ID, [vc_user].VPX_HOST.DNS_NAME
FROM [vc_user].VPX_VM JOIN [vc_user].VPX_HOST ON [vc_user].VPX_HOST.ID = [vc_user].VPX_VM.HOST_ID
WHERE [vc_user].VPX_VM.ID IN (@vm3);
SELECT [vc_user].VPX_VIRTUAL_DISK.VM_ID, [vc_user].VPX_VIRTUAL_DISK.UPDATE_KEY, [vc_user].VPX_VDEVICE_FILE_BACKING.DATASTORE_ID
FROM [vc_user].VPX_VIRTUAL_DISK LEFT OUTER JOIN [vc_user].VPX_VDEVICE_FILE_BACKING ON [vc_user].VPX_VDEVICE_FILE_BACKING.VM_ID = [vc_user].VPX_VIRTUAL_DISK.VM_ID AND [vc_user].VPX_VDEVICE_FILE_BACKING.UPDATE_KEY = [vc_user].VPX_VIRTUAL_DISK.UPDATE_KEY;
SELECT [vc_user].VPX_VM.ID, [vc_user].VPX_VM.NUM_DISK
FROM [vc_user].VPX_VM;

-- what is below the datastores (audit)
SELECT [vc_user].VPX_DATASTORE.ID, [vc_user].VPX_DATASTORE.NAME
FROM [vc_user].VPX_DATASTORE;
SELECT [vc_user].VPX_DATASTORE.ID, [vc_user].VPX_DATASTORE.STORAGE_URL
FROM [vc_user].VPX_DATASTORE;

-- the VMs that a job's own `query` names, here the one below (run, plan, audit)
BEGIN TRANSACTION;
SELECT ID FROM vc_user.VPX_VM WHERE IS_TEMPLATE = 0;
IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION;
SELECT [vc_user].VPX_VM.ID
FROM [vc_user].VPX_VM
WHERE [vc_user].VPX_VM.ID IN (@vm3);
SELECT [vc_user].VPX_VM.ID
FROM [vc_user].VPX_VM
WHERE coalesce([vc_user].VPX_VM.IS_TEMPLATE, 0) = 0 AND [vc_user].VPX_VM.ID IN (@vm3);
