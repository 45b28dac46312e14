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

#define SETTING(name, member, least, greatest, words)			\
	static struct setting name = {					\
		.attr = __ATTR(name, 0644, setting_show, setting_store), \
		.offset = offsetof(struct siw_device, member) +		\
			  BUILD_BUG_ON_ZERO(sizeof_field(struct siw_device, member) != 4), \
		.min = least,						\
		.max = greatest,					\
		.names = words,						\
	}

#define NUMBER(name, member, least, greatest)	SETTING(name, member, least, greatest, NULL)
#define TIMEOUT(name)	\
	NUMBER(name, cm.settings.name, IWARP_TIMEOUT_MIN, IWARP_TIMEOUT_MAX)

NUMBER(mpa_crc, cm.settings.crc, 0, 1);
NUMBER(mpa_revision, cm.settings.mpa_revision, MPA_REVISION_1, MPA_REVISION_2);
SETTING(mpa_rtr, cm.settings.rtr, 0, ARRAY_SIZE(siw_rtr_names) - 1, siw_rtr_names);
NUMBER(mpa_rtr_repeats, rtr_repeats, 0, SIW_MAX_RTR_REPEATS);
NUMBER(max_ulpdu, max_ulpdu, SIW_MIN_FPDU, MPA_MAX_ULPDU);
TIMEOUT(connect_timeout);
TIMEOUT(request_timeout);
TIMEOUT(answer_timeout);
TIMEOUT(rtr_timeout);
TIMEOUT(close_timeout);

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
