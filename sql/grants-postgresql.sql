-- The same login for PostgreSQL, the database of later vCenter Servers and of the appliance: database VCDB, schema vc.
-- Replace CHANGE-ME with a password. Then run it as a superuser, usually `postgres`: the tables' owner, `vc`, may grant
-- rights on them but not create a role, and a user who may only create roles may not grant these rights.
--     psql -U postgres -d VCDB -v ON_ERROR_STOP=1 --single-transaction -f grants-postgresql.sql
-- Tried on PostgreSQL 15 with tables made by hand, never on a real vCenter database. The server's pg_hba.conf must allow
-- the role from snapall's machine, for example: host VCDB snapall 192.0.2.7/32 scram-sha-256
CREATE ROLE snapall LOGIN PASSWORD 'CHANGE-ME';
GRANT USAGE ON SCHEMA vc TO snapall;
GRANT SELECT (ID, HOST_ID, IS_TEMPLATE) ON vc.VPX_VM TO snapall;
GRANT SELECT (DS_ID, ENTITY_ID) ON vc.VPX_DS_ASSIGNMENT TO snapall;
GRANT SELECT (ID, VM_ID, SNAPSHOT_NAME, CREATE_TIME) ON vc.VPX_SNAPSHOT TO snapall;
GRANT SELECT (ID, NAME) ON vc.VPX_ENTITY TO snapall;
GRANT SELECT (ID, DNS_NAME) ON vc.VPX_HOST TO snapall;
GRANT SELECT (ID, NAME, CAPACITY, FREE_SPACE) ON vc.VPX_DATASTORE TO snapall;
-- Optional, as in grants.sql: the VMs' disks, the storage under a datastore, the guests' names, the
-- .vmx files, whether a VM runs. Where a table or a column is missing, psql goes on; the grants above stay.
\set ON_ERROR_STOP off
\set ON_ERROR_ROLLBACK on
GRANT SELECT (VM_ID, UPDATE_KEY) ON vc.VPX_VIRTUAL_DISK TO snapall;
GRANT SELECT (VM_ID, UPDATE_KEY, DATASTORE_ID) ON vc.VPX_VDEVICE_FILE_BACKING TO snapall;
GRANT SELECT (NUM_DISK) ON vc.VPX_VM TO snapall;
GRANT SELECT (STORAGE_URL) ON vc.VPX_DATASTORE TO snapall;
GRANT SELECT (DNS_NAME, IP_ADDRESS) ON vc.VPX_VM TO snapall;
GRANT SELECT (FILE_NAME) ON vc.VPX_VM TO snapall;
GRANT SELECT (POWER_STATE) ON vc.VPX_VM TO snapall;
