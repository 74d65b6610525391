"""An error that does not fit the code ends ``make mutants`` before it has proven anything."""

import pytest

from openpool_management_tests.mutants.__main__ import PROJECT
from openpool_management_tests.mutants.mutants import MUTANTS, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_an_error_can_be_put_in(mutant: Mutant) -> None:
    sound = (PROJECT / mutant.file).read_text(encoding="utf-8")
    assert sound.count(mutant.old) == 1, f"bring it up to date with {mutant.file}"
    compile(sound.replace(mutant.old, mutant.new), mutant.file, "exec")
    assert all((PROJECT / test).is_file() for test in mutant.tests)
