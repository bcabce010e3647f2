# make demo: from nothing to a scene.   make test: everything that is checked.   make help: the rest.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin
OUT ?= out/living-room
# Flows wait for servers and processes: a third worker uses what two leave of two cores.
WORKERS ?= 3
# Kept beside the environment, for the tests alone: torchvision's build does not fit a PyTorch without CUDA.
BESIDE := hy3dgen pymeshlab torchvision

.PHONY: help demo install test check unit soak schema viewer docs clean

help:  ## Show this list.
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/.installed  ## Install, turn the example picture into a scene, say where it is.
	$(BIN)/regen3d run examples/living-room.png --out $(OUT) || [ $$? -eq 3 ]
	@echo
	@echo "Your scene is in $(OUT):"
	@echo "  open $(OUT)/report.html in a browser to see what was found and how well it fits,"
	@echo "  import $(OUT)/scene.glb into Blender (File > Import > glTF 2.0), Houdini or Unreal,"
	@echo "  then try your own picture: $(BIN)/regen3d run PICTURE --out FOLDER"

install: $(VENV)/.installed-dev  ## Install with everything that development needs.

test: check unit  ## Everything but the soak runs: format, lint, types, imports, tests.

check: $(VENV)/.installed-dev  ## Format, lint, types, import rules.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/pyright

unit: $(VENV)/.installed-dev  ## The tests.
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not soak and not gpu"

soak: $(VENV)/.installed-dev  ## Long runs: killing the program at many moments, fifty scenes on a shaky farm.
	$(BIN)/pytest -m soak

schema: $(VENV)/.installed-dev  ## Write docs/manifest.schema.json anew.
	$(BIN)/python -c "from tests.unit.test_manifest import publish; publish()"

docs: $(VENV)/.installed-dev  ## Build the documentation into site/; opens without a network.
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

viewer: web/node_modules  ## Build the scene viewer into the package; needs Node 20.
	cd web && npm run --silent build

web/node_modules: web/package.json web/package-lock.json
	cd web && npm ci --silent
	@touch $@

clean:  ## Remove the virtual environment and caches; scenes stay.
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis .import_linter_cache

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	rm -rf $(VENV)/beside
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt --no-deps --target $(VENV)/beside $(BESIDE)
	@touch $@ $(VENV)/.installed
