"""Which files are copied, and how their copies are called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapall.backup.model import Vm
from snapall.restore.vmx.names import VmxPath, copy_name, folder_names, is_descriptor, is_wanted, path_of


@pytest.mark.parametrize(
    ("stored", "folder", "name"),
    [
        ("[vmvol1_vmfs] sql01/sql01.vmx", "/vmfs/volumes/vmvol1_vmfs/sql01", "sql01.vmx"),
        ("[VM [vol] 1] a b/a b.vmx", "/vmfs/volumes/VM [vol] 1/a b", "a b.vmx"),
        ("[s] hr%2fpayroll/hr%2fpayroll.vmx", "/vmfs/volumes/s/hr%2fpayroll", "hr%2fpayroll.vmx"),
        ("[s] top.vmx", "/vmfs/volumes/s", "top.vmx"),
        ("/vmfs/volumes/4601-5f0e/x/x.vmx", "/vmfs/volumes/4601-5f0e/x", "x.vmx"),
    ],
)
def test_the_path_of_a_vmx_is_read_as_virtualcenter_writes_it(stored: str, folder: str, name: str) -> None:
    assert path_of(stored) == VmxPath(folder, name)


@pytest.mark.parametrize(
    "stored",
    ["", "x.vmx", "[s]", "[] a/a.vmx", "[..] etc/x.vmx", "[s] ../x.vmx", "[s] a/../../x.vmx", "[s] a//x.vmx", "/etc/x"],
)
def test_a_path_that_leaves_the_datastores_is_none(stored: str) -> None:
    assert path_of(stored) is None


@pytest.mark.parametrize("name", ["x.vmx", "x.vmxf", "x.vmsd", "x.nvram", "x.vmdk", "A B.VMX", "x-000001.vmdk"])
def test_configuration_and_descriptors_are_wanted(name: str) -> None:
    assert is_wanted(name)


@pytest.mark.parametrize(
    "name",
    [
        "x-flat.vmdk",
        "x-000001-delta.vmdk",
        "x-rdm.vmdk",
        "x-RDMP.vmdk",
        "x.vswp",
        "x-Snapshot1.vmsn",
        "x.vmss",
        "x.log",
    ],
)
def test_disks_memory_and_logs_are_never_wanted(name: str) -> None:
    assert not is_wanted(name)


def test_a_descriptor_is_known_by_its_first_line() -> None:
    assert is_descriptor(b"# Disk DescriptorFile\nversion=1\n")
    assert not is_descriptor(b"\x00# Disk DescriptorFile")


@pytest.mark.parametrize("name", ["", ".", "..", "../x.vmx", "a/b.vmx", "/etc/passwd.vmx", "x\0.vmx", "x" * 300])
def test_a_name_that_leaves_its_folder_has_no_copy(name: str) -> None:
    assert copy_name(name) is None


@given(st.text())
def test_whatever_a_console_shows_the_copy_stays_in_its_folder(name: str) -> None:
    kept = copy_name(name)
    assert kept is None or (kept not in {"", ".", ".."} and not set('/\\\0:<>|?*"') & set(kept))


def test_ordinary_names_are_kept_as_they_are() -> None:
    for name in ("sql01.vmx", "a b.vmx", "hr%2fpayroll.vmx", "B\u00fcro.vmx"):
        assert copy_name(name) == name


def test_each_vm_has_a_folder_of_its_own() -> None:
    vms = [Vm(1, "sql01"), Vm(2, "SQL01"), Vm(3, "hr/payroll"), Vm(4), Vm(5, ".."), Vm(6, "a."), Vm(7, "con")]
    assert folder_names(vms) == {
        1: "sql01.vm-1",
        2: "SQL01.vm-2",
        3: "hr%2fpayroll",
        4: "vm-4",
        5: "%2e%2e",
        6: "a%2e",
        7: "_con",
    }


@given(st.lists(st.text(), max_size=5))
def test_no_name_of_a_vm_leaves_the_folder_of_the_generation(names: list[str]) -> None:
    found = folder_names([Vm(n, name) for n, name in enumerate(names)])
    assert len({one.lower() for one in found.values()}) == len(names)
    assert not any(set("/\\\0") & set(one) or one.strip(". ") == "" for one in found.values())
