// SPDX-License-Identifier: GPL-2.0
/*
 * device/net/INTERFACE in a device's sysfs folder: where programs look for the
 * interface of an RDMA device. That of an adapter is its hardware's, since that is
 * the device's parent. Ours has no parent, or udev would take it for the
 * adapter, and give it a name after the slot instead of the one it was made with.
 */
#include <linux/kobject.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include "siw.h"

/**
 * struct siw_folder - what is shown; ib_client data, while the device is registered
 * @device: the folder "device"
 * @net: "net" in it, with a link to the interface
 */
struct siw_folder {
	struct kobject *device;
	struct kobject *net;
};

static struct ib_client folder_client;

/* A rename and the end of a device */
static DEFINE_MUTEX(folder_lock);

static int folder_add(struct ib_device *ibdev)
{
	struct siw_folder *folder;
	int err = -ENOMEM;

	if (ibdev->ops.owner != THIS_MODULE)
		return -EOPNOTSUPP;
	folder = kzalloc(sizeof(*folder), GFP_KERNEL);
	if (!folder)
		return -ENOMEM;
	folder->device = kobject_create_and_add("device", &ibdev->dev.kobj);
	if (!folder->device)
		goto err_free;
	folder->net = kobject_create_and_add("net", folder->device);
	if (!folder->net)
		goto err_device;
	err = sysfs_create_link(folder->net, &to_siw_dev(ibdev)->netdev->dev.kobj,
				to_siw_dev(ibdev)->netdev->name);
	if (err)
		goto err_net;
	ib_set_client_data(ibdev, &folder_client, folder);
	return 0;

err_net:
	kobject_put(folder->net);
err_device:
	kobject_put(folder->device);
err_free:
	kfree(folder);
	return err;
}

static void folder_remove(struct ib_device *ibdev, void *data)
{
	struct siw_folder *folder = data;

	mutex_lock(&folder_lock);
	ib_set_client_data(ibdev, &folder_client, NULL);
	mutex_unlock(&folder_lock);
	/* The link goes with its folder, whatever it is called by now. */
	kobject_put(folder->net);
	kobject_put(folder->device);
	kfree(folder);
}

/* The interface has a new name: the old link is where nothing is any more. */
static void folder_rename(struct ib_device *ibdev, struct siw_folder *folder, const char *old)
{
	struct net_device *netdev = to_siw_dev(ibdev)->netdev;

	sysfs_remove_link(folder->net, old);
	if (sysfs_create_link(folder->net, &netdev->dev.kobj, netdev->name))
		dev_warn(&ibdev->dev, "siw: no link to %s\n", netdev->name);
}

/**
 * siw_folder_rename() - a device's interface has been renamed
 * @ibdev: registered, and kept so by the caller
 * @old: the interface's former name
 */
void siw_folder_rename(struct ib_device *ibdev, const char *old)
{
	struct siw_folder *folder;

	mutex_lock(&folder_lock);
	folder = ib_get_client_data(ibdev, &folder_client);
	if (folder)
		folder_rename(ibdev, folder, old);
	mutex_unlock(&folder_lock);
}

static struct ib_client folder_client = {
	.name = "siw",
	.add = folder_add,
	.remove = folder_remove,
};

int siw_folder_init(void)
{
	return ib_register_client(&folder_client);
}

void siw_folder_exit(void)
{
	ib_unregister_client(&folder_client);
}
