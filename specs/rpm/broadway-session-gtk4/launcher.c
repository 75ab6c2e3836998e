/* SPDX-License-Identifier: Apache-2.0
 *
 * A launcher for desktops that GTK 4 shows in a web browser: a bar at the upper edge with the
 * installed applications, each with its icon, and below its name how it is doing. One that died says
 * so until it is started again.
 *
 * A click starts an application. Applications with one instance show their window when they are
 * started again, so that a second click brings it forward. Windows open below the bar, because
 * nobody keeps the bar above them (GDK's Broadway backend reads BROADWAY_PLACE).
 */
#include <gio/gdesktopappinfo.h>
#include <gtk/gtk.h>

#define BAR_HEIGHT 56
#define CASCADE_STEP 24
#define CASCADE_LENGTH 5

static const char style[] =
    ".launcher { background: #141a28; color: #e8ecf4; }"
    ".launcher button { padding: 2px 14px; border-radius: 8px; color: inherit; }"
    ".launcher button:hover { background: alpha(white, 0.12); }"
    ".launcher .name { font-weight: bold; }"
    ".launcher .state { font-size: 85%; opacity: 0.75; }"
    ".launcher .died { color: #ff8a80; opacity: 1; }";

/* One application of the bar. */
typedef struct {
  GDesktopAppInfo *info;
  GtkLabel *state;
  guint running;
} Entry;

static guint started;

static void show_state(Entry *entry, const char *text, gboolean bad) {
  gtk_label_set_text(entry->state, text);
  if (bad)
    gtk_widget_add_css_class(GTK_WIDGET(entry->state), "died");
  else
    gtk_widget_remove_css_class(GTK_WIDGET(entry->state), "died");
}

static void ended(GObject *source, GAsyncResult *result, gpointer data) {
  GSubprocess *process = G_SUBPROCESS(source);
  Entry *entry = data;
  const char *id = g_app_info_get_id(G_APP_INFO(entry->info));
  g_subprocess_wait_finish(process, result, NULL);
  entry->running--;
  char *end = g_subprocess_get_if_signaled(process)
                  ? g_strdup_printf("ended by signal %d", g_subprocess_get_term_sig(process))
                  : g_strdup_printf("ended with code %d", g_subprocess_get_exit_status(process));
  g_print("launcher: %s %s\n", id, end);
  if (g_subprocess_get_successful(process))
    show_state(entry, entry->running > 0 ? "Running" : "Start", FALSE);
  else
    show_state(entry, end, TRUE);
  g_free(end);
}

/* The command of a desktop file, without the codes that stand for files. */
static char **command_of(GDesktopAppInfo *info, GError **error) {
  const char *line = g_app_info_get_commandline(G_APP_INFO(info));
  char **words = NULL;
  if (line == NULL || !g_shell_parse_argv(line, NULL, &words, error)) return NULL;
  char **kept = words;
  for (char **word = words; *word != NULL; word++) {
    if ((*word)[0] == '%' && (*word)[1] != '\0' && (*word)[2] == '\0')
      g_free(*word);
    else
      *kept++ = *word;
  }
  *kept = NULL;
  return words;
}

static GSubprocess *spawn(char **command, GError **error) {
  GSubprocessLauncher *launcher = g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_NONE);
  int step = CASCADE_STEP * (int)(started++ % CASCADE_LENGTH);
  char *place = g_strdup_printf("%d,%d", step, BAR_HEIGHT + step);
  g_subprocess_launcher_setenv(launcher, "BROADWAY_PLACE", place, TRUE);
  GSubprocess *process =
      g_subprocess_launcher_spawnv(launcher, (const char *const *)command, error);
  g_free(place);
  g_object_unref(launcher);
  return process;
}

static void start(GtkButton *button, gpointer data) {
  (void)button;
  Entry *entry = data;
  GError *error = NULL;
  char **command = command_of(entry->info, &error);
  GSubprocess *process = command != NULL ? spawn(command, &error) : NULL;
  if (process != NULL) {
    g_print("launcher: started %s, process %s\n", g_app_info_get_id(G_APP_INFO(entry->info)),
            g_subprocess_get_identifier(process));
    entry->running++;
    show_state(entry, "Running", FALSE);
    g_subprocess_wait_async(process, NULL, ended, entry);
    g_object_unref(process);
  } else {
    show_state(entry, error != NULL ? error->message : "has no command", TRUE);
  }
  g_clear_error(&error);
  g_strfreev(command);
}

static GtkWidget *label(const char *text, const char *class) {
  GtkWidget *widget = gtk_label_new(text);
  gtk_label_set_xalign(GTK_LABEL(widget), 0);
  gtk_widget_add_css_class(widget, class);
  return widget;
}

