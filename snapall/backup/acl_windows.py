"""Access lists of Windows, read and made with pywin32: the only file that imports it for them. Empty elsewhere."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    import msvcrt
    import os
    from collections.abc import Iterable, Iterator
    from contextlib import contextmanager
    from functools import cache
    from pathlib import Path
    from typing import TYPE_CHECKING

    import pywintypes
    import win32api
    import win32con
    import win32file
    import win32security

    from snapall.backup.acl import ADMINISTRATORS, AccessList, Ace, private_sddl, without_list

    if TYPE_CHECKING:
        from _win32typing import PySECURITY_ATTRIBUTES, PySECURITY_DESCRIPTOR

    _INHERIT_ONLY = 0x8  # INHERIT_ONLY_ACE
    _PROTECTED = 0x1000  # SE_DACL_PROTECTED

    @cache
    def my_sid() -> str:
        """The user who runs this process."""
        token = win32security.OpenProcessToken(win32api.GetCurrentProcess(), win32con.TOKEN_QUERY)
        return str(win32security.ConvertSidToStringSid(win32security.GetTokenInformation(token, 1)[0]))

    @cache
    def is_administrator() -> bool:
        """Whether this process has the rights of Administrators; SYSTEM has them."""
        sid = win32security.ConvertStringSidToSid(ADMINISTRATORS)
        return bool(win32security.CheckTokenMembership(0, sid))

    def users() -> tuple[str, ...]:
        """Whom a private list names beside Administrators and SYSTEM: us, unless we are of these.

        So what an administrator has tried by hand is private for the task that runs as SYSTEM, too.
        """
        return () if is_administrator() else (my_sid(),)

    def names_of(aces: Iterable[Ace]) -> str:
        """The accounts, for a message."""
        return ", ".join(dict.fromkeys(account_name(one.sid) for one in aces))

    @cache
    def account_name(sid: str) -> str:
        """The name of an account, `DOMAIN\\user`; the SID if it has none."""
        try:
            name, domain, _ = win32security.LookupAccountSid(None, win32security.ConvertStringSidToSid(sid))
        except pywintypes.error:
            return sid
        return f"{domain}\\{name}" if domain else str(name)

    def access_of(path: Path) -> AccessList:
        """Read the owner and the access list of a file or folder. OSError."""
        wanted = win32security.OWNER_SECURITY_INFORMATION | win32security.DACL_SECURITY_INFORMATION
        with _as_os_error(path):
            found = win32security.GetNamedSecurityInfo(str(path), win32security.SE_FILE_OBJECT, wanted)
        owner = str(win32security.ConvertSidToStringSid(found.GetSecurityDescriptorOwner()))
        dacl = found.GetSecurityDescriptorDacl()
        if dacl is None:
            return without_list(owner)
        control, _ = found.GetSecurityDescriptorControl()
        aces = [dacl.GetAce(at) for at in range(dacl.GetAceCount())]
        granted = tuple(
            Ace(str(win32security.ConvertSidToStringSid(ace[-1])), ace[1] & 0xFFFFFFFF)
            for ace in aces
            if ace[0][0] == win32security.ACCESS_ALLOWED_ACE_TYPE and not ace[0][1] & _INHERIT_ONLY
        )
        return AccessList(owner, granted, inherits=not control & _PROTECTED)

    def create_private(path: Path) -> int:
        """Create a file for writing, private from its first moment. FileExistsError. OSError."""
        with _as_os_error(path):
            handle = win32file.CreateFile(
                str(path),
                win32con.GENERIC_WRITE,
                win32con.FILE_SHARE_READ,
                _attributes(folder=False),
                win32con.CREATE_NEW,
                win32con.FILE_ATTRIBUTE_NORMAL,
                None,
            )
        return msvcrt.open_osfhandle(int(handle.Detach()), os.O_WRONLY | os.O_BINARY)

    def make_private_folder(path: Path) -> None:
        """Make a folder that is private, as will be all that is made in it. FileExistsError. OSError."""
        with _as_os_error(path):
            win32file.CreateDirectory(str(path), _attributes(folder=True))

    def narrow(path: Path) -> None:
        """Give an existing folder the list of a private one; what is in it inherits that. OSError."""
        what = win32security.DACL_SECURITY_INFORMATION | win32security.PROTECTED_DACL_SECURITY_INFORMATION
        dacl = _descriptor(folder=True).GetSecurityDescriptorDacl()
        with _as_os_error(path):
            win32security.SetNamedSecurityInfo(str(path), win32security.SE_FILE_OBJECT, what, None, None, dacl, None)

    def _descriptor(*, folder: bool) -> PySECURITY_DESCRIPTOR:
        sddl = private_sddl(users(), folder)
        return win32security.ConvertStringSecurityDescriptorToSecurityDescriptor(sddl, win32security.SDDL_REVISION_1)

    def _attributes(*, folder: bool) -> PySECURITY_ATTRIBUTES:
        attributes = win32security.SECURITY_ATTRIBUTES()
        attributes.SECURITY_DESCRIPTOR = _descriptor(folder=folder)
        return attributes

    @contextmanager
    def _as_os_error(path: Path) -> Iterator[None]:
        try:
            yield
        except pywintypes.error as error:
            raise OSError(0, error.strerror, str(path), error.winerror) from error
