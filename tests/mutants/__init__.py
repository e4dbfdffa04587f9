"""Known bugs, as data: what is planted to prove that the tests can fail. `python -m tests.mutants` plants them."""

from tests.mutants.backup import BACKUP
from tests.mutants.matrix import MUTANTS
from tests.mutants.operate import OPERATE
from tests.mutants.planting import HERE, Mutant, planted
from tests.mutants.site import SITE

COVERED = (*BACKUP, *SITE, *OPERATE)

__all__ = ["COVERED", "HERE", "MUTANTS", "Mutant", "planted"]
