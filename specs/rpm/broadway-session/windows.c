/* SPDX-License-Identifier: Apache-2.0
 *
 * A module for GTK 3 that every program of the session loads (GTK_MODULES=broadway-windows): the
 * part of a window manager that Broadway lacks.
 *
 * - New windows stand one beside the other, fit above the panel, and get the keyboard.
 * - A maximized window leaves the panel visible; every window follows the browser's size.
 * - On the session bus, each program can be told to bring its windows forward, or to close them as
 *   if the user had: org.cleanroom.Program.pPID, /org/cleanroom/Windows, Present() and Close().
 * - What was copied in one program can be pasted in another one (clipboard.c).
 *
 * GDK's own request to raise a window does nothing in Broadway. But broadwayd raises and focuses a
 * modal window when the browser tells where it is, and the browser does so after every move.
 */
#include "clipboard.h"

#include <gio/gio.h>
#include <gtk/gtk.h>
#include <stdlib.h>
#include <unistd.h>

#define PANEL_HEIGHT 44
#define RAISE_MS 400
#define RESIZE_MS 80
#define CASCADE_STEP 32
#define CASCADE_LENGTH 7

static const char introspection[] =
    "<node><interface name='org.cleanroom.Windows'>"
    "<method name='Present'/><method name='Close'/>"
    "</interface></node>";

static GQuark focus_order_quark;
static guint focus_count, window_count;

/* --- Windows ---------------------------------------------------------------------------------- */

/* A window of an application, and not a menu, a tooltip, or the panel. */
static gboolean is_application_window(GtkWidget *widget) {
  return GTK_IS_WINDOW(widget) &&
         gtk_window_get_window_type(GTK_WINDOW(widget)) == GTK_WINDOW_TOPLEVEL &&
         gtk_window_get_decorated(GTK_WINDOW(widget)) && gtk_widget_get_mapped(widget);
}

static void area(GtkWidget *widget, int *width, int *height) {
  GdkWindow *root = gdk_screen_get_root_window(gtk_widget_get_screen(widget));
  *width = gdk_window_get_width(root);
  *height = MAX(gdk_window_get_height(root) - PANEL_HEIGHT, 1);
}

static gboolean end_raising(gpointer data) {
  GtkWidget *widget = data;
  GdkWindow *surface = gtk_widget_get_window(widget);
  if (surface != NULL)
    gdk_window_set_modal_hint(surface, gtk_window_get_modal(GTK_WINDOW(widget)));
  g_object_unref(widget);
  return G_SOURCE_REMOVE;
}

/* Moves a window, brings it to the front and gives it the keyboard. */
static void raise_at(GtkWidget *widget, int x, int y) {
  GdkWindow *surface = gtk_widget_get_window(widget);
  gdk_window_set_modal_hint(surface, TRUE);
  gdk_window_move(surface, x, y);
  g_timeout_add(RAISE_MS, end_raising, g_object_ref(widget));
}

static void raise_window(GtkWidget *widget) {
  int x, y;
  gdk_window_get_origin(gtk_widget_get_window(widget), &x, &y);
  raise_at(widget, x, y);
}

/* The space between the edge of a surface and what the user sees of it: its shadow. */
static void shadow_of(GtkWidget *widget, GdkRectangle *shadow) {
  GdkWindow *surface = gtk_widget_get_window(widget);
  GtkWidget *child = gtk_bin_get_child(GTK_BIN(widget));
  int left = 0, top = 0;
  *shadow = (GdkRectangle){0};
  if (child == NULL || !gtk_widget_translate_coordinates(child, widget, 0, 0, &left, &top)) return;
  /* The title bar is above the child; the shadow is about as wide on each side. */
  int width = gtk_widget_get_allocated_width(child);
  shadow->x = left;
  shadow->width = MAX(gdk_window_get_width(surface) - width, 0);
  GtkWidget *title = gtk_window_get_titlebar(GTK_WINDOW(widget));
  int above = title != NULL ? gtk_widget_get_allocated_height(title) : 0;
  shadow->y = MIN(MAX(top - above, 0), left);
}

