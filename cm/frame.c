// SPDX-License-Identifier: GPL-2.0
/*
 * One MPA frame over a connection: sent whole, received as it comes.
 */
#include <linux/slab.h>
#include "frame.h"

void frame_init(struct frame *frame)
{
	frame->buf = &frame->fixed;
	frame->have = 0;
	frame->size = sizeof(frame->fixed);
}

void frame_destroy(struct frame *frame)
{
	if (frame->buf != &frame->fixed)
		kfree(frame->buf);
	frame_init(frame);
}

static int frame_grow(struct frame *frame, size_t size)
{
	void *buf;

	if (size <= frame->size)
		return 0;
	buf = kmalloc(size, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	memcpy(buf, frame->buf, frame->have);
	frame->buf = buf;
	frame->size = size;
	return 0;
}

/**
 * frame_receive() - receive what there is of a frame, and not an octet more
 * @frame: what has come so far
 * @transport: of @conn
 * @conn: where it comes from
 * @kind: request or reply
 * @msg: is set when the frame is complete; points into @frame
 * @result: what is wrong with it, if -EPROTO
 *
 * Return: 0, -EAGAIN, -EPROTO, -EPIPE at the end of the stream, or another error
 * of the connection.
 */
int frame_receive(struct frame *frame, const struct iwarp_transport_ops *transport,
		  struct iwarp_conn *conn, enum mpa_kind kind, struct mpa_message *msg,
		  enum mpa_result *result)
{
	size_t size;
	int ret;

	while (frame->have < frame->size) {
		ret = transport->recv(conn, frame->buf + frame->have, frame->size - frame->have);
		if (ret <= 0)
			return ret ? ret : -EPIPE;
		frame->have += ret;
		*result = mpa_frame_size(frame->buf, frame->have, kind, &size);
		if (*result == MPA_MORE)
			continue;
		if (*result != MPA_OK)
			return -EPROTO;
		ret = frame_grow(frame, size);
		if (ret)
			return ret;
	}
	*result = mpa_parse(frame->buf, frame->have, kind, msg);
	return *result == MPA_OK ? 0 : -EPROTO;
}

/**
 * frame_send() - send a frame
 * @transport: of @conn
 * @conn: where it goes
 * @kind: request or reply
 * @msg: what is in it
 *
 * Return: 0, or an error of the connection.
 */
int frame_send(const struct iwarp_transport_ops *transport, struct iwarp_conn *conn,
	       enum mpa_kind kind, const struct mpa_message *msg)
{
	void *buf;
	int ret;

	buf = kmalloc(MPA_FRAME_MAX, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	ret = transport->send(conn, buf, mpa_encode(buf, kind, msg));
	kfree(buf);
	return ret;
}
