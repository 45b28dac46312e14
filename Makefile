# SPDX-License-Identifier: GPL-2.0

KDIR ?= /lib/modules/$(shell uname -r)/build
KREL  = $(shell $(MAKE) -s --no-print-directory -C $(KDIR) kernelrelease)
DEST  = $(INSTALL_MOD_PATH)/lib/modules/$(KREL)

all: modules

modules:
	@test -e $(KDIR)/Makefile || { echo "no kernel headers in $(KDIR): install linux-headers-$$(uname -r), or give KDIR=..." >&2; exit 1; }
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

tools:
	@$(MAKE) -C userspace

install: modules
	$(MAKE) -C $(KDIR) M=$(CURDIR) INSTALL_MOD_DIR=updates/wharf modules_install
	depmod $(if $(INSTALL_MOD_PATH),-b $(INSTALL_MOD_PATH)) $(KREL)
	@test ! -e build/userspace/iwstat || $(MAKE) -C userspace install

uninstall:
	@$(MAKE) -C userspace uninstall
	rm -rf $(DEST)/updates/wharf
	depmod $(if $(INSTALL_MOD_PATH),-b $(INSTALL_MOD_PATH)) $(KREL)

demo:
	@tests/guest/setup userspace
	@tests/guest/run --timeout 300 -- tests/guest/demo

test:
	@tests/run

test-full:
	@tests/run --full

bench:
	@tests/bench/run --engine $(or $(ENGINE),uml) --rounds $(or $(ROUNDS),15) --rows '$(ROWS)'

bench-core:
	@$(MAKE) -s -C tests/bench core

check:
	@scripts/check

clean:
	@test ! -e $(KDIR)/Makefile || $(MAKE) -s -C $(KDIR) M=$(CURDIR) clean
	rm -rf build
	@for d in tests/unit tests/fuzz; do test ! -e $$d/Makefile || $(MAKE) -s -C $$d clean; done

help:
	@echo 'make             build the modules for the running kernel, or for KDIR=FOLDER'
	@echo 'make tools       build iwstat and rnicctl; needs libmnl-dev'
	@echo 'make install     install modules under updates/wharf, and the tools if they were built; make uninstall removes them'
	@echo 'make demo        RDMA between two hosts in a guest; needs root on Debian 12, installs what it needs'
	@echo 'make test        the proof, on three kernels, within 40 minutes on two cores'
	@echo 'make test-full   everything on every engine, one verdict each; goes on where it was interrupted'
	@echo 'make bench       ours beside mainline'"'"'s siw and plain TCP, in a guest; ENGINE=, ROUNDS=, ROWS=: see docs/performance.md'
	@echo 'make bench-core  the hot core alone, in user space, beside a copy of the same octets'
	@echo 'make check       checkpatch, sparse, warnings, shellcheck'
	@echo 'make clean       remove what was built here; guest kernels stay in ~/.cache/wharf'

.PHONY: all modules tools install uninstall demo test test-full bench bench-core check clean help
