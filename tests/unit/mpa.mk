# SPDX-License-Identifier: GPL-2.0
PROGRAMS += unit_mpa

$(BUILD)/unit_mpa: $(ROOT)/tests/unit/unit_mpa.c $(ROOT)/cm/mpa.c $(ROOT)/cm/mpa.h \
		   $(BUILD)/harness.o $(HEADERS)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -I$(ROOT)/cm -o $@ $(filter %.c %.o,$^)
