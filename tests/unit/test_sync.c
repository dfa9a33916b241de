/* SPDX-License-Identifier: Apache-2.0 */
/* The handshake: what the other side said last is heard, however it ended. */
#include <unistd.h>

#include "runtime/sync.h"
#include "tap.h"

/* An error is sent, and the sender ends while there is something that it never read. */
static void test_last_words(void)
{
	struct err said = ERR_INIT, got = ERR_INIT;
	int p[2];

	CHECK_INT(sync_pair(p, &got), 0);
	err_msg(&said, -EINVAL, "the cause");
	CHECK_INT(sync_send(p[0], SYNC_MAPPED, 0, -1, &got), 0);
	sync_send_error(p[1], &said);
	close(p[1]);
	CHECK_INT(sync_recv(p[0], NULL, NULL, &got), -EINVAL);
	CHECK_STR(got.msg, "the cause");
	got = (struct err)ERR_INIT;
	CHECK_INT(sync_recv(p[0], NULL, NULL, &got), -EPIPE);
	CHECK_INT(got.code, 0);
	close(p[0]);
}

int main(void)
{
	RUN(test_last_words);
	return tap_end();
}
