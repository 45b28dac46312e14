// SPDX-License-Identifier: GPL-2.0
/* The device's settings in sysfs: data arrives whatever they are. */
#include "harness.h"
#include "sizes.h"

static FILE *open_setting(const char *name, const char *mode)
{
	char path[120];
	FILE *file;

	snprintf(path, sizeof(path), "/sys/class/infiniband/%s/siw/%s",
		 ibv_get_device_name(verbs->device), name);
	file = fopen(path, mode);
	expect(file, "%s: %s", path, strerror(errno));
	return file;
}

static bool try_set(const char *name, const char *value)
{
	FILE *file = open_setting(name, "w");

	fputs(value, file);
	return !fclose(file);
}

void set(const char *name, const char *value)
{
	expect(try_set(name, value), "%s to %s: %s", name, value, strerror(errno));
}

static void get(const char *name, char *value, size_t size)
{
	FILE *file = open_setting(name, "r");

	expect(fgets(value, size, file), "%s is empty", name);
	value[strcspn(value, "\n")] = 0;
	fclose(file);
}

static void with_setting(const char *name, const char *value, const char *again)
{
	set(name, value);
	barrier();
	connect_both();
	some_sizes();
	set(name, again);
	barrier();
}

static void small_fpdus(void)
{
	with_setting("max_ulpdu", "512", "65534");
}

static void ethernet_fpdus(void)
{
	with_setting("max_ulpdu", "1442", "65534");
}

static void largest_fpdus(void)
{
	with_setting("max_ulpdu", "65535", "65534");
}

static void without_crc(void)
{
	with_setting("mpa_crc", "0", "1");
}

static void without_crc_small_fpdus(void)
{
	set("max_ulpdu", "601");
	with_setting("mpa_crc", "0", "1");
	set("max_ulpdu", "65534");
}

/* One side wants the CRC: both use it. */
static void crc_on_one_side(void)
{
	if (client)
		set("mpa_crc", "0");
	barrier();
	connect_both();
	size_write(1, 70001, offsets[1], offsets[2]);
	size_read(2, 70001, offsets[1], offsets[2]);
	if (client)
		set("mpa_crc", "1");
}

static void rtr_kinds(void)
{
	static const char * const kinds[] = { "none", "send", "read", "write" };
	uint32_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		set("mpa_rtr", kinds[i]);
		barrier();
		connect_both();
		size_send(1, 5000, offsets[1], offsets[2]);
		size_read(2, 5000, offsets[1], offsets[2]);
		barrier();
		clean_up();
	}
}

static void revision_1(void)
{
	set("mpa_revision", "1");
	barrier();
	connect_both();
	size_write(1, 70001, offsets[1], offsets[2]);
	set("mpa_revision", "2");
	barrier();
}

static void bad_settings(void)
{
	static const char * const bad[][2] = {
		{ "max_ulpdu", "511" }, { "max_ulpdu", "65536" }, { "max_ulpdu", "x" },
		{ "mpa_revision", "0" }, { "mpa_revision", "3" }, { "mpa_rtr", "other" },
		{ "mpa_crc", "maybe" },
	};
	char before[40], after[40];
	uint32_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		get(bad[i][0], before, sizeof(before));
		expect(!try_set(bad[i][0], bad[i][1]), "%s took %s", bad[i][0], bad[i][1]);
		get(bad[i][0], after, sizeof(after));
		expect(!strcmp(before, after), "%s went from %s to %s", bad[i][0], before, after);
	}
}

static const struct test tests[] = {
	TEST(small_fpdus, "the same with FPDUs of 512 octets"),
	TEST(ethernet_fpdus, "the same with FPDUs of an Ethernet frame"),
	TEST(largest_fpdus, "the same with FPDUs as large as they can be"),
	TEST(without_crc, "the same without CRC"),
	TEST(without_crc_small_fpdus, "the same without CRC, FPDUs of 601 octets"),
	TEST(crc_on_one_side, "one side wants the CRC"),
	TEST(rtr_kinds, "every way of peer-to-peer, and none"),
	TEST(revision_1, "MPA revision 1"),
	TEST(bad_settings, "settings refuse what they cannot be"),
};

const struct group settings_group = { tests, ARRAY_SIZE(tests) };
