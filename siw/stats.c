// SPDX-License-Identifier: GPL-2.0
/*
 * What a device has counted: `rdma statistic`, and the files of hw_counters in
 * its port's folder of sysfs.
 *
 * Traffic is counted by CPU, whatever is rare in one place.
 */
#include <linux/percpu.h>
#include "siw.h"

/* Where a counter is */
struct stat_place {
	bool per_cpu;	/* in struct siw_traffic, else in struct siw_device */
	size_t offset;
};

#define PLACE(per_cpu, offset)	(&(const struct stat_place){ per_cpu, offset })

#define TRAFFIC(stat, member)						\
	{ .name = stat, .priv = PLACE(true, offsetof(struct siw_traffic, member)) }

#define EVENT(stat, member)						\
	{ .name = stat, .priv = PLACE(false, offsetof(struct siw_device, member)) }

#define TERMINATES(stat, dir, cause)					\
	EVENT(stat, counters.terminates[dir][cause])

static const struct rdma_stat_desc descs[] = {
	TRAFFIC("tx_fpdus", fpdus[SIW_TX]),
	TRAFFIC("rx_fpdus", fpdus[SIW_RX]),
	TRAFFIC("tx_write", messages[SIW_TX][RDMAP_WRITE]),
	TRAFFIC("rx_write", messages[SIW_RX][RDMAP_WRITE]),
	TRAFFIC("tx_write_bytes", bytes[SIW_TX][RDMAP_WRITE]),
	TRAFFIC("rx_write_bytes", bytes[SIW_RX][RDMAP_WRITE]),
	TRAFFIC("tx_read_request", messages[SIW_TX][RDMAP_READ_REQUEST]),
	TRAFFIC("rx_read_request", messages[SIW_RX][RDMAP_READ_REQUEST]),
	TRAFFIC("tx_read_response", messages[SIW_TX][RDMAP_READ_RESPONSE]),
	TRAFFIC("rx_read_response", messages[SIW_RX][RDMAP_READ_RESPONSE]),
	TRAFFIC("tx_read_response_bytes", bytes[SIW_TX][RDMAP_READ_RESPONSE]),
	TRAFFIC("rx_read_response_bytes", bytes[SIW_RX][RDMAP_READ_RESPONSE]),
	TRAFFIC("tx_send", messages[SIW_TX][RDMAP_SEND]),
	TRAFFIC("rx_send", messages[SIW_RX][RDMAP_SEND]),
	TRAFFIC("tx_send_bytes", bytes[SIW_TX][RDMAP_SEND]),
	TRAFFIC("rx_send_bytes", bytes[SIW_RX][RDMAP_SEND]),
	TRAFFIC("tx_send_inv", messages[SIW_TX][RDMAP_SEND_INV]),
	TRAFFIC("rx_send_inv", messages[SIW_RX][RDMAP_SEND_INV]),
	TRAFFIC("tx_send_inv_bytes", bytes[SIW_TX][RDMAP_SEND_INV]),
	TRAFFIC("rx_send_inv_bytes", bytes[SIW_RX][RDMAP_SEND_INV]),
	TRAFFIC("tx_send_se", messages[SIW_TX][RDMAP_SEND_SE]),
	TRAFFIC("rx_send_se", messages[SIW_RX][RDMAP_SEND_SE]),
	TRAFFIC("tx_send_se_bytes", bytes[SIW_TX][RDMAP_SEND_SE]),
	TRAFFIC("rx_send_se_bytes", bytes[SIW_RX][RDMAP_SEND_SE]),
	TRAFFIC("tx_send_se_inv", messages[SIW_TX][RDMAP_SEND_SE_INV]),
	TRAFFIC("rx_send_se_inv", messages[SIW_RX][RDMAP_SEND_SE_INV]),
	TRAFFIC("tx_send_se_inv_bytes", bytes[SIW_TX][RDMAP_SEND_SE_INV]),
	TRAFFIC("rx_send_se_inv_bytes", bytes[SIW_RX][RDMAP_SEND_SE_INV]),
	TERMINATES("tx_terminate_rdmap_local", SIW_TX, SIW_TERM_RDMAP_LOCAL),
	TERMINATES("rx_terminate_rdmap_local", SIW_RX, SIW_TERM_RDMAP_LOCAL),
	TERMINATES("tx_terminate_rdmap_protection", SIW_TX, SIW_TERM_RDMAP_PROTECTION),
	TERMINATES("rx_terminate_rdmap_protection", SIW_RX, SIW_TERM_RDMAP_PROTECTION),
	TERMINATES("tx_terminate_rdmap_operation", SIW_TX, SIW_TERM_RDMAP_OPERATION),
	TERMINATES("rx_terminate_rdmap_operation", SIW_RX, SIW_TERM_RDMAP_OPERATION),
	TERMINATES("tx_terminate_ddp_local", SIW_TX, SIW_TERM_DDP_LOCAL),
	TERMINATES("rx_terminate_ddp_local", SIW_RX, SIW_TERM_DDP_LOCAL),
	TERMINATES("tx_terminate_ddp_tagged", SIW_TX, SIW_TERM_DDP_TAGGED),
	TERMINATES("rx_terminate_ddp_tagged", SIW_RX, SIW_TERM_DDP_TAGGED),
	TERMINATES("tx_terminate_ddp_untagged", SIW_TX, SIW_TERM_DDP_UNTAGGED),
	TERMINATES("rx_terminate_ddp_untagged", SIW_RX, SIW_TERM_DDP_UNTAGGED),
	TERMINATES("tx_terminate_llp", SIW_TX, SIW_TERM_LLP),
	TERMINATES("rx_terminate_llp", SIW_RX, SIW_TERM_LLP),
	TERMINATES("tx_terminate_unknown", SIW_TX, SIW_TERM_UNKNOWN),
	TERMINATES("rx_terminate_unknown", SIW_RX, SIW_TERM_UNKNOWN),
	EVENT("crc_errors", counters.crc_errors),
	EVENT("streams_failed", counters.streams_failed),
	EVENT("tx_no_memory", counters.no_memory),
	EVENT("cq_overflows", counters.cq_overflows),
	EVENT("tcp_retransmits", counters.tcp_retransmits),
	EVENT("rtr_repeats", counters.rtr_repeats),
	EVENT("mpa_fallbacks", cm.counters.mpa_fallbacks),
	EVENT("active_connects", cm.counters.active_connects),
	EVENT("passive_connects", cm.counters.passive_connects),
	EVENT("connects_failed", cm.counters.connects_failed),
	EVENT("requests", cm.counters.requests),
	EVENT("rejects_sent", cm.counters.rejects_sent),
	EVENT("rejects_received", cm.counters.rejects_received),
	EVENT("mpa_errors", cm.counters.mpa_errors),
	EVENT("mpa_timeouts", cm.counters.mpa_timeouts),
	EVENT("backlog_drops", cm.counters.backlog_drops),
	EVENT("strays", cm.counters.strays),
};

