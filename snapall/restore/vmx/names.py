"""Which of a VM's files are copied from a console, where they lie, and how the copies are called. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from snapall.backup.model import DEVICE_NAME, Vm
from snapall.errors import Exit, SiteError

DESCRIPTOR_LIMIT = 1 << 20
"""Bytes that no text descriptor reaches; one of an RDM has less than 1 KiB (restore.md 6.5)."""
_DESCRIPTOR = b"# Disk DescriptorFile"
_TEXTS = (".vmx", ".vmxf", ".vmsd", ".nvram")
_DATA = ("-flat.vmdk", "-delta.vmdk", "-rdm.vmdk", "-rdmp.vmdk")
_WITH_BRACKETS = re.compile(
    r"\[((?:[^\[\]/]|\[[^\[\]/]*\])+)\] +(.+)", re.DOTALL
)  # in a datastore's name, too, if in pairs
_PLAIN = re.compile(r"\[([^/]+?)\] +(.+)", re.DOTALL)
_VOLUMES = "/vmfs/volumes/"
_LONGEST = 200  # bytes of a name; file systems take 255, with what is added here
_UNSAFE = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"|?*\\/\ud800-\udfff]')


class NotCopied(SiteError):
    """A copy is missing, or not whole. The backup stands."""

    exit = Exit.PARTIAL


@dataclass(frozen=True, slots=True)
class VmxPath:
    """A .vmx on the console: its folder below /vmfs/volumes, as an absolute path, and its name."""

    folder: str
    name: str


@dataclass(frozen=True, slots=True)
class VmCopy:
    """The copy of one VM. `files`: the names on the console by those of the copies. `why`: what is missing.

    `digests`: the SHA-256 of each copy by its name, in hexadecimal; copies of earlier versions have none.
    """

    vm: Vm
    folder: str
    host: str = ""
    path: str = ""  # of its folder on the console
    files: Mapping[str, str] | None = None
    why: str = ""
    digests: Mapping[str, str] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        """Whether everything was copied."""
        return not self.why


def path_of(stored: str) -> VmxPath | None:
    """Read VPX_VM.FILE_NAME, `[datastore] folder/x.vmx` or a path below /vmfs/volumes; None: it is neither.

    Names on VMFS are what VirtualCenter writes there, `%2f` and all: nothing is decoded.
    """
    if found := _WITH_BRACKETS.fullmatch(stored) or _PLAIN.fullmatch(stored):
        parts = [found[1], *found[2].split("/")]
    elif stored.startswith(_VOLUMES):
        parts = stored.removeprefix(_VOLUMES).split("/")
    else:
        return None
    if len(parts) < 2 or any(one in {"", ".", ".."} or "\0" in one for one in parts):
        return None
    return VmxPath(_VOLUMES + "/".join(parts[:-1]), parts[-1])


def is_wanted(name: str) -> bool:
    """Whether a file may be one to copy, by its name; of a .vmdk, the content decides."""
    small = name.lower()
    return small.endswith(_TEXTS) or (small.endswith(".vmdk") and not small.endswith(_DATA))


def is_disk(name: str) -> bool:
    """Whether the file is copied only if its content is a text descriptor."""
    return name.lower().endswith(".vmdk")


def is_descriptor(beginning: bytes) -> bool:
    """Whether the content of a .vmdk is a text descriptor, by how it begins."""
    return beginning.startswith(_DESCRIPTOR)


def copy_name(name: str) -> str | None:
    """How the copy of a file is called: as the file, except for characters that some system refuses in a name.

    None: the name leaves its folder, or is too long; only a console that means harm shows such a name.
    """
    if "/" in name or "\0" in name or name in {"", ".", ".."}:
        return None
    return _fit(name)


def folder_names(vms: Iterable[Vm]) -> Mapping[int, str]:
    """The folder of each VM: its name as VirtualCenter stores it (`/` is `%2f`); its moref too if a name comes twice.

    Case does not make two names: on some systems it makes no two folders.
    """
    names = {vm.id: _fit(_encoded(vm.name or "")) or vm.moref for vm in vms}
    small = [name.lower() for name in names.values()]
    return {vm: name if small.count(name.lower()) == 1 else f"{name}.vm-{vm}" for vm, name in names.items()}


def _encoded(name: str) -> str:
    text = name.replace("%", "%25").replace("/", "%2f").replace("\\", "%5c")
    text = f"%2e{text[1:]}" if text.startswith(".") else text
    return text if not text.endswith((".", " ")) else f"{text[:-1]}%{ord(text[-1]):02x}"


def _fit(name: str) -> str | None:
    """The name with what some system refuses as `%` and its number; None: there is none, or it is too long."""
    text = _UNSAFE.sub(lambda hit: f"%{ord(hit[0]):02x}", name)
    text = f"_{text}" if DEVICE_NAME.fullmatch(text) else text
    return text if text and len(text.encode()) <= _LONGEST else None
