# Thin front: calls apt-get (through .ci/setup), cmake and ctest, and knows nothing that they know.
PRESET ?= release
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
TARGET ?= all
TEST_ARGS ?=

build_dir := $(if $(filter release,$(PRESET)),build,build-$(PRESET))
# For a build directory's first configuration; one that exists keeps its generator.
export CMAKE_GENERATOR ?= $(if $(shell command -v ninja 2>&1),Ninja,Unix Makefiles)
# Makefiles that CMake writes are no sub-makes of this one: our -j and variables are not for them.
cmake := env -u MAKEFLAGS -u MAKELEVEL cmake

.PHONY: build help setup configure demo test bench install

build: configure
	@$(cmake) --build --preset $(PRESET) --parallel $(JOBS) --target $(TARGET)

help:
	@echo 'make             build everything into build/: the executable is build/gneiss'
	@echo 'make demo        build, then plan datasets/debian-fleet'
	@echo 'make test        build, then run all tests (TEST_ARGS="-L solver" for some)'
	@echo 'make bench       build, then run all benchmarks'
	@echo 'make install     build, then install below PREFIX (/usr/local)'
	@echo 'make setup       install the Debian packages that the build needs'
	@echo 'Each does what it needs first. JOBS=N limits parallel work, PRESET=debug (or another of'
	@echo 'CMakePresets.json) builds and tests in another way, in build-debug/.'

setup:
	@.ci/setup

configure: setup
	@cmake --preset $(PRESET) --log-level=NOTICE

demo: TARGET = gneiss
demo: build
	$(build_dir)/gneiss plan datasets/debian-fleet
	$(build_dir)/gneiss waste --top 3 datasets/debian-fleet

test: build
	@ctest --preset $(PRESET) --parallel $(JOBS) $(TEST_ARGS)

bench: build
	@$(cmake) --build --preset $(PRESET) --target run_bench

install: build
	@cmake --install $(build_dir) --prefix $(PREFIX)
