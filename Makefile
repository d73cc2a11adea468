# `make demo` runs the whole job on this machine, `make test` the tests. Each sets up what it needs.
ENGINE ?= docker
STAGE ?= dev
BROWSERS := $(CHROMIUM) chromium chromium-browser google-chrome google-chrome-stable chrome
SETUP := python=$$(sh setup/find-python.sh "$(PYTHON)") && "$$python" -E -s -X utf8 -m setup
# A program of .venv, and a module of its Python, in the environment of setup/environment.py.
PROGRAM := .venv/bin/python -E -s -X utf8 -m setup.environment .venv/bin
RUN := $(PROGRAM)/python -m

.PHONY: demo test unit proof lint format setup setup-tests browser push clean

demo: setup  ## the whole job on the local cloud, from photos to answers
	@$(RUN) scripts.demo $(if $(PORT),--port "$(PORT)")

unit: setup-tests  ## the tests without I/O: seconds
	@$(RUN) pytest tests/unit local/tests/unit

test: lint  ## all that must pass before a change lands: minutes
	@$(RUN) pytest -n logical --maxprocesses 4

proof: setup-tests  ## the longer tests: half an hour
	@$(RUN) pytest -m proof --durations=0

lint: setup-tests
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .
	@$(RUN) mypy
	@$(PROGRAM)/actionlint .github/workflows/*.yml
	@$(PROGRAM)/zizmor --offline --quiet .github

format: setup-tests
	@$(RUN) ruff check --fix .
	@$(RUN) ruff format .

setup:
	@$(SETUP)

setup-tests:
	@$(SETUP) --tests

browser:  ## Chromium for the tests that open pages, where there is none (Debian, as root)
	@for name in $(BROWSERS); do command -v "$$name" >/dev/null && exit 0; done; \
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium

# With the whole environment of the shell: DOCKER_HOST, AWS_PROFILE and so on.
push: setup  ## the serving container to STAGE=dev on AWS, by ENGINE=docker, podman or buildah
	@.venv/bin/python -m scripts.serving_image --stage "$(STAGE)" --engine "$(ENGINE)"

clean:  ## end the local clouds of this folder and remove what was built; keeps the environment
	@python=$$(sh setup/find-python.sh "$(PYTHON)") && "$$python" -E -s -X utf8 -m local down --all
	rm -rf build .local .serverless
