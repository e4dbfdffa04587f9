"""The VMs of the paper's site: their ids in VirtualCenter and believable names, by datastore."""

from __future__ import annotations


def _vms(text: str) -> tuple[tuple[int, str], ...]:
    parts = text.split()
    return tuple((int(id_), name) for id_, name in zip(parts[::2], parts[1::2], strict=True))


# The paper shows 108, 110 and 1226 as the first and last of 19, and 611 in its text.
DATASTORE_688 = _vms("""
    108 dc01  110 dc02  131 mail01  144 mail02  170 web01  171 web02  203 print01  287 files01  290 files02
    355 hr/payroll  402 library01  430 bb-app01  431 bb-app02  509 citrix01  611 sql01  640 sus01  702 test-web01
    873 test-sql01  1226 vcb-proxy
""")
DATASTORE_689 = _vms("""
    115 ora01  119 ora02  140 banner-app01  141 banner-app02  182 banner-ssb01  226 ldap01  227 ldap02  301 radius01
    333 nagios01  377 cacti01  415 wiki01  466 forms01  520 imaging01  571 housing01  622 parking01  690 alumni01
    815 dev-web01  904 dev-sql01
""")
DATASTORE_690 = _vms("""
    125 lab-lic01  126 lab-lic02  155 av01  199 ghost01  240 radio01  262 stats01  318 arcgis01  349 matlab01
    391 sas01  444 ftp01  488 proxy01  533 proxy02  599 chem-ln01  655 film-edit01  733 law-docs01  790 music01
    1002 test-build01
""")
