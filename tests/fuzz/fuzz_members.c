/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes archives of images, which become numbered files and a table: nothing else may be made, and
 * the table must tell the truth about them. All files lie below a temporary directory.
 */
#include <dirent.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../helpers/transfer/members.h"
#include "base/json.h"
#include "fuzz.h"

#define MAX_OUT (8U << 20)

static char base[128];
static int base_fd = -1;

static void remove_base(void)
{
	dir_remove(AT_FDCWD, base);
}

static void prepare(void)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(base, sizeof(base), "%.80s/uctr-fuzz-XXXXXX", tmp ? tmp : "/tmp");
	must(mkdtemp(base) != NULL, "no temporary directory");
	atexit(remove_base);
	base_fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(base_fd >= 0, "no directory");
}

static size_t count(int dirfd)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *de;
	size_t n = 0;

	must(d != NULL, "no list");
	while ((de = readdir(d)))
		n += !streq(de->d_name, ".") && !streq(de->d_name, "..");
	closedir(d);
	return n;
}

static void check_name(const char *name)
{
	char slashed[2 * UCTR_MAX_PATH_BYTES];

	must(*name && *name != '/', "an absolute or empty name in the table");
	snprintf(slashed, sizeof(slashed), "/%s/", name);
	must(!strstr(slashed, "/../"), "a name in the table that climbs");
}

static void check_table(int dir)
{
	_cleanup_json_ json_t *table = NULL;
	struct err e = ERR_INIT;
	size_t i, files = 0;
	json_t *o;

	must(json_parse_file(dir, "members", 64U << 20, "members", &table, &e) == 0, "no table");
	json_array_foreach (table, i, o) {
		const char *file = json_string_value(json_object_get(o, "file"));
		struct stat st;

		check_name(json_string_value(json_object_get(o, "name")));
		if (!file)
			continue;
		files++;
		must(fstatat(dir, file, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode),
			"a file that is not there");
		must(st.st_size == json_integer_value(json_object_get(o, "size")), "a wrong size");
	}
	must(count(dir) == files + 1, "a file that is not in the table");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_fd_ int in = memfd_create("archive", MFD_CLOEXEC), out = -1;
	struct stream s = { .in_fd = in, .blob_fd = -1, .max_out = MAX_OUT, .stop_fd = -1 };
	struct err e = ERR_INIT;
	int r;

	if (base_fd < 0)
		prepare();
	must(in >= 0 && fd_write_all(in, data, size) == 0 && lseek(in, 0, SEEK_SET) == 0, "memfd");
	must(mkdirat(base_fd, "out", 0755) == 0, "the directory from before is still there");
	out = openat(base_fd, "out", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(out >= 0, "no directory");
	r = stream_init(&s, &e);
	if (r == 0)
		r = stream_start(&s, &e);
	if (r == 0)
		r = members(&s, out, &e);
	must_tell(r, &e);
	stream_free(&s);
	if (r == 0)
		check_table(out);
	must(count(base_fd) == 1, "something beside the directory");
	must(dir_remove(base_fd, "out") == 0, "the directory cannot be removed");
	return 0;
}
