# Two commands do all the set-up on a machine that has Python 3.11+ and make. Both use .venv here and nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.locked-$(shell cksum requirements.lock pyproject.toml | cksum | cut -d' ' -f1)
# More threads than two bring the small networks of the tests nothing.
export OMP_NUM_THREADS ?= 2

.PHONY: demo test lint types unit docs fuzz clean

$(STAMP): requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@rm -f $(VENV)/.locked-*
	@touch $@

demo: $(STAMP)
	$(BIN)/semedit sample --count 8 --seed 3 --out demo-out/samples
	$(BIN)/semedit invert docs/portrait.png --out demo-out
	$(BIN)/semedit edit --text "a person with purple hair" --regions hair --out demo-out
	@echo "The pictures are in demo-out/portrait: side-by-side.png (the inversion) and edits/ (the edit)."

test: lint types unit docs

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

unit: $(STAMP)
	$(BIN)/python -m pytest

# The documentation, into site/; a page, link, anchor or name in the sources that is not there is an error.
docs: $(STAMP)
	$(BIN)/zensical build --strict --clean

# Hostile inputs and kills, for longer than the tests: some minutes.
fuzz: $(STAMP)
	$(BIN)/python -m tests.fuzz --cases 1500
	$(BIN)/python -m tests.fuzz.kills --training 50 --folders 20

clean:
	rm -rf $(VENV) build site *.egg-info
