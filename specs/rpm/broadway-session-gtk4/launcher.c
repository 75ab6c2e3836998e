/* SPDX-License-Identifier: Apache-2.0
 *
 * A launcher for desktops that GTK 4 shows in a web browser: the installed applications, each with
 * its icon, and below its name how it is doing. One that died says so until it is started again.
 *
 * A click starts an application. Applications with one instance show their window when they are
 * started again, so that a second click brings it forward.
 */
#include <gio/gdesktopappinfo.h>
#include <gtk/gtk.h>

/* One application of the list. */
typedef struct {
  GDesktopAppInfo *info;
  GtkLabel *state;
  guint running;
} Entry;

static void show_state(Entry *entry, const char *text, gboolean bad) {
  const char *description = g_app_info_get_description(G_APP_INFO(entry->info));
  gtk_label_set_text(entry->state, text != NULL ? text : description != NULL ? description : "");
  if (bad)
    gtk_widget_add_css_class(GTK_WIDGET(entry->state), "error");
  else
    gtk_widget_remove_css_class(GTK_WIDGET(entry->state), "error");
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
    show_state(entry, entry->running > 0 ? "Running" : NULL, FALSE);
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

static void start(GtkListBox *list, GtkListBoxRow *row, gpointer data) {
  (void)list, (void)data;
  Entry *entry = g_object_get_data(G_OBJECT(row), "entry");
  GError *error = NULL;
  GSubprocess *process = NULL;
  char **command = command_of(entry->info, &error);
  if (command != NULL)
    process = g_subprocess_newv((const char *const *)command, G_SUBPROCESS_FLAGS_NONE, &error);
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

static GtkWidget *row_of(GDesktopAppInfo *info) {
  Entry *entry = g_new0(Entry, 1); /* as long as the launcher */
  entry->info = g_object_ref(info);
  GtkWidget *name = gtk_label_new(g_app_info_get_display_name(G_APP_INFO(info)));
  gtk_label_set_xalign(GTK_LABEL(name), 0);
  gtk_widget_add_css_class(name, "heading");
  entry->state = GTK_LABEL(gtk_label_new(NULL));
  gtk_label_set_xalign(entry->state, 0);
  gtk_label_set_wrap(entry->state, TRUE);
  gtk_label_set_natural_wrap_mode(entry->state, GTK_NATURAL_WRAP_NONE);
  gtk_label_set_max_width_chars(entry->state, 48);
  gtk_widget_add_css_class(GTK_WIDGET(entry->state), "dim-label");
  show_state(entry, NULL, FALSE);

  GtkWidget *texts = gtk_box_new(GTK_ORIENTATION_VERTICAL, 3);
  gtk_widget_set_valign(texts, GTK_ALIGN_CENTER);
  gtk_box_append(GTK_BOX(texts), name);
  gtk_box_append(GTK_BOX(texts), GTK_WIDGET(entry->state));
  GIcon *icon = g_app_info_get_icon(G_APP_INFO(info));
  GtkWidget *image = icon != NULL ? gtk_image_new_from_gicon(icon)
                                  : gtk_image_new_from_icon_name("application-x-executable");
  gtk_image_set_pixel_size(GTK_IMAGE(image), 56);
  GtkWidget *box = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 16);
  gtk_widget_set_margin_top(box, 10);
  gtk_widget_set_margin_bottom(box, 10);
  gtk_widget_set_margin_start(box, 12);
  gtk_widget_set_margin_end(box, 18);
  gtk_box_append(GTK_BOX(box), image);
  gtk_box_append(GTK_BOX(box), texts);

  GtkWidget *row = gtk_list_box_row_new();
  gtk_list_box_row_set_child(GTK_LIST_BOX_ROW(row), box);
  g_object_set_data(G_OBJECT(row), "entry", entry);
  return row;
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

static void activate(GtkApplication *application, gpointer data) {
  (void)data;
  GtkWindow *window = gtk_application_get_active_window(application);
  if (window != NULL) {
    gtk_window_present(window);
    return;
  }
  GtkWidget *list = gtk_list_box_new();
  gtk_list_box_set_selection_mode(GTK_LIST_BOX(list), GTK_SELECTION_NONE);
  gtk_widget_add_css_class(list, "rich-list");
  g_signal_connect(list, "row-activated", G_CALLBACK(start), NULL);
  GList *all = g_list_sort(g_app_info_get_all(), by_name);
  for (GList *at = all; at != NULL; at = at->next)
    if (g_app_info_should_show(at->data) && G_IS_DESKTOP_APP_INFO(at->data))
      gtk_list_box_append(GTK_LIST_BOX(list), row_of(at->data));
  g_list_free_full(all, g_object_unref);

  GtkWidget *bar = gtk_header_bar_new();
  gtk_header_bar_set_show_title_buttons(GTK_HEADER_BAR(bar), FALSE);
  window = GTK_WINDOW(gtk_application_window_new(application));
  gtk_window_set_title(window, "Applications");
  gtk_window_set_titlebar(window, bar);
  gtk_window_set_resizable(window, FALSE);
  gtk_window_set_child(window, list);
  g_signal_connect(window, "close-request", G_CALLBACK(keep_open), NULL);
  /* Beside the programs, which open in the middle of the screen. */
  g_setenv("BROADWAY_PLACE", "8,8", TRUE);
  gtk_window_present(window);
  g_unsetenv("BROADWAY_PLACE");
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
