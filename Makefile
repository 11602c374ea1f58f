# Drydock's targets. `make help` lists them; CI runs `make check`.
# Only Go and make are needed. Everything is built without C.

SHELL := /bin/bash -euo pipefail
export CGO_ENABLED ?= 0
GO      ?= go
VERSION ?= v0.1.0-dev
K8S     := v1.37.1
LINT    := v2.15.0

K8S_VERSION_FLAGS := $(foreach p,k8s.io/component-base/version k8s.io/client-go/pkg/version,\
	-X $(p).gitVersion=$(K8S) -X $(p).gitMajor=1 -X $(p).gitMinor=37 -X $(p).gitTreeState=clean -X $(p).buildDate=1970-01-01T00:00:00Z)
LDFLAGS := -s -w -X main.version=$(VERSION) $(K8S_VERSION_FLAGS)
BUILD   := $(GO) build -trimpath -ldflags '$(LDFLAGS)'

CARRIED := bin/dockplane bin/docknode bin/dockkeep bin/dockboot bin/dockinit bin/dockbox bin/kubectl bin/images.tar
ASSETS  := cmd/drydock/assets

.DEFAULT_GOAL := build
.PHONY: help build run test check bench lint fuzz e2e lessons cover clean generate race FORCE

help: ## list the targets
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: bin/drydock ## build bin/drydock, one file with everything in it

run: bin/drydock ## build, and open the interface on the first lesson
	bin/drydock

generate: engine/api/openapi/.done ## filter the OpenAPI documents out of the Kubernetes module

engine/api/openapi/.done: go.mod $(wildcard engine/api/*.go engine/api/openapigen/*.go)
	$(GO) run ./engine/api/openapigen
	@touch $@

# Go knows best what is up to date: these run each time, and a cached build takes a moment.
bin/dockplane: generate FORCE
	$(BUILD) -o $@ ./cmd/dockplane
bin/docknode bin/dockkeep bin/dockboot bin/dockinit bin/dockbox bin/kubectl bin/userland: FORCE
	$(BUILD) -o $@ ./cmd/$(@F)
bin/images.tar: bin/userland FORCE
	$(GO) run ./cmd/userland/mkimage -userland bin/userland -o $@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

$(ASSETS)/digest: $(CARRIED)
	$(GO) run ./cmd/pack $(ASSETS) $(CARRIED)

bin/drydock: $(ASSETS)/digest FORCE
	$(BUILD) -o $@ ./cmd/drydock

# The sessions of e2e alone need five minutes on two processors, and Go ends a package after ten.
test: build ## run every test this machine can run; what is left out says why
	$(GO) test -timeout 20m ./...

race: ## run the tests of our own concurrent code under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race $(shell $(GO) list ./... | grep -v -e /cmd/ -e engine/api$$ -e engine/apiserver -e engine/cluster$$ -e /e2e)

bin/golangci-lint:
	GOBIN=$(CURDIR)/bin $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT)

lint: bin/golangci-lint ## style, forbidden calls, import rules
	bin/golangci-lint run ./...

check: lint test race lessons ## what CI runs, in CI's order

lessons: build ## prove every exercise of the bundled packs
	for pack in lessons/library/*/pack.yaml; do bin/drydock pack test $$(dirname $$pack); done

e2e: build ## only the tests that drive the whole program
	$(GO) test -count=1 ./e2e/...

bench: build ## budget, measurement and floor side by side
	$(GO) run ./bench

fuzz: ## let each fuzz test run for ten seconds
	for package in $$($(GO) list ./...); do \
		for name in $$($(GO) test -list '^Fuzz' $$package | grep ^Fuzz || true); do \
			$(GO) test -run '^$$' -fuzz "^$$name$$" -fuzztime 10s $$package; done; done

cover: ## test coverage, function by function
	$(GO) test -coverprofile=coverage.out ./... && $(GO) tool cover -func=coverage.out

clean: ## remove what was built
	rm -rf bin/[!g]* $(ASSETS)/*.zst $(ASSETS)/digest coverage.out
	find engine/api/openapi -type f ! -name README ! -name '*.go' -delete
