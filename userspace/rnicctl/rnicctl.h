/* SPDX-License-Identifier: GPL-2.0 */
#ifndef RNICCTL_H
#define RNICCTL_H

#include <stdint.h>
#include <sys/types.h>
#include "netlink.h"

/* genl.c */
struct netlink *genl_open(const char *name, uint16_t *family);
struct nlmsghdr *genl_request(struct netlink *nl, uint16_t family, uint8_t command, uint16_t flags);

/* settings.c */
struct settings;
struct settings *settings_read(void);
void settings_write(const struct settings *settings);
void settings_free(struct settings *settings);
void setting_write(const char *path, const char *value);

/* change.c: each tells what is wrong, and returns the program's exit status. */
int set_role(const char *function, const char *role);
int add_rule(const char *function, char **words, int count);
int delete_rule(const char *function, const char *id);
int set_steering(const char *port, const char *state);

/* attach.c */
int attach(uint32_t adapter, ino_t host);

#endif
