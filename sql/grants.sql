-- A login for snapall that may read what snapall reads, and nothing else, for SQL Server 2000 and later.
--
-- To do: put VirtualCenter's own database for VIM_VCDB, the owner of the VPX_ tables for vc_user, and a password of your
-- own for CHANGE-ME. Run part 1 or part 2, then part 3, as an administrator of the server:
--     osql   -E -S SERVER -i grants.sql      (SQL Server 2000)
--     sqlcmd -E -S SERVER -i grants.sql      (2005 and later)
-- The owner: SELECT TABLE_SCHEMA FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_NAME = 'VPX_VM'
--
-- The rights are given column by column. VPX_HOST keeps the passwords of the ESX hosts, and whoever has SELECT on the
-- whole table, or db_datareader, may read them. snapall never writes to this database.
--
-- What was tried: part 3 against stand-ins for SQL Server 2000 and 2005 that enforce these rights. Parts 1 and 2 were
-- never run on a real server.

-- Part 1, SQL Server 2005 and later. The server must take SQL Server logins ("mixed mode"). For 2000 delete this part.
USE master
GO
CREATE LOGIN snapall WITH PASSWORD = 'CHANGE-ME', DEFAULT_DATABASE = VIM_VCDB
GO
USE VIM_VCDB
GO
CREATE USER snapall FOR LOGIN snapall
GO

-- Part 2, SQL Server 2000 and MSDE: take the `--2000` away.
--2000 USE master
--2000 GO
--2000 EXEC sp_addlogin 'snapall', 'CHANGE-ME', 'VIM_VCDB'
--2000 GO
--2000 USE VIM_VCDB
--2000 GO
--2000 EXEC sp_grantdbaccess 'snapall', 'snapall'
--2000 GO

-- Part 3, every version.
USE VIM_VCDB
GO
GRANT SELECT (ID, HOST_ID, IS_TEMPLATE) ON vc_user.VPX_VM TO snapall
GRANT SELECT (DS_ID, ENTITY_ID) ON vc_user.VPX_DS_ASSIGNMENT TO snapall
GRANT SELECT (ID, VM_ID, SNAPSHOT_NAME, CREATE_TIME) ON vc_user.VPX_SNAPSHOT TO snapall
GO
-- The VMs' names. Without them snapall shows morefs such as vm-611, and `vms` of a job must name those.
GRANT SELECT (ID, NAME) ON vc_user.VPX_ENTITY TO snapall
-- The VMs' hosts, for a warning when many VMs of one host are quiesced.
GRANT SELECT (ID, DNS_NAME) ON vc_user.VPX_HOST TO snapall
-- Datastores by name, and `snapall datastores`. A job that gives ids needs none of this.
GRANT SELECT (ID, NAME, CAPACITY, FREE_SPACE) ON vc_user.VPX_DATASTORE TO snapall
GO

-- What snapall may read now. There should be the six tables above, and no PASSWORD:
-- SELECT TABLE_NAME, COLUMN_NAME FROM INFORMATION_SCHEMA.COLUMN_PRIVILEGES WHERE GRANTEE = 'snapall'
--
-- To take it all back: on 2005 and later DROP USER snapall, then DROP LOGIN snapall;
-- on 2000 EXEC sp_revokedbaccess 'snapall', then EXEC sp_droplogin 'snapall'.
