-- The VMs of the DRS rule Keep together.
-- Uncertain for VirtualCenter 2.x, even the names: VPX_DRS_RULE (ID, NAME) and VPX_DRS_RULE_VM (RULE_ID, VM_ID) stand for
-- the tables of the rules and of their VMs. To find yours, list the tables that tie VMs to something:
-- SELECT TABLE_NAME, COLUMN_NAME FROM INFORMATION_SCHEMA.COLUMNS WHERE COLUMN_NAME LIKE '%RULE%' OR COLUMN_NAME = 'VM_ID'
SELECT VPX_VM.ID
FROM vc_user.VPX_VM VPX_VM
JOIN vc_user.VPX_DRS_RULE_VM RULE_VM ON RULE_VM.VM_ID = VPX_VM.ID
JOIN vc_user.VPX_DRS_RULE DRS_RULE ON DRS_RULE.ID = RULE_VM.RULE_ID
WHERE DRS_RULE.NAME = 'Keep together' AND VPX_VM.IS_TEMPLATE = 0