/* Where a window of this size goes so that all of it can be seen, or at least its title. */
static void fit(GtkWidget *widget, int *x, int *y) {
  GdkWindow *surface = gtk_widget_get_window(widget);
  GdkRectangle shadow;
  int width, height;
  area(widget, &width, &height);
  shadow_of(widget, &shadow);
  int right = width - (gdk_window_get_width(surface) - shadow.width) - shadow.x;
  /* A shadow over the panel would take its clicks. */
  int lower = height - gdk_window_get_height(surface);
  *x = MAX(MIN(*x, right), -shadow.x);
  *y = MAX(MIN(*y, lower), -shadow.y);
}

/* Makes a window smaller that does not fit, as far as it lets; true when there was need. */
static gboolean shrink(GtkWidget *widget) {
  GdkWindow *surface = gtk_widget_get_window(widget);
  GdkRectangle shadow;
  int width, height, own_width, own_height;
  area(widget, &width, &height);
  shadow_of(widget, &shadow);
  int over_width = MAX(gdk_window_get_width(surface) - shadow.width - width, 0);
  int over_height = MAX(gdk_window_get_height(surface) - shadow.y - height, 0);
  if (over_width == 0 && over_height == 0) return FALSE;
  /* GTK counts neither shadow nor title. */
  gtk_window_get_size(GTK_WINDOW(widget), &own_width, &own_height);
  gtk_window_resize(GTK_WINDOW(widget), MAX(own_width - over_width, 1),
                    MAX(own_height - over_height, 1));
  return TRUE;
}

static gboolean is_maximized(GtkWidget *widget) {
  return (gdk_window_get_state(gtk_widget_get_window(widget)) & GDK_WINDOW_STATE_MAXIMIZED) != 0;
}

static void fill_area(GtkWidget *widget) {
  int width, height;
  area(widget, &width, &height);
  gdk_window_move_resize(gtk_widget_get_window(widget), 0, 0, width, height);
}

static gboolean place_now(gpointer data) {
  GtkWidget *widget = data;
  if (is_application_window(widget) && !is_maximized(widget)) {
    int x, y;
    gdk_window_get_origin(gtk_widget_get_window(widget), &x, &y);
    if (gtk_window_get_transient_for(GTK_WINDOW(widget)) == NULL) {
      /* The panel counts programs, and each program its windows. */
      const char *place = g_getenv("BROADWAY_PLACE");
      int step = (int)((place == NULL ? 0 : (unsigned)atoi(place)) + window_count++);
      x = CASCADE_STEP + CASCADE_STEP * (step % CASCADE_LENGTH);
      y = CASCADE_STEP / 4 + CASCADE_STEP * (step % CASCADE_LENGTH);
    }
    fit(widget, &x, &y);
    raise_at(widget, x, y);
  }
  g_object_unref(widget);
  return G_SOURCE_REMOVE;
}

/* When GTK has given the window its size; and when that is another one, later still. */
static gboolean place_new(gpointer data) {
  GtkWidget *widget = data;
  if (is_application_window(widget) && !is_maximized(widget) && shrink(widget)) {
    g_timeout_add(RESIZE_MS, place_now, widget);
    return G_SOURCE_REMOVE;
  }
  return place_now(widget);
}

static void screen_resized(void) {
  GList *windows = gtk_window_list_toplevels();
  for (GList *at = windows; at != NULL; at = at->next) {
    GtkWidget *widget = at->data;
    if (!is_application_window(widget)) continue;
    if (is_maximized(widget)) {
      fill_area(widget);
    } else {
      int x, y, new_x, new_y;
      gdk_window_get_origin(gtk_widget_get_window(widget), &x, &y);
      new_x = x;
      new_y = y;
      shrink(widget);
      fit(widget, &new_x, &new_y);
      if (new_x != x || new_y != y) gdk_window_move(gtk_widget_get_window(widget), new_x, new_y);
    }
  }
  g_list_free(windows);
}

/* --- What GTK tells --------------------------------------------------------------------------- */

static gboolean on_map(GSignalInvocationHint *hint, guint count, const GValue *values, gpointer data) {
  (void)hint, (void)count, (void)data;
  GtkWidget *widget = g_value_get_object(&values[0]);
  if (is_application_window(widget)) g_idle_add(place_new, g_object_ref(widget));
  return TRUE;
}

