/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where the kernels that Wharf supports differ. The rest of the code reads as
 * if there were only the newest of them.
 */
#ifndef WHARF_COMPAT_H
#define WHARF_COMPAT_H

#include <linux/version.h>
#include <linux/bvec.h>
#include <linux/if_vlan.h>
#include <linux/mm.h>
#include <linux/netdevice.h>
#include <linux/uio.h>
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
#include <net/gso.h>
#endif
#include <net/sock.h>
#include <net/tcp.h>
#include <rdma/ib_verbs.h>
#include <rdma/uverbs_ioctl.h>

/* The last argument of ib_device_ops.create_cq, and the udata in it */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
#define compat_create_cq_arg struct uverbs_attr_bundle

static inline struct ib_udata *compat_create_cq_udata(compat_create_cq_arg *arg)
{
	return arg ? &arg->driver_udata : NULL;
}
#else
#define compat_create_cq_arg struct ib_udata

static inline struct ib_udata *compat_create_cq_udata(compat_create_cq_arg *arg)
{
	return arg;
}
#endif

/* The last argument of ib_device_ops.reg_user_mr_dmabuf */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
#define compat_reg_dmabuf_arg struct uverbs_attr_bundle
#else
#define compat_reg_dmabuf_arg struct ib_udata
#endif

/* Since 6.2 there are some that take the dma-buf's lock, and those that do not. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
#define compat_dma_buf_vmap	dma_buf_vmap_unlocked
#define compat_dma_buf_vunmap	dma_buf_vunmap_unlocked
#else
#define compat_dma_buf_vmap	dma_buf_vmap
#define compat_dma_buf_vunmap	dma_buf_vunmap
#endif

/* __assign_str() knows its source by itself since 6.10. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#define compat_assign_str(dst, src)	__assign_str(dst)
#else
#define compat_assign_str(dst, src)	__assign_str(dst, src)
#endif

/* Before 6.2 udev asked nobody who named a device. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
static inline void ib_mark_name_assigned_by_user(struct ib_device *ibdev)
{
}
#endif

/* Flags of a mapping are set by a function since 6.3. */
static inline void compat_vm_flags_set(struct vm_area_struct *vma, unsigned long flags)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
	vma->vm_flags |= flags;
#else
	vm_flags_set(vma, flags);
#endif
}

/* Before 6.6 rdma_cm knows an iWARP device by the hardware address of its interface alone. */
#define COMPAT_CMA_BY_ADDRESS	(LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0))

/* Since then it takes a VLAN and the interface under it for one another. */
static inline bool compat_cma_confuses(const struct net_device *a, const struct net_device *b)
{
	if (COMPAT_CMA_BY_ADDRESS)
		return false;
	return (is_vlan_dev(a) && vlan_dev_real_dev(a) == b) ||
	       (is_vlan_dev(b) && vlan_dev_real_dev(b) == a);
}

/* Tables of sysctls had an empty entry at their end until 6.11. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
#define COMPAT_CTL_TABLE_END
#else
#define COMPAT_CTL_TABLE_END	{}
#endif

/* As in drivers/infiniband/core/core_priv.h: public by name only, the same since 5.3. */
struct compat_client_nl_info {
	struct sk_buff *nl_msg;
	struct device *cdev;
	u32 port;
	u64 abi;
};

/* The answer of an ib_client's get_global_nl_info(): its character device */
static inline void compat_client_set_cdev(struct ib_client_nl_info *res, struct device *cdev,
					  u64 abi)
{
	struct compat_client_nl_info *info = (struct compat_client_nl_info *)res;

	info->cdev = cdev;
	info->abi = abi;
}

/**
 * compat_tcp_splice() - give pages to a TCP socket without copying them
 * @sk: connected TCP socket, locked by the caller (owned, or bottom half)
 * @bv: the pages; TCP takes references of its own
 * @count: entries of @bv
 * @size: octets in all
 *
 * Never sleeps.
 * Return: octets taken, less than @size when the send buffer is full; -EAGAIN
 * when none was; another negative errno when the connection is gone.
 */
static inline ssize_t compat_tcp_splice(struct sock *sk, struct bio_vec *bv,
					unsigned int count, size_t size)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
	struct msghdr msg = {
		.msg_flags = MSG_SPLICE_PAGES | MSG_DONTWAIT | MSG_NOSIGNAL,
	};

	iov_iter_bvec(&msg.msg_iter, ITER_SOURCE, bv, count, size);
	return tcp_sendmsg_locked(sk, &msg, size);
#else
	size_t done = 0;
	unsigned int i;

	for (i = 0; i < count; i++) {
		int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
		ssize_t n;

		if (i + 1 < count)
			flags |= MSG_SENDPAGE_NOTLAST | MSG_MORE;
		n = tcp_sendpage_locked(sk, bv[i].bv_page, bv[i].bv_offset,
					bv[i].bv_len, flags);
		if (n < 0)
			return done ? done : n;
		done += n;
		if (n < bv[i].bv_len)
			break;
	}
	return done;
#endif
}

/* An ACK now, with what window there is. Context: the socket's lock. */
static inline void compat_tcp_send_ack(struct sock *sk)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
	__tcp_send_ack(sk, tcp_sk(sk)->rcv_nxt, 0);
#else
	__tcp_send_ack(sk, tcp_sk(sk)->rcv_nxt);
#endif
}

/* As for a port where nobody listens. @skb: data begins with the TCP header */
static inline void compat_tcp_send_reset(const struct proto *prot, struct sk_buff *skb)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
	prot->rsk_prot->send_reset(NULL, skb, SK_RST_REASON_NO_SOCKET);
#else
	prot->rsk_prot->send_reset(NULL, skb);
#endif
}

/* Features until 6.12 */
static inline void compat_netdev_lltx(struct net_device *netdev)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
	netdev->lltx = true;
#else
	netdev->features |= NETIF_F_LLTX;
#endif
}

static inline void compat_netdev_immutable(struct net_device *netdev)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
	netdev->netns_immutable = true;
#else
	netdev->features |= NETIF_F_NETNS_LOCAL;
#endif
}

/* IP_TRANSPARENT, without asking for a capability: a bit of its own until 6.6 */
static inline void compat_set_transparent(struct sock *sk)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
	inet_set_bit(TRANSPARENT, sk);
#else
	inet_sk(sk)->transparent = 1;
#endif
}

#endif
