"""Mutants of site/ by file: programs, the ways to a filer, the database."""

from __future__ import annotations

from tests.mutants.planting import Mutant

VCB, PROCESS = ("tests/site/test_vcb.py",), ("tests/site/test_process.py", "tests/site/test_vcb.py")
RSH, SSH = ("tests/site/test_rsh.py",), ("tests/site/test_ssh.py", "tests/site/test_prefetch.py")
DATABASE = ("tests/site/test_virtualcenter.py", "tests/site/test_sqlservers.py", "tests/site/test_dbdrivers.py")

PROGRAMS = (
    Mutant(
        "the displayed command contains the password",
        "site/vcb.py",
        "MASK if masked else settings.password.reveal()",
        "settings.password.reveal()",
        VCB,
    ),
    Mutant(
        "vcbsnapshot is given a mask instead of the password",
        "site/vcb.py",
        "self._programs.run(self.argv(step, masked=False), timeout",
        "self._programs.run(self.argv(step, masked=True), timeout",
        VCB,
    ),
    Mutant(
        "what vcbsnapshot printed is kept with the password in it",
        "site/vcb.py",
        "        output = whole(stdout, stderr)\n        telling = last_line(stderr",
        "        output = whole(completed.stdout, completed.stderr)\n        telling = last_line(stderr",
        VCB,
    ),
    Mutant(
        "a password echoed in a code page is shown",
        "site/vcb.py",
        'echoes = {clear} | {clear.encode(page, "replace").decode("utf-8", "replace") for page in _CODE_PAGES}',
        "echoes = {clear}",
        VCB,
    ),
    Mutant("several ids are taken for one", "site/vcb.py", "if len(found) == 1:", "if found:", VCB),
    Mutant("a killed vcbsnapshot has output no", "site/vcb.py", "spoke = completed.code > 0", "spoke = True", VCB),
    Mutant(
        "a VM that is not registered counts as released",
        "site/vcb.py",
        "                if _NO_VM.search(output):\n                    return failed\n",
        "",
        VCB,
    ),
    Mutant(
        "a create waits as long as a removal",
        "site/vcb.py",
        "self._settings.timeout if isinstance(step, Quiesce)",
        "self._settings.timeout if isinstance(step, Release)",
        VCB,
    ),
    Mutant(
        "exit code 255 of a program of this machine is unknown",
        "site/vcb.py",
        "        if self._far and completed.code == _FAR_SHELL_FAILED:\n            return",
        "        if completed.code == _FAR_SHELL_FAILED:\n            return",
        VCB,
    ),
    Mutant(
        "an argument that begins well reaches the far shell",
        "site/vcb.py",
        "if _SAFE_FOR_A_SHELL.fullmatch(word) is None)",
        "if _SAFE_FOR_A_SHELL.match(word) is None)",
        VCB,
    ),
    Mutant(
        "Ctrl-C reaches vcbsnapshot",
        "site/process.py",
        "stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True,",
        "stdin=subprocess.DEVNULL, stdout=out, stderr=err,",
        PROCESS,
    ),
    Mutant(
        "vcbsnapshot reads our stdin",
        "site/process.py",
        "stdin=subprocess.DEVNULL, ",
        "",
        PROCESS,
    ),
    Mutant(
        "a zombie is alive",
        "site/process.py",
        "        return same and process.status() != psutil.STATUS_ZOMBIE\n",
        "        return same\n",
        PROCESS,
    ),
    Mutant(
        "any process with the pid counts as the program",
        "site/process.py",
        "        same = abs(process.create_time() - child.started) < _SAME_START\n",
        "        same = True\n",
        PROCESS,
    ),
    Mutant(
        "the argv with its password is shown",
        "site/process.py",
        "    argv: tuple[str, ...] = field(repr=False)\n",
        "    argv: tuple[str, ...]\n",
        PROCESS,
    ),
    Mutant(
        "output without end is read to its end",
        "site/process.py",
        "file.read(OUTPUT_CEILING)",
        "file.read()",
        PROCESS,
    ),
    Mutant(
        "the users of rsh are swapped",
        "site/rsh.py",
        '("0", local, remote, command)',
        '("0", remote, local, command)',
        RSH,
    ),
    Mutant(
        "rsh leaves the filer waiting for input",
        "site/rsh.py",
        "                    connection.shutdown(socket.SHUT_WR)\n",
        "                    pass\n",
        RSH,
    ),
    Mutant(
        "the first source port that is taken ends the search",
        "site/rsh.py",
        "            if error.errno not in _TAKEN:\n",
        "            if error.errno in _TAKEN:\n",
        RSH,
    ),
    Mutant(
        "a rejection by rsh counts as sent",
        "site/rsh.py",
        "        if first == _REJECTED:\n",
        "        if first == _REJECTED * 2:\n",
        RSH,
    ),
    Mutant(
        "the login comes before the host key is verified",
        "site/ssh.py",
        "            self._known.verify(known, transport.get_remote_server_key())\n"
        "            if isinstance(self._proof, NotSent):\n"
        "                raise self._proof\n"
        "            self._log_in(transport, self._proof)\n",
        "            if isinstance(self._proof, NotSent):\n"
        "                raise self._proof\n"
        "            self._log_in(transport, self._proof)\n"
        "            self._known.verify(known, transport.get_remote_server_key())\n",
        SSH,
    ),
    Mutant(
        "a connection that ended early is an answer",
        "site/ssh.py",
        "    if status == -1:\n",
        "    if status == -2:\n",
        SSH,
    ),
    Mutant(
        "a silent failure counts as success",
        "site/ssh.py",
        "    if status != 0 and not stdout.strip()",
        "    if status == 0 and not stdout.strip()",
        SSH,
    ),
    Mutant(
        "a second method is tried after a refused password",
        "site/ssh.py",
        "proof.reveal(), fallback=False",
        "proof.reveal(), fallback=True",
        SSH,
    ),
    Mutant(
        "a filer that wants a second factor has accepted the login",
        "site/ssh.py",
        "        if not transport.is_authenticated():\n",
        "        if transport is None:\n",
        SSH,
    ),
    Mutant(
        "a template is one of the VMs",
        "site/vmrows.py",
        "select_from(joined).where(no_template(vm)).distinct()",
        "select_from(joined).distinct()",
        DATABASE,
    ),
    Mutant(
        "a VM whose IS_TEMPLATE is NULL is left out",
        "site/vmrows.py",
        "    return sa.func.coalesce(vm.c.IS_TEMPLATE, zero) == zero\n",
        "    return vm.c.IS_TEMPLATE == zero\n",
        DATABASE,
    ),
    Mutant(
        "the database's password is shown in its URL",
        "site/virtualcenter.py",
        "render_as_string(hide_password=True)",
        "render_as_string(hide_password=False)",
        DATABASE,
    ),
    Mutant(
        "a password in the URL is shown in the driver's text",
        "site/virtualcenter.py",
        'masked(output, own, str(self._url.password or ""))',
        "masked(output, own)",
        DATABASE,
    ),
    Mutant(
        "a missing SQLite file is a new, empty database",
        "site/virtualcenter.py",
        "            self._refuse_a_missing_file()\n",
        "            pass\n",
        DATABASE,
    ),
    Mutant(
        "a connection stays open between two questions",
        "site/virtualcenter.py",
        "                poolclass=sa.NullPool,\n",
        "                poolclass=sa.StaticPool,\n",
        DATABASE,
    ),
    Mutant(
        "a snapshot's name is compared as the database stores a NULL",
        "site/virtualcenter.py",
        "id_of(vm), vmrows.name_of(name), utc(at))",
        "id_of(vm), vmrows.decode_name(str(name)), utc(at))",
        DATABASE,
    ),
    Mutant(
        "a disk without a datastore does not count",
        "site/vmrows.py",
        "bool(disks) and all(disks.values()) and",
        "bool(disks) and",
        ("tests/site/test_whereabouts.py",),
    ),
    Mutant(
        "a query's answer may be a host's id",
        "site/grouping.py",
        "    if ids - known:\n",
        "    if not known:\n",
        ("tests/site/test_grouping.py",),
    ),
    Mutant(
        "a query runs outside of its transaction",
        "site/tables.py",
        "        if begin:\n",
        "        if fetch:\n",
        ("tests/site/test_grouping.py",),
    ),
)
