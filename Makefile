# make check is the one entry: what it accepts may be committed.
# Each of its steps can be run alone.

MODULES := . examples integration
# Developers' tools have a module of their own, outside the workspace, so that
# nothing of theirs reaches a host's build list.
BIN := bin
TOOLS := $(BIN)/.built

.PHONY: check fmt fmt-check vet lint fix-check tidy-check test race alone fips golden tools bench-peers

check: fmt-check vet lint fix-check tidy-check race alone fips
	@echo "check: all well"

tools: $(TOOLS)

# They need no C, so they do not wait for a compiler that is still to be installed.
$(TOOLS): internal/tools/go.mod internal/tools/go.sum
	cd internal/tools && GOWORK=off CGO_ENABLED=0 GOBIN=$(CURDIR)/$(BIN) go install tool
	@touch $@

# fmt writes, the others of its kind only look.
fmt: $(TOOLS)
	$(BIN)/gofumpt -w .

fmt-check: $(TOOLS)
	@out=$$($(BIN)/gofumpt -l .); test -z "$$out" || { echo "gofumpt: run make fmt for"; echo "$$out"; exit 1; }

vet:
	go vet work

lint: $(TOOLS)
	@set -e; for m in $(MODULES); do echo "lint $$m"; (cd $$m && $(CURDIR)/$(BIN)/golangci-lint run ./...); done

fix-check:
	go fix -diff work

# After a requirement was changed, "go work sync" keeps the versions of all modules
# the same: else what one of them compiles alone is not what the workspace tested, and
# takes a second compilation.
tidy-check:
	@set -e; for m in $(MODULES) internal/tools internal/tinkv1vectors; do echo "tidy $$m"; (cd $$m && GOWORK=off go mod tidy -diff); done

# test is the README's command. The import rules and the golden lists are tests
# of internal/archtest, so they run with every one of these.
test:
	go test work

# The second turn of the tests watches for races. Heavy ones that do one thing after
# another have nothing to watch for, nor have those that start other programs, each of
# which is watched alone: they look at -short. Not watched are SQLite, which is C turned
# into Go, and Argon2, which does nothing but fill memory: many times slower if they are.
# The published module is tested as its users build it, without the workspace, which
# would hide a requirement that it forgot.
RACE := -race -short -timeout 40m -gcflags=modernc.org/...=-race=false -gcflags=golang.org/x/crypto/argon2=-race=false
race:
	GOWORK=off go test $(RACE) ./...
	go test $(RACE) ./examples/... ./integration/...

# alone: the other modules need the workspace for their tests; vet compiles everything,
# tests included, against each module's own list.
alone:
	@set -e; for m in $(MODULES); do echo "alone $$m"; (cd $$m && GOWORK=off go vet ./...); done

# fips: the vault's own cryptography must work where nothing else is allowed.
fips:
	GODEBUG=fips140=only go test -short ./vault/...

# golden writes the reviewed lists again: dependencies and API of each package.
golden:
	go test ./internal/archtest -update

# bench-peers: figures beside other programs. Their licences and requirements stay
# in a module of its own, which check leaves alone: see bench/README.md.
bench-peers:
	cd bench && GOWORK=off go run .
