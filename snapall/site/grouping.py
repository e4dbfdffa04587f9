"""The VMs that a job's `query` names: it is sent as it stands, and what it answers is believed only as ids of VMs."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import exc, select

from snapall.errors import Refused, SiteError
from snapall.site.dbdrivers import Trouble, trouble_of
from snapall.site.excerpt import one_line
from snapall.site.tables import Question, driver_text, id_of
from snapall.site.vmrows import no_template

MOST_ROWS = 5000
"""A VirtualCenter 2.x manages 2,000 VMs."""
_SOME = 12  # in one message
_FIRST = "let the first column be VPX_VM.ID, a number such as 611; sql/examples/ has queries that work"
_FAULTS = {
    Trouble.RIGHT: ("the login may not read what it names", "grant the login SELECT on these tables", "SA-2130"),
    Trouble.TABLE: (
        "a table is missing",
        "check the names of its tables and write their owner, as in vc_user.VPX_VM",
        "SA-2131",
    ),
    Trouble.COLUMN: ("a column is missing", "check the names of its columns against this VirtualCenter", "SA-2132"),
    Trouble.LATE: (
        "no answer in time",
        "make the query quicker, or find out what locks its tables at that hour",
        "SA-2133",
    ),
}
_OTHER = ("the database refuses it", "try the query in the database's own client, and correct it", "SA-2134")


def queried(ask: Question, query: str, *, allow_empty: bool = False) -> frozenset[int]:
    """The VMs that the query names, by id. SiteError: it cannot be answered. Refused: its answer is not VMs."""
    try:
        rows = ask.foreign(query, MOST_ROWS + 1)
    except exc.DBAPIError as error:
        text = driver_text(error)
        what, remedy, code = _FAULTS.get(trouble_of(text, connected=True), _OTHER)
        raise SiteError(f"the job's `query`: {what}: {one_line(text)}", remedy, code) from None
    if len(rows) > MOST_ROWS:
        raise Refused(
            f"the job's `query` returns more than {MOST_ROWS} rows",
            "narrow it to the VMs of this job: it may lack a WHERE, or the condition of a join",
            "SA-2135",
        )
    if not rows and not allow_empty:
        raise Refused(
            "the job's `query` returns no row",
            "check the names in its WHERE (a wrong one is likelier than an empty group), or set allow_empty = true",
            "SA-2136",
        )
    ids = frozenset(_id(number, row[0]) for number, row in enumerate(rows, 1))
    _check(ask, ids)
    return ids


def _id(number: int, value: object) -> int:
    try:
        return id_of(value)
    except SiteError:
        text = one_line(repr(value))
        raise Refused(
            f"the job's `query`: row {number} has {text} where the id of a VM belongs", _FIRST, "SA-2137"
        ) from None


def _check(ask: Question, ids: frozenset[int]) -> None:
    """Refused: some of these are no VMs, or templates."""
    vm = ask.table("VPX_VM")
    known = {id_of(one) for (one,) in ask.rows(select(vm.c.ID), (vm.c.ID, tuple(ids)))}
    usable = {id_of(one) for (one,) in ask.rows(select(vm.c.ID).where(no_template(vm)), (vm.c.ID, tuple(ids)))}
    if ids - known:
        raise Refused(
            f"the job's `query` returns ids that are not VMs: {_listed(ids - known)}",
            f"join VPX_VM, so that hosts, folders and datastores are left out, and {_FIRST}",
            "SA-2138",
        )
    if ids - usable:
        raise Refused(
            f"the job's `query` returns templates, which cannot be quiesced: {_listed(ids - usable)}",
            "add `AND VPX_VM.IS_TEMPLATE = 0` to the query",
            "SA-2139",
        )


def _listed(ids: Iterable[int]) -> str:
    found = sorted(ids)
    more = f" and {len(found) - _SOME} more" if len(found) > _SOME else ""
    return ", ".join(map(str, found[:_SOME])) + more
