/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLIPBOARD_H
#define CLIPBOARD_H

#include <gio/gio.h>

/* Shares the clipboard with the other programs on the session bus; to be called once. */
void clipboard_start(GDBusConnection *bus);

#endif
