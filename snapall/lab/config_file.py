"""The lab's snapall.toml: ready to use, and commented, for a newcomer reads it first."""

from __future__ import annotations

import json
import shlex
import tomllib
from typing import TYPE_CHECKING, Any, Literal

from snapall import restart
from snapall.errors import SnapallError
from snapall.escaping import command_line

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from snapall.lab.site_options import SiteOptions

TEMPLATE = """\
# The configuration of a simulated site; everything it names is in this folder.
state = "snapall.state"
log   = "snapall.log"

[vcenter]
host        = "vc01.lab"
user        = {vc_user}
password    = {{ file = "vc.secret" }}
vcbsnapshot = {vcbsnapshot}
timeout     = 20                     # seconds; a real site needs 960
remove_timeout = 30                  # a real site: hours
settle      = 5                      # how long a create without an answer may still act; a real site: 960
parallel    = {parallel}

[database]
url   = {url}
owner = ""                           # SQLite has no owners

[filers.filer1]
host      = "127.0.0.1"
transport = "{transport}"
port      = {port}
{login}
timeout   = 10

[jobs.vol1]
filer       = "filer1"
volumes     = ["vmvol1"]
datastores  = [688]
prefix      = "vmware"
retain      = 4
order       = "{order}"
max_quiesced = 120
busy_wait   = 5
{extra}"""

SSH = """\
user      = {user}
key_file  = "id_rsa"
known_hosts = "known_hosts\""""

RSH = """\
local_user = {user}
reserved_port = false                # a real filer wants a privileged port; the lab runs without root"""


def configuration(  # noqa: PLR0913 - the blanks of a form
    directory: Path,
    settings: SiteOptions,
    *,
    transport: Literal["ssh", "rsh"],
    port: int,
    parallel: int,
    order: Literal["safe", "paper"],
    extra: str,
) -> str:
    """The text. `extra` comes last: more keys of the job, then more tables."""
    program = _vcbsnapshot(directory)
    user = settings.filer_user if transport == "ssh" else next(iter(settings.rsh_users), settings.filer_user)
    return TEMPLATE.format(
        vc_user=string(settings.vc_user),
        vcbsnapshot="[" + ", ".join(string(one) for one in program) + "]",
        parallel=parallel,
        url=string(database_url(directory)),
        transport=transport,
        port=port,
        login=(SSH if transport == "ssh" else RSH).format(user=string(user)),
        order=order,
        extra=extra and extra.rstrip("\n") + "\n",
    )


def init_command(directory: Path, settings: SiteOptions, *, transport: Literal["ssh", "rsh"], port: int) -> str:
    """The `snapall init` command that writes such a configuration; it prompts only for the host key."""
    # `init` takes single quotes on every system; they keep double ones for the shell.
    program = shlex.join(_vcbsnapshot(directory))
    ssh = ["--filer-user", settings.filer_user, "--key-file", str(directory / "id_rsa")]
    rsh = ["--local-user", next(iter(settings.rsh_users), settings.filer_user), "--no-reserved-port"]
    options = [
        *("--vcenter", "vc01.lab", "--vcenter-user", settings.vc_user),
        *("--vcenter-password-file", str(directory / "vc.secret"), "--vcbsnapshot", program),
        *("--database", database_url(directory), "--datastores", "688"),
        *("--filer", "127.0.0.1", "--transport", transport, "--port", str(port)),
        *(ssh if transport == "ssh" else rsh),
        *("--volumes", "vmvol1"),
    ]
    return f"snapall init {command_line(options)}"


def _vcbsnapshot(directory: Path) -> list[str]:
    return restart.command("snapall.lab.vcbsnapshot", "--world", str(directory))


def misfits(present: bytes, wanted: str) -> tuple[str, ...]:
    """The lines that an edited file needs to reach the lab as it is now: of its filer, and of its database."""
    tables = tomllib.loads(wanted)
    try:
        found = tomllib.loads(present.decode())
    except ValueError as error:
        return (f"it is no TOML: {error}",)
    lines = [] if _get(found, "database", "url") == tables["database"]["url"] else [_line(tables, "database", "url")]
    filer = tables["filers"]["filer1"]
    keys = [key for key in filer if key not in {"host", "timeout"}]
    if not any(all(one.get(key) == filer[key] for key in keys) for one in _get(found, "filers").values()):
        mine = _get(found, "filers", "filer1")
        lines += [_line(tables, "filers", "filer1", key) for key in keys if mine.get(key) != filer[key]]
    return tuple(lines)


def _get(tables: Mapping[str, Any], *path: str) -> Any:
    """What stands there; an empty table where nothing does."""
    value: Any = tables
    for key in path:
        value = value.get(key, {}) if isinstance(value, dict) else {}
    return value


def _line(tables: Mapping[str, Any], *path: str) -> str:
    value = json.dumps(_get(tables, *path), ensure_ascii=False)
    return f"{path[-1]} = {value} in [{'.'.join(path[:-1])}]"


def database_url(directory: Path) -> str:
    """The SQLAlchemy URL that opens virtualcenter.db read-only.

    Raises SnapallError for a folder name that SQLAlchemy 2.0 and 2.1 read differently in a URL.
    """
    path = (directory / "virtualcenter.db").as_posix()
    if any(sign in path for sign in "%?#"):
        raise SnapallError(f"a lab cannot be in {directory}", "choose a folder without % ? # in its path", "SA-7014")
    return f"sqlite:///file:/{path.lstrip('/')}?mode=ro&uri=true"


def string(text: str) -> str:
    """A TOML basic string; JSON's escapes are among TOML's."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
