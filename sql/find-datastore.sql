-- Every datastore with the id that a job's `datastores` needs, its name, and its number of VMs without templates.
-- `snapall datastores` shows the same. Run this as the owner of the VPX_ tables, or put the owner before each table.
-- VirtualCenter stores %, / and \ in a name as %25, %2f and %5c.
SELECT d.ID, d.NAME, COUNT(DISTINCT v.ID) AS VMS
FROM VPX_DATASTORE d
LEFT JOIN VPX_DS_ASSIGNMENT a ON a.DS_ID = d.ID
LEFT JOIN VPX_VM v ON v.ID = a.ENTITY_ID AND COALESCE(v.IS_TEMPLATE, 0) = 0
GROUP BY d.ID, d.NAME
ORDER BY d.ID
