# `make demo` runs the whole job on this machine; `make test` runs the tests. Each sets up what it needs.
ENGINE ?= docker
IMAGE ?= scones-vehicles-serving
BROWSERS := $(CHROMIUM) chromium chromium-browser google-chrome google-chrome-stable chrome
SETUP := python=$$(sh setup/find-python.sh "$(PYTHON)") && "$$python" -E -s -X utf8 -m setup
# Python and all that it starts, in the environment of setup/environment.py.
RUN := .venv/bin/python -E -s -X utf8 -m setup.environment .venv/bin/python -m

.PHONY: demo test unit proof lint format setup setup-tests browser image clean

demo: setup  ## the whole job on the local cloud, from photos to answers
	@$(RUN) scripts.demo $(if $(PORT),--port "$(PORT)")

unit: setup-tests  ## the tests without I/O: seconds
	@$(RUN) pytest tests/unit

test: lint  ## what must pass before a change lands: minutes
	@$(RUN) pytest -n logical --maxprocesses 4

proof: setup-tests  ## what takes longer: most of an hour
	@$(RUN) pytest -m proof --durations=0

lint: setup-tests
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .

format: setup-tests
	@$(RUN) ruff check --fix .
	@$(RUN) ruff format .

setup:
	@$(SETUP)

setup-tests:
	@$(SETUP) --tests

browser:  ## Chromium for the tests that open the monitoring report, where there is none (Debian, as root)
	@for name in $(BROWSERS); do command -v "$$name" >/dev/null && exit 0; done; \
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium

image:  ## the serving container; ENGINE=podman or buildah builds it as well as docker
	$(ENGINE) build --platform linux/amd64 --tag $(IMAGE) model

clean:  ## end the local clouds of this folder and remove what was built; keeps the environment
	@python=$$(sh setup/find-python.sh "$(PYTHON)") && "$$python" -E -s -X utf8 -m local down --all
	rm -rf build .local .serverless
