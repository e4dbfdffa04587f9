-- The VMs of the resource pool Gold.
-- VPX_VM.RESOURCE_GROUP_ID is documented for VirtualCenter 2.x; VPX_ENTITY probably has the pool under this id.
SELECT VPX_VM.ID
FROM vc_user.VPX_VM VPX_VM
JOIN vc_user.VPX_ENTITY POOL ON POOL.ID = VPX_VM.RESOURCE_GROUP_ID
WHERE POOL.NAME = 'Gold' AND VPX_VM.IS_TEMPLATE = 0
