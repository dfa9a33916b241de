/* SPDX-License-Identifier: Apache-2.0 */
/* Who a uid is on the host. */
#ifndef UCTR_SYS_PASSWD_H
#define UCTR_SYS_PASSWD_H

#include <sys/types.h>

/*
 * Login name and home directory of uid (passwd(5)): from /etc/passwd, else from getent(1), which
 * asks what nsswitch.conf names (LDAP, SSSD). getpwuid(3) would load those plugins into uctr, and
 * needs a dynamic program. Either result may be NULL when it is not wanted. 0 and owned strings, or
 * -ENOENT when nobody knows the uid, with NULLs.
 */
int passwd_find(uid_t uid, char **ret_name, char **ret_home);

#endif
