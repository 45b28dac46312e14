// SPDX-License-Identifier: GPL-2.0
/*
 * A namespace's settings of TCP (sysctls), to be carried to another one.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "memory.h"
#include "rnicctl.h"

#define FOLDER	"/proc/sys/net/ipv4"
#define FOLDER6	"/proc/sys/net/ipv6/conf"

struct setting {
	char path[96];
	char value[256];
};

struct settings {
	struct setting *list;
	size_t count;
	size_t room;
};

/* What TCP's segments look like and how it behaves */
static int is_tcps(const struct dirent *entry)
{
	return !strncmp(entry->d_name, "tcp_", 4) || !strcmp(entry->d_name, "ip_default_ttl") ||
	       !strcmp(entry->d_name, "ip_no_pmtu_disc");
}

static ssize_t read_value(const char *path, char *value, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return -1;
	len = read(fd, value, size - 1);
	close(fd);
	if (len >= 0)
		value[len] = '\0';
	return len;
}

/* Unless it is not there, or can not be written */
static void settings_add(struct settings *settings, const char *folder, const char *name)
{
	struct setting *next;
	struct stat st;

	settings->list = grow(settings->list, settings->count, &settings->room,
			      sizeof(*settings->list));
	next = &settings->list[settings->count];
	snprintf(next->path, sizeof(next->path), "%s/%.64s", folder, name);
	if (!stat(next->path, &st) && st.st_mode & 0200 &&
	    read_value(next->path, next->value, sizeof(next->value)) > 0)
		settings->count++;
}

/* Of the caller's network namespace */
struct settings *settings_read(void)
{
	struct settings *settings = check_alloc(calloc(1, sizeof(*settings)));
	struct dirent **entries;
	int i, count;

	count = scandir(FOLDER, &entries, is_tcps, alphasort);
	for (i = 0; i < count; i++) {
		settings_add(settings, FOLDER, entries[i]->d_name);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	settings_add(settings, FOLDER6 "/all", "hop_limit");
	settings_add(settings, FOLDER6 "/default", "hop_limit");
	return settings;
}

void setting_write(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t len = strlen(value);

	if (fd < 0 || write(fd, value, len) != len)
		fprintf(stderr, "rnicctl: %s: %s\n", path, strerror(errno));
	if (fd >= 0)
		close(fd);
}

/* To the caller's network namespace; those that it has already, or has not at all, stay. */
void settings_write(const struct settings *settings)
{
	const struct setting *next;
	char value[256];
	size_t i;

	for (i = 0; i < settings->count; i++) {
		next = &settings->list[i];
		if (read_value(next->path, value, sizeof(value)) > 0 && strcmp(value, next->value))
			setting_write(next->path, next->value);
	}
}

void settings_free(struct settings *settings)
{
	free(settings->list);
	free(settings);
}
