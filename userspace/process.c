// SPDX-License-Identifier: GPL-2.0
/*
 * Processes: who has a socket open, what a process is called, and whose it is, from /proc.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "memory.h"
#include "process.h"

struct owner {
	uint32_t inode;
	uint32_t pid;
};

struct owners {
	struct owner *all;
	size_t count;
	size_t room;
};

static int compare_owners(const void *x, const void *y)
{
	const struct owner *a = x, *b = y;

	if (a->inode != b->inode)
		return a->inode < b->inode ? -1 : 1;
	return a->pid < b->pid ? -1 : a->pid > b->pid;
}

static void scan_descriptors(struct owners *owners, uint32_t pid, DIR *fds)
{
	struct dirent *entry;
	char target[64];
	uint32_t inode;
	ssize_t len;

	while ((entry = readdir(fds))) {
		len = readlinkat(dirfd(fds), entry->d_name, target, sizeof(target) - 1);
		if (len < 0)
			continue;
		target[len] = '\0';
		if (sscanf(target, "socket:[%u]", &inode) != 1)
			continue;
		owners->all = grow(owners->all, owners->count, &owners->room, sizeof(*owners->all));
		owners->all[owners->count++] = (struct owner){ .inode = inode, .pid = pid };
	}
}

/* Other users' processes show to root only; what does not show is left out. */
static void scan_processes(struct owners *owners)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	char path[64];
	DIR *fds;

	while (proc && (entry = readdir(proc))) {
		uint32_t pid = strtoul(entry->d_name, NULL, 10);

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%u/fd", pid);
		fds = opendir(path);
		if (!fds)
			continue;
		scan_descriptors(owners, pid, fds);
		closedir(fds);
	}
	if (proc)
		closedir(proc);
	if (owners->count)
		qsort(owners->all, owners->count, sizeof(*owners->all), compare_owners);
}

/* Of several processes that share it, the oldest, as far as numbers tell */
static uint32_t owner_of(const struct owners *owners, uint32_t inode)
{
	size_t low = 0, high = owners->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (owners->all[mid].inode < inode)
			low = mid + 1;
		else
			high = mid;
	}
	return low < owners->count && owners->all[low].inode == inode ? owners->all[low].pid : 0;
}

static void find_name(struct endpoint *e)
{
	char path[64], name[64];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/comm", e->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	len = read(fd, name, sizeof(name) - 1);
	close(fd);
	if (len <= 0)
		return;
	name[len - (name[len - 1] == '\n')] = '\0';
	endpoint_set_program(e, name);
}

void process_find(struct endpoints *list)
{
	struct owners owners = {};
	size_t i;

	scan_processes(&owners);
	for (i = 0; i < list->count; i++) {
		struct endpoint *e = &list->rows[i];
		uint32_t pid = e->inode ? owner_of(&owners, e->inode) : 0;

		if (pid)
			e->pid = pid;
		if (e->pid)
			find_name(e);
	}
	free(owners.all);
}

/* An endpoint without a socket is its process's user's. */
void process_find_users(struct endpoints *list)
{
	struct stat st;
	char path[32];
	size_t i;

	for (i = 0; i < list->count; i++) {
		struct endpoint *e = &list->rows[i];

		if (e->has_uid || !e->pid)
			continue;
		snprintf(path, sizeof(path), "/proc/%u", e->pid);
		if (stat(path, &st))
			continue;
		e->has_uid = true;
		e->uid = st.st_uid;
	}
}
