-- The VMs whose custom attribute Backup has the value nightly.
-- Uncertain for VirtualCenter 2.x: VPX_FIELD_DEF (ID, NAME) and VPX_FIELD_VAL (ENTITY_ID, FIELD_ID, VALUE). Its technical
-- note of database views lists VPXV_FIELDS and VPXV_VM_FIELDS, which your DBA may have added.
SELECT VPX_VM.ID
FROM vc_user.VPX_VM VPX_VM
JOIN vc_user.VPX_FIELD_VAL FIELD_VALUE ON FIELD_VALUE.ENTITY_ID = VPX_VM.ID
JOIN vc_user.VPX_FIELD_DEF FIELD ON FIELD.ID = FIELD_VALUE.FIELD_ID
WHERE FIELD.NAME = 'Backup' AND FIELD_VALUE.VALUE = 'nightly' AND VPX_VM.IS_TEMPLATE = 0
