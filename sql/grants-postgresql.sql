-- The same login on PostgreSQL, which later vCenter Servers and the appliance have: database VCDB, schema vc.
-- To do: a password of your own for CHANGE-ME. As the database's owner: psql -d VCDB -f grants-postgresql.sql
-- Tried on PostgreSQL 15 with tables made by hand, never on a vCenter's own database.
CREATE ROLE snapall LOGIN PASSWORD 'CHANGE-ME';
GRANT USAGE ON SCHEMA vc TO snapall;
GRANT SELECT (ID, HOST_ID, IS_TEMPLATE) ON vc.VPX_VM TO snapall;
GRANT SELECT (DS_ID, ENTITY_ID) ON vc.VPX_DS_ASSIGNMENT TO snapall;
GRANT SELECT (ID, VM_ID, SNAPSHOT_NAME, CREATE_TIME) ON vc.VPX_SNAPSHOT TO snapall;
GRANT SELECT (ID, NAME) ON vc.VPX_ENTITY TO snapall;
GRANT SELECT (ID, DNS_NAME) ON vc.VPX_HOST TO snapall;
GRANT SELECT (ID, NAME, CAPACITY, FREE_SPACE) ON vc.VPX_DATASTORE TO snapall;
