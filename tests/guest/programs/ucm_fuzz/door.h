/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The door, asked and answering; and the modes that print every answer, which
 * have what they ask with in common.
 */
#ifndef UCM_FUZZ_DOOR_H
#define UCM_FUZZ_DOOR_H

#include <stddef.h>
#include <stdint.h>

#include "packet.h"

int door_open(int flags);
/* 0, the errno, or -1 if it took less than that */
int door_write(int fd, const void *from, size_t len);
int ask(int fd, const struct packet *p);
uint32_t create(int fd, uint16_t ps);
int destroy(int fd, uint32_t id);

extern int files[2];		/* non-blocking */
extern uint8_t room[ROOM];	/* for the answers */

void files_open(void);
const char *error_name(int error);
void tell(const char *what, uint32_t cmd, int error);
void tell_write(const char *what, uint32_t cmd, const void *from, size_t len);
void try(const char *what, const struct packet *p);
void settle(void);
/* What has to succeed, and the event that it leads to */
void order(const struct packet *p);
void order_simply(uint32_t cmd, uint32_t id, const struct sockaddr_in *addr);
/* How much of the answer was written, if room was blank before */
void blank(void);
unsigned int answered(void);

#endif
