// SPDX-License-Identifier: GPL-2.0
/*
 * Settings of a device, in its folder of sysfs: /sys/class/infiniband/DEVICE/siw.
 * A new value holds for connections, or their steps, that begin from then on.
 */
#include <linux/kstrtox.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include "siw.h"

const char * const siw_rtr_names[] = {
	[IWARP_RTR_NONE]	= "none",
	[IWARP_RTR_SEND]	= "send",
	[IWARP_RTR_WRITE]	= "write",
	[IWARP_RTR_READ]	= "read",
};

/**
 * struct setting - a file
 * @attr: the file
 * @offset: of the value, a u32, in struct siw_device
 * @min: least value
 * @max: greatest value
 * @names: what the values are called, from 0 to @max; NULL: they are numbers
 */
struct setting {
	struct device_attribute attr;
	size_t offset;
	u32 min;
	u32 max;
	const char * const *names;
};

static u32 *setting_value(const struct setting *setting, struct device *d)
{
	void *dev = rdma_device_to_drv_device(d, struct siw_device, ibdev);

	return dev + setting->offset;
}

static ssize_t setting_show(struct device *d, struct device_attribute *attr, char *buf)
{
	const struct setting *setting = container_of(attr, struct setting, attr);
	u32 value = READ_ONCE(*setting_value(setting, d));

	if (setting->names)
		return sysfs_emit(buf, "%s\n", setting->names[value]);
	return sysfs_emit(buf, "%u\n", value);
}

static ssize_t setting_store(struct device *d, struct device_attribute *attr, const char *buf,
			     size_t count)
{
	const struct setting *setting = container_of(attr, struct setting, attr);
	u32 value;
	int ret;

	if (setting->names) {
		ret = __sysfs_match_string(setting->names, setting->max + 1, buf);
		value = ret;
	} else {
		ret = kstrtou32(buf, 0, &value);
	}
	if (ret < 0)
		return ret;
	if (value < setting->min || value > setting->max)
		return -ERANGE;
	WRITE_ONCE(*setting_value(setting, d), value);
	return count;
}

#define SETTING(file, member, least, greatest, words) {			\
	.attr = {							\
		.attr = { .name = file, .mode = 0644 },			\
		.show = setting_show,					\
		.store = setting_store,					\
	},								\
	.offset = offsetof(struct siw_device, member),			\
	.min = least,							\
	.max = greatest,						\
	.names = words,							\
}

#define NUMBER(file, member, least, greatest)	SETTING(file, member, least, greatest, NULL)
#define TIMEOUT(file, member)	NUMBER(file, member, IWARP_TIMEOUT_MIN, IWARP_TIMEOUT_MAX)

/* All are u32. */
static_assert(sizeof(struct iwarp_cm_settings) == 8 * sizeof(u32));
static_assert(sizeof_field(struct siw_device, rtr_repeats) == sizeof(u32));
static_assert(sizeof_field(struct siw_device, max_ulpdu) == sizeof(u32));

static struct setting mpa_crc = NUMBER("mpa_crc", cm.settings.crc, 0, 1);
static struct setting mpa_revision =
	NUMBER("mpa_revision", cm.settings.mpa_revision, MPA_REVISION_1, MPA_REVISION_2);
static struct setting mpa_rtr =
	SETTING("mpa_rtr", cm.settings.rtr, 0, ARRAY_SIZE(siw_rtr_names) - 1, siw_rtr_names);
static struct setting mpa_rtr_repeats =
	NUMBER("mpa_rtr_repeats", rtr_repeats, 0, SIW_MAX_RTR_REPEATS);
static struct setting max_ulpdu =
	NUMBER("max_ulpdu", max_ulpdu, SIW_MIN_FPDU, MPA_MAX_ULPDU);
static struct setting connect_timeout = TIMEOUT("connect_timeout", cm.settings.connect_timeout);
static struct setting request_timeout = TIMEOUT("request_timeout", cm.settings.request_timeout);
static struct setting answer_timeout = TIMEOUT("answer_timeout", cm.settings.answer_timeout);
static struct setting rtr_timeout = TIMEOUT("rtr_timeout", cm.settings.rtr_timeout);
static struct setting close_timeout = TIMEOUT("close_timeout", cm.settings.close_timeout);

static struct attribute *siw_settings_attrs[] = {
	&mpa_crc.attr.attr,
	&mpa_revision.attr.attr,
	&mpa_rtr.attr.attr,
	&mpa_rtr_repeats.attr.attr,
	&max_ulpdu.attr.attr,
	&connect_timeout.attr.attr,
	&request_timeout.attr.attr,
	&answer_timeout.attr.attr,
	&rtr_timeout.attr.attr,
	&close_timeout.attr.attr,
	NULL,
};

const struct attribute_group siw_settings_group = {
	.name = "siw",
	.attrs = siw_settings_attrs,
};
