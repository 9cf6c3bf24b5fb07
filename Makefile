# Every target does its own set-up; a machine needs Python >= 3.10 and nothing else.
PYTHON ?= python3
BIN := .venv/bin
STAMPS := .venv/stamps

.PHONY: demo test interop lint docs clean

demo: $(STAMPS)/run
	$(BIN)/tinyc compile models/digits.onnx --target nucleo-f446re \
		--calibration models/digits_calibration.npz --evaluate models/digits_evaluation.npz -o build/digits

test: $(STAMPS)/test
	$(BIN)/pytest -n 2 -m "not slow"

# What PyTorch, Keras, scikit-learn and their exporters write and compute today, instead of the recordings in
# tests/interop. A CPU build of PyTorch is enough: pip takes its default build, which is several GB, unless .venv
# has another one already.
interop: $(STAMPS)/interop
	PYTHONHASHSEED=0 $(BIN)/python tests/interop/record_snntorch.py
	for framework in torch keras sklearn; do \
		PYTHONHASHSEED=0 $(BIN)/python -m tests.interop.record_$$framework || exit; \
	done
	$(BIN)/pytest tests/interop

lint: $(STAMPS)/test $(STAMPS)/source
	$(BIN)/ruff check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports

# The pages of docs/ as a site in build/site; a link that leads nowhere fails.
docs: $(STAMPS)/docs
	$(BIN)/python -m mkdocs build --quiet

clean:
	rm -rf .venv build dist *.egg-info

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 10) else "tinyc needs Python 3.10 or newer")'
	$(PYTHON) -m venv .venv

$(STAMPS)/run: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[toolchain]'
	mkdir -p $(STAMPS) && touch $@

$(STAMPS)/test: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	mkdir -p $(STAMPS) && touch $(STAMPS)/run $@

$(STAMPS)/docs: $(STAMPS)/run
	$(BIN)/python -m pip install --quiet --editable '.[docs]'
	touch $@

$(STAMPS)/interop: $(STAMPS)/test
	$(BIN)/python -m pip install --quiet --editable '.[interop]'
	touch $@

# pyright does not see the import hook of an editable install: give it a folder that holds `tinyc`.
$(STAMPS)/source: | $(BIN)/python
	mkdir -p .venv/source $(STAMPS) && ln -sfn ../.. .venv/source/tinyc && touch $@