struct rdma_hw_stats *siw_alloc_stats(struct ib_device *ibdev, u32 port)
{
	return rdma_alloc_hw_stats_struct(descs, ARRAY_SIZE(descs), 0);
}

static u64 stat_traffic(const struct siw_device *dev, size_t offset)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += *(u64 *)((u8 *)per_cpu_ptr(dev->traffic, cpu) + offset);
	return sum;
}

static u64 stat_value(struct siw_device *dev, const struct stat_place *place)
{
	if (place->per_cpu)
		return stat_traffic(dev, place->offset);
	return atomic64_read((atomic64_t *)((u8 *)dev + place->offset));
}

int siw_get_stats(struct ib_device *ibdev, struct rdma_hw_stats *stats, u32 port, int index)
{
	struct siw_device *dev = to_siw_dev(ibdev);
	int i;

	if (!port)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(descs); i++)
		stats->value[i] = stat_value(dev, descs[i].priv);
	return ARRAY_SIZE(descs);
}

/**
 * siw_stats_fpdu() - an FPDU was begun, or has been placed
 * @dev: the device
 * @dir: SIW_TX or SIW_RX
 * @ctrl: its first octets
 *
 * Context: any.
 */
void siw_stats_fpdu(struct siw_device *dev, enum siw_direction dir, const struct iwarp_ctrl *ctrl)
{
	u8 opcode = ctrl->rdmap & RDMAP_OPCODE_MASK;
	struct siw_traffic __percpu *traffic = dev->traffic;

	this_cpu_inc(traffic->fpdus[dir]);
	if (opcode >= SIW_OPCODES)
		return;
	this_cpu_add(traffic->bytes[dir][opcode], be16_to_cpu(ctrl->length) + MPA_LENGTH_SIZE -
						  core_opcodes[opcode].header);
	if (ctrl->ddp & DDP_FLAG_LAST)
		this_cpu_inc(traffic->messages[dir][opcode]);
}

static enum siw_term_cause term_cause(const struct core_term *term)
{
	static const enum siw_term_cause rdmap[] = {
		[TERM_RDMAP_LOCAL]	= SIW_TERM_RDMAP_LOCAL,
		[TERM_RDMAP_PROTECTION]	= SIW_TERM_RDMAP_PROTECTION,
		[TERM_RDMAP_OPERATION]	= SIW_TERM_RDMAP_OPERATION,
	};
	static const enum siw_term_cause ddp[] = {
		[TERM_DDP_LOCAL]	= SIW_TERM_DDP_LOCAL,
		[TERM_DDP_TAGGED]	= SIW_TERM_DDP_TAGGED,
		[TERM_DDP_UNTAGGED]	= SIW_TERM_DDP_UNTAGGED,
		[TERM_DDP_LLP]		= SIW_TERM_LLP,
	};

	if (term->layer == TERM_LAYER_RDMAP && term->etype < ARRAY_SIZE(rdmap))
		return rdmap[term->etype];
	if (term->layer == TERM_LAYER_DDP && term->etype < ARRAY_SIZE(ddp))
		return ddp[term->etype];
	return term->layer == TERM_LAYER_LLP ? SIW_TERM_LLP : SIW_TERM_UNKNOWN;
}

/**
 * siw_stats_terminate() - a Terminate was sent or received
 * @dev: the device
 * @dir: SIW_TX or SIW_RX
 * @term: it
 *
 * Context: any.
 */
void siw_stats_terminate(struct siw_device *dev, enum siw_direction dir,
			 const struct core_term *term)
{
	atomic64_inc(&dev->counters.terminates[dir][term_cause(term)]);
}
