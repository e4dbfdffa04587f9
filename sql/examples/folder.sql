-- The VMs of the folder Accounting, and of the folders right below it.
-- VPX_ENTITY (ID, NAME, PARENT_ID) and VPX_VM (ID, IS_TEMPLATE) are documented for VirtualCenter 2.x.
SELECT VPX_VM.ID
FROM vc_user.VPX_VM VPX_VM
JOIN vc_user.VPX_ENTITY VM ON VM.ID = VPX_VM.ID
JOIN vc_user.VPX_ENTITY FOLDER ON FOLDER.ID = VM.PARENT_ID
LEFT JOIN vc_user.VPX_ENTITY ABOVE ON ABOVE.ID = FOLDER.PARENT_ID
WHERE (FOLDER.NAME = 'Accounting' OR ABOVE.NAME = 'Accounting') AND VPX_VM.IS_TEMPLATE = 0