static gboolean on_focus(GSignalInvocationHint *hint, guint count, const GValue *values,
                         gpointer data) {
  (void)hint, (void)count, (void)data;
  GtkWidget *widget = g_value_get_object(&values[0]);
  if (is_application_window(widget))
    g_object_set_qdata(G_OBJECT(widget), focus_order_quark, GUINT_TO_POINTER(++focus_count));
  return TRUE;
}

static gboolean on_state(GSignalInvocationHint *hint, guint count, const GValue *values,
                         gpointer data) {
  (void)hint, (void)count, (void)data;
  GtkWidget *widget = g_value_get_object(&values[0]);
  GdkEventWindowState *event = g_value_get_boxed(&values[1]);
  if (is_application_window(widget) &&
      (event->changed_mask & event->new_window_state & GDK_WINDOW_STATE_MAXIMIZED) != 0)
    fill_area(widget);
  return TRUE;
}

static void hook(const char *signal, GSignalEmissionHook function) {
  g_signal_add_emission_hook(g_signal_lookup(signal, GTK_TYPE_WIDGET), 0, function, NULL, NULL);
}

/* --- What the panel tells --------------------------------------------------------------------- */

static int by_focus(gconstpointer a, gconstpointer b) {
  guint first = GPOINTER_TO_UINT(g_object_get_qdata((GObject *)a, focus_order_quark));
  guint second = GPOINTER_TO_UINT(g_object_get_qdata((GObject *)b, focus_order_quark));
  return (first > second) - (first < second);
}

static gboolean close_window(gpointer data) {
  gtk_window_close(GTK_WINDOW(data));
  g_object_unref(data);
  return G_SOURCE_REMOVE;
}

static void on_call(GDBusConnection *bus, const char *sender, const char *path,
                    const char *interface, const char *method, GVariant *parameters,
                    GDBusMethodInvocation *invocation, gpointer data) {
  (void)bus, (void)sender, (void)path, (void)interface, (void)parameters, (void)data;
  /* A menu that was closed in haste can leave a grab behind, and then nothing is raised. */
  if (g_str_equal(method, "Present"))
    gdk_seat_ungrab(gdk_display_get_default_seat(gdk_display_get_default()));
  /* The one used last comes last, and so to the front. */
  GList *windows = g_list_sort(gtk_window_list_toplevels(), by_focus);
  for (GList *at = windows; at != NULL; at = at->next) {
    if (!is_application_window(at->data)) continue;
    if (g_str_equal(method, "Present"))
      raise_window(at->data);
    else
      g_idle_add(close_window, g_object_ref(at->data));
  }
  g_list_free(windows);
  g_dbus_method_invocation_return_value(invocation, NULL);
}

static void on_bus(GDBusConnection *bus, const char *name, gpointer data) {
  static const GDBusInterfaceVTable table = {.method_call = on_call};
  (void)name, (void)data;
  GDBusNodeInfo *node = g_dbus_node_info_new_for_xml(introspection, NULL);
  g_dbus_connection_register_object(bus, "/org/cleanroom/Windows", node->interfaces[0], &table,
                                    NULL, NULL, NULL);
  g_dbus_node_info_unref(node);
  clipboard_start(bus);
}

G_MODULE_EXPORT void gtk_module_init(int *argc, char ***argv);
G_MODULE_EXPORT void gtk_module_init(int *argc, char ***argv) {
  (void)argc, (void)argv;
  GdkDisplay *display = gdk_display_get_default();
  /* Elsewhere there are window managers. */
  if (display == NULL || !g_str_equal(G_OBJECT_TYPE_NAME(display), "GdkBroadwayDisplay")) return;
  focus_order_quark = g_quark_from_static_string("broadway-windows-focus");
  g_type_class_ref(GTK_TYPE_WIDGET); /* its signals are there from now on */
  hook("map", on_map);
  hook("focus-in-event", on_focus);
  hook("window-state-event", on_state);
  g_signal_connect_after(gdk_display_get_default_screen(display), "size-changed",
                         G_CALLBACK(screen_resized), NULL);
  char *name = g_strdup_printf("org.cleanroom.Program.p%d", (int)getpid());
  g_bus_own_name(G_BUS_TYPE_SESSION, name, G_BUS_NAME_OWNER_FLAGS_NONE, on_bus, NULL, NULL, NULL,
                 NULL);
  g_free(name);
}
