// SPDX-License-Identifier: GPL-2.0
/*
 * Gives an emulated adapter a network namespace for its TCP: the kernel runs this when
 * the adapter is to offload for the first time. The namespace has no name, and lives
 * as long as the adapter holds it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "rnic_emulated.h"
#include "rnicctl.h"

#define IPV6_DEFAULTS	"/proc/sys/net/ipv6/conf/default/"

static int open_namespace(const char *path, ino_t inode)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && (fstat(fd, &st) || st.st_ino != inode)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static int find_in(const char *folder, const char *file, ino_t inode)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	char path[320];
	int fd = -1;

	while (dir && fd < 0 && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "%s/%s%s", folder, entry->d_name, file);
		fd = open_namespace(path, inode);
	}
	if (dir)
		closedir(dir);
	return fd;
}

/* An interface's namespace has a name, or a process in it. */
static int find_namespace(ino_t inode)
{
	int fd = find_in("/run/netns", "", inode);

	return fd >= 0 ? fd : find_in("/proc", "/ns/net", inode);
}

static struct settings *read_settings(ino_t host)
{
	struct settings *settings = NULL;
	int fd = find_namespace(host);

	if (fd >= 0 && !setns(fd, CLONE_NEWNET))
		settings = settings_read();
	else
		fputs("rnicctl: the host's namespace is not found: TCP's settings are the kernel's\n", stderr);
	if (fd >= 0)
		close(fd);
	return settings;
}

/* A new namespace, with TCP set as in the host's */
static int enter_namespace(ino_t host)
{
	struct settings *settings = read_settings(host);
	int ret = unshare(CLONE_NEWNET);

	if (ret)
		perror("rnicctl: no new namespace");
	if (settings) {
		if (!ret)
			settings_write(settings);
		settings_free(settings);
	}
	return ret;
}

static int give(uint32_t adapter)
{
	struct nlmsghdr *nlh;
	struct netlink *nl;
	uint16_t family;
	int fd, ret;

	nl = genl_open(RNIC_EMU_FAMILY, &family);
	if (!nl) {
		perror("rnicctl: " RNIC_EMU_FAMILY);
		return -1;
	}
	fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	nlh = genl_request(nl, family, RNIC_EMU_ATTACH, 0);
	mnl_attr_put_u32(nlh, RNIC_EMU_ADAPTER, adapter);
	mnl_attr_put_u32(nlh, RNIC_EMU_NETNS_FD, fd);
	ret = netlink_talk(nl, NULL, NULL);
	if (ret < 0)
		perror("rnicctl: giving the adapter a namespace");
	close(fd);
	netlink_close(nl);
	return ret < 0 ? -1 : 0;
}

static int ip_batch(const char *family, const char *lines)
{
	char command[32];
	FILE *ip;
	int ret;

	snprintf(command, sizeof(command), "ip %s -batch -", family);
	ip = popen(command, "w");
	if (!ip) {
		perror("rnicctl: ip");
		return -1;
	}
	fputs(lines, ip);
	ret = pclose(ip);
	if (ret)
		fprintf(stderr, "rnicctl: ip %s fails: status %d\n", family, ret);
	return ret ? -1 : 0;
}

/*
 * Whatever comes in is for the adapter's sockets, though no address is configured
 * here; whatever goes out, goes out by the port.
 */
static int set_routes(int has_ipv6)
{
	static const char routes[] =
		"rule add iif port0 lookup 100\n"
		"route add local default dev lo table 100\n"
		"route add default dev port0\n";
	/* A link-local address is looked for on the interface only. */
	static const char link_local[] = "route add local fe80::/10 dev port0 table 100\n";

	if (ip_batch("-4", "link set lo up\nlink set port0 addrgenmode none\nlink set port0 up\n") ||
	    ip_batch("-4", routes))
		return -1;
	if (!has_ipv6)
		return 0;
	return ip_batch("-6", routes) || ip_batch("-6", link_local) ? -1 : 0;
}

/**
 * attach() - give an adapter a namespace, set up like the host's
 * @adapter: its number
 * @host: inode of the host's namespace
 *
 * Return: 0, or -1 when that has failed, and been told.
 */
int attach(uint32_t adapter, ino_t host)
{
	int has_ipv6;

	/* The kernel starts us without any of the three. */
	while (fcntl(2, F_GETFD) < 0) {
		if (open(fcntl(0, F_GETFD) < 0 ? "/dev/null" : "/dev/kmsg", O_RDWR) < 0)
			return -1;
	}
	if (enter_namespace(host))
		return -1;
	has_ipv6 = !access(IPV6_DEFAULTS, F_OK);
	setting_write("/proc/sys/net/ipv4/conf/all/rp_filter", "0");
	setting_write("/proc/sys/net/ipv4/conf/default/rp_filter", "0");
	/* The host has judged who may have a port. */
	setting_write("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
	/* A function's MTU is told as a path's, and may be the least of IPv4. */
	setting_write("/proc/sys/net/ipv4/route/min_pmtu", "68");
	if (has_ipv6) {
		setting_write(IPV6_DEFAULTS "accept_ra", "0");
		setting_write(IPV6_DEFAULTS "autoconf", "0");
	}
	return give(adapter) || set_routes(has_ipv6) ? -1 : 0;
}
