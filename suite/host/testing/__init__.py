"""The contract that every module keeps, as a test of your own module:

    from rays import module
    from suite.host.testing import check_module

    def test_contract() -> None:
        check_module(module)

or, each rule of the contract a test with a name of its own:

    @pytest.mark.parametrize("check", contract_checks(module), ids=str)
    def test_contract(check: Check) -> None:
        check()

A study is tried in its smallest form: under its preset `smoke` where it has one, else `quick`, else with its defaults.
Give it a `smoke` preset of about a second under which it reads all of its options. Three runs are made of it, once for
all checks: undisturbed; with another batch size and number of jobs; stopped half-way, and continued.
"""

from suite.host.testing.contract import Check, ContractBroken, check_module, contract_checks

__all__ = ["Check", "ContractBroken", "check_module", "contract_checks"]
