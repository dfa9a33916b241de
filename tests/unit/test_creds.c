/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of emulated ids. */
#include <errno.h>

#include "runtime/emulate_creds.h"
#include "tap.h"

#define KEEP UINT32_MAX

static struct creds made(uint32_t real, uint32_t effective, uint32_t saved)
{
	struct creds c = { .uid = { real, effective, saved, effective } };

	return c;
}

static void check_ids(const uint32_t id[ID_N], uint32_t r, uint32_t e, uint32_t s, uint32_t fs)
{
	CHECK_INT(id[ID_REAL], r);
	CHECK_INT(id[ID_EFFECTIVE], e);
	CHECK_INT(id[ID_SAVED], s);
	CHECK_INT(id[ID_FS], fs);
}

static void test_root_drops_and_cannot_return(void)
{
	struct creds c = made(0, 0, 0);

	CHECK_INT(creds_setres(c.uid, true, 42, 42, 42), 0);
	check_ids(c.uid, 42, 42, 42, 42);
	CHECK_INT(creds_set(c.uid, false, 0), -EPERM);
	CHECK_INT(creds_setre(c.uid, false, KEEP, 0), -EPERM);
	CHECK_INT(creds_setre(c.uid, false, 0, KEEP), -EPERM);
	CHECK_INT(creds_setres(c.uid, false, KEEP, 0, KEEP), -EPERM);
	CHECK_INT(creds_setres(c.uid, false, KEEP, KEEP, 0), -EPERM);
	CHECK_INT(creds_setfs(c.uid, false, 0), 42);
	check_ids(c.uid, 42, 42, 42, 42);
}

static void test_saved_id_brings_back(void)
{
	struct creds c = made(0, 0, 0);

	CHECK_INT(creds_setres(c.uid, true, KEEP, 42, KEEP), 0);
	check_ids(c.uid, 0, 42, 0, 42);
	CHECK_INT(creds_set(c.uid, false, 7), -EPERM);
	CHECK_INT(creds_set(c.uid, false, 0), 0);
	check_ids(c.uid, 0, 0, 0, 0);
}

static void test_setuid_of_the_unprivileged_leaves_real_and_saved(void)
{
	struct creds c = made(1, 2, 3);

	CHECK_INT(creds_set(c.uid, false, 2), -EPERM);
	CHECK_INT(creds_set(c.uid, false, 3), 0);
	check_ids(c.uid, 1, 3, 3, 3);
	CHECK_INT(creds_set(c.uid, true, KEEP), -EINVAL);
}

static void test_setreuid_sets_saved(void)
{
	struct creds c = made(0, 0, 0);

	CHECK_INT(creds_setre(c.uid, true, KEEP, 5), 0);
	check_ids(c.uid, 0, 5, 5, 5);
	c = made(1, 2, 3);
	CHECK_INT(creds_setre(c.uid, false, 2, 1), 0); /* swap */
	check_ids(c.uid, 2, 1, 1, 1);
	c = made(1, 2, 3);
	CHECK_INT(creds_setre(c.uid, false, KEEP, 1), 0); /* the real one: saved stays */
	check_ids(c.uid, 1, 1, 3, 1);
	CHECK_INT(creds_setre(c.uid, false, 3, KEEP), -EPERM); /* saved is not for the real one */
}

static void test_fs_ids(void)
{
	struct creds c = made(1, 2, 3);

	CHECK_INT(creds_setfs(c.uid, false, 3), 2);
	CHECK_INT(creds_setfs(c.uid, false, 9), 3);
	CHECK_INT(creds_setfs(c.uid, true, 9), 3);
	CHECK_INT(creds_setfs(c.uid, true, KEEP), 9);
	CHECK_INT(c.uid[ID_FS], 9);
}

static void test_fs_id_stays_when_nothing_changes(void)
{
	struct creds c = made(1, 2, 3);

	CHECK_INT(creds_setfs(c.uid, false, 3), 2);
	CHECK_INT(creds_setres(c.uid, false, KEEP, KEEP, 3), 0);
	CHECK_INT(c.uid[ID_FS], 3);
	CHECK_INT(creds_setres(c.uid, false, KEEP, 2, 3), 0);
	CHECK_INT(c.uid[ID_FS], 2);
}

static void test_groups_are_sorted(void)
{
	struct creds c = { .n_groups = 3, .groups = { 5, 1, 3 } };

	CHECK_INT(creds_sort_groups(&c), 0);
	CHECK(c.groups[0] == 1 && c.groups[1] == 3 && c.groups[2] == 5);
	c.groups[1] = KEEP;
	CHECK_INT(creds_sort_groups(&c), -EINVAL);
}

static void test_chown(void)
{
	struct creds c = made(5, 5, 5);

	c.gid[ID_FS] = 6;
	c.n_groups = 1;
	c.groups[0] = 7;
	CHECK(creds_may_chown(&c, true, 0, 0, 1, 1));
	CHECK(!creds_may_chown(&c, false, 0, 0, 5, KEEP)); /* take */
	CHECK(!creds_may_chown(&c, false, 5, 6, 0, KEEP)); /* give away */
	CHECK(creds_may_chown(&c, false, 5, 6, 5, 7));
	CHECK(creds_may_chown(&c, false, 5, 9, KEEP, 9));
	CHECK(!creds_may_chown(&c, false, 5, 6, KEEP, 8));
	CHECK(!creds_may_chown(&c, false, 4, 6, KEEP, 7));
	CHECK(creds_may_chown(&c, false, 4, 6, KEEP, KEEP));
}

int main(void)
{
	RUN(test_root_drops_and_cannot_return);
	RUN(test_saved_id_brings_back);
	RUN(test_setuid_of_the_unprivileged_leaves_real_and_saved);
	RUN(test_setreuid_sets_saved);
	RUN(test_fs_ids);
	RUN(test_fs_id_stays_when_nothing_changes);
	RUN(test_groups_are_sorted);
	RUN(test_chown);
	return tap_end();
}
