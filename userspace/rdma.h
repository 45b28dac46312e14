/* SPDX-License-Identifier: GPL-2.0 */
#ifndef IWSTAT_RDMA_H
#define IWSTAT_RDMA_H

#include "endpoint.h"

/**
 * struct rdma_device - an RDMA device of this namespace
 * @index: the kernel's number for it
 * @name: its name
 * @kind: FLAG_SIW, FLAG_OFFLOAD or FLAG_RDMA
 * @iwarp: its connections are TCP's
 */
struct rdma_device {
	uint32_t index;
	char name[64];
	enum flag kind;
	bool iwarp;
};

/**
 * struct rdma_id - a communication identifier of rdma_cm's
 * @device: which it is attached to, an index of rdma.devices
 * @local: this end
 * @foreign: the other one, or nothing
 * @state: rdma_cm's number
 * @qp: its queue pair's number, or 0
 * @pid: its process, or 0
 * @kernel: who in the kernel has it, or empty
 * @offload: by an adapter with a TCP of its own, though its device may have siw's verbs
 * @joined: an endpoint of TCP's stands for it
 */
struct rdma_id {
	size_t device;
	struct address local;
	struct address foreign;
	uint8_t state;
	uint32_t qp;
	uint32_t pid;
	char kernel[32];
	bool offload;
	bool joined;
};

#define RDMA_ID_CONNECT		5
#define RDMA_ID_ADDR_BOUND	7
#define RDMA_ID_LISTEN		8

/**
 * struct rdma_qp - a queue pair
 * @device: its device, an index of rdma.devices
 * @num: its number
 * @state: verbs' number
 * @pid: its process, or 0
 */
struct rdma_qp {
	size_t device;
	uint32_t num;
	uint8_t state;
	uint32_t pid;
};

#define RDMA_QP_RTS	3

struct rdma {
	struct rdma_device *devices;
	size_t device_count, device_room;
	struct rdma_id *ids;
	size_t id_count, id_room;
	struct rdma_qp *qps;
	size_t qp_count, qp_room;
};

int rdma_read(struct rdma *rdma);
void rdma_clear(struct rdma *rdma);

const struct rdma_qp *rdma_find_qp(const struct rdma *rdma, size_t device, uint32_t num);
const char *rdma_qp_state_name(unsigned int state);

#endif
