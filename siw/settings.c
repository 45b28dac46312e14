// SPDX-License-Identifier: GPL-2.0
/*
 * Settings of a device, in its folder of sysfs: /sys/class/infiniband/DEVICE/siw.
 * A new value holds for connections made from then on.
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

static struct siw_device *attr_dev(struct device *d)
{
	return rdma_device_to_drv_device(d, struct siw_device, ibdev);
}

static ssize_t mpa_crc_show(struct device *d, struct device_attribute *attr,
			    char *buf)
{
	return sysfs_emit(buf, "%d\n", READ_ONCE(attr_dev(d)->cm.settings.crc));
}

static ssize_t mpa_crc_store(struct device *d, struct device_attribute *attr,
			     const char *buf, size_t count)
{
	bool crc;
	int err = kstrtobool(buf, &crc);

	if (err)
		return err;
	WRITE_ONCE(attr_dev(d)->cm.settings.crc, crc);
	return count;
}
static DEVICE_ATTR_RW(mpa_crc);

static ssize_t mpa_revision_show(struct device *d,
				 struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n",
			  READ_ONCE(attr_dev(d)->cm.settings.mpa_revision));
}

static ssize_t mpa_revision_store(struct device *d,
				  struct device_attribute *attr,
				  const char *buf, size_t count)
{
	u8 revision;
	int err = kstrtou8(buf, 0, &revision);

	if (err)
		return err;
	if (revision != MPA_REVISION_1 && revision != MPA_REVISION_2)
		return -EINVAL;
	WRITE_ONCE(attr_dev(d)->cm.settings.mpa_revision, revision);
	return count;
}
static DEVICE_ATTR_RW(mpa_revision);

static ssize_t mpa_rtr_show(struct device *d, struct device_attribute *attr,
			    char *buf)
{
	return sysfs_emit(buf, "%s\n",
			  siw_rtr_names[READ_ONCE(attr_dev(d)->cm.settings.rtr)]);
}

static ssize_t mpa_rtr_store(struct device *d, struct device_attribute *attr,
			     const char *buf, size_t count)
{
	int rtr = __sysfs_match_string(siw_rtr_names, ARRAY_SIZE(siw_rtr_names), buf);

	if (rtr < 0)
		return rtr;
	WRITE_ONCE(attr_dev(d)->cm.settings.rtr, rtr);
	return count;
}
static DEVICE_ATTR_RW(mpa_rtr);

static ssize_t max_ulpdu_show(struct device *d, struct device_attribute *attr,
			      char *buf)
{
	return sysfs_emit(buf, "%u\n", READ_ONCE(attr_dev(d)->max_ulpdu));
}

static ssize_t max_ulpdu_store(struct device *d, struct device_attribute *attr,
			       const char *buf, size_t count)
{
	u32 ulpdu;
	int err = kstrtou32(buf, 0, &ulpdu);

	if (err)
		return err;
	if (ulpdu < SIW_MIN_FPDU || ulpdu > MPA_MAX_ULPDU)
		return -ERANGE;
	WRITE_ONCE(attr_dev(d)->max_ulpdu, ulpdu);
	return count;
}
static DEVICE_ATTR_RW(max_ulpdu);

static ssize_t mpa_rtr_repeats_show(struct device *d,
				    struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", READ_ONCE(attr_dev(d)->rtr_repeats));
}

static ssize_t mpa_rtr_repeats_store(struct device *d,
				     struct device_attribute *attr,
				     const char *buf, size_t count)
{
	u8 repeats;
	int err = kstrtou8(buf, 0, &repeats);

	if (err)
		return err;
	if (repeats > SIW_MAX_RTR_REPEATS)
		return -ERANGE;
	WRITE_ONCE(attr_dev(d)->rtr_repeats, repeats);
	return count;
}
static DEVICE_ATTR_RW(mpa_rtr_repeats);

static struct attribute *siw_settings_attrs[] = {
	&dev_attr_mpa_crc.attr,
	&dev_attr_mpa_revision.attr,
	&dev_attr_mpa_rtr.attr,
	&dev_attr_mpa_rtr_repeats.attr,
	&dev_attr_max_ulpdu.attr,
	NULL,
};

const struct attribute_group siw_settings_group = {
	.name = "siw",
	.attrs = siw_settings_attrs,
};
