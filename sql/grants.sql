-- A login that can read what snapall reads, and nothing else. For SQL Server 2000 and later.
--
-- Replace VIM_VCDB with the name of VirtualCenter's database, vc_user with the owner of the VPX_ tables, and CHANGE-ME
-- with a password. Then, as an administrator of the server, run part 1 or part 2, and part 3:
--     osql   -E -S SERVER -i grants.sql      (SQL Server 2000)
--     sqlcmd -E -S SERVER -i grants.sql      (2005 and later)
-- To find the owner: SELECT TABLE_SCHEMA FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_NAME = 'VPX_VM'
--
-- Part 3 grants single columns, because VPX_HOST holds the passwords of the ESX hosts: SELECT on the whole table, or
-- db_datareader, would expose them. snapall never writes to this database.
--
-- Part 3 is tested against stand-ins for SQL Server 2000 and 2005 that enforce these rights. Parts 1 and 2 have never
-- run on a real server.

-- Part 1, SQL Server 2005 and later. The server must accept SQL Server logins ("mixed mode"). On 2000, delete this part.
USE master
GO
CREATE LOGIN snapall WITH PASSWORD = 'CHANGE-ME', DEFAULT_DATABASE = VIM_VCDB
GO
USE VIM_VCDB
GO
CREATE USER snapall FOR LOGIN snapall
GO

-- Part 2, SQL Server 2000 and MSDE: remove each `--2000`.
--2000 USE master
--2000 GO
--2000 EXEC sp_addlogin 'snapall', 'CHANGE-ME', 'VIM_VCDB'
--2000 GO
--2000 USE VIM_VCDB
--2000 GO
--2000 EXEC sp_grantdbaccess 'snapall', 'snapall'
--2000 GO

-- Part 3, all versions.
USE VIM_VCDB
GO
GRANT SELECT (ID, HOST_ID, IS_TEMPLATE) ON vc_user.VPX_VM TO snapall
GRANT SELECT (DS_ID, ENTITY_ID) ON vc_user.VPX_DS_ASSIGNMENT TO snapall
GRANT SELECT (ID, VM_ID, SNAPSHOT_NAME, CREATE_TIME) ON vc_user.VPX_SNAPSHOT TO snapall
GO
-- The VMs' names. Without them, snapall shows morefs such as vm-611, and a job's `vms` must use those.
GRANT SELECT (ID, NAME) ON vc_user.VPX_ENTITY TO snapall
-- The VMs' hosts, for a warning when many VMs of one host are quiesced.
GRANT SELECT (ID, DNS_NAME) ON vc_user.VPX_HOST TO snapall
-- For datastores by name, and for `snapall datastores`. A job that uses ids does not need this.
GRANT SELECT (ID, NAME, CAPACITY, FREE_SPACE) ON vc_user.VPX_DATASTORE TO snapall
GO
-- All of the following is optional; an error about a missing table or column does no harm.
-- The VMs' disks. Without them, a VM also belongs to a datastore on which it has nothing but a mounted ISO image. The
-- tables are those of vCenter 4 and 5; whether 2.x has them is uncertain.
GRANT SELECT (VM_ID, UPDATE_KEY) ON vc_user.VPX_VIRTUAL_DISK TO snapall
GO
GRANT SELECT (VM_ID, UPDATE_KEY, DATASTORE_ID) ON vc_user.VPX_VDEVICE_FILE_BACKING TO snapall
GO
GRANT SELECT (NUM_DISK) ON vc_user.VPX_VM TO snapall
GO
-- The storage under a datastore, for a warning when another datastore, whose VMs the job does not quiesce, shares it.
GRANT SELECT (STORAGE_URL) ON vc_user.VPX_DATASTORE TO snapall
GO
-- The guests' names and addresses, for a warning when VirtualCenter, its database server or snapall is a VM of the job.
GRANT SELECT (DNS_NAME, IP_ADDRESS) ON vc_user.VPX_VM TO snapall
GO
-- Where the .vmx files lie, for a job that copies them ([jobs.NAME.vmx]).
GRANT SELECT (FILE_NAME) ON vc_user.VPX_VM TO snapall
GO
-- Whether a VM runs, for `restore`, which is refused while it does.
GRANT SELECT (POWER_STATE) ON vc_user.VPX_VM TO snapall
GO
-- A job with a `query` also needs SELECT on the columns that its query names.

-- To check: this must list the eight tables above, and no PASSWORD:
-- SELECT TABLE_NAME, COLUMN_NAME FROM INFORMATION_SCHEMA.COLUMN_PRIVILEGES WHERE GRANTEE = 'snapall'
--
-- To undo: on 2005 and later DROP USER snapall, then DROP LOGIN snapall;
-- on 2000 EXEC sp_revokedbaccess 'snapall', then EXEC sp_droplogin 'snapall'.
