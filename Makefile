# The newcomer's commands. Each does its own set-up; `make` alone says what there is.

.PHONY: help run build test soak bench fmt lint setup facts fuzz

help:
	@echo 'make run     build, then start a shop with three models on free ports of this machine'
	@echo 'make build   target/release/vitrine, with the web pages inside'
	@echo 'make test    everything: formatting, lints, unit tests, both databases, SDKs, a real browser, crashes'
	@echo 'make soak    two hours of mixed load with killed workers, slow clients and a full disk (VITRINE_SOAK_MINUTES)'
	@echo 'make bench   how fast, how small: requests, rows, assets, memory, beside yardsticks (bench/README.md)'
	@echo 'make facts   start-up time, idle memory and answer times of the release binary'
	@echo 'make fuzz    coverage-guided fuzzing of the parsers; says what it needs'
	@echo 'make fmt     format the code        make lint   formatting and lints only'

run: build
	target/release/vitrine demo

build:
	tools/setup build
	tools/web build
	cargo build --release --locked -p vitrine

test:
	@tools/test

soak:
	@tools/test soak

bench: build
	tools/setup bench
	cargo build --release --locked -p vitrine -p vitrine-access -p vitrine-store --examples
	bench/run

facts: build
	tools/setup test
	cd tests/e2e && VITRINE_BIN=../../target/release/vitrine node facts.mjs

fmt:
	cargo fmt --all

lint:
	@tools/test lint

fuzz:
	@tools/fuzz
