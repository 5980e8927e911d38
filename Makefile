# The commands of this project; `make run` is the first thing to try.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Tested versions: make setup CONSTRAINTS=constraints.txt
CONSTRAINTS ?=

.PHONY: setup run test nightly faults lint types check docs bench clean

setup: $(VENV)/installed

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --no-compile $(if $(CONSTRAINTS),-c $(CONSTRAINTS)) --editable '.[dev]'
	$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true  # on all cores; some packages carry templates that do not compile
	touch $@

# One thread: the nets are so small that a second one only waits.
run: export OMP_NUM_THREADS := 1
run: setup
	$(BIN)/suite run linbp.attack
	$(BIN)/suite run linbp.transfer

# Two processes on two cores. Threads that wait sleep: the contract runs studies in two, which would spin on a busy core.
test: export OMP_NUM_THREADS := 1
test: export OMP_WAIT_POLICY := passive
test: setup
	$(BIN)/python -m pytest --numprocesses=2 --dist=loadfile --no-loadscope-reorder -m 'not nightly'

# The tests that `make test` leaves out, and `make faults`.
nightly: export OMP_NUM_THREADS := 1
nightly: export OMP_WAIT_POLICY := passive
nightly: setup faults
	$(BIN)/python -m pytest -m nightly

# Kills, full disks, processes at once: half an hour. One area: make faults AREAS=sweep
faults: export OMP_NUM_THREADS := 1
faults: setup
	$(BIN)/python -m tests.faults $(AREAS)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

check: lint types test

# The site, in build/site; a link that leads nowhere is an error. To read it with its search: python3 -m http.server -d build/site
docs: export NO_MKDOCS_2_WARNING := 1
docs: setup
	$(BIN)/mkdocs build --strict --quiet

# The grid and the memory benchmark read ../shared, or what their options and SUITE_DATA name.
bench: setup
	$(BIN)/python benchmarks/attack_speed.py
	$(BIN)/python benchmarks/peer_attacks.py
	$(BIN)/python benchmarks/rule_cost.py
	$(BIN)/python benchmarks/attack_grid.py
	$(BIN)/python benchmarks/attack_memory.py
	$(BIN)/python benchmarks/compiled_step.py
	$(BIN)/python benchmarks/theory_speed.py
	$(BIN)/python benchmarks/training_speed.py
	$(BIN)/python benchmarks/transfer_cost.py
	$(BIN)/python benchmarks/pgd_dynamics_speed.py
	$(BIN)/python benchmarks/lazy_regime_speed.py
	$(BIN)/python benchmarks/phase_transition_speed.py
	$(BIN)/python benchmarks/experiment_speed.py
	$(BIN)/python benchmarks/store_load.py
	$(BIN)/python benchmarks/bulk_load.py

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache
