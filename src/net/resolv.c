/* SPDX-License-Identifier: Apache-2.0 */
/* Network modes by name; the texts of resolv.conf(5) and hosts(5). */
#include <arpa/inet.h>
#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "net/net.h"

#define SLIRP_DNS "10.0.2.3"
#define SLIRP_ADDRESS "10.0.2.100"
#define SLIRP_GATEWAY "10.0.2.2"
#define RESOLV_MAX (64 << 10)

static const char *const modes[] = { "none", "host", "slirp4netns" };

const char *net_name(enum net_mode m)
{
	return modes[m];
}

int net_parse(const char *s, enum net_mode *ret, struct err *e)
{
	_cleanup_free_ char *clean = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		if (streq(s, modes[i])) {
			*ret = (enum net_mode)i;
			return 0;
		}
	}
	clean = str_sanitise(s);
	return err_msg(e, -EINVAL, "unknown network '%s'; this version has none, host, slirp4netns",
		clean ? clean : "");
}

static int check_word(const char *what, const char *s, bool blanks, struct err *e)
{
	_cleanup_free_ char *clean = NULL;

	for (const char *p = s; *p; p++) {
		if (char_is_control((unsigned char)*p) || (!blanks && *p == ' '))
			goto bad;
	}
	if (*s && strlen(s) < 1024)
		return 0;
bad:
	clean = str_sanitise(s);
	return err_msg(e, -EINVAL, "%s '%.200s' is not valid", what, clean ? clean : "");
}

static bool is_address(const char *s)
{
	unsigned char buf[16];
	_cleanup_free_ char *plain = strndup(s, strcspn(s, "%")); /* fe80::1%eth0 */

	return plain &&
	       (inet_pton(AF_INET, plain, buf) == 1 || inet_pton(AF_INET6, plain, buf) == 1);
}

/* Lines of the host's file that begin with `key` and are not for a resolver on its loopback. */
static void from_host(const char *host, const char *key, struct str *out)
{
	_cleanup_free_ char *text = strdup(host);
	char *save = NULL;
	size_t n = strlen(key);

	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		if (strncmp(l, key, n) == 0 && isspace((unsigned char)l[n]))
			str_addf(out, "%s\n", l);
	}
}

static int own_lines(char *const *dns, struct str *out, struct err *e)
{
	strv_foreach (d, dns) {
		if (!is_address(d)) {
			_cleanup_free_ char *clean = str_sanitise(d);

			return err_msg(
				e, -EINVAL, "--dns '%s' is not an IP address", clean ? clean : "");
		}
		str_addf(out, "nameserver %s\n", d);
	}
	return 0;
}

static int words(const char *key, const char *flag, char *const *v, struct str *out, struct err *e)
{
	_cleanup_str_ struct str line = { 0 };

	strv_foreach (s, v) {
		int r = check_word(flag, s, false, e);

		if (r < 0)
			return r;
		if (!streq(s, "."))
			str_addf(&line, " %s", s);
	}
	return line.len ? str_addf(out, "%s%s\n", key, line.s) : 0;
}

int net_resolv_conf(enum net_mode m, const struct net_names *n, char **ret, struct err *e)
{
	_cleanup_free_ char *host = NULL;
	_cleanup_str_ struct str out = { 0 };
	int r;

	/* No resolv.conf on the host means its defaults; then ours has only what was asked for. */
	if (file_read(AT_FDCWD, "/etc/resolv.conf", RESOLV_MAX, &host, NULL) < 0)
		host = strdup("");
	if (!host)
		return err_set(e, -ENOMEM, "resolv.conf");
	r = own_lines(n->dns, &out, e);
	if (r == 0 && !n->dns && m == NET_SLIRP)
		r = str_addf(&out, "nameserver " SLIRP_DNS "\n");
	if (r == 0 && !n->dns && m == NET_HOST)
		from_host(host, "nameserver", &out);
	if (r == 0 && n->search)
		r = words("search", "--dns-search", n->search, &out, e);
	else if (m != NET_NONE)
		from_host(host, "search", &out);
	if (r == 0 && n->options)
		r = words("options", "--dns-option", n->options, &out, e);
	else if (m != NET_NONE)
		from_host(host, "options", &out);
	if (r < 0)
		return r;
	*ret = out.s ? take_ptr(out.s) : strdup("");
	return *ret ? 0 : err_set(e, -ENOMEM, "resolv.conf");
}

static int add_host(enum net_mode m, const char *spec, struct str *out, struct err *e)
{
	_cleanup_free_ char *name = strdup(spec), *clean = str_sanitise(spec);
	char *addr = name ? strpbrk(name, ":=") : NULL;
	size_t n;

	if (!addr)
		return err_msg(
			e, -EINVAL, "--add-host '%s': want NAME:ADDRESS", clean ? clean : "");
	*addr++ = '\0';
	n = strlen(addr);
	if (addr[0] == '[' && n > 2 && addr[n - 1] == ']') {
		addr[n - 1] = '\0';
		addr++;
	}
	for (const char *p = name; *p; p++) {
		if (!isalnum((unsigned char)*p) && !strchr("-._", *p))
			*name = '\0';
	}
	if (!*name || strlen(name) > 253)
		return err_msg(e, -EINVAL, "--add-host '%s': not a host name", clean ? clean : "");
	if (streq(addr, "host-gateway")) {
		if (m == NET_NONE)
			return err_msg(
				e, -EINVAL, "--add-host '%s': network none has no gateway", clean);
		addr = (char *)(m == NET_HOST ? "127.0.0.1" : SLIRP_GATEWAY);
	}
	if (!is_address(addr))
		return err_msg(
			e, -EINVAL, "--add-host '%s': not an IP address", clean ? clean : "");
	return str_addf(out, "%s\t%s\n", addr, name);
}

int net_hosts(enum net_mode m, const struct net_names *n, char **ret, struct err *e)
{
	_cleanup_str_ struct str out = { 0 };
	int r;

	str_addf(&out, "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n");
	strv_foreach (h, n->add_host) {
		r = add_host(m, h, &out, e);
		if (r < 0)
			return r;
	}
	r = str_addf(&out, "%s\t%s%s%s\n", m == NET_SLIRP ? SLIRP_ADDRESS : "127.0.1.1",
		n->hostname, n->name && !streq(n->name, n->hostname) ? " " : "",
		n->name && !streq(n->name, n->hostname) ? n->name : "");
	if (r < 0)
		return err_set(e, r, "hosts");
	*ret = take_ptr(out.s);
	return 0;
}
