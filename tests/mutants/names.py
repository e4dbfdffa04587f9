"""Mutants of names in common, of printed ids, of refused logins, and of what a defect leaves, by file."""

from __future__ import annotations

from tests.mutants.planting import Mutant

CONFIG = ("tests/config/test_config.py",)
DATABASE = ("tests/site/test_virtualcenter.py", "tests/site/test_sqlservers.py")
VCB = ("tests/site/test_vcb.py",)
DEFECTS = ("tests/app/test_defects.py",)

NAMES = (
    Mutant(
        "temporary names in common are overlooked",
        "config/conflicts.py",
        "        return (*retained, *temporary.values())\n",
        "        return retained\n",
        CONFIG,
    ),
    Mutant(
        "only equal prefixes make temporary names in common",
        "config/conflicts.py",
        "        return any(name.lower().startswith(start) for name in (*self.names, self.temporary))\n",
        "        return self.temporary.lower() == start\n",
        CONFIG,
    ),
    Mutant(
        "two jobs of one call keep one name on one volume",
        "config/load.py",
        "        if shared := _volumes_of(config, one) & _volumes_of(config, other):\n",
        "        if shared := _volumes_of(config, one) & set():\n",
        CONFIG,
    ),
    Mutant(
        "a printed id is only looked for on the queried VMs",
        "site/virtualcenter.py",
        ", (table.c.ID, snapshot_ids(ssids)))",
        ")",
        DATABASE,
    ),
    Mutant(
        "an id too large for the column is queried",
        "site/tables.py",
        " and (number := int(hit[1])) <= _GREATEST)",
        " and (number := int(hit[1])) <= _GREATEST + 1)",
        DATABASE,
    ),
    Mutant(
        "a VM snapshot's name is compared with its case",
        "backup/model.py",
        "    return decode_name(one).strip().lower() == decode_name(other).strip().lower()\n",
        "    return decode_name(one).strip() == decode_name(other).strip()\n",
        ("tests/backup/test_parts.py",),
    ),
    Mutant(
        "a missing privilege is a refused login",
        "site/vcb.py",
        "        login = spoke and not found and REFUSED_LOGIN.search(said) is not None\n",
        "        login = spoke and not found and bool(REFUSED_LOGIN.search(said) or NO_PRIVILEGE.search(said))\n",
        VCB,
    ),
    Mutant(
        "a create that printed an id can have been refused the login",
        "site/vcb.py",
        "        login = spoke and not found and",
        "        login = spoke and",
        VCB,
    ),
    Mutant(
        "VMs left after a defect are ignored",
        "app/jobrun.py",
        "        code = worst(code, Exit.OUTSTANDING) if left else code\n",
        "",
        DEFECTS,
    ),
    Mutant(
        "a defect ends the call",
        "app/jobrun.py",
        "        except Exception as error:  # noqa: BLE001 - a defect must",
        "        except SnapallError as error:  # a defect must",
        DEFECTS,
    ),
)
