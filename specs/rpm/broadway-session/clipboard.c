/* SPDX-License-Identifier: Apache-2.0
 *
 * Part of the module for GTK 3: what was copied in one program can be pasted in another one.
 * GDK's Broadway backend keeps the clipboard in the memory of each program.
 *
 * A program that owns its clipboard tells the others the text when it loses the keyboard; nobody
 * can paste before. A program that starts asks the panel, which is always there.
 */
#include "clipboard.h"

#include <gtk/gtk.h>
#include <string.h>

#define OBJECT "/org/cleanroom/Clipboard"
#define INTERFACE "org.cleanroom.Clipboard"
/* The longest text that is passed on. */
#define BYTES_MAX (1 << 20)

static const char introspection[] =
    "<node><interface name='" INTERFACE "'>"
    "<method name='Text'><arg type='s' direction='out' name='text'/></method>"
    "<signal name='Copied'><arg type='s' name='text'/></signal>"
    "</interface></node>";

static GDBusConnection *session_bus;
/* What all programs have. */
static char *shared;

static GtkClipboard *clipboard(void) { return gtk_clipboard_get(GDK_SELECTION_CLIPBOARD); }

static gboolean is_new(const char *text) {
  return text != NULL && *text != '\0' && g_strcmp0(text, shared) != 0;
}

static void take(const char *text) {
  if (!is_new(text)) return;
  g_free(shared);
  shared = g_strdup(text);
  gtk_clipboard_set_text(clipboard(), text, -1);
}

static void tell(GtkClipboard *from, const char *text, gpointer data) {
  (void)from, (void)data;
  if (!is_new(text) || strlen(text) > BYTES_MAX) return;
  g_free(shared);
  shared = g_strdup(text);
  g_dbus_connection_emit_signal(session_bus, NULL, OBJECT, INTERFACE, "Copied",
                                g_variant_new("(s)", text), NULL);
}

static gboolean on_focus_lost(GSignalInvocationHint *hint, guint count, const GValue *values,
                              gpointer data) {
  (void)hint, (void)count, (void)values, (void)data;
  if (gdk_selection_owner_get(GDK_SELECTION_CLIPBOARD) != NULL)
    gtk_clipboard_request_text(clipboard(), tell, NULL);
  return TRUE;
}

static void on_copied(GDBusConnection *bus, const char *sender, const char *path,
                      const char *interface, const char *signal, GVariant *parameters,
                      gpointer data) {
  (void)path, (void)interface, (void)signal, (void)data;
  const char *text;
  if (g_str_equal(sender, g_dbus_connection_get_unique_name(bus))) return;
  if (!g_variant_is_of_type(parameters, G_VARIANT_TYPE("(s)"))) return;
  g_variant_get(parameters, "(&s)", &text);
  take(text);
}

static void on_call(GDBusConnection *bus, const char *sender, const char *path,
                    const char *interface, const char *method, GVariant *parameters,
                    GDBusMethodInvocation *invocation, gpointer data) {
  (void)bus, (void)sender, (void)path, (void)interface, (void)method, (void)parameters, (void)data;
  g_dbus_method_invocation_return_value(invocation,
                                        g_variant_new("(s)", shared != NULL ? shared : ""));
}

/* Of a program that has copied something meanwhile, its own text stays. */
static void on_answer(GObject *bus, GAsyncResult *result, gpointer data) {
  (void)data;
  GVariant *answer = g_dbus_connection_call_finish(G_DBUS_CONNECTION(bus), result, NULL);
  if (answer == NULL) return; /* the panel itself, or no panel */
  const char *text;
  g_variant_get(answer, "(&s)", &text);
  if (gdk_selection_owner_get(GDK_SELECTION_CLIPBOARD) == NULL) take(text);
  g_variant_unref(answer);
}

void clipboard_start(GDBusConnection *bus) {
  static const GDBusInterfaceVTable table = {.method_call = on_call};
  session_bus = g_object_ref(bus);
  GDBusNodeInfo *node = g_dbus_node_info_new_for_xml(introspection, NULL);
  g_dbus_connection_register_object(bus, OBJECT, node->interfaces[0], &table, NULL, NULL, NULL);
  g_dbus_node_info_unref(node);
  g_dbus_connection_signal_subscribe(bus, NULL, INTERFACE, "Copied", OBJECT, NULL,
                                     G_DBUS_SIGNAL_FLAGS_NONE, on_copied, NULL, NULL);
  g_signal_add_emission_hook(g_signal_lookup("focus-out-event", GTK_TYPE_WIDGET), 0, on_focus_lost,
                             NULL, NULL);
  g_dbus_connection_call(bus, "org.cleanroom.Panel", OBJECT, INTERFACE, "Text", NULL,
                         G_VARIANT_TYPE("(s)"), G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, NULL,
                         on_answer, NULL);
}
