/* SPDX-License-Identifier: Apache-2.0 */
/* From a connection, or what an earlier one left, into the pipe that unpacks. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "registry.h"

#define FEED_STEP (1U << 20)

/* Where the body of this exchange begins: a server need not know ranges. */
static int begin_body(struct job *j)
{
	uint64_t start = 0;
	long status = 0;

	curl_easy_getinfo(j->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status == 206) {
		if (content_range_start(j->res.content_range, &start) < 0 || start != j->got)
			return -EPROTO;
	} else {
		j->skip = j->got;
	}
	j->begun = true;
	return 0;
}

static ssize_t put(struct job *j, const void *data, size_t len)
{
	ssize_t n;

	do {
		n = write(j->fd, data, len);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n < 0)
		j->write_error = errno;
	return n;
}

size_t blob_write(struct job *j, const char *data, size_t len)
{
	size_t all = len;
	ssize_t n;

	if (j->pending_len > 0) {
		j->paused = true;
		return CURL_WRITEFUNC_PAUSE;
	}
	if (!j->begun && begin_body(j) < 0) {
		j->write_error = EPROTO;
		return 0;
	}
	if (j->skip > 0) {
		size_t drop = len < j->skip ? len : (size_t)j->skip;

		j->skip -= drop;
		data += drop;
		len -= drop;
	}
	if (len == 0)
		return all;
	n = put(j, data, len);
	if (n < 0)
		return 0;
	j->got += len;
	/* It moves: what broke off before is forgiven. */
	j->retries = j->answers = 0;
	j->pending_off = 0;
	j->pending_len = len - (size_t)n;
	memcpy(j->pending, data + n, j->pending_len);
	return all;
}

void blob_drain(struct job *j, short revents)
{
	ssize_t n;

	if (revents & (POLLERR | POLLHUP | POLLNVAL)) {
		j->write_error = EPIPE;
		return;
	}
	n = put(j, j->pending + j->pending_off, j->pending_len);
	if (n < 0)
		return;
	j->pending_off += (size_t)n;
	j->pending_len -= (size_t)n;
	if (j->pending_len == 0 && j->paused && j->active) {
		j->paused = false;
		curl_easy_pause(j->easy, CURLPAUSE_CONT);
	}
}

int blob_feed(struct job *j, struct err *e)
{
	while (j->got < j->size) {
		uint64_t left = j->size - j->got;
		ssize_t n = splice(j->part_fd, NULL, j->fd, NULL,
			left < FEED_STEP ? (size_t)left : FEED_STEP, SPLICE_F_NONBLOCK);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0)
			return err_set(e, -errno, "read the beginning of a blob");
		if (n == 0)
			break;
		j->got += (uint64_t)n;
	}
	j->feeding = false;
	return 1;
}
