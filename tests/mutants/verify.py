"""Mutants of what proves that a backup can be read."""

from __future__ import annotations

from tests.mutants.planting import Mutant

VERIFY = ("tests/restore/test_verify.py",)
DEVICE = ("tests/restore/test_device.py",)
SIGNATURES = ("tests/restore/test_signatures.py",)
PROOFS = ("tests/restore/test_proofs.py", "tests/restore/test_prooffile.py")

VERIFIES = (
    Mutant(
        "verify skips the read",
        "restore/proof/verify.py",
        "{one.lun: self.reader.read(one) for one in mapped}",
        "{one.lun: LunReading(Readability.READABLE) for one in mapped}",
        VERIFY,
    ),
    Mutant(
        "a LUN that was not mapped counts as read",
        "restore/proof/verify.py",
        "if missing or Readability.UNREAD in found",
        "if Readability.UNREAD in found",
        VERIFY,
    ),
    Mutant(
        "a clone that was left behind stops nothing",
        "restore/proof/verify.py",
        "        if failure is not None:\n            raise failure\n",
        "",
        VERIFY,
    ),
    Mutant(
        "a device that is there counts as read",
        "restore/proof/device.py",
        "return self._by_signatures(device, one.size)",
        "return LunReading(Readability.READABLE)",
        DEVICE,
    ),
    Mutant(
        "a device of another size is read",
        "restore/disk/read.py",
        "if actual not in {0, size}:",
        "if False:",
        DEVICE,
    ),
    Mutant(
        "what is damaged is readable",
        "restore/disk/read.py",
        '"readable": content.readable',
        '"readable": True',
        DEVICE,
    ),
    Mutant(
        "a structure with a fault is whole",
        "restore/disk/signatures.py",
        "return bool(self.structures) and not self.damage",
        "return bool(self.structures)",
        SIGNATURES,
    ),
    Mutant(
        "the copy of a boot sector is not compared",
        "restore/disk/filesystems.py",
        "lambda data: data[3:84] == boot[3:84]",
        "lambda _: True",
        SIGNATURES,
    ),
    Mutant(
        "a partition may hold anything",
        "restore/disk/signatures.py",
        "if one.contents and held not in one.contents:",
        "if False:",
        SIGNATURES,
    ),
    Mutant(
        "damage leaves an earlier proof as it is",
        "restore/proof/proofs.py",
        "one.vm == vm and one.found is not Readability.UNREAD",
        "one.vm == vm and one.found is Readability.READABLE",
        PROOFS,
    ),
    Mutant(
        "a proof from the future counts",
        "restore/proof/proofs.py",
        "if one.checked <= self.now + _AHEAD",
        "if one.checked",
        PROOFS,
    ),
    Mutant(
        "a check after a torn line is lost with it",
        "restore/proof/file.py",
        'b"\\n" if torn else b""',
        'b""',
        PROOFS,
    ),
)
