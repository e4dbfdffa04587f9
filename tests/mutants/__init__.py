"""Known bugs, as data: what is planted to prove that the tests can fail. `python -m tests.mutants` plants them."""

from tests.mutants.backup import BACKUP
from tests.mutants.chain import CHAIN
from tests.mutants.durable import DURABLE
from tests.mutants.faults import BROKEN
from tests.mutants.filer import FILERS
from tests.mutants.looks import LOOKS
from tests.mutants.matrix import MUTANTS
from tests.mutants.names import NAMES
from tests.mutants.operate import OPERATE
from tests.mutants.planting import HERE, Mutant, planted
from tests.mutants.programs import PROGRAMS
from tests.mutants.release import RELEASES
from tests.mutants.trust import TRUST
from tests.mutants.uses import USES
from tests.mutants.verify import VERIFIES

CORE = (*BACKUP, *RELEASES, *CHAIN, *DURABLE, *BROKEN)
COVERED = (*CORE, *FILERS, *PROGRAMS, *OPERATE, *LOOKS, *NAMES, *TRUST, *VERIFIES, *USES)

__all__ = ["COVERED", "HERE", "MUTANTS", "Mutant", "planted"]
