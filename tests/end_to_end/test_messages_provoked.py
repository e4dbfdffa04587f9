"""Messages that are provoked for real, on the lab: each names the thing, and its remedy fits that very fault."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.docs.messages import explained
from tests.end_to_end.provocations import PROVOKED
from tests.end_to_end.provoking import Provoked
from tests.lab.atlab import AtLab

Make = Callable[..., AtLab]

INSIDE = re.compile(r"Errno|Traceback|\w(Error|Exception)\b|\bNone\b|object at 0x|Value error")
"""What only a programmer understands."""

_CODES = """
SA-1002 SA-1005 SA-1006 SA-1011 SA-1012 SA-1013 SA-1014 SA-1015 SA-1016 SA-1017 SA-1103 SA-1105 SA-1106 SA-1107
SA-1108 SA-1109 SA-1111 SA-1112 SA-1114 SA-1115 SA-1116 SA-1121 SA-1122 SA-1123 SA-1201 SA-1202 SA-1203 SA-1204
SA-1205 SA-1208 SA-1209 SA-1210 SA-1301 SA-1302 SA-1303 SA-1304 SA-1305 SA-1311 SA-1314 SA-1401 SA-1403 SA-1404
SA-1405 SA-1406 SA-1424 SA-1426 SA-1427 SA-1428 SA-1429 SA-1430 SA-1431 SA-1432 SA-1440 SA-1441 SA-1442 SA-1443
SA-1444 SA-1445 SA-1446 SA-1447 SA-1448 SA-1449 SA-1450 SA-1501 SA-1502 SA-1503 SA-1505 SA-1508 SA-1509 SA-1510
SA-1520 SA-1521 SA-1523 SA-1524 SA-1525 SA-2001 SA-2002 SA-2003 SA-2004 SA-2005 SA-2101 SA-2102 SA-2104 SA-2105
SA-2106 SA-2108 SA-2109 SA-2111 SA-2120 SA-2121 SA-2122 SA-2123 SA-2124 SA-2130 SA-2133 SA-2135 SA-2139 SA-2140
SA-3001 SA-3003 SA-3004 SA-3005 SA-3006 SA-3007 SA-4001 SA-4005 SA-4009 SA-4011 SA-4013 SA-4014 SA-4015 SA-4105
SA-4106 SA-4112 SA-4114 SA-4116 SA-4120 SA-4121 SA-4161 SA-4162 SA-4163 SA-4164 SA-4203 SA-4204 SA-5001 SA-5002
SA-5003 SA-5004 SA-5101 SA-5104 SA-5201 SA-5204 SA-5205 SA-5206 SA-5302 SA-5403 SA-5404 SA-5405 SA-5406 SA-5407
SA-5412 SA-5414 SA-5415 SA-5416 SA-5417 SA-5418 SA-5419 SA-5420 SA-5421 SA-5422 SA-5424 SA-5425 SA-5427 SA-5440
SA-5450 SA-5451 SA-5452 SA-5454 SA-5455 SA-5456 SA-5457 SA-5458 SA-5459 SA-5460 SA-5461 SA-5462 SA-5463 SA-5464
SA-5465 SA-5466 SA-6004 SA-6005 SA-6006 SA-7006 SA-7007 SA-7008 SA-7009 SA-7010 SA-7011 SA-7012 SA-7013 SA-7014
SA-1951 SA-1952 SA-1953 SA-1954 SA-1980 SA-1981 SA-1982
SA-7015 SA-7016 SA-7017 SA-7018 SA-7100 SA-7102 SA-7104 SA-7120 SA-7121 SA-9001
"""
"""Codes that need more than a command on the lab: each is covered by the tests of its module, or not at all."""
_OF_USES = """
SA-1700 SA-1701 SA-1702 SA-1703 SA-1704 SA-1705 SA-1706 SA-1707 SA-1709 SA-1710 SA-1711 SA-1712 SA-1713 SA-1714
SA-1715 SA-1716 SA-1717 SA-1718 SA-1719 SA-1720 SA-1721 SA-1722 SA-1723 SA-1724 SA-1725 SA-1726 SA-1727 SA-1728
SA-1729 SA-1730 SA-1731 SA-1732 SA-1733 SA-1734 SA-1735 SA-1737 SA-1738 SA-1739 SA-1741 SA-1743 SA-1744 SA-1745
SA-1746 SA-1747 SA-1748 SA-1749 SA-1750 SA-1751 SA-1752 SA-1753 SA-1754 SA-1755 SA-1756 SA-1760 SA-1761 SA-1762 SA-1763
SA-1770 SA-1771 SA-1780 SA-1781 SA-1790 SA-1801 SA-1802 SA-1803 SA-1804 SA-1805 SA-1806 SA-1807 SA-1808 SA-1809
SA-1840 SA-1841 SA-1842 SA-1843 SA-1844 SA-1845 SA-1846 SA-1847 SA-1848 SA-1849 SA-1850 SA-1851 SA-1852 SA-1853
SA-1854 SA-1855 SA-1856 SA-1857 SA-1870 SA-1871 SA-1872 SA-1873 SA-1875 SA-1876 SA-1877 SA-1878 SA-1879 SA-1880
SA-1881 SA-1900 SA-1901 SA-1902 SA-1903 SA-1904 SA-1905 SA-1906 SA-1907 SA-1908 SA-1909 SA-1910 SA-1911 SA-1912
SA-1913 SA-1914 SA-1915 SA-1916 SA-1917 SA-1918 SA-1919 SA-1920 SA-1922 SA-1924 SA-1925 SA-1926 SA-1927 SA-1930
SA-1931 SA-1932 SA-1940 SA-1941 SA-4300 SA-4302 SA-4303 SA-4304 SA-4305 SA-4306 SA-4307 SA-4308
"""
"""Codes of mount, restore, run-book, vmx files, verify and replication: they need LUNs, relations or consoles."""
_OF_SCHEDULES = """
SA-1961 SA-1962 SA-1963 SA-1964 SA-1965 SA-1966 SA-1967 SA-1968 SA-1969 SA-1972 SA-1973 SA-1974 SA-1975 SA-1976
SA-1977
"""
"""Codes of the schedulers and of the event log: tests/app/test_schedule.py has stand-ins for them."""
NOT_PROVOKED_HERE = frozenset([*_CODES.split(), *_OF_USES.split(), *_OF_SCHEDULES.split()])


@pytest.mark.parametrize("case", PROVOKED, ids=[f"{one.code}-{one.command}-{n}" for n, one in enumerate(PROVOKED)])
def test_a_message_names_the_thing_and_a_remedy_for_that_very_fault(
    at_lab: Make, monkeypatch: pytest.MonkeyPatch, case: Provoked
) -> None:
    night = at_lab(transport="ssh" if case.ssh else "rsh")
    monkeypatch.chdir(night.config.parent)
    case.prepare(night)
    ended = night(*case.command.split())
    lines = (ended.out + ended.err).splitlines()
    here = str(night.config.parent)
    found = [n for n, line in enumerate(lines) if f"{case.code} " in line]
    assert found, lines
    message, remedy = lines[found[0]], next(line for line in lines[found[0] :] if "remedy: " in line)
    assert case.says.replace("{here}", here) in message
    assert case.remedy.replace("{here}", here) in remedy
    assert ended.code == case.exit
    assert INSIDE.search("\n".join(lines)) is None


def test_every_code_is_provoked_here_or_named_as_one_that_is_not() -> None:
    provoked = {one.code for one in PROVOKED}
    assert provoked | NOT_PROVOKED_HERE == {one.code for one in explained()}
    assert not provoked & NOT_PROVOKED_HERE