static GtkWidget *button_of(GDesktopAppInfo *info) {
  Entry *entry = g_new0(Entry, 1); /* as long as the launcher */
  entry->info = g_object_ref(info);
  entry->state = GTK_LABEL(label("Start", "state"));
  gtk_label_set_ellipsize(entry->state, PANGO_ELLIPSIZE_END);
  gtk_label_set_max_width_chars(entry->state, 32);

  GtkWidget *texts = gtk_box_new(GTK_ORIENTATION_VERTICAL, 0);
  gtk_widget_set_valign(texts, GTK_ALIGN_CENTER);
  gtk_box_append(GTK_BOX(texts), label(g_app_info_get_display_name(G_APP_INFO(info)), "name"));
  gtk_box_append(GTK_BOX(texts), GTK_WIDGET(entry->state));
  GIcon *icon = g_app_info_get_icon(G_APP_INFO(info));
  GtkWidget *image = icon != NULL ? gtk_image_new_from_gicon(icon)
                                  : gtk_image_new_from_icon_name("application-x-executable");
  gtk_image_set_pixel_size(GTK_IMAGE(image), 36);
  GtkWidget *box = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 12);
  gtk_box_append(GTK_BOX(box), image);
  gtk_box_append(GTK_BOX(box), texts);

  GtkWidget *button = gtk_button_new();
  gtk_button_set_has_frame(GTK_BUTTON(button), FALSE);
  gtk_button_set_child(GTK_BUTTON(button), box);
  gtk_widget_set_tooltip_text(button, g_app_info_get_description(G_APP_INFO(info)));
  g_signal_connect(button, "clicked", G_CALLBACK(start), entry);
  return button;
}

static int by_name(gconstpointer a, gconstpointer b) {
  return g_utf8_collate(g_app_info_get_display_name((GAppInfo *)a),
                        g_app_info_get_display_name((GAppInfo *)b));
}

/* Nobody else would start it again. */
static gboolean keep_open(GtkWindow *window, gpointer data) {
  (void)window, (void)data;
  return TRUE;
}

/* As wide as the browser's window, and following it. */
static void fit(GdkMonitor *monitor, GParamSpec *property, gpointer window) {
  (void)property;
  GdkRectangle screen;
  gdk_monitor_get_geometry(monitor, &screen);
  gtk_window_set_default_size(window, screen.width, BAR_HEIGHT);
}

static void activate(GtkApplication *application, gpointer data) {
  (void)data;
  GtkWindow *window = gtk_application_get_active_window(application);
  if (window != NULL) {
    gtk_window_present(window);
    return;
  }
  GdkDisplay *display = gdk_display_get_default();
  GtkCssProvider *provider = gtk_css_provider_new();
  gtk_css_provider_load_from_string(provider, style);
  gtk_style_context_add_provider_for_display(display, GTK_STYLE_PROVIDER(provider),
                                             GTK_STYLE_PROVIDER_PRIORITY_APPLICATION);
  GtkWidget *bar = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 6);
  gtk_widget_set_margin_top(bar, 4);
  gtk_widget_set_margin_bottom(bar, 4);
  gtk_widget_set_margin_start(bar, 8);
  GList *all = g_list_sort(g_app_info_get_all(), by_name);
  for (GList *at = all; at != NULL; at = at->next)
    if (g_app_info_should_show(at->data) && G_IS_DESKTOP_APP_INFO(at->data))
      gtk_box_append(GTK_BOX(bar), button_of(at->data));
  g_list_free_full(all, g_object_unref);

  window = GTK_WINDOW(gtk_application_window_new(application));
  gtk_window_set_title(window, "Applications");
  gtk_window_set_decorated(window, FALSE);
  gtk_widget_add_css_class(GTK_WIDGET(window), "launcher");
  gtk_window_set_child(window, bar);
  g_signal_connect(window, "close-request", G_CALLBACK(keep_open), NULL);
  GdkMonitor *monitor = g_list_model_get_item(gdk_display_get_monitors(display), 0);
  g_signal_connect(monitor, "notify::geometry", G_CALLBACK(fit), window);
  fit(monitor, NULL, window);
  g_setenv("BROADWAY_PLACE", "0,0", TRUE);
  gtk_window_present(window);
}

int main(int argc, char **argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  GtkApplication *application =
      gtk_application_new("org.cleanroom.Launcher", G_APPLICATION_DEFAULT_FLAGS);
  g_signal_connect(application, "activate", G_CALLBACK(activate), NULL);
  int status = g_application_run(G_APPLICATION(application), argc, argv);
  g_object_unref(application);
  return status;
}
