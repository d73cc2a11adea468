# `make demo` runs the whole job on this machine; `make test` runs every test. Each sets up what it needs.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
ENGINE ?= docker
IMAGE ?= scones-vehicles-serving
BROWSERS := chromium chromium-browser google-chrome google-chrome-stable chrome
SETUP := $(VENV)/.installed node_modules/.package-lock.json

.PHONY: demo test unit lint format setup browser image clean

demo: $(SETUP)  ## the whole job on the local cloud, from photos to answers
	@$(BIN)/python -m scripts.demo $(if $(PORT),--port $(PORT))

test: lint browser  ## all tests
	$(BIN)/pytest

unit: $(SETUP)  ## the tests without I/O
	$(BIN)/pytest tests/unit

lint: $(SETUP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(SETUP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

setup: $(SETUP)

browser:  # the tests open the monitoring report; Debian's Chromium, where there is none and we may install it
	@for name in $(CHROMIUM) $(BROWSERS); do command -v "$$name" >/dev/null && exit 0; done; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; \
	fi

image:  ## the serving container; ENGINE=podman or buildah builds it as well as docker
	$(ENGINE) build --platform linux/amd64 --tag $(IMAGE) model

$(VENV)/.installed: constraints.txt requirements.txt */requirements*.txt
	@command -v $(PYTHON) >/dev/null || { echo "make: no $(PYTHON) here; name another Python 3.11 as PYTHON=/path/to/python" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt -c constraints.txt
	@touch $@

node_modules/.package-lock.json: package.json package-lock.json
	npm ci --no-audit --no-fund --loglevel=error
	@touch $@

clean:  ## stop the local cloud and remove what was built; keeps the environment
	-$(BIN)/python -m local down
	rm -rf build .local .serverless
